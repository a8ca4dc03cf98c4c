"""Powers with one fixed exponent that have names of their own, elementwise."""

from __future__ import annotations

import numpy as np

from ..tape import primitive
from ..types import Operand, Out
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
def _cbrt_slope(x: Operand[Out]) -> Out:
    """The derivative of the cube root, ``cbrt(x) / x / 3``, which is infinite at 0 and 0 at infinity."""
    root = np.cbrt(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = root - (root - x / root / root) / 3  # a step of Newton's, for the last digits
        slope = root / x / 3
    return np.where(np.equal(x, 0), np.inf, np.where(np.isinf(x), 0, slope)).astype(slope.dtype)


_cbrt_slope.defvjp(x=lambda g, x, out: over(times(g, -2 * out), 3 * x))
cbrt.defvjp(x=lambda g, x: times(g, _cbrt_slope(x)))
