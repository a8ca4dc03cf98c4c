"""Shapes, order, joining and splitting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .... import ops
from ....tape import constant_for, raw
from ..registry import Numbers, operator
from .casting import is_rare


def ints(numbers: Any) -> tuple[int, ...]:
    """Return the elements of an array as integers of Python."""
    return tuple(int(n) for n in np.asarray(numbers).reshape(-1))


def is_number(x: Any) -> bool:
    """Whether our operations compute with such elements; those of texts and of rare dtypes only move."""
    return raw(x).dtype.kind in "biuf" and not is_rare(raw(x).dtype)


@operator("Shape")
def shape(x: Any, *, start: int = 0, end: int | None = None) -> Any:
    """Return the shape, or a part of it."""
    return np.array(x.shape[start:end], np.int64)


@operator("Size")
def size(x: Any) -> Any:
    """Return the number of elements."""
    return np.array(int(np.prod(x.shape)), np.int64)


@operator("Reshape")
def reshape(x: Any, shape: Numbers, *, allowzero: int = 0) -> Any:
    """Change the shape; a 0 stands for the length that there was, -1 for what is left."""
    sizes = [n if n or allowzero else x.shape[i] for i, n in enumerate(ints(shape))]
    return ops.reshape(x, tuple(sizes)) if is_number(x) else x.reshape(sizes)


@operator("Flatten")
def flatten(x: Any, *, axis: int = 1) -> Any:
    """Make a matrix: the axes before one are its rows."""
    first = axis + x.ndim if axis < 0 else axis
    return ops.reshape(x, (math.prod(x.shape[:first]), math.prod(x.shape[first:])))


@operator("Transpose")
def transpose(x: Any, *, perm: tuple[int, ...] | None = None) -> Any:
    """Change the order of the axes, by default to the opposite one."""
    return ops.transpose(x, perm) if is_number(x) else x.transpose(perm)


@operator("Squeeze")
def squeeze(x: Any, axes_input: Numbers = None, *, axes: tuple[int, ...] | None = None) -> Any:
    """Drop axes of length 1."""
    given = axes if axes_input is None else ints(axes_input)
    return ops.squeeze(x, given)


@operator("Unsqueeze")
def unsqueeze(x: Any, axes_input: Numbers = None, *, axes: tuple[int, ...] | None = None) -> Any:
    """Add axes of length 1."""
    given = axes if axes_input is None else ints(axes_input)
    assert given is not None
    return ops.expand_dims(x, given) if is_number(x) else np.expand_dims(x, given)


@operator("Expand")
def expand(x: Any, shape: Numbers) -> Any:
    """Repeat along axes of length 1, until the shape is that of both together."""
    return ops.broadcast_to(x, np.broadcast_shapes(x.shape, ints(shape)))


@operator("Tile")
def tile(x: Any, repeats: Numbers) -> Any:
    """Repeat the array along each axis."""
    return ops.tile(x, ints(repeats))


@operator("Concat")
def concat(*arrays: Any, axis: int) -> Any:
    """Join arrays along an axis."""
    return ops.concatenate(arrays, axis) if all(map(is_number, arrays)) else np.concatenate(arrays, axis)


@operator("Split")
def split(
    x: Any,
    sizes: Numbers = None,
    *,
    axis: int = 0,
    split: tuple[int, ...] | None = None,
    num_outputs: int | None = None,
    count: int,
) -> Any:
    """Cut along an axis, into parts of given lengths or of one length, the last of which may be shorter."""
    lengths = split if sizes is None else ints(sizes)
    n = x.shape[axis]
    if lengths is None:
        each = -(-n // (num_outputs or count))
        lengths = tuple(min(each, max(n - i * each, 0)) for i in range(num_outputs or count))
    ends = np.cumsum(lengths).tolist()
    if ends[-1] != n:
        raise ValueError(f"Split: expected lengths that add up to {n}, got {lengths}")
    return tuple(ops.split(x, ends[:-1], axis))


@operator("Slice")
def slice_(
    x: Any,
    starts_input: Numbers = None,
    ends_input: Numbers = None,
    axes_input: Numbers = None,
    steps: Numbers = None,
    *,
    starts: tuple[int, ...] = (),
    ends: tuple[int, ...] = (),
    axes: tuple[int, ...] | None = None,
) -> Any:
    """Cut out a part; where it begins and ends were attributes before version 10."""
    first, last = (ints(starts_input), ints(ends_input)) if starts_input is not None else (starts, ends)
    along = ints(axes_input) if axes_input is not None else axes or tuple(range(len(first)))
    every = ints(steps) if steps is not None else (1,) * len(first)
    key = [slice(None)] * x.ndim
    for axis, start, end, step in zip(along, first, last, every, strict=True):
        beyond = step < 0 and end < -x.shape[axis]  # before the first element, which no slice can say
        key[axis] = slice(start, None if beyond else end, step)
    return ops.getitem(x, tuple(key)) if is_number(x) else x[tuple(key)]


@operator("Pad")
def pad(
    x: Any,
    pads_input: Numbers = None,
    constant: Any = None,
    axes: Numbers = None,
    *,
    mode: str = "constant",
    pads: tuple[int, ...] = (),
    value: float = 0.0,
) -> Any:
    """Add elements around the array, or take some away where a number is negative."""
    given = pads if pads_input is None else ints(pads_input)
    along = tuple(range(x.ndim)) if axes is None else tuple(axis % x.ndim for axis in ints(axes))
    width, key = [(0, 0)] * x.ndim, [slice(None)] * x.ndim
    for axis, before, after in zip(along, given[: len(along)], given[len(along) :], strict=True):
        width[axis] = max(before, 0), max(after, 0)
        key[axis] = slice(max(-before, 0), x.shape[axis] - max(-after, 0))
    x = ops.getitem(x, tuple(key))
    if mode != "constant":
        return ops.pad(x, width, mode)  # type: ignore[arg-type]
    if constant is None:
        return ops.pad(x, width, constant_values=value)
    inside = ops.pad(x, width)
    mask = constant_for(x, np.pad, constant_for(x, np.ones, x.shape, bool), width)
    return ops.where(mask, inside, ops.reshape(constant, ()))


@operator("DepthToSpace")
def depth_to_space(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    """Move channels into blocks of pixels; in the mode DCR the channels of a block are the outer ones."""
    if mode == "CRD":
        return ops.pixel_shuffle(x, blocksize)
    n, c, h, w = x.shape
    b = blocksize
    parts = ops.transpose(ops.reshape(x, (n, b, b, c // b**2, h, w)), (0, 3, 4, 1, 5, 2))
    return ops.reshape(parts, (n, c // b**2, h * b, w * b))


@operator("SpaceToDepth")
def space_to_depth(x: Any, *, blocksize: int) -> Any:
    """Move blocks of pixels into channels."""
    n, c, h, w = x.shape
    b = blocksize
    parts = ops.transpose(ops.reshape(x, (n, c, h // b, b, w // b, b)), (0, 3, 5, 1, 2, 4))
    return ops.reshape(parts, (n, c * b**2, h // b, w // b))


@operator("CenterCropPad")
def center_crop_pad(x: Any, shape: Numbers, *, axes: tuple[int, ...] | None = None) -> Any:
    """Cut off or add zeros on both sides, so that axes get given lengths."""
    along = range(x.ndim) if axes is None else [axis % x.ndim for axis in axes]
    width, key = [(0, 0)] * x.ndim, [slice(None)] * x.ndim
    for axis, length in zip(along, ints(shape), strict=True):
        less, more = max(x.shape[axis] - length, 0), max(length - x.shape[axis], 0)
        key[axis] = slice(less // 2, less // 2 + min(length, x.shape[axis]))
        width[axis] = more // 2, more - more // 2
    return ops.astype(ops.pad(ops.getitem(x, tuple(key)), width), x.dtype)
