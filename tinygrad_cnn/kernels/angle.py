"""Derivatives of the angle of a point, in arithmetic in which nothing overflows, vanishes or cancels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import DoubleDouble, rounded

_LIFT = 200  # the smaller operand may be subnormal, and is to keep its digits in products


def angle_derivative(y: Any, x: Any, by_y: int, by_x: int) -> NDArray:
    """Return the derivative of ``arctan2(y, x)`` of an order in each operand; 0 at the origin and far out.

    The angle is the imaginary part of ``log(z)`` with ``z = x + iy``. So with ``n = by_y + by_x`` its
    derivative is that of ``(-1)**(n - 1) (n - 1)! i**by_y / z**n``, where ``1 / z`` is the conjugate of ``z``
    over ``x**2 + y**2``.

    Examples
    --------
    >>> angle_derivative(np.array([0.0, 3.0]), np.array([2.0, 4.0]), 1, 0)
    array([0.5 , 0.16])
    """
    dtype = np.result_type(y, x)
    y, x = np.asarray(y, dtype), np.asarray(x, dtype)
    with np.errstate(all="ignore"):
        if by_y + by_x > 1:
            return _in_twice_the_precision(y, x, by_y, by_x)
        square_sum, limits = x * x + y * y, np.finfo(dtype)
        value = (x if by_y else -y) / square_sum
        is_safe = (square_sum > limits.tiny / limits.eps) & (square_sum < np.inf)
        if np.all(is_safe):
            return value
        return np.where(is_safe, value, _in_twice_the_precision(y, x, by_y, by_x))


def _in_twice_the_precision(y: NDArray, x: NDArray, by_y: int, by_x: int) -> NDArray:
    largest = np.maximum(np.abs(x), np.abs(y))
    exponent = -np.frexp(largest)[1]  # of the power of two that brings the larger one to about 1
    above: Any = np.ldexp(y.astype(np.float64), exponent)
    right: Any = np.ldexp(x.astype(np.float64), exponent)
    if largest.dtype == np.float64:
        above, right = DoubleDouble(above), DoubleDouble(right)
    value = np.ldexp(rounded(_of_scaled(above, right, by_y, by_x)), (by_y + by_x) * exponent - _LIFT)
    return np.where((largest == 0) | np.isinf(largest), 0, value).astype(largest.dtype)


def _of_scaled(y: Any, x: Any, by_y: int, by_x: int) -> Any:
    """Return the derivative times ``2**_LIFT``; the larger of `y` and `x` is about 1."""
    square_sum, order = x * x + y * y, by_y + by_x
    real, imaginary, denominator = x * 2.0**_LIFT, y * -(2.0**_LIFT), square_sum
    for _ in range(order - 1):
        real, imaginary = real * x + imaginary * y, imaginary * x - real * y
        denominator = denominator * square_sum
    turned = (imaginary, real, -imaginary, -real)[by_y % 4]
    return turned / denominator * float((-1) ** (order - 1) * math.factorial(order - 1))
