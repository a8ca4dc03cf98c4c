"""Diagonals of matrices, and the triangles above and below them, with NumPy's names."""

from __future__ import annotations

import numpy as np

from .. import checks
from ..stand_in import as_array
from ..tape import constant_for, raw
from ..types import DTypeLike, NDArray, Operand, Out, Shape
from .elementwise import where
from .indexing import getitem, scatter
from .operands import of_numbers
from .reductions import sum
from .shaping import moveaxis

__all__ = ["diag", "diagonal", "trace", "tril", "triu"]


def _places(rows: int, columns: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and the columns of the elements of a diagonal."""
    first = np.arange(max(-offset, 0), min(rows, columns - offset))
    return first, first + offset


@of_numbers
def diagonal(x: Operand[Out], offset: int = 0, axis1: int = 0, axis2: int = 1) -> Out:
    """Take the diagonals of the matrices that two axes make.

    Parameters
    ----------
    x : array_like, at least 2-d
    offset : int
        How far the diagonal lies above the main one; below it for a negative number.
    axis1, axis2 : int
        The axes of the rows and of the columns.

    Returns
    -------
    ndarray or Tensor
        It has the other axes, then that of the diagonal. Other than NumPy's it is no view.

    Examples
    --------
    >>> diagonal(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([1., 4.])
    """
    ndim = np.ndim(raw(x))
    axes = checks.axis("diagonal", axis1, ndim), checks.axis("diagonal", axis2, ndim)
    if axes != (ndim - 2, ndim - 1):
        x = moveaxis(x, axes, (-2, -1))
    rows, columns = x.shape[-2:]
    return getitem(x, (..., *constant_for(x, _places, rows, columns, offset)))


@of_numbers
def diag(x: Operand[Out], k: int = 0) -> Out:
    """Make a matrix with a diagonal of given elements, or take the diagonal of a matrix.

    Parameters
    ----------
    x : array_like, (n,) or (m, n)
        The diagonal of a new matrix of zeros, or a matrix.
    k : int
        How far the diagonal lies above the main one; below it for a negative number.

    Returns
    -------
    ndarray or Tensor
        A matrix for a vector, a vector for a matrix.

    Raises
    ------
    ValueError
        If ``x`` has another number of axes.

    Examples
    --------
    >>> diag(np.array([1.0, 2.0]))
    array([[1., 0.],
           [0., 2.]])
    """
    shape = np.shape(raw(x))
    if len(shape) == 2:
        return diagonal(x, k)
    if len(shape) != 1:
        raise ValueError(f"diag: x: expected one axis or two, got shape {shape}")
    size = shape[0] + abs(k)
    return scatter(x, constant_for(x, _places, size, size, k), shape=(size, size))


@of_numbers
def trace(
    x: Operand[Out],
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: DTypeLike | None = None,
) -> Out:
    """Sum of a diagonal.

    Parameters
    ----------
    x : array_like, at least 2-d
    offset, axis1, axis2 : int
        Which diagonal it is; see `diagonal`.
    dtype : dtype_like, optional
        The dtype to cast to before summing.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> float(trace(np.array([[1.0, 2.0], [3.0, 4.0]])))
    5.0
    """
    return sum(diagonal(x, offset, axis1, axis2), -1, dtype=dtype)


@of_numbers
def tril(x: Operand[Out], k: int = 0) -> Out:
    """Put zeros above a diagonal of the matrices that the last two axes make.

    Parameters
    ----------
    x : array_like, (..., m, n)
    k : int
        How far the last diagonal that is kept lies above the main one.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> tril(np.ones((2, 3)))
    array([[1., 0., 0.],
           [1., 1., 0.]])
    """
    return _within_triangle(x, k, above=False)


@of_numbers
def triu(x: Operand[Out], k: int = 0) -> Out:
    """Put zeros below a diagonal of the matrices that the last two axes make.

    Parameters
    ----------
    x : array_like, (..., m, n)
    k : int
        How far the first diagonal that is kept lies above the main one.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> triu(np.ones((2, 3)))
    array([[1., 1., 1.],
           [0., 1., 1.]])
    """
    return _within_triangle(x, k, above=True)


def _within_triangle(x: Operand[Out], k: int, *, above: bool) -> Out:
    array = as_array(raw(x))
    below = constant_for(array, _below, array.shape[-2:], k - above)
    return where(below != above, x, array.dtype.type(0))


def _below(shape: Shape, k: int) -> NDArray:
    """Return where the elements of a matrix lie on a diagonal or below it."""
    return np.tri(*shape, k=k, dtype=bool)
