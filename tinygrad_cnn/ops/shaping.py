"""Operations that give an array other axes, with NumPy's names and semantics."""

from __future__ import annotations

import operator
from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import checks, stand_in
from ..tape import Box, primitive, raw
from ..types import Array, Axes, Operand, Out, Shape
from .operands import numbers, of_numbers

__all__ = ["expand_dims", "moveaxis", "ravel", "reshape", "rollaxis", "squeeze", "swapaxes", "transpose"]


def as_array(x: Any, *, like: Any = None) -> Array:
    """Return a tensor as it is, and anything else as an ndarray; ``like`` is what it is computed with.

    Examples
    --------
    >>> as_array([1.0, 2.0])
    array([1., 2.])
    """
    return x if isinstance(x, Box) else stand_in.as_array(x, like=raw(like))


def plain(x: Array) -> Array:
    """Return an array without axes as a scalar, as NumPy's reductions do; a tensor stays one.

    Examples
    --------
    >>> plain(np.array(1.0))
    np.float64(1.0)
    """
    return x if isinstance(x, Box) else x[()]


@primitive
def reshape(x: Operand[Out], shape: int | Shape) -> Out:
    """Give an array a new shape, in C order of its elements.

    Parameters
    ----------
    x : array_like
    shape : int or tuple of int
        The new lengths; one of them may be -1, for whatever is left.

    Returns
    -------
    ndarray or Tensor
        A view where the memory order allows it.

    Examples
    --------
    >>> reshape(np.arange(6.0), (2, -1))
    array([[0., 1., 2.],
           [3., 4., 5.]])
    """
    return numbers(x).reshape(shape)


@primitive
def reshape_like(x: Operand[Out], template: Array) -> Out:
    """Reshape to the shape *and the memory order* of another array.

    It is the gradient of `reshape`. The kernels of convolutions are fast on memory in their own order, which
    a cotangent would lose on its way back through a flattening in C order.

    Examples
    --------
    >>> reshape_like(np.arange(4.0), np.zeros((2, 2), order="F")).flags.f_contiguous
    True
    """
    x = np.asarray(x).reshape(template.shape)
    if (
        x.ndim < 2 or template.flags.c_contiguous or 0 in template.strides
    ):  # a broadcast view has no layout to follow
        return x
    out = np.empty_like(template, dtype=x.dtype)
    if out.strides != x.strides:
        out[...] = x
        return out
    return x


reshape.defvjp(x=lambda g, x: reshape_like(g, raw(x)))
reshape_like.defvjp(x=lambda g, x: reshape_like(g, raw(x)))


@primitive
def transpose(x: Operand[Out], axes: Shape | None = None) -> Out:
    """Permute the axes.

    Parameters
    ----------
    x : array_like
    axes : tuple of int, optional
        By default the axes are reversed.

    Returns
    -------
    ndarray or Tensor
        A view of ``x``.

    Examples
    --------
    >>> transpose(np.ones((2, 3, 4)), (1, 2, 0)).shape
    (3, 4, 2)
    """
    return np.transpose(numbers(x), axes)


def _transpose_rule(g: Array, axes: Shape | None) -> Array:
    return transpose(
        g, None if axes is None else tuple(np.argsort([operator.index(a) % g.ndim for a in axes]).tolist())
    )


transpose.defvjp(x=_transpose_rule)


@of_numbers
def swapaxes(x: Operand[Out], axis1: int, axis2: int) -> Out:
    """Exchange two axes.

    Parameters
    ----------
    x : array_like
    axis1, axis2 : int

    Returns
    -------
    ndarray or Tensor
        A view of ``x``.

    Examples
    --------
    >>> swapaxes(np.ones((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    axes = list(range(np.ndim(raw(x))))
    first = normalize_axis_index(operator.index(axis1), len(axes), "swapaxes: axis1")
    second = normalize_axis_index(operator.index(axis2), len(axes), "swapaxes: axis2")
    axes[first], axes[second] = axes[second], axes[first]
    return transpose(x, tuple(axes))


@of_numbers
def moveaxis(x: Operand[Out], source: int | Shape, destination: int | Shape) -> Out:
    """Move axes to new positions; the others keep their order.

    Parameters
    ----------
    x : array_like
    source, destination : int or tuple of int

    Returns
    -------
    ndarray or Tensor
        A view of ``x``.

    Examples
    --------
    >>> moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    positions = np.arange(np.ndim(raw(x)))
    # NumPy finds the permutation, on an array whose lengths number the axes
    order = np.moveaxis(np.empty(tuple(positions + 1), dtype=bool), source, destination).shape
    return transpose(x, tuple(n - 1 for n in order))


@of_numbers
def expand_dims(x: Operand[Out], axis: int | Shape) -> Out:
    """Insert axes of length 1.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int
        Their positions in the result.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> expand_dims(np.ones(3), 0).shape
    (1, 3)
    """
    return reshape(x, np.expand_dims(np.empty(np.shape(raw(x)), dtype=bool), axis).shape)


@of_numbers
def squeeze(x: Operand[Out], axis: Axes = None) -> Out:
    """Remove axes of length 1.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        By default all of them.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> squeeze(np.ones((1, 3, 1)), 0).shape
    (3, 1)
    """
    return reshape(x, np.squeeze(np.empty(np.shape(raw(x)), dtype=bool), axis).shape)


@of_numbers
def rollaxis(x: Operand[Out], axis: int, start: int = 0) -> Out:
    """Move an axis backwards, until it lies before another one; `moveaxis` is easier to read.

    Parameters
    ----------
    x : array_like
    axis : int
        The axis that moves.
    start : int
        The axis that it is moved before; the number of axes moves it to the end.

    Returns
    -------
    ndarray or Tensor
        A view of ``x``.

    Examples
    --------
    >>> rollaxis(np.ones((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    ndim = np.ndim(raw(x))
    axis = checks.axis("rollaxis", axis, ndim)
    place = start + ndim if start < 0 else start
    if not 0 <= place <= ndim:
        raise np.exceptions.AxisError(f"rollaxis: start: expected an axis in {-ndim}..{ndim}, got {start}")
    return moveaxis(x, axis, place - 1 if axis < place else place)


@of_numbers
def ravel(x: Operand[Out], order: Literal["C", "F"] = "C") -> Out:
    """Flatten an array.

    Parameters
    ----------
    x : array_like
    order : "C" or "F"
        Whether the last index changes fastest, or the first. How ``x`` lies in memory does not matter.

    Returns
    -------
    ndarray or Tensor, 1-d
        A view where the memory order allows it.

    Examples
    --------
    >>> ravel(np.array([[1.0, 2.0], [3.0, 4.0]]), "F")
    array([1., 3., 2., 4.])
    """
    checks.one_of("ravel", "order", order, ("C", "F"))
    return reshape(transpose(x) if order == "F" else x, (-1,))
