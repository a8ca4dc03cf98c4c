"""Pooling over windows, and over whole images."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import ops
from ....tape import raw
from ..registry import Numbers, operator
from .convolution import Sizes, by_axis, of_axes, sides


def _options(x: Any, kernel: Sizes, strides: Any, dilations: Any, auto_pad: str, pads: Any) -> Any:
    axes = len(kernel)
    stride, dilation = strides or (1,) * axes, dilations or (1,) * axes
    return stride, dilation, sides(auto_pad, pads, x.shape[2:], kernel, stride, dilation)


@operator("MaxPool")
def max_pool(
    x: Any,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sizes | None = None,
    kernel_shape: Sizes,
    pads: Sizes | None = None,
    storage_order: int = 0,
    strides: Sizes | None = None,
    count: int,
) -> Any:
    """Return the largest element of each window, and its place in the whole array if that is asked for."""
    stride, dilation, padding = _options(x, kernel_shape, strides, dilations, auto_pad, pads)
    pool = of_axes(len(kernel_shape), ops.max_pool1d, ops.max_pool2d, ops.max_pool3d)
    is_whole = raw(x).dtype.kind in "iu"
    taken = raw(x).astype(np.float64) if is_whole else x
    if _is_wide(padding, kernel_shape) and not ceil_mode:
        taken = ops.pad(taken, [(0, 0), (0, 0), *padding], constant_values=-np.inf)
        around, padding = padding, [(0, 0)] * len(kernel_shape)
    else:
        around = padding
    y = pool(
        taken, by_axis(kernel_shape), stride=by_axis(stride), dilation=by_axis(dilation),
        padding=by_axis(padding), ceil_mode=bool(ceil_mode),
    )  # fmt: skip
    y = y.astype(x.dtype) if is_whole else y
    if count == 1:
        return y
    return y, _places(raw(x), y.shape[2:], kernel_shape, stride, dilation, around, storage_order)


def _is_wide(padding: Any, kernel: Sizes) -> bool:
    """Whether windows may lie in the padding alone, which our operations refuse."""
    return any(2 * max(sides) > k for sides, k in zip(padding, kernel, strict=True))


def _places(
    x: Any, out: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes, padding: Any, is_column_major: int
) -> Any:
    """Return the places of the first maxima, counted through the whole array."""
    numbers = np.arange(x.size, dtype=np.int64).reshape(x.shape)
    if is_column_major:
        inner = np.arange(int(np.prod(x.shape[2:]))).reshape(x.shape[2:], order="F")
        numbers = numbers - np.arange(inner.size).reshape(inner.shape) + inner
    best = np.full((*x.shape[:2], *out), -np.inf)
    places = np.zeros(best.shape, np.int64)
    for offsets in np.ndindex(*kernel):
        for window in np.ndindex(*out):
            at = [
                o * s + k * d - before
                for o, s, k, d, (before, _) in zip(window, stride, offsets, dilation, padding, strict=True)
            ]
            if all(0 <= i < n for i, n in zip(at, x.shape[2:], strict=True)):
                key, here = (..., *at), (..., *window)
                is_better = x[key] > best[here]
                best[here] = np.where(is_better, x[key], best[here])
                places[here] = np.where(is_better, numbers[key], places[here])
    return places


@operator("AveragePool")
def average_pool(
    x: Any,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sizes | None = None,
    kernel_shape: Sizes,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
) -> Any:
    """Return the mean of each window, of all of it or of what is no padding."""
    stride, dilation, padding = _options(x, kernel_shape, strides, dilations, auto_pad, pads)
    if max(dilation) > 1 or _is_wide(padding, kernel_shape):
        return _dilated_mean(x, kernel_shape, stride, dilation, padding, bool(ceil_mode), count_include_pad)
    pool = of_axes(len(kernel_shape), ops.avg_pool1d, ops.avg_pool2d, ops.avg_pool3d)
    return pool(
        x, by_axis(kernel_shape), stride=by_axis(stride), padding=by_axis(padding),
        ceil_mode=bool(ceil_mode), count_include_pad=bool(count_include_pad),
    )  # fmt: skip


def _dilated_mean(
    x: Any, kernel: Sizes, stride: Sizes, dilation: Sizes, padding: Any, ceil_mode: bool, counts_pads: int
) -> Any:
    """Return the means of windows with gaps, as a convolution with ones, divided by another one."""
    axes = len(kernel)
    ends = []
    for n, k, s, d, (before, after) in zip(x.shape[2:], kernel, stride, dilation, padding, strict=True):
        rest = (n + before + after - d * (k - 1) - 1) % s
        ends.append((before, after + (s - rest if ceil_mode and rest else 0)))
    convolve = of_axes(axes, ops.conv1d, ops.conv2d, ops.conv3d)
    options = {"stride": by_axis(stride), "dilation": by_axis(dilation)}
    c = x.shape[1]
    weight = np.ones((c, 1, *kernel), x.dtype)
    sums = convolve(x, weight, padding=by_axis(ends), groups=c, **options)
    ones = np.ones((1, 1, *x.shape[2:]), x.dtype)
    inside = padding if counts_pads else [(0, 0)] * axes
    rest = [(e[0] - i[0], e[1] - i[1]) for e, i in zip(ends, inside, strict=True)]
    counted = np.pad(ones, [(0, 0), (0, 0), *inside], constant_values=1)
    return sums / convolve(counted, weight[:1], padding=by_axis(rest), **options)


@operator("LpPool")
def lp_pool(
    x: Any,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sizes | None = None,
    kernel_shape: Sizes,
    p: int = 2,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
) -> Any:
    """Return the p-norm of each window."""
    stride, dilation, padding = _options(x, kernel_shape, strides, dilations, auto_pad, pads)
    powers = ops.power(ops.abs(x), p)
    sums = _dilated_mean(powers, kernel_shape, stride, dilation, padding, bool(ceil_mode), 1)
    return ops.power(sums * int(np.prod(kernel_shape)), 1 / p)


def _inner(x: Any) -> Sizes:
    return tuple(range(2, x.ndim))


@operator("GlobalAveragePool")
def global_average_pool(x: Any) -> Any:
    """Return the mean of each channel."""
    return ops.mean(x, _inner(x), keepdims=True)


@operator("GlobalMaxPool")
def global_max_pool(x: Any) -> Any:
    """Return the largest element of each channel."""
    return ops.max(x, _inner(x), keepdims=True)


@operator("GlobalLpPool")
def global_lp_pool(x: Any, *, p: int = 2) -> Any:
    """Return the p-norm of each channel."""
    return ops.power(ops.sum(ops.power(ops.abs(x), p), _inner(x), keepdims=True), 1 / p)


@operator("MaxUnpool")
def max_unpool(
    x: Any,
    places: Numbers,
    output_shape: Numbers = None,
    *,
    kernel_shape: Sizes,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
) -> Any:
    """Put maxima back to the places where they were found."""
    axes = len(kernel_shape)
    stride, given = strides or (1,) * axes, pads or (0,) * 2 * axes
    usual = [
        (n - 1) * s + k - given[i] - given[axes + i]
        for i, (n, s, k) in enumerate(zip(x.shape[2:], stride, kernel_shape, strict=True))
    ]
    natural = (*x.shape[:2], *usual)
    spread = ops.scatter_add(np.zeros(int(np.prod(natural)), x.dtype), places.reshape(-1), ops.ravel(x))
    y = ops.reshape(spread, natural)
    if output_shape is None:
        return y
    width = [(0, int(w) - n) for w, n in zip(output_shape, natural, strict=True)]
    return ops.pad(y, width)
