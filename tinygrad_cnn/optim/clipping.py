"""Limits on gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import tree

__all__ = ["clip_by_global_norm"]


def clip_by_global_norm(grads: Any, max_norm: float) -> tuple[Any, float]:
    """Scale gradients so that the Euclidean norm of them all together does not exceed a limit.

    ``g * min(1, max_norm / norm)`` (Pascanu et al. 2013). Gradients that are not finite are left as they are,
    and so is their norm: what to do with them is for the caller to say.

    Parameters
    ----------
    grads : tree of ndarray
    max_norm : float
        Above 0.

    Returns
    -------
    grads : tree of ndarray
        Of the dtypes given; the same arrays where nothing was to clip.
    norm : float
        Before clipping.

    Raises
    ------
    ValueError
        If ``max_norm`` is not above 0.

    Examples
    --------
    >>> clip_by_global_norm({"w": np.array([3.0, 4.0])}, 1.0)
    ({'w': array([0.6, 0.8])}, 5.0)
    """
    if not max_norm > 0:
        raise ValueError(f"clip_by_global_norm: max_norm: expected a number above 0, got {max_norm}")
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in map(_wide, tree.leaves(grads))))
    if not max_norm < norm < math.inf:
        return grads, norm
    factor = float(max_norm / norm)  # a NumPy scalar is not weak: it would make float32 float64
    return tree.map(lambda g: g * factor, grads), norm


def _wide(g: np.ndarray) -> np.ndarray:
    """In float64, in which the squares of large float32 gradients do not overflow."""
    return np.asarray(g, dtype=np.float64)
