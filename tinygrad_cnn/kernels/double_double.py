"""Numbers of twice the precision of float64, for the few elements at which a formula loses its digits.

A `DoubleDouble` is an unevaluated sum of two float64 arrays, the second of which is what rounding took from
the first (Dekker 1971). A formula written with operators and the functions below serves float64 arrays too,
which are the wider arithmetic for float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from ..types import NDArray


class DoubleDouble:
    """The sum of two float64 arrays: about 32 digits.

    Examples
    --------
    >>> third = DoubleDouble(1.0) / 3.0
    >>> third.head, third.tail
    (0.3333333333333333, 1.850371707708594e-17)
    """

    __slots__ = ("head", "tail")
    __array_ufunc__ = None  # so that an array on the left leaves the operation to this class

    def __init__(self, head: Any, tail: Any = 0.0) -> None:
        self.head = head
        self.tail = tail

    def __neg__(self) -> DoubleDouble:
        return DoubleDouble(-self.head, -self.tail)

    def __add__(self, other: Any) -> DoubleDouble:
        other = _lifted(other)
        total, lost = _sum(self.head, other.head)
        return DoubleDouble(*_sum(total, lost + (self.tail + other.tail)))

    def __sub__(self, other: Any) -> DoubleDouble:
        return self + -_lifted(other)

    def __mul__(self, other: Any) -> DoubleDouble:
        other = _lifted(other)
        product, lost = _product(self.head, other.head)
        return DoubleDouble(*_sum(product, lost + (self.head * other.tail + self.tail * other.head)))

    def __truediv__(self, other: Any) -> DoubleDouble:
        other = _lifted(other)
        quotient = DoubleDouble(self.head / other.head)
        rest = self - other * quotient
        return quotient + rest.head / other.head

    def __rsub__(self, other: Any) -> DoubleDouble:
        return _lifted(other) - self

    __radd__ = __add__
    __rmul__ = __mul__


PI = DoubleDouble(math.pi, 1.2246467991473532e-16)
_BLOCK = 2**12  # elements, whose many intermediate results stay in the cache
_LOG_2_PARTS = (math.log(2.0), 2.3190468138462996e-17, 5.707708438416212e-34)
_LOG_2 = DoubleDouble(*_LOG_2_PARTS[:2])


def _lifted(x: Any) -> DoubleDouble:
    return x if isinstance(x, DoubleDouble) else DoubleDouble(x)


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a sum and what rounding it has lost (Knuth)."""
    total = a + b
    moved = total - a
    return total, (a - (total - moved)) + (b - moved)


def _product(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a product and what rounding it has lost (Dekker)."""
    product = a * b
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return product, a2 * b2 - (((product - a1 * b1) - a2 * b1) - a1 * b2)


def _halves(a: Any) -> tuple[Any, Any]:
    """Cut a number into two of half the digits, whose products are exact."""
    shifted = 134217729.0 * a  # 2**27 + 1
    first = shifted - (shifted - a)
    return first, a - first


Series: TypeAlias = list[DoubleDouble]


def series(fractions: Iterable[tuple[int, int]]) -> Series:
    """Round the coefficients of a power series, the constant term first, each numerator over denominator.

    Python divides integers of any size with one rounding.
    """
    coefficients = []
    for numerator, denominator in fractions:
        head = numerator / denominator
        n, d = head.as_integer_ratio()
        coefficients.append(DoubleDouble(head, (numerator * d - n * denominator) / (denominator * d)))
    return coefficients


def polynomial(coefficients: Series, x: Any) -> Any:
    """Sum a power series by Horner's rule, in the precision of `x`; half of it, for float64."""
    if not isinstance(x, DoubleDouble):
        total = np.full_like(x, coefficients[len(coefficients) // 2].head)
        for c in coefficients[len(coefficients) // 2 - 1 :: -1]:
            total *= x
            total += c.head
        return total
    wide = coefficients[-1] + 0.0 * x
    for c in coefficients[-2::-1]:
        wide = wide * x + c
    return wide


_EXP = series((1, math.factorial(k)) for k in range(24))
_SIN = series(((-1) ** k, math.factorial(2 * k + 1)) for k in range(18))


def exp(x: Any, base: float = math.e, terms: int = 14) -> Any:
    """Return ``base**x`` in the precision of `x`; the base is e or 2.

    With 14 terms of the series in twice the precision all digits are right, and with 9 of them 25 are.
    """
    if not isinstance(x, DoubleDouble):
        return np.exp2(x) if base == 2 else np.exp(x)
    power, scale = _power_less_one(x, base, terms)
    power = power + 1.0
    return DoubleDouble(power.head * scale, power.tail * scale)


def expm1(x: Any, base: float = math.e, terms: int = 14) -> Any:
    """Return ``base**x - 1`` in the precision of `x`, which is not large; see `exp`."""
    if not isinstance(x, DoubleDouble):
        return np.expm1(math.log(base) * x)
    power, scale = _power_less_one(x, base, terms)
    return (power + (1.0 - 1.0 / scale)) * scale


def _power_less_one(x: DoubleDouble, base: float, terms: int) -> tuple[DoubleDouble, NDArray]:
    """Return p and a power of two, whose product with ``1 + p`` is ``base**x``."""
    if base == 2:
        doublings = np.rint(x.head)
        rest = (x - doublings) * _LOG_2
    else:
        doublings = np.rint(x.head / _LOG_2.head)
        rest = x
        for part in _LOG_2_PARTS:  # for there are up to a thousand of them
            rest = rest - DoubleDouble(part) * doublings
    # the last terms are so small that float64 serves them
    last = np.polynomial.polynomial.polyval(rest.head, [c.head for c in _EXP[terms:]])
    power = DoubleDouble(last)
    for c in _EXP[terms - 1 : 0 : -1]:
        power = power * rest + c
    return power * rest, np.exp2(doublings)


def log(x: DoubleDouble) -> DoubleDouble:
    """Return the natural logarithm, by a step of Newton's method from that of float64.

    The step is one for the mantissa, so that no product overflows.
    """
    mantissa, exponent = np.frexp(x.head)
    guess = DoubleDouble(np.log(mantissa))
    rest = DoubleDouble(mantissa, np.ldexp(x.tail, -exponent)) * exp(-guess) - 1.0
    return _LOG_2 * exponent.astype(np.float64) + guess + rest


def sqrt(x: Any) -> Any:
    """Return the square root in the precision of `x`."""
    if not isinstance(x, DoubleDouble):
        return np.sqrt(x)
    guess = DoubleDouble(np.sqrt(x.head))
    return guess + (x - guess * guess).head / (2 * guess.head)


def sin(x: Any) -> Any:
    """Return the sine of ``-2 < x < 2`` in the precision of `x`."""
    return polynomial(_SIN, x * x) * x if isinstance(x, DoubleDouble) else np.sin(x)


def widened(x: NDArray) -> Any:
    """Put an array into arithmetic of twice its precision; float64 serves all that are narrower."""
    return DoubleDouble(x) if x.dtype == np.float64 else x.astype(np.float64)


def rounded(x: Any) -> NDArray:
    """Return a float64 array again."""
    return x.head if isinstance(x, DoubleDouble) else x


def recompute(value: NDArray, where: NDArray, formula: Any, *operands: NDArray) -> None:
    """Compute some elements of `value` again, in twice the precision, by a formula of the operands."""
    chosen = np.flatnonzero(where)
    for start in range(0, chosen.size, _BLOCK):
        some = chosen[start : start + _BLOCK]
        wide = [widened(x.reshape(-1)[some]) for x in operands]
        value.reshape(-1)[some] = rounded(formula(*wide))
