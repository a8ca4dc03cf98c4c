"""Operations that choose elements by their positions, and the one that puts them back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .. import checks
from ..kernels import scatter as kernel
from ..tape import primitive, raw
from ..types import Axes, DTypeLike, NDArray, Operand, Out, Shape
from .shaping import reshape

__all__ = ["embedding", "flip", "getitem", "one_hot", "take"]


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
    return x[key]


@primitive
def scatter_add(x: Operand[Out], key: Any, *, shape: Shape) -> Out:
    """Make zeros of a shape and add ``x`` at an index, perhaps repeatedly: the adjoint of `getitem`.

    Examples
    --------
    >>> scatter_add(np.array([1.0, 1.0, 5.0]), [0, 0, 2], shape=(3,))
    array([2., 0., 5.])
    """
    return kernel.scatter_add(x, key, shape)


getitem.defvjp(x=lambda g, x_shape, key: scatter_add(g, key, shape=x_shape))
scatter_add.defvjp(x=lambda g, key: getitem(g, key))


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
    indices = np.asarray(raw(indices))
    if indices.dtype.kind in "bO" or not indices.size:
        indices = indices.astype(np.intp)  # True stands for position 1 here, and is no mask
    if axis is None:
        return getitem(reshape(x, (-1,)), indices)
    return getitem(x, (slice(None),) * checks.axis("take", axis, np.ndim(raw(x))) + (indices,))


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
    out = np.zeros((*indices.shape, classes), dtype)
    np.put_along_axis(out, indices[..., np.newaxis], 1, axis=-1)
    return out
