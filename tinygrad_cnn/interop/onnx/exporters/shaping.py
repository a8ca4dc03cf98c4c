"""Shapes, order, joining and elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....program.values import Value
from ..merging import Samples
from .table import exporter


def reshaped(w: Any, x: Any, before: tuple[int, ...], shape: Any) -> Any:
    """Add a node that changes a shape; a size that follows from the number of samples is copied or found."""
    sizes = [shape] if isinstance(shape, int) else list(shape)
    given = math.prod(n for n in sizes if n != -1)
    sizes = [math.prod(before) // given if n == -1 and given else n for n in sizes]
    is_free = isinstance(math.prod(before), Samples) or any(isinstance(n, Samples) for n in before)
    written: list[int] = []
    for i, n in enumerate(sizes):
        is_samples = isinstance(n, Samples) or (is_free and _is_left(shape, i))
        is_copied = is_samples and i < len(before) and isinstance(before[i], Samples) and before[i] == n
        written.append(0 if is_copied else -1 if is_samples else int(n))
    if written.count(-1) > 1:
        return w.put("Reshape", x, w.sizes(sizes))
    return w.put("Reshape", x, np.array(written, np.int64))


def _is_left(shape: Any, i: int) -> bool:
    return (not isinstance(shape, int) and shape[i] == -1) or shape == -1


@exporter("reshape")
def reshape(w: Any, x: Any, shape: Any, **_: Any) -> Any:
    """Change the shape."""
    return reshaped(w, x, w.shape(x), w.shape(w.result))


@exporter("ravel", "flatten")
def ravel(w: Any, x: Any, order: str = "C") -> Any:
    """Make a vector."""
    if order != "C":
        raise TypeError("an order other than C")
    return w.put("Reshape", x, np.array([-1]))


@exporter("squeeze", "expand_dims")
def same_elements(w: Any, x: Any, axis: Any = None) -> Any:
    """Drop or add axes of length 1."""
    return reshaped(w, x, w.shape(x), w.shape(w.result))


@exporter("transpose")
def transpose(w: Any, x: Any, axes: Any = None) -> Any:
    """Change the order of the axes."""
    return w.put("Transpose", x, perm=None if axes is None else [i % len(w.shape(x)) for i in axes])


@exporter("matrix_transpose")
def matrix_transpose(w: Any, x: Any) -> Any:
    """Exchange the last two axes."""
    return swapaxes(w, x, -1, -2)


@exporter("swapaxes")
def swapaxes(w: Any, x: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes."""
    order = list(range(len(w.shape(x))))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return w.put("Transpose", x, perm=order)


@exporter("moveaxis")
def moveaxis(w: Any, x: Any, source: Any, destination: Any) -> Any:
    """Move axes to other places."""
    ndim = len(w.shape(x))
    moved = np.moveaxis(np.empty((0,) * ndim), source, destination)
    assert moved.ndim == ndim
    numbers = np.moveaxis(np.arange(2**ndim).reshape((2,) * ndim), source, destination)
    order = [ndim - 1 - int(math.log2(numbers[tuple(int(i == j) for j in range(ndim))])) for i in range(ndim)]
    return w.put("Transpose", x, perm=order)


@exporter("broadcast_to")
def broadcast_to(w: Any, x: Any, shape: Any) -> Any:
    """Repeat along axes of length 1; an axis that already follows from the number of samples is left."""
    before = (1,) * (len(w.shape(w.result)) - len(w.shape(x))) + w.shape(x)
    sizes = [1 if n == m else m for n, m in zip(before, w.shape(w.result), strict=True)]
    return w.put("Expand", x, w.sizes(sizes))


@exporter("concatenate")
def concatenate(w: Any, *arrays: Any, axis: int = 0, ends: Any = None) -> Any:
    """Join arrays."""
    parts = arrays[0] if isinstance(arrays[0], tuple | list) else arrays
    return w.put("Concat", *(w.cast(x, w.result.dtype) for x in parts), axis=int(axis))


@exporter("flip")
def flip(w: Any, x: Any, axis: Any = None) -> Any:
    """Turn axes around."""
    axes = range(len(w.shape(x))) if axis is None else np.array(axis).reshape(-1)
    key = [slice(None)] * len(w.shape(x))
    for i in axes:
        key[i] = slice(None, None, -1)
    return getitem(w, x, tuple(key))


@exporter("roll")
def roll(w: Any, x: Any, shift: Any, axis: Any = None) -> Any:
    """Move elements along an axis, in a circle."""
    if not isinstance(axis, int) or not isinstance(shift, int) or isinstance(w.shape(x)[axis], Samples):
        raise TypeError("other than along one axis of a fixed size")
    order = np.roll(np.arange(w.shape(x)[axis]), shift)
    return w.put("Gather", x, order, axis=axis)


@exporter("pad")
def pad(w: Any, x: Any, *, widths: Any, constant_values: float = 0.0) -> Any:
    """Add a border of one number."""
    pads = [int(before) for before, _ in widths] + [int(after) for _, after in widths]
    return w.put("Pad", x, np.array(pads, np.int64), w.cast(constant_values, x.dtype))


@exporter("take")
def take(w: Any, x: Any, indices: Any, axis: int | None = None) -> Any:
    """Take elements along an axis."""
    flat = w.put("Reshape", x, np.array([-1])) if axis is None else x
    return w.put("Gather", flat, _places(w, indices), axis=axis or 0)


def _places(w: Any, indices: Any) -> Any:
    return indices if isinstance(indices, Value) else np.asarray(indices, np.int64)


@exporter("take_along_axis")
def take_along_axis(w: Any, x: Any, indices: Any, axis: int = -1) -> Any:
    """Take for each place the element that an index names along an axis."""
    return w.put("GatherElements", x, _places(w, indices), axis=int(axis))


@exporter("getitem")
def getitem(w: Any, x: Any, key: Any) -> Any:
    """``x[key]``: slices, then one list of indices along an axis, then new axes and dropped ones."""
    parts = list(key) if isinstance(key, tuple) else [key]
    shape = w.shape(x)
    used = sum(part is not None and part is not Ellipsis for part in parts)
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    at = next(i for i, part in enumerate(parts) if part is Ellipsis)
    parts[at : at + 1] = [slice(None)] * (len(shape) - used)
    places = [part for part in parts if part is not None]
    name = _sliced(w, x, places)
    lists = [(i, part) for i, part in enumerate(places) if not isinstance(part, slice | int | np.integer)]
    if len(lists) > 1 or (lists and any(isinstance(part, int) for part in places)):
        raise TypeError("indices along several axes")
    for axis, indices in lists:
        name = w.put("Gather", name, _places(w, indices), axis=axis)
    if any(part is None or isinstance(part, int | np.integer) for part in parts):
        name = _with_axes(w, name, parts)
    return w.put("Identity", x) if name is x else name


def _with_axes(w: Any, name: Any, parts: list[Any]) -> Any:
    dropped = [
        i for i, part in enumerate(p for p in parts if p is not None) if isinstance(part, int | np.integer)
    ]
    if dropped:
        name = w.put("Squeeze", name, np.array(dropped, np.int64))
    kept = [part for part in parts if part is None or not isinstance(part, int | np.integer)]
    added = [i for i, part in enumerate(kept) if part is None]
    return w.put("Unsqueeze", name, np.array(added, np.int64)) if added else name


def _sliced(w: Any, x: Any, places: list[Any]) -> Any:
    """Add a node for the slices and numbers of a key, if there are any that cut something off."""
    starts, ends, axes, steps = [], [], [], []
    largest = np.iinfo(np.int64).max
    for axis, part in enumerate(places):
        if isinstance(part, int | np.integer):
            part = slice(int(part), int(part) + 1 if part != -1 else None, None)
        if not isinstance(part, slice) or part == slice(None):
            continue
        if any(isinstance(bound, Value | Samples) for bound in (part.start, part.stop, part.step)):
            raise TypeError("a slice by a number that is computed")
        step = part.step or 1
        starts.append(part.start if part.start is not None else 0 if step > 0 else largest)
        ends.append(part.stop if part.stop is not None else largest if step > 0 else -largest)
        axes.append(axis)
        steps.append(step)
    if not axes:
        return x
    return w.put("Slice", x, *(np.array(part, np.int64) for part in (starts, ends, axes, steps)))
