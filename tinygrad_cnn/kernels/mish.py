"""The activation mish, ``x * tanh(log(1 + exp(x)))``, and its derivatives.

With ``e = exp(x)`` the hyperbolic tangent is ``(e**2 + 2 e) / m``, where ``m = e**2 + 2 e + 2``, so that all
derivatives are fractions of polynomials in ``e``. Terms cancel around their zeros alone; but the second has
many roundings, which add up to 5 units elsewhere too.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import exp, recompute, rounded
from .precision import special_function


@special_function
def mish(x: NDArray, order: int) -> NDArray:
    """Return mish, or its derivative of an order.

    float32 is computed in float64. For float64 the second derivative, and the first around its zero, need
    twice the precision. Far below 0, where ``e`` may be subnormal while the result is not, its root serves.

    Examples
    --------
    >>> mish(np.array([-1e4, 0.0, 50.0]), 0)
    array([-0.,  0., 50.])
    """
    inside = np.clip(x, -1e4, 400 if order else 1e4).astype(np.float64)  # an infinity would meet a 0
    if order > 2:
        return _by_quotients(inside, order)
    value = (_value, _slope, _bend)[order](inside)
    if x.dtype == np.float64 and order == 1:
        value = np.where(inside > -0.5, _slope_above(inside), value)
        recompute(value, (inside > -1.6) & (inside < -0.5), _around_the_zero, inside)
    if x.dtype == np.float64 and order == 2:
        recompute(value, np.abs(inside) < 350, _bend, inside)
    far = np.abs(inside) > (340 if order == 2 else 600)
    if far.any():
        value[far] = _far_out(inside[far], order)
        if order == 0:
            np.copyto(value, x, where=x > 600)
    return value


def _value(x: NDArray) -> NDArray:
    _, n = _powers(x)
    below = n + 2
    n *= x
    n /= below
    return n


def _slope(x: NDArray) -> NDArray:
    """Return the first derivative, which is inexact around its zero."""
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
    return bracket


def _slope_above(x: NDArray) -> NDArray:
    """Return the first derivative as a sum, which has fewer rounding errors where no term is negative."""
    e, n = _powers(x)
    m = n + 2
    return n / m + x * (4 * e * (e + 1)) / (m * m)


def _powers(x: NDArray) -> tuple[NDArray, NDArray]:
    """Return ``e`` and ``m - 2``. From ``x = 40`` on the fractions no longer change."""
    e = np.minimum(x, 40.0)
    np.exp(e, out=e)
    n = e * e  # the square is so small where digits are lost that its rounding error hardly counts
    n += e
    n += e
    return e, n


def _far_out(x: NDArray, order: int) -> NDArray:
    """Return the limit form, in which no factor is subnormal before the product is."""
    half = np.exp(-0.5 * np.abs(x))
    below = half * (x + order) * half
    if order < 2:
        return below
    e = np.exp(-np.abs(x))
    return np.where(x < 0, below, e * (8 - 8 * x) * e)


def _bend(x: Any) -> Any:
    """Return the second derivative in the precision of `x`, by ``q = exp(-abs(x))``."""
    right = (rounded(x) > 0).astype(np.float64)
    q = exp(x * (1 - 2 * right))
    m = q * (q * (1 + right) + 2.0) + (2 - right)
    slope = q * (q * (q * (4 * right - 2) + (5 * right - 3)) + (2 - 5 * right)) + (2 - 4 * right)
    bracket = 2.0 * (q + 1.0) * m + x * slope
    return 4.0 * q * (q * right + (1 - right)) * bracket / (m * m * m)


def _around_the_zero(x: Any) -> Any:
    """Return the first derivative around its zero, in the precision of `x`."""
    e = exp(x)
    below = e * (e + 2.0) + 2.0
    return e * (e * (e * (e + 4.0) + 6.0) + 4.0 + 4.0 * x * (e + 1.0)) / (below * below)


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
