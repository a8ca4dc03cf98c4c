"""Derivatives of the tangent and of inverse functions, in which squares may leave the range."""

from __future__ import annotations

import functools

import numpy as np

from ..types import NDArray
from .double_double import recompute, rounded, sqrt, widened
from .precision import special_function


@special_function
def tan_derivative(x: NDArray, order: int, known: NDArray | None = None) -> NDArray:
    """Return the derivative of the tangent of an order; ``known`` is the tangent, if the caller has it.

    It is a polynomial in ``t = tan(x)``, by ``dt/dx = 1 + t**2``. A large float32 tangent has too few digits
    to be squared.

    Examples
    --------
    >>> tan_derivative(np.array([0.0, np.pi / 4]), 1)
    array([1., 2.])
    """
    with np.errstate(invalid="ignore"):
        if order == 1:
            tangent = np.tan(x) if known is None else known
            value = 1 + tangent * tangent
            if x.dtype != np.float64:
                recompute(value, value > 2, lambda x: 1 + np.square(np.tan(x)), x)
            return value
        tangent = np.tan(x.astype(np.float64))
        return np.asarray(np.polynomial.polynomial.polyval(tangent, _of_tangent(order)))


@functools.cache
def _of_tangent(order: int) -> NDArray:
    """Return the coefficients of a derivative of the tangent as a polynomial in it."""
    t = np.polynomial.Polynomial([0.0, 1.0])
    factor = t
    for _ in range(order):
        factor = (1 + t * t) * factor.deriv()
    return np.asarray(factor.coef)


@special_function
def power_of_one_minus_square(x: NDArray, order: int) -> NDArray:
    """Return ``(1 - x**2) ** (-order / 2)``, for even orders also outside the interval from -1 to 1.

    Near 1 the difference is computed in factors, of which no digit is lost, and near 0 as it stands.

    Examples
    --------
    >>> power_of_one_minus_square(np.array([0.0, 0.6]), 1)
    array([1.  , 1.25])
    """
    if order > 2:
        x = x.astype(np.float64, copy=False)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        square = x * x
        near = (square < 0.5).astype(x.dtype)  # masks multiply faster than `where` chooses
        base = 1 - square
        base *= near
        size = np.abs(x)
        factors = 1 - size
        size += 1
        factors *= size
        near -= 1
        factors *= near
        base -= factors
        value = np.sqrt(base) if order % 2 else base
        for _ in range((order - 1) // 2):
            value = value * base
        return np.asarray(1 / value)


@special_function
def arctan_derivative(x: NDArray, order: int) -> NDArray:
    """Return the derivative of the inverse tangent of an order, 1 or higher.

    Examples
    --------
    >>> arctan_derivative(np.array([0.0, 1.0]), 1)
    array([1. , 0.5])
    """
    if order > 1:
        return _derivative_of_inverse_length(x, 2, order - 1)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        value = 1 / (1 + x * x)
        if np.fmin.reduce(value) == 0:  # the square overflows sooner than its inverse vanishes
            value[value == 0] = 1 / x[value == 0] / x[value == 0]
    return value


@special_function
def arcsinh_derivative(x: NDArray, order: int) -> NDArray:
    """Return the derivative of the inverse hyperbolic sine of an order, 1 or higher.

    Examples
    --------
    >>> arcsinh_derivative(np.array([0.0, 1.0]), 1)
    array([1.        , 0.70710678])
    """
    return 1 / np.hypot(1, x) if order == 1 else _derivative_of_inverse_length(x, 1, order - 1)


def _derivative_of_inverse_length(x: NDArray, power: int, order: int) -> NDArray:
    """Differentiate ``h**-power``, with ``h = hypot(1, x)``; the first derivative has its last digits.

    With ``c = x / h`` it is a polynomial of ``c`` over a power of ``h``, by ``h (dc/dx) = 1 - c**2``.
    """
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        if order == 1:
            wide = widened(np.clip(x, -1e20, 1e20))
            square = wide * wide + 1.0
            value = rounded(wide * -float(power) / (square * (square if power == 2 else sqrt(square))))
            far = np.flatnonzero(np.abs(x) > 1e20)
            value[far] = -power / x[far]
            for _ in range(power):
                value[far] /= np.abs(x[far])
            return value
        x = np.clip(x, -1e300, 1e300).astype(np.float64)
        length = np.hypot(1, x)
        value = np.polynomial.polynomial.polyval(x / length, _of_ratio(power, order))
        for _ in range(power + order):
            value = value / length
    return np.asarray(value)


@functools.cache
def _of_ratio(power: int, order: int) -> NDArray:
    """Return the coefficients of the polynomial of ``c`` in a derivative of ``h**-power``."""
    c, factor = np.polynomial.Polynomial([0.0, 1.0]), np.polynomial.Polynomial([1.0])
    for n in range(power, power + order):
        factor = (1 - c * c) * factor.deriv() - n * c * factor
    return np.asarray(factor.coef)
