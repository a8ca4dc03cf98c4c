"""Powers with one fixed exponent that have names of their own, elementwise."""

from __future__ import annotations

import numpy as np

from ..kernels.powers import cbrt_derivative
from ..tape import Box, primitive, raw
from ..types import Array, NDArray, Operand, Out
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
    """The derivative of the cube root; the root only saves time, and needs no rule."""
    return cbrt_derivative(x, 1, root)


def _cbrt_rule(g: Array, x: Array, out: Array) -> Array:
    if isinstance(g, Box) or isinstance(x, Box):
        return times(g, _cbrt_slope(x, raw(out)))
    return cbrt_derivative(x, 1, out, factor=g)


_cbrt_slope.defvjp(x=lambda g, x, out: over(times(g, -2 * out), 3 * x))
cbrt.defvjp(x=_cbrt_rule)
