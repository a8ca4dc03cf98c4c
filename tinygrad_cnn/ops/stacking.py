"""Joining arrays that first get the axes they lack, with NumPy's names; see ``joining``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..tape import raw
from ..types import Array, Operand, Out
from .joining import concatenate
from .operands import of_numbers
from .shaping import expand_dims, reshape, transpose

__all__ = [
    "append",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block",
    "column_stack",
    "dstack",
    "hstack",
    "vstack",
]


def _each(function: Any, arrays: tuple[Any, ...]) -> Any:
    """Apply a function to the arrays, and return what it gives for one, or a tuple for several."""
    found = tuple(map(function, arrays))
    return found[0] if len(found) == 1 else found


@of_numbers
def atleast_1d(*arrays: Operand[Any]) -> Array:
    """Give a 0-d array an axis.

    Parameters
    ----------
    *arrays : array_like

    Returns
    -------
    ndarray or Tensor, or a tuple of these
        One for one array, a tuple for several.

    Examples
    --------
    >>> atleast_1d(2.0)
    array([2.])
    """
    return _each(lambda x: reshape(x, np.shape(raw(x)) or (1,)), arrays)


@of_numbers
def atleast_2d(*arrays: Operand[Any]) -> Array:
    """Give an array axes in front, until it has two: a vector becomes a row.

    Parameters
    ----------
    *arrays : array_like

    Returns
    -------
    ndarray or Tensor, or a tuple of these
        One for one array, a tuple for several.

    Examples
    --------
    >>> atleast_2d(np.array([1.0, 2.0]))
    array([[1., 2.]])
    """
    return _each(_with_rows, arrays)


def _with_rows(x: Any) -> Any:
    shape = np.shape(raw(x))
    return reshape(x, (1,) * (2 - len(shape)) + shape)


@of_numbers
def atleast_3d(*arrays: Operand[Any]) -> Array:
    """Give an array axes, until it has three: of a matrix the last is new, of a vector the first too.

    Parameters
    ----------
    *arrays : array_like

    Returns
    -------
    ndarray or Tensor, or a tuple of these
        One for one array, a tuple for several.

    Examples
    --------
    >>> atleast_3d(np.array([1.0, 2.0])).shape
    (1, 2, 1)
    """
    return _each(_with_depth, arrays)


def _with_depth(x: Any) -> Any:
    x = _with_rows(x)
    return expand_dims(x, 2) if x.ndim == 2 else x


@of_numbers
def vstack(arrays: Iterable[Operand[Any]]) -> Array:
    """Join arrays below each other, along the first axis; a vector is a row.

    Parameters
    ----------
    arrays : sequence of array_like
        Their shapes are equal but for the first axis.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> vstack([np.zeros(2), np.ones(2)])
    array([[0., 0.],
           [1., 1.]])
    """
    return concatenate([atleast_2d(x) for x in arrays], 0)


@of_numbers
def hstack(arrays: Iterable[Operand[Any]]) -> Array:
    """Join arrays beside each other: vectors along their axis, others along the second.

    Parameters
    ----------
    arrays : sequence of array_like
        Their shapes are equal but for that axis.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> hstack([np.zeros((2, 1)), np.ones((2, 2))])
    array([[0., 1., 1.],
           [0., 1., 1.]])
    """
    joined = [atleast_1d(x) for x in arrays]
    return concatenate(joined, 0 if joined and joined[0].ndim == 1 else 1)


@of_numbers
def dstack(arrays: Iterable[Operand[Any]]) -> Array:
    """Join arrays behind each other, along the third axis; see `atleast_3d`.

    Parameters
    ----------
    arrays : sequence of array_like
        Their shapes are equal but for the third axis.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> dstack([np.zeros((2, 2)), np.ones((2, 2))]).shape
    (2, 2, 2)
    """
    return concatenate([atleast_3d(x) for x in arrays], 2)


@of_numbers
def column_stack(arrays: Iterable[Operand[Any]]) -> Array:
    """Join arrays beside each other, along the second axis; a vector is a column.

    Parameters
    ----------
    arrays : sequence of array_like
        Their shapes are equal but for the second axis.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> column_stack([np.zeros(2), np.ones(2)])
    array([[0., 1.],
           [0., 1.]])
    """
    return concatenate([transpose(_with_rows(x)) if np.ndim(raw(x)) < 2 else x for x in arrays], 1)


@of_numbers
def append(x: Operand[Out], values: Operand[Any], axis: int | None = None) -> Out:
    """Join an array and another one.

    Parameters
    ----------
    x, values : array_like
        Their shapes are equal but for ``axis``.
    axis : int or None
        The axis to join along; None joins the flattened arrays.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> append(np.array([1.0, 2.0]), 3.0)
    array([1., 2., 3.])
    """
    joined: Any = concatenate([x, values], axis)
    return joined


def block(arrays: Any) -> Array:
    """Join the blocks of an array, given in nested lists.

    Parameters
    ----------
    arrays : array_like, or nested lists of array_like
        The innermost lists are joined along the last axis, the lists of these along the one before, and so
        on. A block with fewer axes gets more in front.

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    ValueError
        If the lists are empty, or are nested to different depths.

    Examples
    --------
    >>> block([[np.ones((1, 1)), np.zeros((1, 2))], [np.full((1, 3), 2.0)]])
    array([[1., 0., 0.],
           [2., 2., 2.]])
    """
    depths, ndims = zip(*_blocks(arrays, 0), strict=True)
    if len(set(depths)) > 1:
        raise ValueError(f"block: expected lists nested to one depth, got the depths {sorted(set(depths))}")
    return _blocked(arrays, depths[0], max(depths[0], *ndims))


def _blocks(part: Any, depth: int) -> list[tuple[int, int]]:
    """List how deep each block lies, and how many axes it has."""
    if not isinstance(part, list):
        return [(depth, np.ndim(raw(part)))]
    if not part:
        raise ValueError("block: expected lists of blocks, got an empty list")
    return [found for inner in part for found in _blocks(inner, depth + 1)]


def _blocked(part: Any, depth: int, ndim: int) -> Any:
    if isinstance(part, list):
        return concatenate([_blocked(inner, depth - 1, ndim) for inner in part], -depth)
    shape = np.shape(raw(part))
    return reshape(part, (1,) * (ndim - len(shape)) + shape)
