"""`ulp_errors`: how far values and derivatives are from the truth, in units in the last place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..autodiff import vjp
from ..tape import raw
from ..types import DTypeLike, NDArray

__all__ = ["UlpErrors", "floats_between", "ulp_errors"]


class UlpErrors(NamedTuple):
    """What `ulp_errors` has found.

    Attributes
    ----------
    worst : float
        The largest error, in units in the last place.
    point : tuple of float
        The operands at which it was found.
    value : float
        What the function gave there.
    expected : float
        What the reference gave there, rounded to float64.
    errors : ndarray of float64
        The error at every point.

    Examples
    --------
    >>> import math
    >>> print(ulp_errors(np.sqrt, math.sqrt, np.array([2.0, 3.0])))
    0 ulp at (2.0): 1.4142135623730951, expected 1.4142135623730951
    """

    worst: float
    point: tuple[float, ...]
    value: float
    expected: float
    errors: NDArray

    def __str__(self) -> str:
        point = ", ".join(map(repr, self.point))
        return f"{self.worst:.3g} ulp at ({point}): {self.value!r}, expected {self.expected!r}"


def ulp_errors(
    function: Callable[..., Any],
    reference: Callable[..., Any],
    *points: NDArray,
    order: int | Sequence[int] = 0,
    number: Callable[[float], Any] = float,
) -> UlpErrors:
    """Measure an elementwise function, or a derivative of it, against a reference of higher precision.

    The unit in the last place is the distance of the floating numbers around the expected value, in the dtype
    that the function returns; among subnormal numbers it is the smallest of them. So a correctly rounded
    value is wrong by at most half a unit. An overflow where the expected value lies beyond the range of the
    dtype is right, and so is NaN for NaN.

    Parameters
    ----------
    function : callable
        The function, of one or more arrays of one shape.
    reference : callable
        What the function, or its derivative of the given order, should be. It is called with the operands of
        one point at a time, as many numbers as there are operands.
    *points : ndarray of float32 or float64
        The operands, all of one shape; `floats_between` makes them.
    order : int or sequence of int
        Which derivative of the function to measure. For several operands: how often by each of them.
    number : callable
        Makes of a float the number that the reference is given. It says in which precision the reference
        computes: ``mpmath.mpf``, ``fractions.Fraction``, ``decimal.Decimal`` and ``numpy.longdouble`` all
        serve, and for float32 ``float`` is precise enough.

    Returns
    -------
    UlpErrors

    Examples
    --------
    The derivative of a saturated ``tanh``, computed from the rounded value of ``tanh``, has lost its digits:

    >>> import math
    >>> import tinygrad_cnn as tg
    >>> def slope(x):
    ...     return 1 / math.cosh(x) ** 2
    >>> x = floats_between(0.25, 8.0, dtype=np.float32)
    >>> ulp_errors(lambda x: 1 - np.tanh(x) ** 2, slope, x).worst > 1e4
    True
    >>> ulp_errors(tg.tanh, slope, x, order=1).worst < 4
    True
    """
    orders = (order,) if isinstance(order, int) else tuple(order)
    with np.errstate(all="ignore"):  # points at which a function overflows are asked for
        found = np.asarray(raw(_derivative(function, orders)(*points)))
    flat = [np.ravel(x).tolist() for x in points]
    head, tail = _split([reference(*map(number, point)) for point in zip(*flat, strict=True)])
    errors = _distance(found.reshape(-1), head, tail)
    i = int(np.argmax(errors))
    point = tuple(x[i] for x in flat)
    value, expected = found.reshape(-1)[i].item(), float(head[i])
    return UlpErrors(float(errors[i]), point, value, expected, errors.reshape(found.shape))


def _derivative(function: Callable[..., Any], orders: tuple[int, ...]) -> Callable[..., Any]:
    """Differentiate an elementwise function by each operand as often as `orders` says."""
    for position, times in enumerate(orders):
        for _ in range(times):
            function = _slope(function, position)
    return function


def _slope(function: Callable[..., Any], position: int) -> Callable[..., Any]:
    def slope(*operands: Any) -> Any:
        def of_one(x: Any) -> Any:
            return function(*operands[:position], x, *operands[position + 1 :])

        out, pullback = vjp(of_one, operands[position])
        return pullback(np.ones_like(raw(out)))[0]

    return slope


def _split(numbers: list[Any]) -> tuple[NDArray, NDArray]:
    """Round numbers of any precision to float64; return what is left over, too."""
    heads = [float(x) for x in numbers]
    tails = [
        float(x - type(x)(head)) if np.isfinite(head) else 0.0 for x, head in zip(numbers, heads, strict=True)
    ]
    return np.array(heads), np.array(tails)


def _distance(found: NDArray, head: NDArray, tail: NDArray) -> NDArray:
    """Return ``abs(found - (head + tail))`` in units in the last place of the dtype of `found`."""
    largest = np.finfo(found.dtype).max
    with np.errstate(all="ignore"):
        unit = np.spacing(np.minimum(np.abs(head), largest).astype(found.dtype)).astype(np.float64)
        error = np.abs(found.astype(np.float64) - head - tail) / unit
    same = (found == head) | (np.isnan(found) & np.isnan(head))
    overflow = (found == np.copysign(np.inf, head)) & (np.abs(head) > largest)
    error = np.where((same & ~np.isfinite(head)) | overflow, 0.0, error)
    return np.where(np.isnan(error), np.inf, error)


def floats_between(low: float, high: float, *, dtype: DTypeLike = np.float64, size: int = 400) -> NDArray:
    """Return numbers of all magnitudes: evenly spread over the floating numbers of an interval.

    Every binade gets as many as every other, and so do both signs. Subnormal numbers and zero take part.

    Parameters
    ----------
    low, high : float
        The ends, which are among the numbers. An infinite one stands for the largest number of the dtype.
    dtype : float32 or float64
        The dtype of the numbers.
    size : int
        How many numbers, at most: equal ones are given once.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> floats_between(1.0, 16.0, size=5)
    array([ 1.,  2.,  4.,  8., 16.])
    """
    dtype = np.dtype(dtype)
    limits = np.finfo(dtype)
    ends = np.clip([low, high], float(limits.min), float(limits.max)).astype(dtype)
    # The bits of a positive float, read as an integer, count the floats below it.
    bits = np.abs(ends).view(f"i{dtype.itemsize}").astype(object)
    first, last = (int(b) * (-1 if x < 0 else 1) for b, x in zip(bits, ends, strict=True))
    ranks = [first + (last - first) * i // (size - 1) for i in range(size)]
    floats = np.array([abs(rank) for rank in ranks], f"i{dtype.itemsize}").view(dtype)
    return np.unique(np.where(np.array(ranks, float) < 0, -floats, floats))
