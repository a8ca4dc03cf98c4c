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
    inside = np.clip(x, -1e4, 400 if order else np.inf).astype(np.float64)  # an infinity would meet a 0
    if order > 2:
        return _by_quotients(inside, order)
    value, is_inexact = (_value, _slope, _bend)[order](inside)
    if x.dtype == np.float64 and order:
        if order == 1:
            value = np.where(inside > -0.5, _slope_above(inside), value)
        recompute(value, is_inexact, lambda x: _near_zeros(x, order), inside)
    far = np.abs(inside) > (340 if order == 2 else 600)
    if far.any():
        value[far] = _far_out(inside[far], order)
    return value


def _value(x: NDArray) -> tuple[NDArray, NDArray]:
    _, n = _powers(x)
    below = n + 2
    n /= below
    n *= x
    return n, np.zeros(x.shape, bool)


def _slope(x: NDArray) -> tuple[NDArray, NDArray]:
    """Return the first derivative, and where it is inexact: around its zero."""
    e, n = _powers(x)
    bracket, rest = e + 4, 4 * x
    bracket *= e
    bracket += rest
    bracket += 6
    bracket *= e
    rest += 4
    bracket += rest
    bracket *= e
    below = n + 4
    below *= n
    below += 4
    bracket /= below
    return bracket, (x > -1.42) & (x < -1)


def _slope_above(x: NDArray) -> NDArray:
    """Return the first derivative as a sum, which has fewer rounding errors where no term is negative."""
    e, n = _powers(x)
    m = n + 2
    return n / m + x * (4 * e * (e + 1)) / (m * m)


def _powers(x: NDArray) -> tuple[NDArray, NDArray]:
    """Return ``e`` and ``m - 2``. From ``x = 40`` on the fractions no longer change."""
    e = np.minimum(x, 40.0)
    np.exp(e, out=e)
    n = e + 2
    n *= e
    return e, n


def _far_out(x: NDArray, order: int) -> NDArray:
    """Return the limit form, in which no factor is subnormal before the product is."""
    half = np.exp(-0.5 * np.abs(x))
    below = half * (x + order) * half
    if order == 2:
        return np.where(x < 0, below, half * half * (8 - 8 * x) * half * half)
    return np.where(x < 0, below, x if order == 0 else 1.0)


def _bend(x: NDArray) -> tuple[NDArray, NDArray]:
    """Return the second derivative by ``q = exp(-abs(x))``, and where it is inexact."""
    q = np.exp(-np.abs(x))
    first = 2 * np.where(x > 0, 1 + q * (3 + q * (4 + 2 * q)), 2 + q * (4 + q * (3 + q)))
    second = x * np.where(x > 0, q * (q * (2 * q + 2) - 3) - 2, 2 + q * (2 - q * (3 + 2 * q)))
    bracket = first + second
    # (one + rest)**3, rounded once
    one, rest = np.where(x > 0, 1.0, 2.0), q * np.where(x > 0, 2 + 2 * q, 2 + q)
    cube = one**3 + rest * (3 * one * one + rest * (3 * one + rest))
    power = np.exp(np.where(x > 0, -2 * x, x))  # better than the square of q
    return 4 * power * bracket / cube, np.abs(bracket) < 0.5 * first


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
