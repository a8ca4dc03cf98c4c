"""The normalised sinc and its derivatives of every order."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import PI, DoubleDouble, Series, polynomial, recompute, series, sin
from .precision import special_function


@special_function
def sinc(x: NDArray, order: int, known: NDArray | None = None) -> NDArray:
    """Return the derivative of sinc of an order; ``known`` is sinc itself, if the caller has it.

    It follows from Leibniz' rule for ``x s(x) = sin(pi x) / pi``:
    ``x s_n + n s_(n-1) = pi**(n - 1) sin(pi x + n pi / 2)``. Near 0, and near its zeros, where the terms of
    this cancel, the elements are computed again in twice the precision.

    Examples
    --------
    >>> sinc(np.array([0.0, 0.5]), 0)
    array([1.        , 0.63661977])
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rest, sign = _reduced(x)
        value = _turned_sine(rest, math.pi, 0) * sign / (np.pi * x) if known is None else known
        if order == 0:
            value[x == 0] = 1
            return value
        is_short = order == 1 and x.dtype != np.float64  # float64 then has digits to lose, and is faster
        near = np.abs(x) < (0.02 if is_short else 0.5 * order)
        cancels = np.zeros(x.shape, bool)
        for n in range(1, order + 1):
            term = _turned_sine(rest, math.pi, n) * sign
            if n > 1:  # the first derivative is the usual one, and saves these products
                term *= np.pi ** (n - 1)
                value *= n
            difference = term - value
            cancels |= np.abs(difference) < np.abs(0.6 * term)
            value = difference / x
    recompute(value, near, lambda x: _near_zero(x, order), x)
    recompute(value, cancels & ~near, lambda x: _by_recurrence(x, order), x)
    return value


def _reduced(x: Any) -> tuple[NDArray, NDArray]:
    """Return the exact distance to the nearest integer, and -1 where this is odd, else 1."""
    head = x.head if isinstance(x, DoubleDouble) else x
    whole = np.rint(head)
    sign = 0.5 * whole
    sign -= np.floor(sign)
    sign *= -4
    sign += 1
    return head - whole, sign


def _turned_sine(rest: NDArray, pi: Any, n: int) -> Any:
    """Return ``sin(pi rest + n pi / 2)``, exactly 0 where it is."""
    turned = sin(pi * (0.5 - np.abs(rest) if n % 2 else rest))
    return -turned if n % 4 > 1 else turned


def _by_recurrence(x: Any, order: int) -> Any:
    pi = PI if isinstance(x, DoubleDouble) else math.pi
    rest, sign = _reduced(x)
    value = _turned_sine(rest, pi, 0) / (pi * x)
    for n in range(1, order + 1):
        value = (_turned_sine(rest, pi, n) - n * value) / (pi * x)
    return _power(pi, order) * value * sign


def _near_zero(x: Any, order: int) -> Any:
    """Sum ``(-1)**k (pi x)**(2k) / (2k + 1)!``, differentiated term by term."""
    pi = PI if isinstance(x, DoubleDouble) else math.pi
    y = pi * x
    even = polynomial(_series(order), y * y) * _power(pi, order)
    return even * y if order % 2 else even


@functools.cache
def _series(order: int) -> Series:
    terms = range((order + 1) // 2, (order + 1) // 2 + 17 + 3 * order)
    return series(((-1) ** k * math.perm(2 * k, order), math.factorial(2 * k + 1)) for k in terms)


def _power(x: Any, exponent: int) -> Any:
    return math.prod([x] * exponent)
