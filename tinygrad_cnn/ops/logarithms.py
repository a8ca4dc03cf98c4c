"""Exponentials and logarithms of other kinds than ``exp`` and ``log``, elementwise."""

from __future__ import annotations

import math

import numpy as np

from ..tape import primitive
from ..types import Array, NDArray, Operand, Out
from .elementwise import over, times

__all__ = ["exp2", "log2", "log10", "logaddexp", "logaddexp2"]


@primitive
def exp2(x: Operand[Out]) -> Out:
    """Power of two, elementwise: ``2**x``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> exp2(np.array([-1.0, 3.0]))
    array([0.5, 8. ])
    """
    return np.exp2(x)


exp2.defvjp(x=lambda g, out: times(g, math.log(2) * out))


@primitive
def log2(x: Operand[Out]) -> Out:
    """Logarithm to base 2, elementwise.

    Parameters
    ----------
    x : array_like
        Positive numbers; 0 gives ``-inf`` and one below gives NaN, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> log2(np.array([1.0, 8.0]))
    array([0., 3.])
    """
    return np.log2(x)


log2.defvjp(x=lambda g, x: over(math.log2(math.e) * g, x))


@primitive
def log10(x: Operand[Out]) -> Out:
    """Logarithm to base 10, elementwise.

    Parameters
    ----------
    x : array_like
        Positive numbers; 0 gives ``-inf`` and one below gives NaN, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> log10(np.array([1.0, 1000.0]))
    array([0., 3.])
    """
    return np.log10(x)


log10.defvjp(x=lambda g, x: over(math.log10(math.e) * g, x))


@primitive(broadcasts=True)
def logaddexp(a: Operand[Out], b: Operand[Out]) -> Out:
    """Logarithm of a sum of exponentials: ``log(e**a + e**b)``, elementwise, with broadcasting.

    Nothing overflows or underflows on the way; a result near 0 has the absolute accuracy of one near 1. The
    gradients are the shares of ``e**a`` and ``e**b`` in their sum; where both operands are minus infinity,
    nothing is there to be shared, and both are 0.

    Parameters
    ----------
    a, b : array_like
        Their shapes broadcast against each other.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> logaddexp(np.array([0.0, 1000.0]), 0.0)
    array([6.93147181e-01, 1.00000000e+03])
    """
    return np.logaddexp(a, b)


@primitive(broadcasts=True)
def logaddexp2(a: Operand[Out], b: Operand[Out]) -> Out:
    """Logarithm of a sum of powers of two: ``log2(2**a + 2**b)``, elementwise; see `logaddexp`.

    Parameters
    ----------
    a, b : array_like
        Their shapes broadcast against each other.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> logaddexp2(np.array([0.0, 2000.0]), 0.0)
    array([1.e+00, 2.e+03])
    """
    return np.logaddexp2(a, b)


@primitive(broadcasts=True)
def _share(a: Operand[Out], b: Operand[Out], *, base: float) -> Out:
    """The share of ``base**a`` in ``base**a + base**b``; 0 where both operands are minus infinity."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        difference, lost = _exact_difference(a, b)
        power = (np.exp2 if base == 2 else np.exp)(difference)
        power = np.minimum(power * (1 + math.log(base) * lost), np.finfo(power.dtype).max)
        share = power / (1 + power)
    if not np.any(np.isnan(share)):
        return share
    return np.where(np.equal(a, -np.inf) & np.equal(b, -np.inf), 0, share)


def _exact_difference(x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Return ``x - y`` as rounded, and what the rounding has lost (Knuth's TwoSum).

    An exponential turns an absolute error of its operand into a relative one: without the second part, the
    share of an operand far below the other would lose digits.
    """
    rounded = np.subtract(x, y)
    moved = rounded - x
    lost = (x - (rounded - moved)) - (y + moved)
    is_known = np.isfinite(lost)
    return rounded, lost if np.all(is_known) else np.where(is_known, lost, 0)


def _share_slope(g: Array, share: Array, other: Array, base: float) -> Array:
    return times(g, math.log(base) * share * other)


# If one share grows, the other one falls by the same amount.
_share.defvjp(
    a=lambda g, a, b, out, base: _share_slope(g, out, _share(b, a, base=base), base),
    b=lambda g, a, b, out, base: -_share_slope(g, out, _share(b, a, base=base), base),
)

logaddexp.defvjp(
    a=lambda g, a, b: times(g, _share(a, b, base=math.e)),
    b=lambda g, a, b: times(g, _share(b, a, base=math.e)),
)
logaddexp2.defvjp(
    a=lambda g, a, b: times(g, _share(a, b, base=2.0)),
    b=lambda g, a, b: times(g, _share(b, a, base=2.0)),
)
