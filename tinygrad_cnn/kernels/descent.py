"""The last line of a step of gradient descent, and a step with momentum bound to its arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..types import NDArray
from . import thresholds
from .memory import borrow, give_back

__all__ = ["bound_descent", "subtract_scaled"]


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


def bound_descent(
    params: Sequence[NDArray], grads: Sequence[NDArray], velocities: Sequence[NDArray]
) -> Callable[[float, float], None]:
    """Return a function of momentum and rate that makes a step, ``v = momentum * v + g; p = p - rate * v``.

    Its passes use views and numbers that are ready: NumPy takes a number of Python three times as slowly as
    an array without axes.

    Parameters
    ----------
    params, grads, velocities : sequence of ndarray
        The three arrays of each parameter are of one shape and one floating dtype.

    Returns
    -------
    callable
        It changes the parameters and the velocities in place.

    Examples
    --------
    >>> p, g, v = np.array([1.0]), np.array([0.5]), np.array([2.0])
    >>> bound_descent([p], [g], [v])(0.5, 0.1)
    >>> v, p
    (array([1.5]), array([0.85]))
    """
    memory = np.empty(max((p.nbytes for p in params), default=0), np.uint8)
    numbers = {p.dtype: (np.empty((), p.dtype), np.empty((), p.dtype)) for p in params}
    passes: list[Any] = []
    for p, g, v in zip(params, grads, velocities, strict=True):
        (share, factor), product = numbers[p.dtype], np.ndarray(p.shape, p.dtype, memory)
        passes += [
            (np.multiply, v, share, v),
            (np.add, v, g, v),
            (np.multiply, v, factor, product),
            (np.subtract, p, product, p),
        ]

    def descend(momentum: float, rate: float) -> None:
        for share, factor in numbers.values():
            share.fill(momentum)
            factor.fill(rate)
        for function, a, b, out in passes:
            function(a, b, out)

    return descend
