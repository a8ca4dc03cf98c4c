"""Rounding, and division with a remainder, elementwise.

What is rounded is piecewise constant, and so a constant to the tape. A remainder has everywhere the
derivative that it has between its jumps.
"""

from __future__ import annotations

import numpy as np

from ..tape import primitive, raw
from ..types import Array, NDArray, Operand, Out
from .elementwise import times

__all__ = ["ceil", "floor_divide", "fmod", "remainder", "round", "trunc"]


@primitive(piecewise_constant=True)
def ceil(x: Operand[Out]) -> Out:
    """Round up, elementwise. Its derivative is zero.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> ceil(np.array([-1.5, 2.0, 2.25]))
    array([-1.,  2.,  3.])
    """
    return np.ceil(x)


@primitive(piecewise_constant=True)
def trunc(x: Operand[Out]) -> Out:
    """Round towards zero, elementwise. Its derivative is zero.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> trunc(np.array([-1.5, 2.75]))
    array([-1.,  2.])
    """
    return np.trunc(x)


@primitive(piecewise_constant=True)
def round(x: Operand[Out], decimals: int = 0) -> Out:  # NumPy's name
    """Round to a number of decimals, elementwise; a half goes to the even neighbour. Its derivative is zero.

    Parameters
    ----------
    x : array_like
    decimals : int
        The number of decimals; a negative one rounds to tens, hundreds and so on.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> round(np.array([0.5, 1.5, 2.25]), 1), round(np.array([0.5, 1.5, 2.25]))
    (array([0.5, 1.5, 2.2]), array([0., 2., 2.]))
    """
    return np.round(x, decimals)


@primitive(broadcasts=True, piecewise_constant=True)
def floor_divide(a: Operand[Out], b: Operand[Out]) -> Out:
    """Divide and round down, elementwise: ``a // b``, with broadcasting. Its derivative is zero.

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
    >>> floor_divide(np.array([7.0, -7.0]), 2.0)
    array([ 3., -4.])
    """
    return np.floor_divide(a, b)


@primitive(broadcasts=True)
def remainder(a: Operand[Out], b: Operand[Out]) -> Out:
    """Remainder of `floor_divide`, with the sign of the divisor, elementwise: ``a % b``, with broadcasting.

    The gradient to ``a`` is 1, and that to ``b`` is ``-(a // b)``, also where the remainder jumps.

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
    >>> remainder(np.array([7.0, -7.0]), 4.0)
    array([3., 1.])
    """
    return np.remainder(a, b)


@primitive(broadcasts=True)
def fmod(a: Operand[Out], b: Operand[Out]) -> Out:
    """Remainder of a division rounded towards zero, elementwise, as C's ``fmod``; with broadcasting.

    It has the sign of ``a``. The gradient to ``a`` is 1, and that to ``b`` is ``-trunc(a / b)``.

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
    >>> fmod(np.array([7.0, -7.0]), 4.0)
    array([ 3., -3.])
    """
    return np.fmod(a, b)


def _whole_quotient(a: NDArray, b: NDArray) -> NDArray:
    """Round ``a / b`` towards zero, without the error of a quotient that rounds up to a whole number."""
    return np.copysign(np.floor_divide(np.abs(a), np.abs(b)), a) * np.copysign(1.0, b)


def _remainder_rule(g: Array, a: Array, b: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):  # of which the value has warned
        return -times(g, np.floor_divide(raw(a), raw(b)))


def _fmod_rule(g: Array, a: Array, b: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -times(g, _whole_quotient(raw(a), raw(b)))


remainder.defvjp(a=lambda g: g, b=_remainder_rule)
fmod.defvjp(a=lambda g: g, b=_fmod_rule)
