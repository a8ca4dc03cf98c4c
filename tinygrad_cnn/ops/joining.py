"""Operations that join arrays, or a border or copies of itself to an array."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal, TypeAlias

import numpy as np

from .. import checks
from ..tape import broadcast_to, constant_for, primitive, raw
from ..types import Array, ArrayLike, Axes, NDArray, Operand, Out, Shape
from .indexing import getitem, take
from .operands import numbers, of_numbers
from .shaping import expand_dims, reshape

__all__ = ["concatenate", "pad", "repeat", "roll", "stack", "tile"]

Widths: TypeAlias = tuple[tuple[int, int], ...]


@of_numbers
def concatenate(arrays: Sequence[Operand[Any]], axis: int | None = 0) -> Array:
    """Join arrays along an existing axis.

    Parameters
    ----------
    arrays : sequence of array_like
        Their shapes are equal but for ``axis``.
    axis : int or None
        The axis to join along; None joins the flattened arrays.

    Returns
    -------
    ndarray or Tensor
        It has the promoted dtype.

    Examples
    --------
    >>> concatenate([np.ones((1, 2)), np.zeros((1, 2))])
    array([[1., 1.],
           [0., 0.]])
    """
    if axis is None:
        arrays, axis = [reshape(x, (-1,)) for x in arrays], 0
    return _concatenate(*arrays, axis=axis, ends=_ends(arrays, axis))


def _ends(arrays: Sequence[Operand[Any]], axis: int) -> Shape:
    """Return where each array ends along an axis of the result. NumPy refuses what does not fit.

    The rule of each array needs two of these sums. If it added the lengths itself, the time of all rules
    would grow as the square of the number of arrays.
    """
    lengths = (np.shape(raw(x))[axis:][:1] for x in arrays)
    return tuple(accumulate(length[0] if length else 0 for length in lengths))


@primitive(broadcasts=True)  # joined arrays promote, though they do not broadcast
def _concatenate(*xs: Operand[Out], axis: int, ends: Shape) -> Out:
    return np.concatenate(xs, axis=axis)


def _concatenate_rule(g: Array, index: int, axis: int, ends: Shape) -> Array:
    key = [slice(None)] * g.ndim
    key[axis] = slice(ends[index - 1] if index else 0, ends[index])
    return getitem(g, tuple(key))


_concatenate.defvjp(xs=_concatenate_rule)


@of_numbers
def stack(arrays: Sequence[Operand[Any]], axis: int = 0) -> Array:
    """Join arrays along a new axis.

    Parameters
    ----------
    arrays : sequence of array_like
        Their shapes are equal.
    axis : int
        The position of the new axis in the result.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> stack([np.zeros(2), np.ones(2)], axis=1)
    array([[0., 1.],
           [0., 1.]])
    """
    return concatenate([expand_dims(x, axis) for x in arrays], operator.index(axis))


@of_numbers
def pad(
    x: Operand[Out],
    pad_width: ArrayLike,
    mode: Literal["constant", "edge", "reflect", "wrap"] = "constant",
    *,
    constant_values: float = 0.0,
) -> Out:
    """Surround an array with a constant, or with elements of its own.

    Parameters
    ----------
    x : array_like
    pad_width : int, (before, after), or a sequence of one such pair for each axis
        The lengths of the border, as for `numpy.pad`.
    mode : "constant", "edge", "reflect" or "wrap"
        What the border is made of, as for `numpy.pad`.
    constant_values : float
        The border of the mode "constant".

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    TypeError
        If the widths are not integers.
    NotImplementedError
        If the mode is another of NumPy's.

    Examples
    --------
    >>> pad(np.array([1.0, 2.0]), (1, 2))
    array([0., 1., 2., 0., 0.])
    >>> pad(np.array([1.0, 2.0, 3.0]), 2, mode="reflect")
    array([3., 2., 1., 2., 3., 2., 1.])
    """
    shape = np.shape(raw(x))
    given = np.asarray(pad_width)
    if given.dtype.kind != "i":
        raise TypeError(f"pad: pad_width: expected signed integers, got {pad_width!r}")
    widths = tuple((int(a), int(b)) for a, b in np.broadcast_to(given, (len(shape), 2)))
    checks.held("pad: pad_width", tuple(n + a + b for n, (a, b) in zip(shape, widths, strict=True)))
    if mode == "constant":
        return _pad(x, widths=widths, constant_values=constant_values)
    if mode not in ("edge", "reflect", "wrap"):
        raise NotImplementedError(f"pad: mode: expected constant, edge, reflect or wrap, got {mode!r}")
    for axis, (n, width) in enumerate(zip(shape, widths, strict=True)):
        if width != (0, 0):  # NumPy pads the positions, and these pick the elements
            x = take(x, constant_for(x, _padded_places, n, width, mode), axis)
    return x


def _padded_places(n: int, width: tuple[int, int], mode: Any) -> NDArray:
    return np.pad(np.arange(n), width, mode=mode)


@primitive
def _pad(x: Operand[Out], *, widths: Widths, constant_values: float) -> Out:
    # NumPy refuses the empty tuple of widths of a 0-d array
    return np.pad(x, widths or 0, constant_values=constant_values)


def _pad_rule(g: Array, x_shape: Shape, widths: Widths) -> Array:
    return getitem(
        g, tuple(slice(before, before + n) for (before, _), n in zip(widths, x_shape, strict=True))
    )


_pad.defvjp(x=_pad_rule)


@of_numbers
def repeat(x: Operand[Out], repeats: Operand[Any], axis: int | None = None) -> Out:
    """Repeat each element along an axis.

    Parameters
    ----------
    x : array_like
    repeats : int or array_like of int
        How often: one number for all elements, or one for each position.
    axis : int or None
        The axis to repeat along; None stands for the flattened array.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> repeat(np.array([1.0, 2.0]), [1, 2])
    array([1., 2., 2.])
    """
    if axis is None or (np.ndim(raw(x)) == 0 and axis in (0, -1)):  # NumPy repeats a 0-d array as a vector
        x, axis = reshape(x, (-1,)), 0
    shape = np.shape(raw(x))
    axis, counts = checks.axis("repeat", axis, len(shape)), np.asarray(raw(repeats))
    if counts.ndim == 0:  # stretching a new axis has a sum as its gradient, not a scatter
        count = operator.index(counts.item())
        checks.held("repeat: repeats", (*shape, count))
        stretched = broadcast_to(expand_dims(x, axis + 1), (*shape[: axis + 1], count, *shape[axis + 1 :]))
        return reshape(stretched, (*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))
    if counts.size and counts.dtype.kind not in "biuO":
        raise TypeError(f"repeat: repeats: expected integers, got {counts.dtype}")
    return take(x, constant_for(x, _repeated_places, shape[axis], raw(repeats)), axis)


def _repeated_places(n: int, repeats: ArrayLike) -> NDArray:
    positions, counts = np.arange(n), np.asarray(repeats).astype(np.intp)
    checks.held("repeat: repeats", (int(np.broadcast_to(counts, positions.shape).sum(dtype=float)),))
    return np.repeat(positions, counts)


@of_numbers
def tile(x: Operand[Out], reps: int | Sequence[int]) -> Out:
    """Repeat the whole array.

    Parameters
    ----------
    x : array_like
    reps : int or sequence of int
        How often, along each axis; matched with the last axes, as `numpy.tile` does.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> tile(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2., 1., 2.],
           [1., 2., 1., 2.]])
    """
    reps = tuple(0 + r for r in (reps if np.iterable(reps) else (reps,)))  # a bool counts as a number
    shape = np.shape(raw(x))
    ndim = max(len(reps), len(shape))
    reps, shape = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - len(shape)) + shape
    checks.held("tile: reps", tuple(r * n for r, n in zip(reps, shape, strict=True)))
    # each axis becomes a pair of axes (repetition, position)
    paired = reshape(x, tuple(n for size in shape for n in (1, size)))
    repeated = broadcast_to(paired, tuple(n for pair in zip(reps, shape, strict=True) for n in pair))
    return reshape(repeated, tuple(r * n for r, n in zip(reps, shape, strict=True)))


@primitive
def roll(x: Operand[Out], shift: int | Shape, axis: Axes = None) -> Out:
    """Shift elements along axes; those that fall off at one end come back at the other.

    Parameters
    ----------
    x : array_like
    shift : int or tuple of int
        How far: one number for all axes, or one for each.
    axis : int, tuple of int or None
        The axes to shift along; None shifts the flattened array, and restores its shape.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> roll(np.array([1.0, 2.0, 3.0]), 1)
    array([3., 1., 2.])
    """
    return np.roll(numbers(x), shift, axis)


roll.defvjp(x=lambda g, shift, axis: roll(g, np.negative(np.asarray(shift, int)), axis))
