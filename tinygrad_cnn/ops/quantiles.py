"""Medians and quantiles: what lies at a place of the sorted elements, with NumPy's names."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np

from .. import stand_in
from ..tape import astype, raw
from ..types import Array, ArrayLike, Axes, NDArray, Operand, Out
from .elementwise import where
from .indexing import take
from .operands import of_numbers
from .ordering import sort
from .reductions import kept_shape, mean, reduced_axes
from .shaping import as_array, moveaxis, plain, reshape

__all__ = ["median", "percentile", "quantile"]

Method: TypeAlias = Literal["linear", "lower", "higher", "midpoint", "nearest"]
# a place halfway between two is rounded to that of an even number
_ROUNDINGS = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}
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
    ordered = _ordered(x, axis)
    length = len(ordered)
    middle = mean(ordered[max(length - 1, 0) // 2 : length // 2 + 1], 0)
    return _finished(middle, ordered, np.shape(raw(x)), axis, keepdims)


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
    ordered = _ordered(x, axis)
    if not len(ordered):
        raise ValueError(f"quantile: x: expected elements, got shape {np.shape(raw(x))}")
    found = _at(ordered, shares * (len(ordered) - 1), method)
    return _finished(found, ordered, np.shape(raw(x)), axis, keepdims)


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


def _ordered(x: Any, axis: Axes) -> Array:
    """Sort over the reduced axes, as one axis, which becomes the first."""
    x = as_array(x)
    axes = reduced_axes(x.ndim, axis)
    x = moveaxis(x, axes, tuple(range(len(axes))))
    rest = x.shape[len(axes) :]
    return sort(reshape(x, (math.prod(x.shape[: len(axes)]), *rest)), 0)


def _at(ordered: Array, places: NDArray, method: str) -> Array:
    """Return what stands at places of the first axis, which may lie between two of its elements."""
    if method in _ROUNDINGS:
        return take(ordered, _ROUNDINGS[method](places).astype(int), 0)
    low = np.floor(places).astype(int)
    part = places - low if method == "linear" else np.where(places > low, 0.5, 0.0)
    if ordered.dtype.kind in "iu":
        ordered = astype(ordered, np.float64)
    part = part.reshape(part.shape + (1,) * (ordered.ndim - 1)).astype(ordered.dtype)
    below, above = take(ordered, low, 0), take(ordered, np.minimum(low + 1, len(ordered) - 1), 0)
    return where(part == 0, below, below + (above - below) * part)


def _finished(found: Array, ordered: Array, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Array:
    """Put NaN where an element is NaN, which sorting leaves last, and the axes that are to be kept."""
    if len(ordered) and ordered.dtype.kind == "f" and stand_in.may_hold(is_nan := np.isnan(raw(ordered)[-1])):
        found = where(is_nan, ordered[-1], found)
    leading = found.shape[: found.ndim - ordered.ndim + 1]
    return reshape(found, (*leading, *kept_shape(shape, axis))) if keepdims else plain(found)
