"""Derivatives of powers, in which the powers may leave the range while the products do not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..types import NDArray
from .double_double import log as log_of
from .double_double import recompute
from .precision import special_function


def power_derivative(
    x: NDArray, exponent: Any, by_base: int, by_exponent: int, power: NDArray | None = None
) -> NDArray:
    """Return the derivative of ``x**p`` by `x` and by `p`, each of an order.

    With ``f(p) = p (p - 1) ... (p - n + 1)`` it is ``x**(p - n) * (f(p) log(x)**k + k f'(p) log(x)**(k - 1) +
    ...)``. The exponent ``p - n`` has a rounding error, which the logarithm of `x` multiplies; and the power
    may overflow, or lose digits below the normal range, while the product does neither. Such elements are
    computed again. ``power`` is ``x**(p - n)``, if that is known.

    Examples
    --------
    >>> power_derivative(np.array([0.0, 2.0]), 2, 1, 0)
    array([0., 4.])
    """
    dtype = np.result_type(x, exponent)
    p = np.asarray(exponent, dtype)
    with np.errstate(all="ignore"):
        factor = _factor(x, p, by_base, by_exponent)
        lowered = exact = p - dtype.type(by_base) if by_base else p
        if by_base and not factor.all():  # 0 times a power is to be 0 also where the power is infinite
            lowered = np.where(factor == 0, dtype.type(1), lowered)
        if power is None:
            # the operator, unlike np.power, squares by a product, but only if the exponent is a scalar
            power = np.asarray(x ** (lowered.item() if lowered.ndim == 0 else lowered))
        value = np.asarray(power * factor.astype(dtype, copy=False))
        if not (_is_normal(power) and _is_normal(value)):
            _mend(value, power, x, factor, lowered)
        if by_base:
            _add_to_exponent(value, x, p, exact, dtype.type(by_base))
    return value


def _add_to_exponent(value: NDArray, x: NDArray, p: NDArray, lowered: NDArray, by_base: Any) -> None:
    """Multiply by what `x` to the power of ``p - by_base`` has lost by the rounding of this exponent."""
    moved = lowered - p
    lost = (p - (lowered - moved)) - (by_base + moved)
    chosen = np.flatnonzero(np.isfinite(lost) & (lost != 0) & np.isfinite(value) & (value != 0))
    if chosen.size:
        x, lost = (np.broadcast_to(a, value.shape).reshape(-1)[chosen] for a in (x, lost))
        value.flat[chosen] *= np.abs(np.where(x == 0, 1, x)) ** lost


def _factor(x: NDArray, p: NDArray, by_base: int, by_exponent: int) -> NDArray:
    """Return what the derivative has beside the power of `x`.

    At ``x = 0`` the logarithm counts as -1 where the power is infinite, and else as 0: the limit from the
    right, but for the exponent 0, whose power jumps there.
    """
    if by_base == 1 and not by_exponent:
        return p
    if not by_exponent:
        return np.asarray(math.prod((p.astype(np.float64) - k for k in range(by_base)), start=np.ones(())))
    counts_once = (
        by_base == 0 and by_exponent == 1
    )  # else the error of a float32 logarithm would be too large
    log = np.log(x, dtype=p.dtype if counts_once else np.float64)
    zero = np.equal(x, 0)
    if zero.any():
        log = np.where(zero, np.where(p < by_base, -1.0, 0.0), log).astype(log.dtype, copy=False)
    if not by_base:
        return log**by_exponent
    falling = np.polynomial.Polynomial.fromroots(range(by_base))
    terms = [
        math.comb(by_exponent, j) * falling.deriv(j)(p).astype(log.dtype) * log ** (by_exponent - j)
        for j in range(min(by_base, by_exponent) + 1)
    ]
    factor = np.where(zero & (terms[0] == 0), 0, sum(terms))
    if p.dtype == np.float64 and by_base == by_exponent == 1:
        base, p, factor = np.broadcast_arrays(x, p, np.array(factor))
        factor = factor.copy()
        recompute(factor, (np.abs(factor) < 0.5) & (base > 0), lambda x, p: 1.0 + p * log_of(x), base, p)
    return factor


def _is_normal(x: NDArray) -> bool:
    """Tell whether all elements are finite and not subnormal."""
    size = np.abs(x)
    limits = np.finfo(x.dtype)
    smallest, largest = np.minimum.reduce(size, None, initial=1), np.maximum.reduce(size, None, initial=1)
    return bool(smallest >= limits.smallest_normal and largest <= limits.max)


def _mend(value: NDArray, power: NDArray, x: NDArray, factor: NDArray, lowered: NDArray) -> None:
    """Compute ``factor * x**lowered`` again where either is subnormal or infinite.

    The root of the power is well within the range.
    """
    limits = np.finfo(value.dtype)
    smaller, larger = np.minimum(np.abs(power), np.abs(value)), np.maximum(np.abs(power), np.abs(value))
    again = (smaller < limits.smallest_normal) | (larger > limits.max)  # neither for a NaN
    again &= (factor != 0) & (x != 0) & np.isfinite(x)
    arrays = np.broadcast_arrays(np.abs(x), factor, lowered, power)
    base, factor, lowered, power = (array[again].astype(np.float64) for array in arrays)
    root = base ** (0.5 * lowered)
    value[again] = np.copysign(factor, factor * power) * root * root


@special_function
def cbrt_derivative(x: NDArray, order: int, known: NDArray | None = None) -> NDArray:
    """Return the derivative of the cube root, ``root / x / 3``, which is infinite at 0 and 0 at infinity.

    A step of Newton's first mends the last digits of the root, on which the result then no longer depends.

    Examples
    --------
    >>> cbrt_derivative(np.array([8.0, 0.0]), 1)
    array([0.08333333,        inf])
    """
    root = np.cbrt(x) if known is None else known
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = x / root
        rest /= root
        rest -= root
        rest /= 3
        rest += root
        rest /= x
        rest /= 3
    if not np.all(np.isfinite(rest)):
        rest[x == 0] = np.inf
        rest[np.isinf(x)] = 0
    return rest
