"""Medians and quantiles: what lies at a place of the sorted elements, with NumPy's names."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np

from .. import stand_in
from ..tape import astype, constant_for, raw
from ..types import Array, ArrayLike, Axes, NDArray, Operand, Out
from .elementwise import where
from .indexing import take_along_axis
from .operands import of_numbers
from .reductions import kept_shape, mean, reduced_axes
from .shaping import as_array, moveaxis, plain, reshape

__all__ = ["median", "percentile", "quantile"]

Method: TypeAlias = Literal["linear", "lower", "higher", "midpoint", "nearest"]
# a place halfway between two is rounded to that of an even number
_ROUNDINGS = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}
_FEW = 8  # ranks, up to which it is faster to look for them than to sort
_METHODS = ("linear", "midpoint", *_ROUNDINGS)


@of_numbers
def median(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    """Median over axes: the middle one of the sorted elements, or the mean of the two in the middle.

    Parameters
    ----------
    x : array_like
        NaN propagates.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> float(median(np.array([3.0, 1.0, 2.0, 10.0])))
    2.5
    """
    merged = _merged(x, axis)
    length = merged.shape[-1]
    if not length:
        return _finished(mean(merged, -1), merged, np.shape(raw(x)), axis, keepdims)
    found = _in_order(merged, constant_for(merged, _middle, length))
    middle = mean(found[..., :-1], -1)
    return _finished(middle, found, np.shape(raw(x)), axis, keepdims)


@of_numbers
def quantile(
    x: Operand[Out], q: ArrayLike, axis: Axes = None, *, method: Method = "linear", keepdims: bool = False
) -> Out:
    """Quantiles over axes: what a share ``q`` of the sorted elements lies below.

    Parameters
    ----------
    x : array_like
        NaN propagates.
    q : array_like
        Shares in [0, 1]; they are not differentiable.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    method : "linear", "lower", "higher", "midpoint" or "nearest"
        What to return between two elements, at the place ``q * (n - 1)``.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor
        It has the axes of ``q``, then those that were not reduced. The dtype of ``q`` does not matter.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1], or there is no element.
    NotImplementedError
        If the method is another of NumPy's.

    Examples
    --------
    >>> quantile(np.array([1.0, 2.0, 3.0]), [0.25, 1.0])
    array([1.5, 3. ])
    """
    shares = stand_in.in_one_line(_checked, stand_in.as_array(raw(q), float, like=raw(x)))
    if method not in _METHODS:
        raise NotImplementedError(
            f"quantile: method: expected {' or '.join(map(repr, _METHODS))}, got {method!r}"
        )
    merged = _merged(x, axis)
    if not (length := merged.shape[-1]):
        raise ValueError(f"quantile: x: expected elements, got shape {np.shape(raw(x))}")
    places = shares * (length - 1)
    rank = stand_in.in_one_line(_ranks, places, length, method)
    found = _in_order(merged, rank)
    return _finished(_between(found, places, method), found, np.shape(raw(x)), axis, keepdims)


def _checked(shares: NDArray) -> NDArray:
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(f"quantile: q: expected shares in [0, 1], got {shares}")
    return shares


@of_numbers
def percentile(
    x: Operand[Out], q: ArrayLike, axis: Axes = None, *, method: Method = "linear", keepdims: bool = False
) -> Out:
    """Percentiles over axes: `quantile` with ``q`` in percent.

    Parameters
    ----------
    x : array_like
        NaN propagates.
    q : array_like
        Percentages in [0, 100]; they are not differentiable.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    method : "linear", "lower", "higher", "midpoint" or "nearest"
        What to return between two elements.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor
        It has the axes of ``q``, then those that were not reduced.

    Examples
    --------
    >>> float(percentile(np.array([1.0, 2.0, 3.0]), 25))
    1.5
    """
    return quantile(x, stand_in.as_array(raw(q), like=raw(x)) / 100, axis, method=method, keepdims=keepdims)


def _merged(x: Any, axis: Axes) -> Array:
    """Make one axis, the last, of the reduced ones."""
    x = as_array(x)
    axes = reduced_axes(x.ndim, axis)
    x = moveaxis(x, axes, tuple(range(x.ndim - len(axes), x.ndim)))
    rest = x.shape[: x.ndim - len(axes)]
    return reshape(x, (*rest, math.prod(x.shape[x.ndim - len(axes) :])))


def _middle(length: int) -> NDArray:
    """Return the rank in the middle, or the two of them, and the last."""
    return np.array([*range((length - 1) // 2, length // 2 + 1), length - 1])


def _ranks(places: NDArray, length: int, method: str) -> NDArray:
    """Return the ranks of the elements below and above each place, or of the chosen one; and the last."""
    if method in _ROUNDINGS:
        ranks = [_ROUNDINGS[method](places)]
    else:
        ranks = [np.floor(places), np.minimum(np.floor(places) + 1, length - 1)]
    return np.concatenate([*(rank.ravel() for rank in ranks), [length - 1]]).astype(int)


def _in_order(x: Array, ranks: NDArray) -> Array:
    """Return the elements of some ranks along the last axis, in which NaN is the largest."""
    return take_along_axis(x, stand_in.in_one_line(_chosen, raw(x), ranks), -1)


def _chosen(x: NDArray, ranks: NDArray) -> NDArray:
    """Return where the elements of some ranks are; tied ones keep their order."""
    if len(ranks) > _FEW:
        return np.argsort(x, axis=-1, kind="stable")[..., ranks]
    found = np.argpartition(x, np.unique(ranks), axis=-1)[..., ranks]  # the others need no order
    for values in np.moveaxis(np.take_along_axis(x, found, -1), -1, 0):
        if ((x == values[..., None]).sum(-1) > 1).any():
            return np.argsort(x, axis=-1, kind="stable")[..., ranks]
    return found


def _between(found: Array, places: NDArray, method: str) -> Array:
    """Return what stands at places, between the elements below and above them; its axes become the first."""
    shape = (*places.shape, *found.shape[:-1])
    found = moveaxis(found, -1, 0)
    if method in _ROUNDINGS:
        return reshape(found[:-1], shape)
    low = np.floor(places)
    part = places - low if method == "linear" else np.where(places > low, 0.5, 0.0)
    if found.dtype.kind in "iu":
        found = astype(found, np.float64)
    part = part.reshape(part.shape + (1,) * (found.ndim - 1)).astype(found.dtype)
    count = math.prod(places.shape)
    below, above = reshape(found[:count], shape), reshape(found[count:-1], shape)
    return where(part == 0, below, below + (above - below) * part)


def _finished(reduced: Array, found: Array, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Array:
    """Put NaN where an element is NaN, as the last in order then is, and the axes that are to be kept."""
    if found.shape[-1] and found.dtype.kind == "f":
        last = found[..., -1]
        if stand_in.may_hold(is_nan := np.isnan(raw(last))):
            reduced = where(is_nan, last, reduced)
    leading = reduced.shape[: reduced.ndim - found.ndim + 1]
    return reshape(reduced, (*leading, *kept_shape(shape, axis))) if keepdims else plain(reduced)
