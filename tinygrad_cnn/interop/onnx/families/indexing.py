"""Elements by their places."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import ops
from ....tape import constant_for, raw
from ..registry import Numbers, operator
from .shaping import ints, is_number


@operator("Gather")
def gather(x: Any, indices: Any, *, axis: int = 0) -> Any:
    """Take elements along an axis; a negative index counts from the end."""
    if not is_number(x):
        return np.take(x, indices, axis)
    return ops.take(x, raw(indices), axis)


@operator("GatherElements")
def gather_elements(x: Any, indices: Any, *, axis: int = 0) -> Any:
    """Take for each place of ``indices`` the element that it names along an axis."""
    indices = raw(indices)
    key = [_positions(x, indices.shape, i) for i in range(x.ndim)]
    key[axis] = indices
    return ops.getitem(x, tuple(key))


def _positions(like: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Return ``0, 1, ...`` along an axis, in as many axes as the shape has."""
    numbers = constant_for(like, np.arange, shape[axis])
    return numbers.reshape(tuple(-1 if i == axis else 1 for i in range(len(shape))))


@operator("GatherND")
def gather_nd(x: Any, indices: Any, *, batch_dims: int = 0) -> Any:
    """Take the elements or parts whose indices stand along the last axis."""
    indices = raw(indices)
    lead = [
        _positions(x, (*x.shape[:batch_dims], *(1,) * (indices.ndim - 1 - batch_dims)), i)
        for i in range(batch_dims)
    ]
    return ops.getitem(x, (*lead, *(indices[..., i] for i in range(indices.shape[-1]))))


def _scattered(x: Any, key: Any, values: Any, reduction: str) -> Any:
    """Return ``x`` with values put, added, multiplied or compared at some places."""
    if reduction == "add":
        return ops.scatter_add(x, key, values)
    if reduction == "none":
        mask = np.zeros(x.shape, bool)
        mask[key] = True
        rest = ops.where(mask, x * 0, x)
        return ops.scatter_add(rest, key, values)
    out = np.array(raw(x))
    {"mul": np.multiply, "max": np.maximum, "min": np.minimum}[reduction].at(out, key, raw(values))
    return out


@operator("ScatterElements", "Scatter")
def scatter_elements(
    x: Any, indices: Numbers, updates: Any, *, axis: int = 0, reduction: str = "none"
) -> Any:
    """Put values at the places that ``indices`` names along an axis."""
    key = [_positions(indices, indices.shape, i) for i in range(x.ndim)]
    key[axis] = indices
    return _scattered(x, tuple(key), updates, reduction)


@operator("ScatterND")
def scatter_nd(x: Any, indices: Numbers, updates: Any, *, reduction: str = "none") -> Any:
    """Put values or parts at the places whose indices stand along the last axis."""
    return _scattered(x, tuple(np.moveaxis(indices, -1, 0)), updates, reduction)


@operator("OneHot")
def one_hot(indices: Any, depth: Numbers, values: Any, *, axis: int = -1) -> Any:
    """Return an array that is ``values[1]`` at each index along a new axis, and ``values[0]`` elsewhere."""
    count = int(depth.item())
    numbers = constant_for(indices, np.arange, count)
    indices = np.expand_dims(raw(indices), -1)
    hot = (indices == numbers) | (indices == numbers - count)
    return np.moveaxis(ops.where(hot, values[1], values[0]), -1, axis)


@operator("Trilu")
def triangle(x: Any, k: Numbers = None, *, upper: int = 1) -> Any:
    """Keep the triangle above or below a diagonal."""
    diagonal = 0 if k is None else int(k.item())
    rows, columns = x.shape[-2:]
    mask = constant_for(x, np.tri, rows, columns, diagonal - 1 if upper else diagonal, bool)
    kept = np.logical_not(mask) if upper else mask
    return ops.where(kept, x, constant_for(x, np.zeros, (), x.dtype))


@operator("NonZero")
def nonzero(x: Numbers) -> Any:
    """Return the places of what is not zero."""
    return np.array(np.nonzero(x), np.int64)


@operator("Compress")
def compress(x: Any, condition: Numbers, *, axis: int | None = None) -> Any:
    """Keep the elements for which a condition holds."""
    places = np.flatnonzero(condition)
    return ops.take(ops.ravel(x) if axis is None else x, places, 0 if axis is None else axis)


@operator("Unique")
def unique(x: Numbers, *, axis: int | None = None, sorted: int = 1) -> Any:
    """Return what occurs, where first, as which, and how often."""
    found, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not sorted:
        order = np.argsort(first)
        found = np.take(found, order, 0 if axis is None else axis)
        inverse, first, counts = np.argsort(order)[inverse], first[order], counts[order]
    return found, first.astype(np.int64), inverse.astype(np.int64), counts.astype(np.int64)


@operator("ReverseSequence")
def reverse_sequence(x: Any, lengths: Numbers, *, batch_axis: int = 1, time_axis: int = 0) -> Any:
    """Turn the beginning of each sequence around."""
    steps = np.arange(x.shape[time_axis])
    order = np.array([np.where(steps < n, n - 1 - steps, steps) for n in ints(lengths)])
    if time_axis < batch_axis:
        order = order.T
    shape = tuple(x.shape[i] if i in (batch_axis, time_axis) else 1 for i in range(x.ndim))
    return ops.take_along_axis(x, constant_for(x, order.reshape(shape).copy), time_axis)
