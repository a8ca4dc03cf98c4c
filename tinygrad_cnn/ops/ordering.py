"""Operations that depend on the order of elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..stand_in import as_array
from ..tape import primitive, raw
from ..types import NDArray, Operand, Out
from .indexing import take_along_axis
from .operands import numbers, of_numbers

__all__ = ["argmax", "argmin", "argsort", "partition", "sort", "topk"]


@primitive
def argmax(x: Operand[Out], axis: int | None = None, *, keepdims: bool = False) -> Out:
    """Position of the maximum along an axis; of tied ones the first.

    Parameters
    ----------
    x : array_like
    axis : int or None
        The axis to search; None stands for the flattened array.
    keepdims : bool
        Keep the reduced axis at length 1.

    Returns
    -------
    ndarray or Tensor of int
        It is not on the tape.

    Examples
    --------
    >>> argmax(np.array([[1.0, 5.0], [4.0, 3.0]]), axis=1)
    array([1, 0])
    """
    return np.argmax(numbers(x), axis=axis, keepdims=keepdims)


@primitive
def argmin(x: Operand[Out], axis: int | None = None, *, keepdims: bool = False) -> Out:
    """Position of the minimum along an axis; of tied ones the first.

    Parameters
    ----------
    x : array_like
    axis : int or None
        The axis to search; None stands for the flattened array.
    keepdims : bool
        Keep the reduced axis at length 1.

    Returns
    -------
    ndarray or Tensor of int
        It is not on the tape.

    Examples
    --------
    >>> argmin(np.array([[1.0, 5.0], [4.0, 3.0]]), axis=1)
    array([0, 1])
    """
    return np.argmin(numbers(x), axis=axis, keepdims=keepdims)


@primitive
def argsort(x: Operand[Out], axis: int | None = -1, *, kind: Any = None, stable: Any = None) -> Out:
    """Positions that sort an array along an axis; tied elements keep their order.

    Parameters
    ----------
    x : array_like
    axis : int or None
        The axis to sort along; None stands for the flattened array.
    kind, stable : object
        Taken because `numpy.argsort` has them, and ignored: the order is always stable.

    Returns
    -------
    ndarray or Tensor of int
        It is not on the tape; `take_along_axis` takes it.

    Examples
    --------
    >>> argsort(np.array([3.0, 1.0, 2.0]))
    array([1, 2, 0])
    """
    return np.argsort(numbers(x), axis=axis, kind="stable")


@of_numbers
def sort(x: Operand[Out], axis: int | None = -1, *, kind: Any = None, stable: Any = None) -> Out:
    """Sort along an axis; tied elements keep their order, and each its own gradient.

    Parameters
    ----------
    x : array_like
    axis : int or None
        The axis to sort along; None stands for the flattened array.
    kind, stable : object
        Taken because `numpy.sort` has them, and ignored: the order is always stable.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sort(np.array([3.0, 1.0, 2.0]))
    array([1., 2., 3.])
    """
    axis = _number(axis)
    return take_along_axis(x, np.argsort(raw(x), axis=axis, kind="stable"), axis)


def _number(axis: int | None) -> int | None:
    """Return an axis that `numpy.argsort` takes: it refuses a bool, which `numpy.sort` reads as 0 or 1."""
    return int(axis) if isinstance(axis, bool) else axis


@of_numbers
def partition(x: Operand[Out], kth: int | Sequence[int], axis: int | None = -1) -> Out:
    """Put the elements at some positions where sorting would, smaller ones before and larger ones after.

    Parameters
    ----------
    x : array_like
    kth : int or sequence of int
        The positions.
    axis : int or None
        The axis to sort along; None stands for the flattened array.

    Returns
    -------
    ndarray or Tensor
        The order of the elements between those positions is undefined.

    Examples
    --------
    >>> partition(np.array([3.0, 4.0, 1.0, 2.0]), 2)[2:]
    array([3., 4.])
    """
    axis = _number(axis)
    return take_along_axis(x, np.argpartition(raw(x), kth, axis=axis), axis)


class TopK(NamedTuple):
    """The largest or smallest elements, in order, and their positions."""

    values: Any
    indices: NDArray


@of_numbers
def topk(x: Operand[Any], k: int, axis: int = -1, *, largest: bool = True) -> TopK:
    """Take the largest elements along an axis, the largest first; of tied ones those that come first.

    Parameters
    ----------
    x : array_like
    k : int
        How many.
    axis : int
        The axis to search.
    largest : bool
        Whether to take the largest elements, or the smallest, the smallest first.

    Returns
    -------
    values : ndarray or Tensor
        The elements. NaN counts as larger than any number.
    indices : ndarray of int
        Their positions along the axis.

    Raises
    ------
    ValueError
        If there are fewer than ``k`` elements.

    Examples
    --------
    >>> values, indices = topk(np.array([3.0, 1.0, 4.0, 1.0]), 2)
    >>> values, indices
    (array([4., 3.]), array([2, 0]))
    """
    array = as_array(raw(x))
    axis = checks.axis("topk", axis, array.ndim)
    length = array.shape[axis]
    if checks.integer("topk: k", k, 0) > length:
        raise ValueError(f"topk: k: expected at most {length} along axis {axis}, got {k}")
    if largest:  # read backwards twice, so that the first of tied elements stays the first
        order = length - 1 - np.flip(np.argsort(np.flip(array, axis), axis=axis, kind="stable"), axis)
    else:
        order = np.argsort(array, axis=axis, kind="stable")
    indices = order[(slice(None),) * axis + (slice(k),)]
    return TopK(take_along_axis(x, indices, axis), indices)
