"""Elementwise arithmetic and choices, with NumPy's names, broadcasting and promotion.

Derivatives at ties and kinks follow one table (docs/subgradients.md): ``abs'(0) = 0``; `maximum` and
`minimum` give half the cotangent to each side of a tie; `clip` passes it at its bounds.

A zero cotangent stays exactly zero through a singular derivative, so that ``where(x > 0, sqrt(x), 0)`` has
a finite gradient everywhere: see `times` and `over`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..stand_in import StandIn
from ..tape import Box, astype, primitive, raw
from ..types import Array, NDArray, Operand, Out
from .operands import numbers

__all__ = [
    "abs",
    "clip",
    "divide",
    "floor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "sign",
    "square",
    "subtract",
    "where",
]


def times(g: Array, local: Array) -> Array:
    """Return ``g * local``, but exactly 0 where that is NaN and the cotangent ``g`` is 0.

    A zero cotangent says that the output is not used; what the derivative would have been, infinite or
    undefined, must not matter. The plain result is kept unless it holds a NaN, so the usual case pays for one
    test only.

    Examples
    --------
    >>> times(np.array([0.0, 1.0]), np.array([np.inf, 2.0]))
    array([0., 2.])
    """
    finite = np.isfinite(raw(local))
    if isinstance(finite, StandIn):
        return finite.decided(times, g, local)
    if np.count_nonzero(finite) == finite.size:  # counting takes a fraction of the time of all()
        return g * local
    return _zero_where_unused(operator.mul, g, local)


def times_derivative(
    g: Array, derivative: Any, kernel: Callable[..., NDArray], x: Array, order: int
) -> Array:
    """Return ``times(g, derivative(x, order=order))`` for the primitive that calls a special function.

    If nothing is recorded, the kernel itself multiplies, a block at a time, which saves an array.

    Examples
    --------
    >>> from tinygrad_cnn.kernels.logistic import sigmoid
    >>> times_derivative(np.array([0.0, 4.0]), None, sigmoid, np.array([np.nan, 0.0]), 1)
    array([0., 1.])
    """
    if isinstance(g, Box) or isinstance(x, Box):
        return times(g, derivative(x, order=order))
    return kernel(x, order, factor=g)


def over(g: Array, local: Array) -> Array:
    """Return ``g / local``, but exactly 0 where that is NaN and the cotangent ``g`` is 0; see `times`.

    Examples
    --------
    >>> over(np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    array([0. , 0.5])
    """
    return _zero_where_unused(operator.truediv, g, local)


def _zero_where_unused(operation: Callable[[Array, Array], Array], g: Array, local: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = operation(g, local)
        hole = np.isnan(raw(plain))
        if not np.count_nonzero(hole):
            return plain
        hole = hole & (raw(g) == 0)
        # where makes a Python scalar an array of float64, so it is cast to the dtype of the result
        return where(hole, 0.0, operation(g, astype(where(hole, 1.0, local), plain.dtype)))


# --- arithmetic (add is the tape's own) -------------------------------------------------------------------


@primitive(broadcasts=True)
def subtract(a: Operand[Out], b: Operand[Out]) -> Out:
    """Subtract elementwise: ``a - b``, with broadcasting.

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
    >>> subtract(np.array([1.0, 2.0]), 3.0)
    array([-2., -1.])
    """
    return np.subtract(a, b)


subtract.defvjp(a=lambda g: g, b=lambda g: -g)


@primitive(broadcasts=True)
def multiply(a: Operand[Out], b: Operand[Out]) -> Out:
    """Multiply elementwise: ``a * b``, with broadcasting.

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
    >>> multiply(np.array([1.0, 2.0]), 3.0)
    array([3., 6.])
    """
    return np.multiply(a, b)


multiply.defvjp(a=lambda g, b: times(g, b), b=lambda g, a: times(g, a))


@primitive(broadcasts=True)
def divide(a: Operand[Out], b: Operand[Out]) -> Out:
    """Divide elementwise: ``a / b``, with broadcasting.

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
    >>> divide(np.array([1.0, 2.0]), 4.0)
    array([0.25, 0.5 ])
    """
    return np.divide(a, b)


divide.defvjp(
    a=lambda g, b: over(g, b),
    # -a / b**2 would underflow for a small b, so the quotient is used again
    b=lambda g, b, out: -over(times(g, out), b),
)


@primitive
def negative(x: Operand[Out]) -> Out:
    """Negate elementwise: ``-x``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> negative(np.array([1.0, -2.0]))
    array([-1.,  2.])
    """
    return np.negative(x)


negative.defvjp(x=lambda g: -g)


@primitive
def square(x: Operand[Out]) -> Out:
    """Square elementwise: ``x * x``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> square(np.array([1.0, -3.0]))
    array([1., 9.])
    """
    return np.square(x)


square.defvjp(x=lambda g, x: times(g, 2 * x))


# --- choices ----------------------------------------------------------------------------------------------


@primitive
def abs(x: Operand[Out]) -> Out:  # NumPy's name
    """Absolute value, elementwise; its derivative at 0 is 0.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> abs(np.array([-1.5, 2.0]))
    array([1.5, 2. ])
    """
    return np.abs(x)


@primitive(piecewise_constant=True)
def sign(x: Operand[Out]) -> Out:
    """Sign, elementwise: -1, 0 or 1. Its derivative is zero.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sign(np.array([-1.5, 0.0, 2.0]))
    array([-1.,  0.,  1.])
    """
    return np.sign(x)


abs.defvjp(x=lambda g, x: times(g, sign(x)))


@primitive(piecewise_constant=True)
def floor(x: Operand[Out]) -> Out:
    """Round down, elementwise. Its derivative is zero.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> floor(np.array([-1.5, 2.0]))
    array([-2.,  2.])
    """
    return np.floor(x)


def _to_winner(g: Array, wins: Array, ties: Array) -> Array:
    """Give the cotangent where an operand wins and half of it at ties; masks are faster than `where`."""
    return g * wins + (0.5 * g) * ties if np.any(ties) else g * wins


@primitive(broadcasts=True)
def maximum(a: Operand[Out], b: Operand[Out]) -> Out:
    """Elementwise maximum, with broadcasting; at a tie each side gets half the cotangent.

    Parameters
    ----------
    a, b : array_like
        Their shapes broadcast against each other. NaN propagates.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> maximum(np.array([1.0, 4.0]), 2.0)
    array([2., 4.])
    """
    return np.maximum(a, b)


maximum.defvjp(
    a=lambda g, a, b: _to_winner(g, raw(a) > raw(b), raw(a) == raw(b)),
    b=lambda g, a, b: _to_winner(g, raw(b) > raw(a), raw(a) == raw(b)),
)


@primitive(broadcasts=True)
def minimum(a: Operand[Out], b: Operand[Out]) -> Out:
    """Elementwise minimum, with broadcasting; at a tie each side gets half the cotangent.

    Parameters
    ----------
    a, b : array_like
        Their shapes broadcast against each other. NaN propagates.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> minimum(np.array([1.0, 4.0]), 2.0)
    array([1., 2.])
    """
    return np.minimum(a, b)


minimum.defvjp(
    a=lambda g, a, b: _to_winner(g, raw(a) < raw(b), raw(a) == raw(b)),
    b=lambda g, a, b: _to_winner(g, raw(b) < raw(a), raw(a) == raw(b)),
)


def clip(
    x: Operand[Out],
    a_min: Operand[Out] | None = None,
    a_max: Operand[Out] | None = None,
    *,
    min: Operand[Out] | None = None,
    max: Operand[Out] | None = None,
) -> Out:
    """Limit to the interval ``[a_min, a_max]``; the gradient passes at both bounds.

    Parameters
    ----------
    x : array_like
    a_min, a_max : array_like, optional
        The bounds; None for no bound on that side. Each gets the gradient where it is what came out, and
        ``x`` is not.
    min, max : array_like, optional
        Other names of the bounds, as NumPy has them.

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    ValueError
        If bounds are given by both pairs of names.

    Examples
    --------
    >>> clip(np.array([-1.0, 0.5, 3.0]), 0.0, 1.0)
    array([0. , 0.5, 1. ])
    >>> clip(np.array([-1.0, 0.5, 3.0]), max=1.0)
    array([-1. ,  0.5,  1. ])
    """
    if min is not None or max is not None:
        if a_min is not None or a_max is not None:
            raise ValueError("clip: expected the bounds as a_min and a_max, or as min and max, got both")
        a_min, a_max = min, max
    return _clip(x, a_min, a_max)


@primitive(broadcasts=True)
def _clip(x: Operand[Out], a_min: Operand[Out] | None, a_max: Operand[Out] | None) -> Out:
    return np.clip(x, a_min, a_max)


def _is_raised(x: Array, a_min: Array, out: Array) -> Array:
    """Where the lower bound came out: not where the upper one, being less, replaced it."""
    return (raw(out) > raw(x)) & (raw(out) == raw(a_min))


# The output equals the operand exactly where the operand lies within the bounds.
_clip.defvjp(
    x=lambda g, x, out: g * (raw(x) == raw(out)),
    a_min=lambda g, x, a_min, out: g * _is_raised(x, a_min, out),
    a_max=lambda g, x, a_min, out: g * ((raw(x) != raw(out)) & ~_is_raised(x, a_min, out)),
)


@primitive(broadcasts=True)
def where(condition: Operand[Out], x: Operand[Out], y: Operand[Out]) -> Out:
    """Choose elementwise: ``x`` where ``condition`` holds, else ``y``; with broadcasting.

    Parameters
    ----------
    condition : array_like of bool
        Not differentiable.
    x, y : array_like
        Their shapes broadcast against that of ``condition``.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> where(np.array([True, False]), np.array([1.0, 2.0]), 0.0)
    array([1., 0.])
    """
    numbers(condition, "where: condition: ")
    for value in (x, y):  # they are left as they are, since a number has no dtype of its own
        numbers(value)
    return np.where(condition, x, y)


where.defvjp(
    x=lambda g, condition: where(condition, g, 0.0),
    y=lambda g, condition: where(condition, 0.0, g),
)
