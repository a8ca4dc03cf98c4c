"""The last line of a step of gradient descent."""

from __future__ import annotations

import numpy as np

from ..types import NDArray
from . import thresholds
from .memory import borrow, give_back

__all__ = ["subtract_scaled"]


def subtract_scaled(x: NDArray, g: NDArray, factor: float) -> None:
    """Subtract ``factor * g`` from `x` in place, with the product in the dtype of `x`.

    Parameters
    ----------
    x : ndarray
        The array to change.
    g : ndarray of the shape of `x`
        The direction, of any real dtype.
    factor : float
        How far to go.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> subtract_scaled(x, np.array([10.0, 20.0]), 0.5)
    >>> x
    array([-4., -8.])
    """
    if g.dtype is x.dtype and x.nbytes < thresholds.MAPPED:
        x -= g * factor  # as usual: the C library has memory for a small product at hand
        return
    memory = borrow(x.nbytes)
    product = np.ndarray(x.shape, x.dtype, memory)
    np.multiply(g, factor, out=product)
    x -= product
    give_back(memory)
