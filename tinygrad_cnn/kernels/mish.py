"""The activation mish, ``x * tanh(log(1 + exp(x)))``, and its derivatives.

With ``e = exp(x)`` the hyperbolic tangent is ``(e**2 + 2 e) / m``, where ``m = e**2 + 2 e + 2``, so that all
derivatives are fractions of polynomials in ``e``. In the first two, terms cancel around their zeros alone.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import exp, recompute
from .precision import special_function


@special_function
def mish(x: NDArray, order: int) -> NDArray:
    """Return mish, or its derivative of an order.

    float32 is computed in float64. Where terms cancel, float64 is computed again in twice the precision; and
    far below 0, where ``e`` may be subnormal while the result is not, by the square root of ``e``.

    Examples
    --------
    >>> mish(np.array([-1e4, 0.0, 50.0]), 0)
    array([-0.,  0., 50.])
    """
    inside = np.clip(x, -1e4, 400).astype(np.float64)  # beyond, it is 0 or `x` itself
    if order > 2:
        return _by_quotients(inside, order).astype(x.dtype)
    value, inexact = _FORMULAS[order](inside, np.exp(-np.abs(inside)))
    if x.dtype == np.float64:
        recompute(value, inexact, lambda x: _near_zeros(x, order), inside)
    far = inside < -600
    if far.any():
        half = np.exp(0.5 * inside[far])
        value[far] = half * (inside[far] + order) * half
    return np.where(x > 50, x, value).astype(x.dtype) if order == 0 else value.astype(x.dtype)


def _value(x: NDArray, q: NDArray) -> tuple[NDArray, NDArray]:
    """Return mish by ``q = exp(-abs(x))``, in which nothing overflows and nothing cancels."""
    above, below = 1 + 2 * q, q * (q + 2)
    rest = np.where(x > 0, 2 * q * q, 2.0)
    top = np.where(x > 0, above, below)
    return x * (top / (top + rest)), np.zeros(x.shape, bool)


def _slope(x: NDArray, q: NDArray) -> tuple[NDArray, NDArray]:
    """Return the first derivative, and where it is inexact."""
    first = np.where(x > 0, 1 + q * (4 + q * (6 + 4 * q)), 4 + q * (6 + q * (4 + q)))
    second = 4 * x * np.where(x > 0, q * q * (1 + q), 1 + q)
    bracket = first + second
    below = np.where(x > 0, 1 + q * (2 + 2 * q), 2 + q * (2 + q))
    return np.where(x > 0, 1.0, q) * bracket / np.square(below), np.abs(bracket) < first


def _bend(x: NDArray, q: NDArray) -> tuple[NDArray, NDArray]:
    """Return the second derivative, and where it is inexact."""
    first = 2 * np.where(x > 0, 1 + q * (3 + q * (4 + 2 * q)), 2 + q * (4 + q * (3 + q)))
    second = x * np.where(x > 0, q * (q * (2 * q + 2) - 3) - 2, 2 + q * (2 - q * (3 + 2 * q)))
    bracket = first + second
    # (one + rest)**3, rounded once
    one, rest = np.where(x > 0, 1.0, 2.0), q * np.where(x > 0, 2 + 2 * q, 2 + q)
    cube = one**3 + rest * (3 * one * one + rest * (3 * one + rest))
    power = np.exp(np.where(x > 0, -2 * x, x))  # better than the square of q
    return 4 * power * bracket / cube, np.abs(bracket) < 0.5 * first


_FORMULAS = (_value, _slope, _bend)


def _near_zeros(x: Any, order: int) -> Any:
    """Return the first or the second derivative around its zeros, in the precision of `x`."""
    e = exp(x)
    below = e * (e + 2.0) + 2.0
    if order == 1:
        return e * (e * (e * (e + 4.0) + 6.0) + 4.0 + 4.0 * x * (e + 1.0)) / (below * below)
    first = 2.0 * (e + 1.0) * below
    second = x * (2.0 + e * (2.0 - e * (3.0 + 2.0 * e)))
    return 4.0 * e * (first + second) / (below * below * below)


def _by_quotients(x: NDArray, order: int) -> NDArray:
    """Return a derivative by that of a product, with the derivatives of ``tanh`` as ``N(e) / m**(k + 1)``."""
    m, tops = _tops(order)
    power = np.exp(np.minimum(x, 20.0))
    last, before = (tops[k](power) / m(power) ** (k + 1) for k in (order, order - 1))
    return np.where(x > 20, 0.0, order * before + x * last)


@functools.cache
def _tops(order: int) -> tuple[np.polynomial.Polynomial, list[np.polynomial.Polynomial]]:
    """Return ``m`` and all ``N`` up to an order, as polynomials in ``e``."""
    e, m, top = (
        np.polynomial.Polynomial([0.0, 1.0]),
        np.polynomial.Polynomial([2.0, 2.0, 1.0]),
        np.polynomial.Polynomial([0.0, 2.0, 1.0]),
    )
    tops = [top]
    for k in range(order):
        top = e * (top.deriv() * m - (k + 1) * top * m.deriv())
        tops.append(top)
    return m, tops
