"""Derivatives of the angle and the length of a point, in which nothing overflows, vanishes or cancels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import DoubleDouble, rounded, sqrt

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

        def of_scaled(y: Any, x: Any) -> Any:
            return _angle_derivative_of_scaled(y, x, by_y, by_x)

        if by_y + by_x > 1:
            return _in_twice_the_precision(of_scaled, y, x, by_y + by_x)
        square_sum, limits = x * x + y * y, np.finfo(dtype)
        value = (x if by_y else -y) / square_sum
        is_safe = (square_sum > limits.tiny / limits.eps) & (square_sum < np.inf)
        if np.all(is_safe):
            return value
        return np.where(is_safe, value, _in_twice_the_precision(of_scaled, y, x, 1))


def cosine(a: Any, b: Any, length: Any) -> NDArray:
    """Return ``a / length`` with ``length = hypot(a, b)``, also where that overflows; 0 at the origin.

    Examples
    --------
    >>> cosine(np.array([1e308, 0.0]), np.array([1e308, 0.0]), np.array([np.inf, 0.0]))
    array([0.70710678, 0.        ])
    """
    with np.errstate(all="ignore"):
        value = np.asarray(a / np.where(length == 0, 1, length))
        limits = np.finfo(value.dtype)
        smallest, largest = (
            np.fmin.reduce(length, None, initial=np.inf),
            np.fmax.reduce(length, None, initial=0),
        )
        if smallest >= limits.tiny / limits.eps and largest < np.inf:
            return value
        is_lost = (length < limits.tiny / limits.eps) | (np.isinf(length) & np.isfinite(a) & np.isfinite(b))
        a, b = np.broadcast_arrays(np.asarray(a, value.dtype), np.asarray(b, value.dtype))
        again = _in_twice_the_precision(lambda a, b: a * 2.0**_LIFT / sqrt(a * a + b * b), a, b, 0)
        return np.where(is_lost, again, value)


def length_curvature(a: Any, b: Any, *, of_a: bool) -> NDArray:
    """Differentiate ``a / hypot(a, b)`` by `a`, or by `b`; at the origin this is 0.

    Examples
    --------
    >>> length_curvature(np.array([3.0, 0.0]), np.array([4.0, 1e200]), of_a=True)
    array([1.28e-001, 1.00e-200])
    """
    dtype = np.result_type(a, b)
    a, b = np.broadcast_arrays(np.asarray(a, dtype), np.asarray(b, dtype))

    def of_scaled(a: Any, b: Any) -> Any:
        square_sum = a * a + b * b
        return (b if of_a else -a) * 2.0**_LIFT * b / (square_sum * sqrt(square_sum))

    with np.errstate(all="ignore"):
        return _in_twice_the_precision(of_scaled, a, b, 1)


def _in_twice_the_precision(
    formula: Callable[[Any, Any], Any], y: NDArray, x: NDArray, order: int
) -> NDArray:
    """Apply a formula, whose result grows by `order` powers of two when its operands shrink by one.

    It returns ``2**_LIFT`` times its value. The larger of its operands is about 1.
    """
    largest = np.maximum(np.abs(x), np.abs(y))
    exponent = -np.frexp(largest)[1]
    above: Any = np.ldexp(y.astype(np.float64), exponent)
    right: Any = np.ldexp(x.astype(np.float64), exponent)
    if largest.dtype == np.float64:
        above, right = DoubleDouble(above), DoubleDouble(right)
    value = np.ldexp(rounded(formula(above, right)), order * exponent - _LIFT)
    return np.where((largest == 0) | np.isinf(largest), 0, value).astype(largest.dtype)


def _angle_derivative_of_scaled(y: Any, x: Any, by_y: int, by_x: int) -> Any:
    square_sum, order = x * x + y * y, by_y + by_x
    real, imaginary, denominator = x * 2.0**_LIFT, y * -(2.0**_LIFT), square_sum
    for _ in range(order - 1):
        real, imaginary = real * x + imaginary * y, imaginary * x - real * y
        denominator = denominator * square_sum
    turned = (imaginary, real, -imaginary, -real)[by_y % 4]
    return turned / denominator * float((-1) ** (order - 1) * math.factorial(order - 1))
