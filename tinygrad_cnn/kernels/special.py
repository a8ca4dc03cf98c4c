"""The error function, gelu, which is made of it, and celu, with their derivatives of every order.

The first two rest on one function, the tail of the normal distribution over its decay:
``P(Z > u) * exp(u**2 / 2)`` for ``u >= 0`` (the Mills ratio, but for a constant). It is smooth and never
small, so that its product with an accurate exponential keeps all digits.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import DoubleDouble, polynomial, recompute, series
from .precision import special_function

_FAR = 40.0  # beyond it exp(-x**2 / 2) is 0, also in float64
_ROOT = math.sqrt(2 * math.pi)


@special_function
def erf(x: NDArray, order: int) -> NDArray:
    """Return the derivative of an order of the error function, by its power series up to 0.7.

    Examples
    --------
    >>> erf(np.array([0.0, 1.0]), 0)
    array([0.        , 0.84270079])
    """
    if order > 0:
        return _times_gaussian(_before_gaussian((2 / math.sqrt(math.pi),), 1.0, order - 1, x), x, 1.0)
    size = np.abs(x)
    is_near = size < 0.7
    low, high = np.minimum(size, 0.7), np.clip(size, 0.7, 6.0)  # erf rounds to 1 at 6
    near = np.clip(x, -0.7, 0.7) * _polynomial(_erf_series(x.dtype), low * low)
    tail = 2 * _tail_ratio(math.sqrt(2.0) * high) * np.exp(-high * high)
    value = near * is_near + np.copysign(1 - tail, x) * ~is_near  # masks multiply faster than where chooses
    return np.asarray(value, dtype=x.dtype)


@special_function
def gelu(x: NDArray, order: int) -> NDArray:
    """Return the derivative of an order of ``x * P(Z < x)``, for a standard normal ``Z``.

    The derivatives from the second on are a polynomial times the density.

    Examples
    --------
    >>> gelu(np.array([0.0, 1.0]), 0)
    array([0.        , 0.84134475])
    """
    u = np.minimum(np.abs(x), _FAR)
    if order == 2:
        return _times_gaussian(_distance_to_root_of_two(u) * (math.sqrt(2.0) + u) / _ROOT, x, 0.5)
    if order > 2:
        return _times_gaussian(_before_gaussian((2 / _ROOT, 0, -1 / _ROOT), 0.5, order - 2, x), x, 0.5)
    tail = _tail_ratio(u)
    if order == 0:
        return np.maximum(x, 0) - _times_gaussian(u * tail, x, 0.5)
    rest = tail - u * (1 / _ROOT)
    below = (x < 0).astype(x.dtype)
    value = np.asarray((1 - below) - (1 - 2 * below) * _times_gaussian(rest, x, 0.5))
    recompute(value, (x < 0) & (np.abs(rest) < 0.5 * tail), _gelu_slope_by_series, x)
    return value


def _distance_to_root_of_two(u: NDArray) -> Any:
    """Return ``sqrt(2) - u``, also where it is less than the rounding error of the root."""
    root = u.dtype.type(math.sqrt(2.0))
    return (root - u) + (math.sqrt(2.0) - float(root) - 9.667293313452913e-17)


def _before_gaussian(factor: tuple[float, ...], rate: float, times: int, x: NDArray) -> NDArray:
    """Differentiate ``factor * exp(-rate * x**2)`` some times; evaluate the factor that results."""
    coefficients = _differentiated(factor, rate, times)
    return np.asarray(_polynomial(coefficients.astype(x.dtype), np.clip(x, -_FAR, _FAR)))


@functools.cache
def _differentiated(factor: tuple[float, ...], rate: float, times: int) -> NDArray:
    """Return the coefficients of the polynomial that `_before_gaussian` evaluates."""
    polynomial = np.polynomial.Polynomial(factor)
    for _ in range(times):
        polynomial = polynomial.deriv() - np.polynomial.Polynomial([0, 2 * rate]) * polynomial
    return polynomial.coef


def _times_gaussian(factor: NDArray, x: NDArray, rate: float) -> NDArray:
    """Return ``factor * exp(-rate * x**2)``, rounded once; `rate` is a power of 2.

    Rounding the square would cost as many units in the last place as the exponent is large. For float64 the
    operand is cut into two of half the digits, whose squares are exact. Far out a part of the exponent is
    held back, so that the exponential is not subnormal before the product is.
    """
    u = np.clip(x, -_FAR, _FAR)
    if u.dtype != np.float64:
        return np.asarray(factor * np.exp(-rate * np.square(u, dtype=np.float64)), dtype=x.dtype)
    shifted = 134217729.0 * u  # 2**27 + 1
    head = shifted - (shifted - u)
    exponent = -rate * (head * head)
    value = factor * np.exp(-rate * ((u - head) * (u + head)))
    far = exponent < -600
    if not np.any(far):
        return np.asarray(value * np.exp(exponent))
    return np.asarray(value * np.exp(exponent + 200.0 * far) * np.where(far, math.exp(-200.0), 1.0))


_GELU_SLOPE = series(((-1) ** n * (2 * n + 2), math.factorial(n) * (2 * n + 1) * 2**n) for n in range(26))


def _gelu_slope_by_series(x: Any) -> Any:
    """Return the derivative of gelu near its zero, in the precision of `x`."""
    total = polynomial(_GELU_SLOPE, x * x) * x
    if isinstance(x, DoubleDouble):
        return (total + DoubleDouble(1.2533141373155003, -9.164289990229583e-17)) * (1 / _ROOT)
    return (total + math.sqrt(math.pi / 2)) * (1 / _ROOT)


def celu(x: Any, order: int, alpha: float) -> NDArray:
    """Return ``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``, or its derivative of an order.

    Examples
    --------
    >>> celu(np.array([-1e3, 2.0]), 0, 0.5)
    array([-0.5,  2. ])
    """

    def formula(x: NDArray, order: int) -> NDArray:
        below = np.clip(x.astype(np.float64), -1e4 * alpha, 0)  # sooner than there the exponential is 0
        quotient = below / alpha
        if order == 0:
            return np.maximum(x, 0) + alpha * np.expm1(quotient)
        power = np.exp(quotient)
        if x.dtype == np.float64:  # the exponential multiplies what the quotient has lost
            power *= 1 + (DoubleDouble(below) - DoubleDouble(quotient) * alpha).head / alpha
        return power if order == 1 else np.where(x > 0, 0.0, power / alpha ** (order - 1))

    return special_function(formula)(x, order)


# --- polynomials ------------------------------------------------------------------------------------------


def _polynomial(coefficients: NDArray, x: NDArray) -> NDArray:
    """Evaluate a polynomial at every element by Horner's rule, in one new array."""
    total = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total *= x
        total += c
    return total


@functools.cache
def _erf_series(dtype: np.dtype[Any]) -> NDArray:
    """Return the power series of ``erf(x) / x`` in ``x**2``, as far as it matters below 0.7."""
    terms = 8 if dtype == np.float32 else 15
    coefficients = [(-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(terms)]
    return np.array(2 / math.sqrt(math.pi) * np.array(coefficients), dtype)


_CENTRE = 4.0


def _compress(u: Any) -> Any:
    """Map the half line to an interval, on which the ratio times ``1 + u`` is nearly a polynomial."""
    return (u - _CENTRE) / (u + _CENTRE)


def _tail_ratio(u: NDArray) -> NDArray:
    """Return ``P(Z > u) * exp(u**2 / 2)`` for ``0 <= u <= 40``."""
    return _polynomial(_tail_polynomial(u.dtype), _compress(u)) / (1 + u)


@functools.cache
def _tail_polynomial(dtype: np.dtype[Any]) -> NDArray:
    """Project the ratio times ``1 + u``, in the compressed variable, to the Chebyshev polynomials.

    There are many more points than polynomials, so that the rounding errors of the values cancel.
    """
    low, high = _compress(0.0), _compress(_FAR)
    angle = np.pi * (np.arange(600) + 0.5) / 600
    t = (low + high) / 2 + (high - low) / 2 * np.cos(angle)
    u = _CENTRE * (1 + t) / (1 - t)  # the inverse of _compress
    values = _slow_tail_ratio(u) * (1 + u)
    mean = values.mean()
    degrees = np.arange(11 if dtype == np.float32 else 25)
    projection = 2 * np.mean(np.cos(np.outer(degrees, angle)) * (values - mean), axis=1)
    projection[0] = mean
    return (
        np.polynomial.Chebyshev(projection, domain=[low, high])
        .convert(kind=np.polynomial.Polynomial)
        .coef.astype(dtype)
    )


def _slow_tail_ratio(u: NDArray) -> NDArray:
    """Return the ratio by the C library's erfc and, from 2 on, by Laplace's continued fraction.

    The fraction, over ``sqrt(2 pi)``, is ``1 / (u + 1 / (u + 2 / (u + ...)))``; it converges slowly near 0.
    """
    near = [math.erfc(v / math.sqrt(2)) * math.exp(v * v / 2) / 2 for v in np.minimum(u, 2)]
    below = u
    for k in range(300, 0, -1):
        below = u + k / below
    return np.where(u < 2, near, 1 / (below * _ROOT))
