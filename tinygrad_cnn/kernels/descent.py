"""The last line of a step of gradient descent."""

from __future__ import annotations

import numpy as np

from ..types import NDArray
from .memory import borrow, give_back

__all__ = ["subtract_scaled"]

MAPPED = 1 << 17
"""Size in bytes from which a C library maps fresh pages for an array, which costs more than to fill them."""


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
    if g.dtype is x.dtype and x.nbytes < MAPPED:  # the usual case, which needs no memory of its own
        x -= g * factor
        return
    memory = borrow(x.nbytes)
    product = np.ndarray(x.shape, x.dtype, memory)
    np.multiply(g, factor, out=product)
    x -= product
    give_back(memory)
