"""Powers with one fixed exponent that have names of their own, elementwise."""

from __future__ import annotations

import numpy as np

from ..tape import primitive, raw
from ..types import NDArray, Operand, Out
from .elementwise import over, times

__all__ = ["cbrt", "reciprocal"]


@primitive
def reciprocal(x: Operand[Out]) -> Out:
    """Reciprocal, elementwise: ``1 / x``.

    Parameters
    ----------
    x : array_like
        As in NumPy, the reciprocals of integers are integers.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> reciprocal(np.array([2.0, -4.0]))
    array([ 0.5 , -0.25])
    """
    return np.reciprocal(x)


reciprocal.defvjp(x=lambda g, out: -times(times(g, out), out))


@primitive
def cbrt(x: Operand[Out]) -> Out:
    """Cube root, elementwise, also of negative numbers; its derivative at 0 is infinite.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> cbrt(np.array([8.0, -27.0]))
    array([ 2., -3.])
    """
    return np.cbrt(x)


@primitive
def _cbrt_slope(x: Operand[Out], root: NDArray) -> Out:
    """The derivative of the cube root, ``root / x / 3``, which is infinite at 0 and 0 at infinity.

    A step of Newton's first mends the last digits of the root, on which the result then no longer depends:
    its derivative by the root is 0, and the root needs no rule.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (root - (root - x / root / root) / 3) / x / 3
    if np.all(np.isfinite(slope)):
        return slope
    slope = np.where(np.equal(x, 0), np.inf, slope)
    return np.where(np.isinf(x), 0, slope)


_cbrt_slope.defvjp(x=lambda g, x, out: over(times(g, -2 * out), 3 * x))
cbrt.defvjp(x=lambda g, x, out: times(g, _cbrt_slope(x, raw(out))))
