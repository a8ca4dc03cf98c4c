"""The loss along the straight line between two trees of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..types import ArrayLike, NDArray

__all__ = ["losses_between"]


def losses_between(loss: Callable[[Any], Any], start: Any, end: Any, at: ArrayLike) -> NDArray:
    """Compute a loss along the line through two trees of parameters (Goodfellow et al. 2014).

    Parameters
    ----------
    loss : callable
        A function from a tree of parameters to a number.
    start, end : tree of ndarray
        The parameters at 0 and at 1, such as those of two checkpoints.
    at : array_like, shape (N,)
        The places along the line: at ``t`` the parameters are ``(1 - t) * start + t * end``.

    Returns
    -------
    ndarray of float64, shape (N,)
        The losses.

    Raises
    ------
    ValueError
        If the trees have different structures.

    Examples
    --------
    >>> losses_between(lambda p: (p ** 2).sum(), np.array([1.0]), np.array([3.0]), [0, 0.5, 1])
    array([1., 4., 9.])
    """

    def point(t: float) -> Any:
        return tree.map(lambda a, b: ((1 - t) * a + t * b).astype(a.dtype), start, end)

    return np.array([float(loss(point(t))) for t in np.asarray(at, float).tolist()])
