"""The derivatives of softsign, ``x / (1 + abs(x))``."""

from __future__ import annotations

import math

import numpy as np

from ..types import NDArray
from .precision import special_function


@special_function
def softsign_derivative(x: NDArray, order: int) -> NDArray:
    """Return ``n! / (1 + abs(x))**(n + 1)`` for the order n, with the sign of ``-x`` if n is even.

    Powers count the rounding error of the sum several times. From the second order on, float32 is computed in
    float64, and what the sum has lost there is known.

    Examples
    --------
    >>> softsign_derivative(np.array([-1.0, 1e200]), 2)
    array([ 0.25, -0.  ])
    """
    if order > 1:
        x = np.clip(x, -np.finfo(x.dtype).max, np.finfo(x.dtype).max).astype(np.float64)
    size = np.abs(x)
    whole = 1 + size
    value = math.factorial(order) / whole
    for _ in range(order):  # a power of a large sum would overflow
        value /= whole
    if order > 1:
        lost = np.minimum(1, size) - (whole - np.maximum(1, size))
        value -= (order + 1) * value * (lost / whole)
    return value if order % 2 else -np.sign(x) * value
