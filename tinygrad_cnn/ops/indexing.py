"""Operations that choose elements by their positions, and the one that puts them back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .. import checks, stand_in
from ..kernels import scatter as kernel
from ..tape import add, astype, broadcast_to, constant_for, primitive, raw
from ..types import Axes, DTypeLike, NDArray, Operand, Out, Shape
from .elementwise import where
from .operands import numbers, of_numbers
from .shaping import as_array, reshape, swapaxes

__all__ = [
    "embedding",
    "flip",
    "fliplr",
    "flipud",
    "getitem",
    "one_hot",
    "put_along_axis",
    "rot90",
    "scatter_add",
    "take",
    "take_along_axis",
]


@primitive
def getitem(x: Operand[Out], key: Any) -> Out:
    """Index as NumPy does, with basic and advanced indices.

    Parameters
    ----------
    x : array_like
    key : index
        Whatever may stand in ``x[...]``; it is not differentiable.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> getitem(np.array([1.0, 2.0, 3.0]), [0, 0, 2])
    array([1., 1., 3.])
    """
    return numbers(x)[key]


@primitive
def scatter(x: Operand[Out], key: Any, *, shape: Shape) -> Out:
    """Make zeros of a shape and add ``x`` at an index, perhaps repeatedly: the adjoint of `getitem`.

    Examples
    --------
    >>> scatter(np.array([1.0, 1.0, 5.0]), [0, 0, 2], shape=(3,))
    array([2., 0., 5.])
    """
    return kernel.scatter_add(x, key, shape)


getitem.defvjp(x=lambda g, x_shape, key: scatter(g, key, shape=x_shape))
scatter.defvjp(x=lambda g, key: getitem(g, key))


@of_numbers
def flip(x: Operand[Out], axis: Axes = None) -> Out:
    """Reverse the order of elements along axes.

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int or None
        The axes to reverse; None stands for all of them.

    Returns
    -------
    ndarray or Tensor
        A view of ``x``.

    Examples
    --------
    >>> flip(np.array([1.0, 2.0, 3.0]))
    array([3., 2., 1.])
    """
    ndim = np.ndim(raw(x))
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
    return getitem(x, tuple(slice(None, None, -1 if i in axes else None) for i in range(ndim)))


@of_numbers
def flipud(x: Operand[Out]) -> Out:
    """Reverse the order of the rows, which are the first axis.

    Parameters
    ----------
    x : array_like, at least 1-d

    Returns
    -------
    ndarray or Tensor
        A view of ``x``.

    Examples
    --------
    >>> flipud(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[3., 4.],
           [1., 2.]])
    """
    return flip(x, 0)


@of_numbers
def fliplr(x: Operand[Out]) -> Out:
    """Reverse the order of the columns, which are the second axis.

    Parameters
    ----------
    x : array_like, at least 2-d

    Returns
    -------
    ndarray or Tensor
        A view of ``x``.

    Examples
    --------
    >>> fliplr(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[2., 1.],
           [4., 3.]])
    """
    return flip(x, 1)


@of_numbers
def rot90(x: Operand[Out], k: int = 1, axes: tuple[int, int] = (0, 1)) -> Out:
    """Rotate by quarter turns in the plane of two axes, from the first one towards the second.

    Parameters
    ----------
    x : array_like, at least 2-d
    k : int
        How many quarter turns.
    axes : (int, int)
        The plane.

    Returns
    -------
    ndarray or Tensor
        A view of ``x``.

    Raises
    ------
    ValueError
        If there are not two different axes.

    Examples
    --------
    >>> rot90(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[2., 4.],
           [1., 3.]])
    """
    if len(axes) != 2:
        raise ValueError(f"rot90: axes: expected two axes, got {axes}")
    first, second = normalize_axis_tuple(axes, np.ndim(raw(x)), "rot90: axes")
    if k % 4 == 2:
        return flip(x, (first, second))
    if k % 2 == 0:
        return flip(x, ())
    if k % 4 == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second)


@of_numbers
def take(x: Operand[Out], indices: Operand[Any], axis: int | None = None) -> Out:
    """Take elements along an axis, at positions that may repeat.

    Parameters
    ----------
    x : array_like
    indices : array_like of int
        The positions; negative ones count from the end.
    axis : int or None
        The axis to take along; None stands for the flattened array.

    Returns
    -------
    ndarray or Tensor
        It has the shape of ``indices`` in the place of ``axis``.

    Examples
    --------
    >>> take(np.array([[1.0, 2.0], [3.0, 4.0]]), [1, 1], axis=0)
    array([[3., 4.],
           [3., 4.]])
    """
    indices = stand_in.as_array(raw(indices), like=raw(x))
    if indices.dtype.kind in "bO" or not indices.size:
        indices = indices.astype(np.intp)  # True stands for position 1 here, and is no mask
    if axis is None:
        return getitem(reshape(x, (-1,)), indices)
    return getitem(x, (slice(None),) * checks.axis("take", axis, np.ndim(raw(x))) + (indices,))


@of_numbers
def take_along_axis(x: Operand[Out], indices: Operand[Any], axis: int | None = -1) -> Out:
    """Take an element of each slice along an axis, or several, at positions of its own.

    Parameters
    ----------
    x : array_like
    indices : array_like of int
        The positions, as `argsort`, `topk`, and `argmax` with ``keepdims=True`` give them. It has as many
        axes as ``x``, and broadcasts against it but for ``axis``.
    axis : int or None
        The axis to take along; None stands for the flattened array.

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    IndexError
        If the indices are not integers, or one is out of range.
    ValueError
        If the numbers of axes differ.

    Examples
    --------
    >>> take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    array([[2.],
           [3.]])
    """
    indices = stand_in.as_array(raw(indices), like=raw(x))
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    shape = np.shape(raw(x))
    axis = checks.axis("take_along_axis", axis, len(shape))
    if indices.dtype.kind not in "iu":
        raise IndexError(f"take_along_axis: indices: expected integers, got {indices.dtype}")
    if indices.ndim != len(shape):
        raise ValueError(
            f"take_along_axis: indices: expected {len(shape)} axes, as x has, got shape {indices.shape}"
        )
    grid = list(constant_for(x, _grid, shape))
    grid[axis] = indices
    return getitem(as_array(x), tuple(grid))


def _grid(shape: Shape) -> tuple[NDArray, ...]:
    """Return the positions along each axis, which broadcast to a shape."""
    return tuple(np.ogrid[tuple(slice(n) for n in shape)])


@of_numbers
def put_along_axis(
    x: Operand[Out], indices: Operand[Any], values: Operand[Out], axis: int | None = -1
) -> Out:
    """Put elements into each slice along an axis, at positions of its own, and return the new array.

    Other than NumPy's function it leaves ``x`` as it is. Of several values for one position the last one
    counts, and alone gets a gradient.

    Parameters
    ----------
    x : array_like
    indices : array_like of int
        The positions; it has as many axes as ``x``, and broadcasts against it but for ``axis``.
    values : array_like
        They broadcast against ``indices``.
    axis : int or None
        The axis to put along; None stands for the flattened array.

    Returns
    -------
    ndarray or Tensor
        It has the shape and dtype of ``x``.

    Raises
    ------
    IndexError
        If the indices are not integers, or one is out of range.
    ValueError
        If the numbers of axes differ, or the values do not broadcast.
    TypeError
        If the values are no real numbers; they are cast to the dtype of ``x``.

    Examples
    --------
    >>> put_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), 9.0, axis=1)
    array([[1., 9.],
           [9., 4.]])
    """
    x, values = as_array(x), as_array(values, like=x)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"put_along_axis: values: expected values for {x.dtype}, got {values.dtype}")
    indices, shape = stand_in.as_array(raw(indices)), np.shape(raw(x))
    source = stand_in.in_one_line(_sources, indices, shape, axis)
    if axis is None:
        put = indices.shape
    else:
        axis = checks.axis("put_along_axis", axis, len(shape))
        put = (*shape[:axis], indices.shape[axis], *shape[axis + 1 :])
    given = reshape(broadcast_to(astype(values, x.dtype), put), (-1,))
    if 0 in put:  # an element that nobody takes, for those that get none
        given = scatter(given, slice(0), shape=(1,))
    return where(source >= 0, getitem(given, np.maximum(source, 0)), x)


def _sources(indices: NDArray, shape: Shape, axis: int | None) -> NDArray:
    """Return which of the values along slices comes to each place of an array, and -1 where none does."""
    places = np.arange(math.prod(shape)).reshape(shape)
    taken = take_along_axis(places, indices, axis)
    source = np.full(places.size, -1)
    source[taken.reshape(-1)] = np.arange(taken.size)  # of several, the last one stays
    return source.reshape(shape)


@of_numbers
def scatter_add(x: Operand[Out], key: Any, values: Operand[Out]) -> Out:
    """Add values to the elements at an index: what ``x[key] += values`` does, as a new array.

    An element that the index names several times gets all of its values, as by `numpy.add.at`.

    Parameters
    ----------
    x : array_like
    key : index
        Whatever may stand in ``x[...]``; it is not differentiable.
    values : array_like
        They broadcast to the shape of ``x[key]``.

    Returns
    -------
    ndarray or Tensor
        It has the shape and dtype of ``x``.

    Raises
    ------
    TypeError
        If the dtype of ``x`` cannot hold the values.

    Examples
    --------
    >>> scatter_add(np.zeros(3), [0, 0, 2], np.array([1.0, 1.0, 5.0]))
    array([2., 0., 5.])
    """
    x, values, key = as_array(x), as_array(values, like=x), raw(key)
    if not np.can_cast(values.dtype, x.dtype, "same_kind"):
        raise TypeError(f"scatter_add: values: expected values for {x.dtype}, got {values.dtype}")
    selected = getitem(constant_for(x, np.broadcast_to, np.False_, x.shape), key).shape
    return add(x, scatter(broadcast_to(astype(values, x.dtype), selected), key, shape=x.shape))


@of_numbers
def embedding(weight: Operand[Out], indices: Operand[Any]) -> Out:
    """Look up rows of a table: ``weight[indices]``, with the indices checked.

    Parameters
    ----------
    weight : array_like, (rows, features)
        The table.
    indices : array_like of int
        The rows to look up, in ``0..rows-1``.

    Returns
    -------
    ndarray or Tensor, indices.shape + (features,)

    Raises
    ------
    TypeError
        If the indices are not integers.
    ValueError
        If one is out of range.

    Examples
    --------
    >>> embedding(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0, 1]))
    array([[3., 4.],
           [1., 2.],
           [3., 4.]])
    """
    return getitem(weight, checks.indices("embedding", "indices", raw(indices), np.shape(raw(weight))[0]))


def one_hot(indices: Operand[Any], classes: int, *, dtype: DTypeLike = np.float32) -> NDArray:
    """Make rows that are 1 at an index and 0 elsewhere.

    Parameters
    ----------
    indices : array_like of int
        The position of the 1 in each row, in ``0..classes-1``.
    classes : int
        The length of a row.
    dtype : dtype_like
        The dtype of the result.

    Returns
    -------
    ndarray, indices.shape + (classes,)

    Raises
    ------
    TypeError
        If the indices are not integers.
    ValueError
        If one is out of range.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    indices = checks.indices("one_hot", "indices", raw(indices), classes)
    checks.held("one_hot: classes", (*indices.shape, classes))
    return stand_in.in_one_line(_rows_of_one, indices, classes, dtype)


def _rows_of_one(indices: NDArray, classes: int, dtype: DTypeLike) -> NDArray:
    out = np.zeros((*indices.shape, classes), dtype)
    np.put_along_axis(out, indices[..., np.newaxis], 1, axis=-1)
    return out
