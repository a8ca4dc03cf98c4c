"""Reductions over axes, with NumPy's names and semantics: None, int or tuple; ``axis=()`` reduces nothing.

`max` and `min` share the cotangent evenly among the tied elements of each slice (docs/subgradients.md).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..tape import Box, accumulator, astype, broadcast_to, in_single, primitive, raw
from ..types import Array, ArrayLike, Axes, DTypeLike, NDArray, Operand, Out, Shape
from .elementary import exp
from .elementwise import over, times, where
from .indexing import flip
from .joining import concatenate
from .operands import numbers, of_numbers
from .shaping import moveaxis, reshape

__all__ = [
    "cumsum",
    "logsumexp",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]


# Measured: below so many elements a copy takes less time than a view.
_VIEW_ELEMENTS = 1 << 10


def reduced_axes(ndim: int, axis: Axes) -> Shape:
    """Return the reduced axes as a tuple of non-negative ints.

    Examples
    --------
    >>> reduced_axes(3, -1)
    (2,)
    """
    if axis is None:
        return tuple(range(ndim))
    # NumPy's reductions take axis 0 of a 0-d array, which has none
    return normalize_axis_tuple(axis, ndim or 1)[:ndim]


def kept_shape(shape: Shape, axis: Axes) -> Shape:
    """Return the shape with every reduced axis at length 1, which broadcasts against ``shape``.

    Examples
    --------
    >>> kept_shape((2, 3, 4), (0, -1))
    (1, 3, 1)
    """
    axes = reduced_axes(len(shape), axis)
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def unreduce(g: Array, shape: Shape, axis: Axes) -> Array:
    """Put ``g``, which has a reduced shape, at every element that it was reduced from.

    The result has the shape that was reduced and is read-only: a view of ``g``, or a copy where it is small.

    Examples
    --------
    >>> unreduce(np.array([1.0, 2.0]), (2, 2), 1)
    array([[1., 1.],
           [2., 2.]])
    """
    if axis is not None or g.ndim:  # else g broadcasts without kept axes
        g = reshape(g, kept_shape(shape, axis))
    if isinstance(g, Box) or math.prod(shape) > _VIEW_ELEMENTS:
        return broadcast_to(g, shape)
    out = np.empty(shape, g.dtype)
    out[...] = g
    out.flags.writeable = False
    return out


def _count(shape: Shape, axis: Axes) -> int:
    return math.prod(shape if axis is None else [shape[a] for a in reduced_axes(len(shape), axis)])


@of_numbers
def sum(  # NumPy's name
    x: Operand[Out],
    axis: Axes = None,
    *,
    dtype: DTypeLike | None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Out:
    """Sum over axes; float16 is accumulated in float32.

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    dtype : dtype_like, optional
        The dtype to cast to before summing.
    keepdims : bool
        Keep the reduced axes at length 1.
    initial : scalar, optional
        What the sum starts with.
    where : array_like of bool
        Which elements to sum, broadcast to ``x``; the others count as 0.

    Returns
    -------
    ndarray or Tensor
        It has the dtype of ``x`` if that is floating.

    Examples
    --------
    >>> sum(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    array([4., 6.])
    """
    if dtype is not None or where is not True:
        x = _chosen(x, dtype, where)
    total = _sum(x, axis, keepdims=keepdims)
    return total if initial is None else total + initial


def _chosen(x: Array, dtype: DTypeLike | None, mask: Any) -> Array:
    """Return ``x`` in a dtype, if one is given, with 0 where a mask says so."""
    if dtype is not None:
        x = astype(x, dtype)
    return x if mask is True else where(mask, x, 0)


@primitive
def _sum(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    x = np.asarray(x)
    wide = accumulator(x.dtype)
    total = np.add.reduce(x, axis=axis, dtype=wide, keepdims=keepdims)
    return total if wide is None else total.astype(x.dtype)


_sum.defvjp(x=lambda g, x_shape, axis: unreduce(g, x_shape, axis))


@of_numbers
def mean(
    x: Operand[Out],
    axis: Axes = None,
    *,
    dtype: DTypeLike | None = None,
    keepdims: bool = False,
    where: Any = True,
) -> Out:
    """Arithmetic mean over axes.

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    dtype : dtype_like, optional
        The dtype to cast to before summing.
    keepdims : bool
        Keep the reduced axes at length 1.
    where : array_like of bool
        Which elements to take the mean of, broadcast to ``x``.

    Returns
    -------
    ndarray or Tensor
        It has the dtype of ``x`` if that is floating.

    Examples
    --------
    >>> mean(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    array([1.5, 3.5])
    """
    if dtype is not None:
        x = astype(x, dtype)
    if where is not True:
        return _mean_where(x, where, axis, keepdims)
    return _mean(x, axis, keepdims=keepdims)


@in_single
def _mean_where(x: Array, mask: Any, axis: Axes, keepdims: bool) -> Array:
    counted = np.broadcast_to(mask, np.shape(raw(x)))
    count = np.count_nonzero(counted, axis=reduced_axes(counted.ndim, axis), keepdims=keepdims)
    total = sum(x, axis, where=counted, keepdims=keepdims)
    return total / np.asarray(count, total.dtype if total.dtype.kind == "f" else None)


@primitive
def _mean(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    x = np.asarray(x)
    if x.dtype.char not in "fdg" or x.ndim == 0 or x.size == 0:  # neither single nor wider
        return np.mean(x, axis=axis, keepdims=keepdims)
    # This gives the bits of np.mean, in a quarter of the time for the losses of a small batch.
    total = np.add.reduce(x, axis=axis, keepdims=keepdims)
    return total / (x.size // total.size)


@in_single
def _mean_rule(g: Array, x_shape: Shape, axis: Axes) -> Array:
    # an empty slice has nowhere to send its cotangent
    return unreduce(g * (1.0 / (_count(x_shape, axis) or 1)), x_shape, axis)


_mean.defvjp(x=_mean_rule)


@of_numbers
def var(
    x: Operand[Out],
    axis: Axes = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Out:
    """Variance over axes, in two passes: ``sum((x - mean(x))**2) / (n - ddof)``.

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    ddof : float
        0 for the biased estimate, 1 for the unbiased.
    keepdims : bool
        Keep the reduced axes at length 1.
    correction : float, optional
        Another name of ``ddof``.

    Returns
    -------
    ndarray or Tensor
        It has the dtype of ``x`` if that is floating.

    Examples
    --------
    >>> float(var(np.array([1.0, 3.0])))
    1.0
    """
    return _var(x, axis, ddof=_degrees_lost("var", ddof, correction), keepdims=keepdims)


@primitive
@in_single
def _var(x: Operand[Out], axis: Axes = None, *, ddof: float = 0, keepdims: bool = False) -> Out:
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _degrees_lost(op: str, ddof: float, correction: float | None) -> float:
    if correction is None:
        return ddof
    if ddof != 0:
        raise ValueError(f"{op}: expected ddof or correction, got both: {ddof} and {correction}")
    return correction


def _centred(x: Array, axis: Axes) -> Array:
    return x - mean(x, axis, keepdims=True)


def _per_degree(g: Array, x_shape: Shape, axis: Axes, ddof: float) -> Array:
    """Return ``g / (n - ddof)``, or without degrees of freedom NaN, as forward, except where ``g`` is 0."""
    degrees = _count(x_shape, axis) - float(ddof)
    return g * (1.0 / degrees) if degrees > 0 else where(raw(g) == 0, 0.0, g * math.nan)


@in_single
def _var_rule(g: Array, x: Array, axis: Axes, ddof: float) -> Array:
    return unreduce(2.0 * _per_degree(g, x.shape, axis, ddof), x.shape, axis) * _centred(x, axis)


_var.defvjp(x=_var_rule)


@of_numbers
def std(
    x: Operand[Out],
    axis: Axes = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Out:
    """Standard deviation over axes: the root of `var`; a constant slice has gradient 0.

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    ddof : float
        0 for the biased estimate, 1 for the unbiased.
    keepdims : bool
        Keep the reduced axes at length 1.
    correction : float, optional
        Another name of ``ddof``.

    Returns
    -------
    ndarray or Tensor
        It has the dtype of ``x`` if that is floating.

    Examples
    --------
    >>> float(std(np.array([1.0, 3.0])))
    1.0
    """
    return _std(x, axis, ddof=_degrees_lost("std", ddof, correction), keepdims=keepdims)


@primitive
@in_single
def _std(x: Operand[Out], axis: Axes = None, *, ddof: float = 0, keepdims: bool = False) -> Out:
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)


@in_single
def _std_rule(g: Array, x: Array, out: Array, axis: Axes, ddof: float) -> Array:
    centred, length = _centred(x, axis), unreduce(out, x.shape, axis)
    # A constant slice would give 0 / 0 or, where its mean is rounded, the quotient of two rounding errors.
    flat = _constant_slices(raw(x), raw(out), axis)
    if flat is not None:
        centred, length = where(flat, 0.0, centred), where(flat, 1.0, length)
    share = unreduce(_per_degree(g, x.shape, axis, ddof), x.shape, axis)
    return share * over(centred, length)


def _constant_slices(x: NDArray, deviation: NDArray, axis: Axes) -> NDArray | None:
    """Return a mask of the slices that hold one value only, or None if the deviations exclude such slices."""
    axes = reduced_axes(x.ndim, axis)
    first = x[tuple(slice(0, 1) if i in axes else slice(None) for i in range(x.ndim))]
    if not np.any(deviation.reshape(kept_shape(x.shape, axis)) <= np.finfo(x.dtype).eps * np.abs(first)):
        return None
    return np.all(x == first, axis=axes, keepdims=True)


_std.defvjp(x=_std_rule)


@primitive
def max(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:  # NumPy's name
    """Maximum over axes; tied maxima of a slice share its cotangent evenly.

    Parameters
    ----------
    x : array_like
        NaN propagates, into the gradient too.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> max(np.array([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    array([5., 4.])
    """
    return np.max(numbers(x), axis=axis, keepdims=keepdims)


@primitive
def min(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:  # NumPy's name
    """Minimum over axes; tied minima of a slice share its cotangent evenly.

    Parameters
    ----------
    x : array_like
        NaN propagates, into the gradient too.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> min(np.array([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    array([1., 3.])
    """
    return np.min(numbers(x), axis=axis, keepdims=keepdims)


@in_single
def _extremum_rule(g: Array, x: Array, out: Array, axis: Axes) -> Array:
    kept = kept_shape(x.shape, axis)
    hits = raw(x) == raw(out).reshape(kept)
    if np.count_nonzero(hits) == np.size(raw(out)) and not np.isnan(raw(out)).any():
        return unreduce(g, x.shape, axis) * hits  # nothing ties, as usual
    with np.errstate(divide="ignore"):
        share = np.reciprocal(
            np.count_nonzero(hits, axis=reduced_axes(x.ndim, axis), keepdims=True), dtype=np.float64
        )
    # A slice with a NaN has no hit, and its infinite share times False gives NaN.
    shared = times(reshape(g, kept), share.astype(x.dtype))
    with np.errstate(invalid="ignore"):
        return broadcast_to(shared, x.shape) * hits


max.defvjp(x=_extremum_rule)
min.defvjp(x=_extremum_rule)


@primitive
@in_single
def logsumexp(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    """``log(sum(exp(x)))`` over axes, with the maximum subtracted first.

    A slice of minus infinities gives minus infinity, with gradient 0.

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> float(logsumexp(np.array([1e4, 1e4])))
    10000.69314718056
    """
    x = floating(x)
    top = finite_max(x, axis)
    with np.errstate(divide="ignore"):
        total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=keepdims))
    return total + top.reshape(total.shape)


def floating(x: ArrayLike) -> NDArray:
    """Return an array of a floating dtype, which has an infinity; integers become float64.

    Examples
    --------
    >>> floating([1, 2])
    array([1., 2.])
    """
    x = numbers(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def finite_max(x: NDArray, axis: Axes) -> NDArray:
    """Return the maximum over kept axes, and 0 where it is infinite, so that it can be subtracted.

    Examples
    --------
    >>> finite_max(np.array([[1.0, 3.0], [-np.inf, -np.inf]]), 1)
    array([[3.],
           [0.]])
    """
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


@in_single
def _logsumexp_rule(g: Array, x: Array, out: Array, axis: Axes) -> Array:
    shift = raw(out).reshape(kept_shape(x.shape, axis))
    # exp(-inf - -inf) would be NaN; shifted by 0 instead, a slice of minus infinities gets its zeros.
    empty = shift == -np.inf
    powers = exp(x - np.where(empty, 0.0, shift).astype(x.dtype))
    total = sum(powers, axis, keepdims=True)  # 1, but for the rounding of `out`, which this takes back
    return unreduce(g, x.shape, axis) * over(powers, where(empty, 1.0, total) if empty.any() else total)


logsumexp.defvjp(x=_logsumexp_rule)


@primitive
@in_single
def prod(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    """Product over axes; derivatives of every order are right where elements are zero.

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> float(prod(np.array([2.0, 3.0, 4.0])))
    24.0
    """
    return np.prod(numbers(x), axis=axis, keepdims=keepdims)


@in_single
def _prod_rule(g: Array, x: Array, out: Array, axis: Axes) -> Array:
    if _count(x.shape, axis) <= 1:
        return unreduce(g, x.shape, axis)
    if is_normal(raw(out), x.dtype):  # so no element is zero
        # on the tape it goes by `x` alone, as it does below
        whole = reshape(prod(x, axis), out.shape) if isinstance(x, Box) else out
        return unreduce(g * whole, x.shape, axis) / x
    axes = reduced_axes(x.ndim, axis)
    front = tuple(range(len(axes)))
    y = moveaxis(x, axes, front)
    others = products_of_others(reshape(y, (_count(x.shape, axis), *y.shape[len(axes) :])))
    return unreduce(g, x.shape, axis) * moveaxis(reshape(others, y.shape), front, axes)


def is_normal(x: NDArray, dtype: np.dtype[Any]) -> bool:
    """Whether no element of ``x`` has overflowed or underflowed in a dtype, as a zero may have.

    Examples
    --------
    >>> bool(is_normal(np.array([1e-300]), np.dtype(np.float32)))
    False
    """
    size, info = np.abs(x), np.finfo(dtype)
    return np.all((size >= info.tiny) & (size <= info.max))


def products_of_others(x: Array) -> Array:
    """Return for each element along the first axis the product of all others, without a division.

    The others of an element are its partner and the others of its pair, and there are half as many pairs.

    Examples
    --------
    >>> products_of_others(np.array([0.0, 2.0, 3.0]))
    array([6., 0., 0.])
    """
    count = x.shape[0]
    if count <= 1:
        return np.ones(x.shape, x.dtype)
    half = count // 2
    first, second = x[:half], x[half : 2 * half]
    pairs = first * second
    if count % 2:
        pairs = concatenate([pairs, x[-1:]])
    others = products_of_others(pairs)
    parts = [others[:half] * second, others[:half] * first]
    return concatenate([*parts, others[half:]] if count % 2 else parts)


prod.defvjp(x=_prod_rule)


@primitive
def cumsum(x: Operand[Out], axis: int | None = None) -> Out:
    """Cumulative sum along an axis; float16 is accumulated in float32.

    Parameters
    ----------
    x : array_like
    axis : int or None
        None stands for the flattened array.

    Returns
    -------
    ndarray or Tensor
        It has the shape of ``x``, and is 1-d for ``axis=None``.

    Examples
    --------
    >>> cumsum(np.array([1.0, 2.0, 3.0]))
    array([1., 3., 6.])
    """
    x = numbers(x)
    wide = accumulator(x.dtype)
    total = np.cumsum(x, axis=axis, dtype=wide)
    return total if wide is None else total.astype(x.dtype)


def _cumsum_rule(g: Array, x_shape: Shape, axis: int | None) -> Array:
    along = 0 if axis is None else axis
    return reshape(flip(cumsum(flip(g, along), along), along), x_shape)


cumsum.defvjp(x=_cumsum_rule)
