"""The logistic function, its derivatives, and what it gates: silu and the approximation of gelu by tanh."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from ..types import NDArray
from .double_double import DoubleDouble, exp, recompute, rounded
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
    """Return ``scale`` times the derivative of an order at ``rate * x``; from the second on in float64."""
    if order > 1:
        x = x.astype(np.float64, copy=False)
    power = np.abs(x)
    with np.errstate(over="ignore"):
        power *= -rate
    np.exp(power, out=power)
    square = _one_more_squared(power)
    if scale != 1:
        power *= scale
    power /= square
    if order == 1:
        return power
    return power * beside_the_bell(np.tanh(0.5 * rate * x), order)


def _one_more_squared(e: NDArray) -> NDArray:
    """Return ``(1 + e)**2`` as ``1 + e (2 + e)``, for a square would double the rounding error of a sum."""
    square = e + 2
    square *= e
    square += 1
    return square


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


@special_function
def tanhshrink(x: NDArray, order: int) -> NDArray:
    """Return ``x - tanh(x)``, or its first derivative; near 0, where that cancels, by a continued fraction.

    Lambert's is ``tanh(x) = x / (1 + x**2 / k)`` with ``k = 3 + x**2 / (5 + x**2 / (7 + ...))``, in which
    nothing is negative.

    Examples
    --------
    >>> tanhshrink(np.array([1e-9, 30.0]), 0)
    array([3.33333333e-28, 2.90000000e+01])
    """
    if order == 1:
        return np.square(np.tanh(x))
    near = (np.abs(x) < 1.25).astype(x.dtype)  # masks multiply faster than `where` chooses
    inside = np.clip(x, -1.25, 1.25)
    square = inside * inside
    last = 9 if x.dtype == np.float32 else 19
    k = square / (last + 2)
    k += last
    for n in range(last - 2, 1, -2):
        np.divide(square, k, out=k)
        k += n
    k += square
    square /= k
    square *= inside
    square *= near
    far = x - np.tanh(x)
    far *= 1 - near
    square += far
    return square


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
    lowest: float  # below this the function rounds to 0 in float32

    def terms(self, x: Any, order: int) -> tuple[Any, ...]:
        """Return v and the terms of the bracket of a derivative, in the precision of `x`.

        For the first derivative it is ``1 + x v'``; for the second there are ``p - q`` and ``p + q``, with
        ``p = 2 v' + x v''`` and ``q = x v'**2``.
        """
        if not self.cubic:
            return (x,) if order == 0 else (x, 1.0 + x) if order == 1 else (x, 2.0 - x, 2.0 + x)
        rate = DoubleDouble(self.rate, self.rate_tail) if isinstance(x, DoubleDouble) else self.rate
        square, scaled = x * x * self.cubic, x * rate
        v = scaled * (square + 1.0)
        if order == 0:
            return (v,)
        slope = 3.0 * square + 1.0
        if order == 1:
            return v, 1.0 + scaled * slope
        p, q = (12.0 * square + 2.0) * rate, scaled * slope * slope * rate
        return v, p - q, p + q


SILU = Gate(1.0, 0.0, 0.0, -300.0)
# (1 + tanh(u)) / 2 is sigmoid(2 u), and the rate is 2 sqrt(2 / pi)
GELU_TANH = Gate(1.5957691216057308, -9.96930880911092e-17, 0.044715, -15.0)


@special_function
def silu(x: NDArray, order: int) -> NDArray:
    """Return the derivative of an order of ``x * sigmoid(x)``.

    Examples
    --------
    >>> silu(np.array([0.0, 1.0]), 0)
    array([0.        , 0.73105858])
    """
    return _gated(x, SILU, order)


@special_function
def gelu_tanh(x: NDArray, order: int) -> NDArray:
    """Return the derivative of an order of ``x * (1 + tanh(u)) / 2``.

    Here ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``.

    Examples
    --------
    >>> gelu_tanh(np.array([0.0, 1.0]), 0)
    array([0.        , 0.84119199])
    """
    return _gated(x, GELU_TANH, order)


def _gated(x: NDArray, gate: Gate, order: int) -> NDArray:
    """Return the derivative of an order of ``x * sigmoid(v)``.

    float32 is computed in float64, in which it has digits to lose; only silu itself needs none.
    """
    has_spare_digits = x.dtype != np.float64 and (order > 0 or gate is not SILU)
    # an infinity would meet a factor of 0; at these ends the function is 0 or `x` itself
    x = np.clip(x, gate.lowest if has_spare_digits else -1e4, np.inf if order == 0 else 1e4)
    if has_spare_digits:
        x = x.astype(np.float64)
    if order > 2:
        return _gated_by_chain_rule(x, gate, order)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return (_value, _slope, _bend)[order](x, gate, has_spare_digits)


def _value(x: NDArray, gate: Gate, has_spare_digits: bool) -> NDArray:
    (power,) = _terms(x, gate, 0, has_spare_digits)
    value = x / (1 + power)
    if not has_spare_digits:
        _mend(value, power > np.finfo(x.dtype).max, x, gate, 0)
    return value


def _slope(x: NDArray, gate: Gate, has_spare_digits: bool) -> NDArray:
    """Return the first derivative, ``(1 + q (1 + x v')) / (1 + q)**2`` with ``q = exp(-v)``."""
    bracket, power = _terms(x, gate, 1, has_spare_digits)
    bracket *= power
    bracket += 1
    if not has_spare_digits:
        inexact = (np.abs(bracket) < 1) | (power > 1e150)
    value = bracket / _one_more_squared(power)
    if not has_spare_digits:
        _mend(value, inexact, x, gate, 1)
    return value


def _bend(x: NDArray, gate: Gate, has_spare_digits: bool) -> NDArray:
    """Return the second derivative, which is even: that at ``-abs(x)``."""
    size = np.abs(x)
    bracket, rest, power = _terms(size, gate, 2, has_spare_digits)
    rest *= power
    bracket += rest
    value = power * bracket / (1 + power * (3 + power * (3 + power)))
    if not has_spare_digits:
        _mend(value, (np.abs(bracket) < rest) | (power < 1e-300), x, gate, 2)
    return value


def _terms(x: NDArray, gate: Gate, order: int, has_spare_digits: bool) -> list[NDArray]:
    """Return the terms of a derivative's bracket, each rounded once, and ``exp(-v)``."""
    if not has_spare_digits and gate is not SILU:
        v, *terms = gate.terms(DoubleDouble(np.minimum(x, 1e4)), order)
        return [*map(rounded, terms), np.exp(-v.head) * (1 - v.tail)]
    v, *terms = gate.terms(x, order)
    return [*terms, np.exp(-v)]


def _mend(value: NDArray, inexact: NDArray, x: NDArray, gate: Gate, order: int) -> None:
    """Compute again, in twice the precision, where terms cancel or a power has left the range."""
    recompute(value, inexact, lambda x: _gated_below_zero(x, gate, order), -np.abs(x))


def _gated_below_zero(x: Any, gate: Gate, order: int) -> Any:
    """Return the same for a negative `x`; ``exp(v)`` is a square, so that no factor is subnormal too soon."""
    if order == 2:
        x = -x
    v, *terms = gate.terms(x, order)
    half = exp(v * (-0.5 if order == 2 else 0.5))
    e = half * half
    if order == 0:
        return half * x / (1.0 + e) * half
    square = (1.0 + e) * (1.0 + e)
    if order == 1:
        return half * (e + terms[0]) / square * half
    return half * (terms[0] + e * terms[1]) / (square * (1.0 + e)) * half


def _gated_by_chain_rule(x: NDArray, gate: Gate, order: int) -> NDArray:
    """Return a derivative as a sum of polynomials ``p_k(x)`` times ``sigmoid^(k)(v)``."""
    x = x.astype(np.float64, copy=False)
    logistic = [sigmoid(gate.terms(x, 0)[0], k) for k in range(order + 1)]
    return np.asarray(sum(p(x) * s for p, s in zip(_chain_rule(gate, order), logistic, strict=True)))


@functools.cache
def _chain_rule(gate: Gate, order: int) -> list[np.polynomial.Polynomial]:
    """Return the polynomials ``p_k`` of a derivative, by differentiating the sum term by term."""
    v = np.polynomial.Polynomial([0.0, gate.rate, 0.0, gate.rate * gate.cubic])
    terms, zero = [np.polynomial.Polynomial([0.0, 1.0])], np.polynomial.Polynomial([0.0])
    for _ in range(order):
        outer, inner = [p.deriv() for p in terms], [p * v.deriv() for p in terms]
        terms = [a + b for a, b in zip([*outer, zero], [zero, *inner], strict=True)]
    return terms
