"""Operations that depend on the order of elements."""

from __future__ import annotations

import operator

import numpy as np

from ..tape import primitive, raw
from ..types import Operand, Out
from .indexing import getitem
from .shaping import reshape

__all__ = ["argmax", "sort"]


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
    return np.argmax(x, axis=axis, keepdims=keepdims)


def sort(x: Operand[Out], axis: int | None = -1) -> Out:
    """Sort along an axis; tied elements keep their order, and each its own gradient.

    Parameters
    ----------
    x : array_like
    axis : int or None
        The axis to sort along; None stands for the flattened array.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sort(np.array([3.0, 1.0, 2.0]))
    array([1., 2., 3.])
    """
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    array, axis = np.asarray(raw(x)), operator.index(axis)
    order = np.argsort(array, axis=axis, kind="stable")
    grid = list(np.ogrid[tuple(slice(n) for n in array.shape)])
    grid[axis] = order
    return getitem(x, tuple(grid))
