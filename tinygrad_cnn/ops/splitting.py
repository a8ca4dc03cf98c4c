"""Taking an array apart along an axis, with NumPy's names; the opposite of ``joining``."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import checks
from ..tape import raw
from ..types import Array, Operand
from .indexing import getitem
from .operands import of_numbers
from .shaping import as_array

__all__ = ["array_split", "dsplit", "hsplit", "split", "vsplit"]


@of_numbers
def array_split(
    x: Operand[Any], indices_or_sections: int | Sequence[int] | np.ndarray, axis: int = 0
) -> list[Array]:
    """Split along an axis, into parts of nearly the same length or at given positions.

    Parameters
    ----------
    x : array_like
    indices_or_sections : int or sequence of int
        The number of parts, of which the first may be longer by one; or the positions to split at.
    axis : int
        The axis to split along.

    Returns
    -------
    list of ndarray or Tensor

    Raises
    ------
    ValueError
        If the number of parts is below 1.

    Examples
    --------
    >>> array_split(np.arange(3.0), 2)
    [array([0., 1.]), array([2.])]
    """
    x = as_array(x)
    axis = checks.axis("array_split", axis, x.ndim)
    length = x.shape[axis]
    if np.ndim(indices_or_sections):
        ends = [0, *map(operator.index, np.asarray(raw(indices_or_sections)).tolist()), length]
    else:
        parts = checks.integer("array_split: sections", indices_or_sections, 1)
        least, longer = divmod(length, parts)
        ends = [i * least + min(i, longer) for i in range(parts + 1)]
    before = (slice(None),) * axis
    return [getitem(x, (*before, slice(start, end))) for start, end in pairwise(ends)]


@of_numbers
def split(
    x: Operand[Any], indices_or_sections: int | Sequence[int] | np.ndarray, axis: int = 0
) -> list[Array]:
    """Split along an axis, into parts of the same length or at given positions.

    Parameters
    ----------
    x : array_like
    indices_or_sections : int or sequence of int
        The number of parts, or the positions to split at.
    axis : int
        The axis to split along.

    Returns
    -------
    list of ndarray or Tensor

    Raises
    ------
    ValueError
        If the length is no multiple of the number of parts; `array_split` takes that.

    Examples
    --------
    >>> split(np.arange(4.0), 2)
    [array([0., 1.]), array([2., 3.])]
    >>> split(np.arange(4.0), [1])
    [array([0.]), array([1., 2., 3.])]
    """
    if not np.ndim(indices_or_sections):
        shape = np.shape(raw(x))
        length = shape[checks.axis("split", axis, len(shape))]
        parts = checks.integer("split: sections", indices_or_sections, 1)
        if length % parts:
            raise ValueError(
                f"split: sections: a length of {length} does not divide into {parts} equal parts: "
                "use array_split, or give the positions to split at"
            )
    return array_split(x, indices_or_sections, axis)


@of_numbers
def hsplit(x: Operand[Any], indices_or_sections: int | Sequence[int] | np.ndarray) -> list[Array]:
    """Split into parts beside each other: a vector along its axis, others along the second.

    Parameters
    ----------
    x : array_like, at least 1-d
    indices_or_sections : int or sequence of int
        As for `split`.

    Returns
    -------
    list of ndarray or Tensor

    Examples
    --------
    >>> hsplit(np.array([[1.0, 2.0], [3.0, 4.0]]), 2)[1]
    array([[2.],
           [4.]])
    """
    ndim = _required_ndim("hsplit", x, 1)
    return split(x, indices_or_sections, 1 if ndim > 1 else 0)


@of_numbers
def vsplit(x: Operand[Any], indices_or_sections: int | Sequence[int] | np.ndarray) -> list[Array]:
    """Split into parts below each other, along the first axis.

    Parameters
    ----------
    x : array_like, at least 2-d
    indices_or_sections : int or sequence of int
        As for `split`.

    Returns
    -------
    list of ndarray or Tensor

    Examples
    --------
    >>> vsplit(np.array([[1.0, 2.0], [3.0, 4.0]]), 2)[1]
    array([[3., 4.]])
    """
    _required_ndim("vsplit", x, 2)
    return split(x, indices_or_sections, 0)


@of_numbers
def dsplit(x: Operand[Any], indices_or_sections: int | Sequence[int] | np.ndarray) -> list[Array]:
    """Split into parts behind each other, along the third axis.

    Parameters
    ----------
    x : array_like, at least 3-d
    indices_or_sections : int or sequence of int
        As for `split`.

    Returns
    -------
    list of ndarray or Tensor

    Examples
    --------
    >>> [part.shape for part in dsplit(np.ones((2, 3, 4)), [1])]
    [(2, 3, 1), (2, 3, 3)]
    """
    _required_ndim("dsplit", x, 3)
    return split(x, indices_or_sections, 2)


def _required_ndim(owner: str, x: Any, least: int) -> int:
    ndim = np.ndim(raw(x))
    if ndim < least:
        raise ValueError(f"{owner}: x: expected at least {least} axes, got {ndim}")
    return ndim
