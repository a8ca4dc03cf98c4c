"""Choices between operands, and between an element and what stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tape import astype, primitive, raw
from ..types import Array, Operand, Out
from .elementwise import times, where
from .operands import numbers, of_numbers
from .shaping import as_array

__all__ = ["copysign", "fmax", "fmin", "heaviside", "nan_to_num", "select"]


@primitive(broadcasts=True)
def fmax(a: Operand[Out], b: Operand[Out]) -> Out:
    """Elementwise maximum that ignores NaN, with broadcasting; at a tie each side gets half the cotangent.

    Parameters
    ----------
    a, b : array_like
        Their shapes broadcast against each other. NaN comes out only where both are NaN.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> fmax(np.array([1.0, np.nan]), 2.0)
    array([2., 2.])
    """
    return np.fmax(a, b)


@primitive(broadcasts=True)
def fmin(a: Operand[Out], b: Operand[Out]) -> Out:
    """Elementwise minimum that ignores NaN, with broadcasting; at a tie each side gets half the cotangent.

    Parameters
    ----------
    a, b : array_like
        Their shapes broadcast against each other. NaN comes out only where both are NaN.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> fmin(np.array([1.0, np.nan]), 2.0)
    array([1., 2.])
    """
    return np.fmin(a, b)


def _choice_rule(g: Array, operand: Array, other: Array, out: Array) -> Array:
    """Give the cotangent where the operand came out, and half of it where the other one did as well."""
    g = g * (raw(out) == raw(operand))
    ties = np.equal(raw(operand), raw(other))
    return where(ties, 0.5 * g, g) if np.any(ties) else g


fmax.defvjp(
    a=lambda g, a, b, out: _choice_rule(g, a, b, out),
    b=lambda g, a, b, out: _choice_rule(g, b, a, out),
)
fmin.defvjp(
    a=lambda g, a, b, out: _choice_rule(g, a, b, out),
    b=lambda g, a, b, out: _choice_rule(g, b, a, out),
)


@primitive(broadcasts=True)
def copysign(a: Operand[Out], b: Operand[Out]) -> Out:
    """The size of ``a`` with the sign of ``b``, elementwise, with broadcasting.

    Its gradient to ``a`` is 0 where ``a`` is 0, as that of `abs`; to ``b`` it is 0 everywhere.

    Parameters
    ----------
    a, b : array_like
        Their shapes broadcast against each other; the sign of a zero counts.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> copysign(np.array([1.0, -2.0]), -0.0)
    array([-1., -2.])
    """
    return np.copysign(a, b)


def _nothing(g: Array) -> Array:
    """Pass on zeros, whatever the cotangent is."""
    return where(False, g, 0.0)


copysign.defvjp(
    a=lambda g, a, out: times(g, np.sign(raw(a)) * np.sign(raw(out))),
    b=_nothing,
)


@primitive(broadcasts=True)
def heaviside(x: Operand[Out], at_zero: Operand[Out]) -> Out:
    """The step from 0 to 1, elementwise, with a value of its own at 0; with broadcasting.

    Its gradient to ``x`` is 0 everywhere; that to ``at_zero`` passes where ``x`` is 0.

    Parameters
    ----------
    x, at_zero : array_like
        Their shapes broadcast against each other.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> heaviside(np.array([-1.0, 0.0, 1.0]), 0.5)
    array([0. , 0.5, 1. ])
    """
    return np.heaviside(x, at_zero)


heaviside.defvjp(
    x=_nothing,
    at_zero=lambda g, x: where(np.equal(raw(x), 0), g, 0.0),
)


@primitive
def nan_to_num(
    x: Operand[Out], *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Out:
    """Put numbers in the place of NaN and infinity, elementwise; the gradient passes where ``x`` is finite.

    Parameters
    ----------
    x : array_like
    nan, posinf, neginf : float, optional
        What takes the place of NaN, infinity and minus infinity; by default 0, and the largest and the lowest
        finite number of the dtype.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> nan_to_num(np.array([1.0, np.nan, np.inf]), posinf=9.0)
    array([1., 0., 9.])
    """
    return np.nan_to_num(numbers(x), nan=nan, posinf=posinf, neginf=neginf)


nan_to_num.defvjp(x=lambda g, x: where(np.isfinite(raw(x)), g, 0.0))


@of_numbers
def select(
    condlist: Sequence[Operand[Any]], choicelist: Sequence[Operand[Any]], default: Operand[Any] = 0
) -> Array:
    """Choose elementwise from several arrays: the one whose condition holds first; with broadcasting.

    Parameters
    ----------
    condlist : sequence of array_like of bool
        The conditions; they are not differentiable.
    choicelist : sequence of array_like
        What to choose, as many.
    default : array_like
        What stands where no condition holds.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Raises
    ------
    ValueError
        If there is no condition, or their number is not that of the choices.
    TypeError
        If a condition is not of booleans.

    Examples
    --------
    >>> x = np.array([-1.0, 0.5, 3.0])
    >>> select([x < 0, x < 1], [0.0, x], 1.0)
    array([0. , 0.5, 1. ])
    """
    conditions = [as_array(raw(condition)) for condition in condlist]
    if not conditions or len(conditions) != len(choicelist):
        raise ValueError(
            f"select: expected a choice for each condition, got {len(conditions)} conditions and "
            f"{len(choicelist)} choices"
        )
    for condition in conditions:
        if condition.dtype != bool:
            raise TypeError(f"select: condlist: expected arrays of bool, got {condition.dtype}")
    first = conditions[0]
    values = [x if type(x) in (int, float) else as_array(x, like=first) for x in (*choicelist, default)]
    dtype = np.result_type(*map(raw, values))
    *choices, chosen = (astype(as_array(x, like=first), dtype) for x in values)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        chosen = where(condition, choice, chosen)
    return chosen
