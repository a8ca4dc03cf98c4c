"""Convolutions of one to three axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import ops
from ..registry import operator

Sizes = tuple[int, ...]


def sides(
    auto_pad: str, pads: Sizes | None, size: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes
) -> list[tuple[int, int]]:
    """Return the padding before and after each axis; "SAME" makes as many windows as there are strides."""
    axes = len(kernel)
    if auto_pad == "NOTSET":
        given = pads or (0,) * 2 * axes
        return list(zip(given[:axes], given[axes:], strict=True))
    if auto_pad == "VALID":
        return [(0, 0)] * axes
    found = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        less, more = total // 2, total - total // 2
        found.append((less, more) if auto_pad == "SAME_UPPER" else (more, less))
    return found


def of_axes(axes: int, one: Any, two: Any, three: Any) -> Any:
    """Return the operation for images of one, two or three axes."""
    return {1: one, 2: two, 3: three}[axes]


def by_axis(values: Sequence[Any]) -> Any:
    """Return sizes as the operations take them: a sequence has one size, images have several."""
    return values[0] if len(values) == 1 else tuple(values)


@operator("Conv")
def conv(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sizes | None = None,
    group: int = 1,
    kernel_shape: Sizes | None = None,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
) -> Any:
    """Convolve, without turning the kernels around."""
    kernel = tuple(weight.shape[2:])
    axes = len(kernel)
    stride, dilation = strides or (1,) * axes, dilations or (1,) * axes
    padding = sides(auto_pad, pads, x.shape[2:], kernel, stride, dilation)
    convolve = of_axes(axes, ops.conv1d, ops.conv2d, ops.conv3d)
    options = {"stride": by_axis(stride), "dilation": by_axis(dilation), "padding": by_axis(padding)}
    return convolve(x, weight, bias, groups=group, **options)


@operator("ConvTranspose")
def conv_transpose(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sizes | None = None,
    group: int = 1,
    kernel_shape: Sizes | None = None,
    output_padding: Sizes | None = None,
    output_shape: Sizes | None = None,
    pads: Sizes | None = None,
    strides: Sizes | None = None,
) -> Any:
    """Apply the adjoint of a convolution.

    It is computed without padding: what is padded there is cut off here, and zeros are added at the end.
    """
    kernel = tuple(weight.shape[2:])
    axes = len(kernel)
    stride, dilation = strides or (1,) * axes, dilations or (1,) * axes
    extra = output_padding or (0,) * axes
    whole = [
        (n - 1) * s + d * (k - 1) + 1
        for n, s, d, k in zip(x.shape[2:], stride, dilation, kernel, strict=True)
    ]
    if output_shape is None and auto_pad in ("NOTSET", "VALID"):
        cut = sides("NOTSET", pads if auto_pad == "NOTSET" else None, x.shape[2:], kernel, stride, dilation)
    else:
        wanted = output_shape or [n * s for n, s in zip(x.shape[2:], stride, strict=True)]
        totals = [w + e - n for w, e, n in zip(whole, extra, wanted[-axes:], strict=True)]
        cut = [(t - t // 2, t // 2) for t in totals]
        if auto_pad == "SAME_UPPER":
            cut = [(before, after) for after, before in cut]
    y = _adjoint(x, weight, axes, stride, dilation, group)
    y = _cut(y, cut, extra, whole)
    return y if bias is None else y + ops.reshape(bias, (-1,) + (1,) * axes)


def _adjoint(x: Any, weight: Any, axes: int, stride: Sizes, dilation: Sizes, group: int) -> Any:
    if axes < 3:
        transposed = of_axes(axes, ops.conv_transpose1d, ops.conv_transpose2d, None)
        return transposed(x, weight, stride=by_axis(stride), dilation=by_axis(dilation), groups=group)
    # in three axes: spread the input, pad it, and convolve with the kernels turned around
    c, *size = x.shape[1:]
    for i, (length, s) in enumerate(zip(size, stride, strict=True)):
        if s > 1:
            axis = 2 + i
            wide = ops.pad(
                ops.expand_dims(x, axis + 1),
                [(0, s - 1) if a == axis + 1 else (0, 0) for a in range(x.ndim + 1)],
            )
            shape = (*x.shape[:axis], length * s, *x.shape[axis + 1 :])
            key = [slice(None)] * x.ndim
            key[axis] = slice(0, (length - 1) * s + 1)
            x = ops.getitem(ops.reshape(wide, shape), tuple(key))
    kernel = weight.shape[2:]
    turned = ops.flip(weight, tuple(range(2, 2 + axes)))
    grouped = ops.reshape(turned, (group, c // group, *weight.shape[1:]))
    swapped = ops.reshape(ops.swapaxes(grouped, 1, 2), (group * weight.shape[1], c // group, *kernel))
    padding: Any = tuple((d * (k - 1),) * 2 for d, k in zip(dilation, kernel, strict=True))
    return ops.conv3d(x, swapped, padding=padding, dilation=by_axis(dilation), groups=group)


def _cut(y: Any, cut: list[tuple[int, int]], extra: Sizes, whole: list[int]) -> Any:
    """Cut off the padding, and add zeros where less is cut than is added."""
    key, width = [slice(None)] * 2, [(0, 0)] * 2
    for (before, after), more, length in zip(cut, extra, whole, strict=True):
        end = after - more
        key.append(slice(max(before, 0), length - max(end, 0)))
        width.append((max(-before, 0), max(-end, 0)))
    y = ops.getitem(y, tuple(key))
    return ops.pad(y, width) if np.any(width) else y
