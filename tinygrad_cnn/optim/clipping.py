"""Limits on gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import tree
from ..checks import within
from ..stand_in import StandIn

__all__ = ["clip_by_global_norm"]


def clip_by_global_norm(grads: Any, max_norm: float) -> tuple[Any, float]:
    """Scale gradients so that the Euclidean norm of them all together does not exceed a limit.

    Each gradient becomes ``g * min(1, max_norm / norm)`` (Pascanu et al. 2013). Gradients whose norm is not
    finite are left as they are, because only the caller knows what to do with them.

    Parameters
    ----------
    grads : tree of ndarray
        The gradients, which are not changed.
    max_norm : float
        The largest norm that is left alone, above 0.

    Returns
    -------
    grads : tree of ndarray
        The scaled gradients in the dtypes given, or the very arrays given if the norm was within the limit.
    norm : float
        The norm before the scaling.

    Raises
    ------
    TypeError
        If a gradient is no array of real numbers.
    ValueError
        If ``max_norm`` is not above 0.

    Examples
    --------
    >>> clip_by_global_norm({"w": np.array([3.0, 4.0])}, 1.0)
    ({'w': array([0.6, 0.8])}, 5.0)
    """
    within("clip_by_global_norm", "max_norm", max_norm, "(0, inf]")
    recorded = next((g for g in tree.leaves(grads) if isinstance(g, StandIn)), None)
    if recorded is not None:  # a program decides at each play
        norm = recorded.recorded(_global_norm, tree.leaves(grads))
        factor = recorded.recorded(_clipping_factor, norm, max_norm)
        return tree.map(lambda g: g * factor, grads), norm
    norm = _global_norm(grads)
    factor = _clipping_factor(norm, max_norm)
    return grads if factor == 1.0 else tree.map(lambda g: g * factor, grads), norm


def _global_norm(grads: Any) -> float:
    """Return the Euclidean norm of all gradients together."""
    return math.sqrt(sum(float(np.vdot(g, g)) for g in _wide(grads)))


def _clipping_factor(norm: float, max_norm: float) -> float:
    """Return what to multiply gradients by, which is 1 where they are to be left alone."""
    # a NumPy scalar is not weak: it would make float32 float64
    return float(max_norm / norm) if max_norm < norm < math.inf else 1.0


def _wide(grads: Any) -> list[np.ndarray]:
    """Widen to float64, where the squares of large float32 gradients do not overflow."""
    try:
        return [np.asarray(g, dtype=np.float64) for g in tree.leaves(grads)]
    except (TypeError, ValueError):
        for path, g in zip(tree.paths(grads), tree.leaves(grads), strict=True):
            if np.asarray(g).dtype.kind not in "fiu":
                raise TypeError(
                    f"clip_by_global_norm: '{path}': expected a real array, got {type(g).__name__}"
                ) from None
        raise
