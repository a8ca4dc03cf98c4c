"""Exponentials and logarithms of other kinds than ``exp`` and ``log``, elementwise."""

from __future__ import annotations

import math

import numpy as np

from ..kernels import logaddexp as kernel
from ..tape import primitive
from ..types import Operand, Out
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

    Nothing overflows or underflows on the way, and a result near 0 keeps its digits. The gradients are
    the shares of ``e**a`` and ``e**b`` in their sum; where both operands are minus infinity, nothing is there
    to be shared, and both are 0.

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
    return kernel.log_of_sum(a, b, math.e)


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
    return kernel.log_of_sum(a, b, 2.0)


@primitive(broadcasts=True)
def _share(a: Operand[Out], b: Operand[Out], *, base: float, order: int) -> Out:
    """The share of ``base**a`` in ``base**a + base**b``, or its derivative of an order by ``a``."""
    return kernel.share(a, b, base, order)


# If one share grows, the other one falls by the same amount.
_share.defvjp(
    a=lambda g, a, b, base, order: times(g, _share(a, b, base=base, order=order + 1)),
    b=lambda g, a, b, base, order: -times(g, _share(a, b, base=base, order=order + 1)),
)

logaddexp.defvjp(
    a=lambda g, a, b: times(g, _share(a, b, base=math.e, order=0)),
    b=lambda g, a, b: times(g, _share(b, a, base=math.e, order=0)),
)
logaddexp2.defvjp(
    a=lambda g, a, b: times(g, _share(a, b, base=2.0, order=0)),
    b=lambda g, a, b: times(g, _share(b, a, base=2.0, order=0)),
)
