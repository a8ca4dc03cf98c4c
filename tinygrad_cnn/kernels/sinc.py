"""The normalised sinc and its derivatives of every order."""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import PI, DoubleDouble, Series, polynomial, recompute, series, sin
from .precision import special_function


@special_function
def sinc(x: NDArray, order: int) -> NDArray:
    """Return the derivative of sinc of an order.

    It follows from Leibniz' rule for ``y s(y) = sin(y)`` with ``y = pi x``:
    ``y s_n + n s_(n-1) = sin(y + n pi / 2)``. Near 0, and near its zeros, where the terms of this cancel, the
    elements are computed again in twice the precision.

    Examples
    --------
    >>> sinc(np.array([0.0, 0.5]), 0)
    array([1.        , 0.63661977])
    """
    y = np.pi * x
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        turned = _turned_sines(x, math.pi, order)
        value = turned[0] / y
        near = np.abs(x) < (0.5 * order if order > 1 else 0.35 * order)
        cancels = np.zeros(x.shape, bool)
        for n in range(1, order + 1):
            difference = turned[n] - n * value
            cancels |= np.abs(difference) < 0.25 * np.abs(turned[n])
            value = difference / y
    value = np.asarray(np.pi**order * value, dtype=x.dtype)
    if order == 0:
        value[x == 0] = 1
        return value
    recompute(value, near, lambda x: _near_zero(x, order), x)
    recompute(value, cancels & ~near, lambda x: _by_recurrence(x, order), x)
    return value


def _turned_sines(x: Any, pi: Any, order: int) -> list[Any]:
    """Return ``sin(pi x + n pi / 2)`` for n up to an order; exactly 0 where it is."""
    head = x.head if isinstance(x, DoubleDouble) else x
    whole = np.rint(head)
    sign = 0.5 * whole
    sign -= np.floor(sign)
    sign *= -4
    sign += 1
    rest = head - whole  # exact, as is the distance to a half
    sine = sin(pi * rest) * sign
    cosine = sin(pi * (0.5 - np.abs(rest))) * sign if order else 0.0
    return [(sine, cosine, -sine, -cosine)[n % 4] for n in range(order + 1)]


def _by_recurrence(x: Any, order: int) -> Any:
    pi = PI if isinstance(x, DoubleDouble) else math.pi
    turned = _turned_sines(x, pi, order)
    value = turned[0] / (pi * x)
    for n in range(1, order + 1):
        value = (turned[n] - n * value) / (pi * x)
    return _power(pi, order) * value


def _near_zero(x: Any, order: int) -> Any:
    """Sum ``(-1)**k (pi x)**(2k) / (2k + 1)!``, differentiated term by term."""
    pi = PI if isinstance(x, DoubleDouble) else math.pi
    y = pi * x
    even = polynomial(_series(order), y * y) * _power(pi, order)
    return even * y if order % 2 else even


@functools.cache
def _series(order: int) -> Series:
    terms = range((order + 1) // 2, (order + 1) // 2 + 17 + 3 * order)
    return series(Fraction((-1) ** k * math.perm(2 * k, order), math.factorial(2 * k + 1)) for k in terms)


def _power(x: Any, exponent: int) -> Any:
    return math.prod([x] * exponent)
