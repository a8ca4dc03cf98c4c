"""Special functions that NumPy lacks: the error function, and the derivatives of sinc."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..types import NDArray

# --- the error function -----------------------------------------------------------------------------------

_TAIL_END = 6.0  # above it erf rounds to 1
_TAIL_CENTRE = 2.5


def erf(x: NDArray) -> NDArray:
    """Return the error function to a relative 1e-14 in float64: by one polynomial up to 1, by another beyond.

    Examples
    --------
    >>> erf(np.array([0.0, 1.0]))
    array([0.        , 0.84270079])
    """
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    x = x.astype(np.promote_types(dtype, np.float32), copy=False)
    near_fit, tail_fit = _erf_polynomials(x.dtype)
    size = np.abs(x)
    is_near = size < 1
    low, high = np.minimum(size, 1), np.clip(size, 1, _TAIL_END)
    near = np.clip(x, -1, 1) * _polynomial(near_fit, low * low)
    tail = np.copysign(1 - np.exp(-high * high) * _polynomial(tail_fit, _compress(high)), x)
    value = near * is_near + tail * ~is_near  # masks multiply faster than where chooses
    return value.astype(dtype, copy=False)


def _compress(x: Any) -> Any:
    """Map ``1..6`` to an interval on which the scaled tail of erf is nearly a polynomial."""
    return (x - _TAIL_CENTRE) / (x + _TAIL_CENTRE)


def _polynomial(coefficients: NDArray, x: NDArray) -> NDArray:
    """Evaluate a polynomial at every element by Horner's rule, in one new array."""
    total = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total *= x
        total += c
    return total


@functools.cache
def _erf_polynomials(dtype: np.dtype[Any]) -> list[NDArray]:
    """Fit the C library's erf as closely as a dtype can tell: ``erf(x) / x`` in ``x**2``, and the tail."""

    @np.vectorize
    def near(square: float) -> float:
        return math.erf(math.sqrt(square)) / math.sqrt(square)

    @np.vectorize
    def tail(t: float) -> float:
        x = _TAIL_CENTRE * (1 + t) / (1 - t)  # the inverse of _compress
        return math.exp(x * x) * math.erfc(x)

    fits = []
    for function, degree, domain in ((near, 17, (0, 1)), (tail, 26, (_compress(1), _compress(_TAIL_END)))):
        series = np.polynomial.Chebyshev.interpolate(function, degree, domain)
        series = series.trim(tol=np.finfo(dtype).eps / 8)
        fits.append(series.convert(kind=np.polynomial.Polynomial).coef.astype(dtype))
    return fits


# --- the derivatives of sinc ------------------------------------------------------------------------------


def sinc(x: NDArray, order: int) -> NDArray:
    """Return the derivative of sinc of an order.

    Near 0 it is summed as a power series. Elsewhere it follows from Leibniz' rule for ``y s(y) = sin(y)``
    with ``y = pi x``: ``y s_n + n s_(n-1) = sin(y + n pi / 2)``.

    Examples
    --------
    >>> sinc(np.array([0.0, 0.5]), 0)
    array([1.        , 0.63661977])
    """
    if order == 0:
        return np.sinc(x)
    y = np.pi * x
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.sin(y) / y
        for n in range(1, order + 1):
            value = (np.sin(y + n * np.pi / 2) - n * value) / y
    value = np.asarray(np.pi**order * value, dtype=x.dtype, order="C")
    # the recurrence divides by x, which amplifies errors where x is small
    near = np.flatnonzero(np.abs(x) < order / 4)
    value.reshape(-1)[near] = _sinc_near_zero(x.reshape(-1)[near].astype(np.float64), order)
    return value


def _sinc_near_zero(x: NDArray, order: int) -> NDArray:
    """Sum ``(-1)**k (pi x)**(2k) / (2k + 1)!``, differentiated term by term."""
    terms = range((order + 1) // 2, (order + 1) // 2 + 8 + 2 * order)
    coefficients = [
        (-1) ** k * math.pi ** (2 * k) * math.perm(2 * k, order) / math.factorial(2 * k + 1) for k in terms
    ]
    even = np.polynomial.polynomial.polyval(x * x, coefficients)
    return even * x if order % 2 else even
