"""The logistic function, its derivatives, and what it gates: silu and the approximation of gelu by tanh."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from ..types import NDArray
from .double_double import DoubleDouble, exp, polynomial, recompute, series
from .precision import special_function


@special_function
def sigmoid(x: NDArray, order: int) -> NDArray:
    """Return the logistic function ``1 / (1 + exp(-x))``, or its derivative of an order.

    The first derivative is ``e / (1 + e)**2`` with ``e = exp(-abs(x))``, in which nothing cancels. The others
    are this times a polynomial in ``t = tanh(x / 2)``, by ``dt/dx = (1 - t**2) / 2``.

    Examples
    --------
    >>> sigmoid(np.array([-1e4, 0.0]), 0)
    array([0. , 0.5])
    """
    return _sigmoid_derivative(x, 1, 1, order) if order else _sigmoid(x)


def _sigmoid_derivative(x: NDArray, rate: int, scale: int, order: int) -> NDArray:
    """Return ``scale`` times the derivative of an order at ``rate * x``."""
    power = np.abs(x)
    with np.errstate(over="ignore"):
        power *= -rate
    np.exp(power, out=power)
    square = power + 1
    square *= square
    if scale != 1:
        power *= scale
    power /= square
    if order == 1:
        return power
    return power * beside_the_bell(np.tanh(0.5 * rate * x), order)


def beside_the_bell(tanh: NDArray, order: int) -> NDArray:
    """Return the derivative of the logistic function of an order over the first one, from ``tanh(x / 2)``."""
    return np.asarray(np.polynomial.polynomial.polyval(tanh, _beside_the_bell(order).astype(tanh.dtype)))


@functools.cache
def _beside_the_bell(order: int) -> NDArray:
    """Return the coefficients of the polynomial in ``t`` that `beside_the_bell` is."""
    t = np.polynomial.Polynomial([0.0, 1.0])
    factor = np.polynomial.Polynomial([1.0])
    for _ in range(order - 1):
        factor = (1 - t * t) * factor.deriv() / 2 - t * factor
    return factor.coef


@special_function
def tanh_derivative(x: NDArray, order: int) -> NDArray:
    """Return the derivative of ``tanh(x) = 2 * sigmoid(2 * x) - 1`` of an order, 1 or higher.

    Examples
    --------
    >>> tanh_derivative(np.array([0.0, 1000.0]), 1)
    array([1., 0.])
    """
    return _sigmoid_derivative(x, 2, 2 ** (order + 1), order)


# x cosh(x) - sinh(x) over x**3, as a series in x**2
_SHRUNK = series((2 * k, math.factorial(2 * k + 1)) for k in range(1, 27))


@special_function
def tanhshrink(x: NDArray, order: int) -> NDArray:
    """Return ``x - tanh(x)``; near 0, where that would cancel, by a series without a negative term.

    Examples
    --------
    >>> tanhshrink(np.array([1e-9, 30.0]), 0)
    array([3.33333333e-28, 2.90000000e+01])
    """
    near = np.clip(x, -2, 2)
    square = near * near
    by_series = near * (square * polynomial(_SHRUNK, square)) / np.cosh(near)
    return np.where(np.abs(x) < 2, by_series, x - np.tanh(x))


def _sigmoid(x: NDArray) -> NDArray:
    with np.errstate(over="ignore"):
        value = np.negative(x)
        np.exp(value, out=value)
        value += 1
        np.divide(1, value, out=value)
        if np.fmin.reduce(value) == 0:  # the exponential overflows sooner than exp(x) vanishes
            value[value == 0] = np.exp(x[value == 0])
    return value


# --- x * sigmoid(v(x)) ------------------------------------------------------------------------------------


class Gate(NamedTuple):
    """The odd polynomial ``v(x) = rate * (x + cubic * x**3)``, whose logistic function multiplies ``x``."""

    rate: float
    rate_tail: float  # what float64 has rounded away
    cubic: float

    def at(self, x: Any) -> tuple[Any, Any, Any]:
        """Return v and its first two derivatives, in the precision of `x`."""
        if not self.cubic:
            return x, 1.0, 0.0
        rate = DoubleDouble(self.rate, self.rate_tail) if isinstance(x, DoubleDouble) else self.rate
        square = x * x * self.cubic
        return x * (square + 1.0) * rate, (3.0 * square + 1.0) * rate, 6.0 * x * self.cubic * rate


SILU = Gate(1.0, 0.0, 0.0)
# (1 + tanh(u)) / 2 is sigmoid(2 u), and the rate is 2 sqrt(2 / pi)
GELU_TANH = Gate(1.5957691216057308, -9.96930880911092e-17, 0.044715)


@special_function
def silu(x: NDArray, order: int) -> NDArray:
    """Return the derivative of an order of ``x * sigmoid(x)``.

    Examples
    --------
    >>> silu(np.array([0.0, 1.0]), 0)
    array([0.        , 0.73105858])
    """
    # an infinity would meet a factor of 0; far sooner than at 1e4 the function is 0 or `x` itself
    return _gated(np.clip(x, -1e4, np.inf if order == 0 else 1e4), SILU, order)


@special_function
def gelu_tanh(x: NDArray, order: int) -> NDArray:
    """Return the derivative of an order of ``x * (1 + tanh(u)) / 2``.

    Here ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``. float32 is computed in float64, because far below 0 an
    error of ``u`` is multiplied by ``u``. Outside the interval from -30 to 30 the function is 0 or `x`
    itself, and the cube could overflow.

    Examples
    --------
    >>> gelu_tanh(np.array([0.0, 1.0]), 0)
    array([0.        , 0.84119199])
    """
    inside = np.clip(x, -30, 30).astype(np.float64)
    value = _gated(inside, GELU_TANH, order, has_spare_digits=x.dtype != np.float64).astype(x.dtype)
    return np.where(x > 30, x, value) if order == 0 else value


def _gated(x: NDArray, gate: Gate, order: int, *, has_spare_digits: bool = False) -> NDArray:
    """Return the derivative of an order of ``x * sigmoid(v)``.

    With ``e = exp(-abs(v))`` nothing overflows. Where terms cancel, and where ``e`` may be subnormal while
    the result is not, the elements are computed again in twice the precision, unless the result will be
    rounded to half the digits of `x` anyway.
    """
    if order > 2:
        return _gated_by_chain_rule(x, gate, order)
    v, slope, bend = gate.at(x)
    size = np.abs(v)
    e = np.exp(-size)
    if gate is GELU_TANH and not has_spare_digits:
        lost = gate.at(DoubleDouble(x))[0]
        e -= e * np.sign(x) * (lost.head - v + lost.tail)
    below = x < 0
    below_1 = below.astype(x.dtype)  # masks multiply faster than `where` chooses
    above_1 = 1 - below_1
    low = e * below_1 + above_1  # of exp(v) and 1, over the larger of them, as is `high`
    is_far = size > 40
    if order == 0:
        value, inexact = x * low / (1 + e), is_far & below
    elif order == 1:
        high = e * above_1 + below_1
        rest = high * x if gate is SILU else high * (x * slope)
        bracket = low + high + rest
        value = low * bracket / np.square(1 + e)
        inexact = (np.abs(bracket) < np.abs(0.25 * rest)) | (is_far & below)
    else:
        bracket, size = _second_bracket(abs(x), slope, abs(bend), e)
        value = e * bracket / np.square(1 + e)
        inexact = (np.abs(bracket) < 1.5 * size) | is_far
    value = np.asarray(value)
    if not has_spare_digits:
        recompute(value, inexact, lambda x: _gated_below_zero(x, gate, order), -np.abs(x))
    return value


def _second_bracket(x: Any, slope: Any, bend: Any, e: Any) -> tuple[Any, Any]:
    """Return the factor of the second derivative that changes its sign, and the first of its two terms."""
    first = 2.0 * slope + x * bend
    return first - x * slope * slope * ((1.0 - e) / (1.0 + e)), first


def _gated_below_zero(x: Any, gate: Gate, order: int) -> Any:
    """Return the same for a negative `x`; ``exp(v)`` is a square, so that no factor is subnormal too soon."""
    v, slope, bend = gate.at(x)
    half = exp(v * 0.5)
    e = half * half
    if order == 0:
        return half * x / (1.0 + e) * half
    bracket = 1.0 + e + x * slope if order == 1 else _second_bracket(-x, slope, -bend, e)[0]
    return half * bracket / ((1.0 + e) * (1.0 + e)) * half


def _gated_by_chain_rule(x: NDArray, gate: Gate, order: int) -> NDArray:
    """Return a derivative as a sum of polynomials ``p_k(x)`` times ``sigmoid^(k)(v)``."""
    logistic = [sigmoid(gate.at(x)[0], k) for k in range(order + 1)]
    terms = zip(_chain_rule(gate, order), logistic, strict=True)
    return np.asarray(sum(p(x).astype(x.dtype) * s for p, s in terms))


@functools.cache
def _chain_rule(gate: Gate, order: int) -> list[np.polynomial.Polynomial]:
    """Return the polynomials ``p_k`` of a derivative, by differentiating the sum term by term."""
    v = np.polynomial.Polynomial([0.0, gate.rate, 0.0, gate.rate * gate.cubic])
    terms, zero = [np.polynomial.Polynomial([0.0, 1.0])], np.polynomial.Polynomial([0.0])
    for _ in range(order):
        outer, inner = [p.deriv() for p in terms], [p * v.deriv() for p in terms]
        terms = [a + b for a, b in zip([*outer, zero], [zero, *inner], strict=True)]
    return terms
