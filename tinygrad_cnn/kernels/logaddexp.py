"""The logarithm of a sum of powers, right to the last digits, and the share of each power in the sum.

The base is e or 2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import exp, expm1, recompute
from .logistic import beside_the_bell


def log_of_sum(a: Any, b: Any, base: float) -> NDArray:
    """Return the logarithm of ``base**a + base**b`` to this base.

    NumPy adds the logarithm of ``1 + base**-d``, for a distance ``d``, to the larger operand. A small sum of
    the two shows the rounding errors of both. There the logarithm is computed from how much the powers, which
    then sum to about 1, differ from that.

    Examples
    --------
    >>> log_of_sum(np.array([-1.0]), np.array([-1.0]), 2)
    array([0.])
    """
    value = np.asarray(np.logaddexp2(a, b) if base == 2 else np.logaddexp(a, b))
    largest = np.maximum(a, b)
    chosen = np.flatnonzero(np.abs(value) < 0.5)
    if chosen.size:
        operands = np.broadcast_arrays(largest, np.minimum(a, b))
        high, low = (x.reshape(-1)[chosen].astype(np.float64) for x in operands)
        more = _sum_less_one(high, low, base, 0.45 if value.dtype == np.float64 else 2.0**-20)
        value.reshape(-1)[chosen] = np.log1p(more) / math.log(base)
    return value


def _sum_less_one(high: NDArray, low: NDArray, base: float, limit: float) -> NDArray:
    """Return ``base**high + base**low - 1``, in twice the precision where the terms cancel beyond a limit."""
    less_one = expm1(high, base)
    value = less_one + exp(low, base)
    is_close = np.abs(value) < limit * np.abs(less_one)
    recompute(value, is_close, lambda high, low: expm1(high, base, 9) + exp(low, base, 9), high, low)
    is_closer = np.abs(value) < 2.0**-30
    recompute(value, is_closer, lambda high, low: expm1(high, base) + exp(low, base), high, low)
    return value


def share(a: Any, b: Any, base: float, order: int) -> NDArray:
    """Return the share of ``base**a`` in ``base**a + base**b``, or its derivative of an order by `a`.

    It is the logistic function of ``(a - b) * log(base)``. Where both operands are minus infinity, nothing is
    there to be shared, and it is 0.

    Examples
    --------
    >>> share(np.array([1.0]), np.array([0.0]), 2, 0)
    array([0.66666667])
    """
    rate = math.log(base)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        difference, lost = _exact_difference(a, b)
        if order == 0:
            power = exp(difference, base)
            power = np.minimum(power * (1 + rate * lost), np.finfo(power.dtype).max)
            value = power / (1 + power)
        else:
            power = exp(-np.abs(difference), base)
            power = power * (1 - np.copysign(rate, difference) * lost)
            value = rate**order * power / (1 + power * (2 + power))  # a square would double a rounding error
            if order > 1:
                value = value * beside_the_bell(np.tanh(0.5 * rate * difference), order)
    if not np.any(np.isnan(value)):
        return value
    return np.where(np.equal(a, -np.inf) & np.equal(b, -np.inf), 0, value)


def _exact_difference(x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Return ``x - y`` as rounded, and what the rounding has lost (Knuth's TwoSum).

    An exponential turns an absolute error of its operand into a relative one: without the second part, the
    share of an operand far below the other would lose digits.
    """
    difference = np.subtract(x, y)
    moved = difference - x
    lost = (x - (difference - moved)) - (y + moved)
    is_known = np.isfinite(lost)
    return difference, lost if np.all(is_known) else np.where(is_known, lost, 0)
