"""Convolution, pooling and batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....program.values import Value
from .table import exporter


def _sizes(value: Any, axes: int) -> list[int]:
    return [int(value)] * axes if isinstance(value, int | np.integer) else [int(n) for n in value]


def _pads(padding: Any, axes: int) -> list[int]:
    """Return the padding before all axes, and then that after them."""
    sides = [padding] * axes if isinstance(padding, int | np.integer) else list(padding)
    pairs = [(side, side) if isinstance(side, int | np.integer) else side for side in sides]
    return [int(before) for before, _ in pairs] + [int(after) for _, after in pairs]


def _convolved(w: Any, op: str, operands: Any, axes: int, options: dict[str, Any], **more: Any) -> Any:
    given = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1} | options
    return w.put(
        op, *operands, strides=_sizes(given["stride"], axes), pads=_pads(given["padding"], axes),
        dilations=_sizes(given["dilation"], axes), group=int(given["groups"]), **more,
    )  # fmt: skip


@exporter("conv2d")
def conv2d(w: Any, x: Any, weight: Any, bias: Any = None, **options: Any) -> Any:
    """Convolve images."""
    return _convolved(w, "Conv", (x, weight, bias), 2, options)


@exporter("conv3d_output")
def conv3d(w: Any, x: Any, weight: Any, bias: Any = None, *, spec: Any) -> Any:
    """Convolve volumes."""
    options = {name: getattr(spec, name) for name in ("stride", "padding", "dilation", "groups")}
    return _convolved(w, "Conv", (x, weight, bias), 3, options)


@exporter("conv_transpose2d")
def conv_transpose2d(
    w: Any, x: Any, weight: Any, bias: Any = None, *, output_padding: Any = 0, **options: Any
) -> Any:
    """Apply the adjoint of a convolution."""
    more = _sizes(output_padding, 2)
    return _convolved(w, "ConvTranspose", (x, weight, bias), 2, options, output_padding=more)


@exporter("max_pool2d")
def max_pool2d(w: Any, x: Any, kernel_size: Any, *, dilation: Any = 1, **options: Any) -> Any:
    """Return the largest element of each window."""
    dilations = _sizes(dilation, 2)
    shared, more = _pooled(w, x, kernel_size, dilations, **options)
    shared["pads"] = [
        *shared["pads"][:2],
        *(n + extra for n, extra in zip(shared["pads"][2:], more, strict=True)),
    ]
    return w.put("MaxPool", x, dilations=dilations, **shared)


@exporter("avg_pool2d")
def avg_pool2d(w: Any, x: Any, kernel_size: Any, *, count_include_pad: bool = True, **options: Any) -> Any:
    """Return the mean of each window."""
    shared, more = _pooled(w, x, kernel_size, [1, 1], **options)
    shared["ceil_mode"] = int(any(more))
    return w.put("AveragePool", x, count_include_pad=int(count_include_pad), **shared)


def _pooled(
    w: Any,
    x: Any,
    kernel_size: Any,
    dilation: list[int],
    *,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
) -> tuple[dict[str, Any], list[int]]:
    """Return the attributes of a pooling, and how far its last windows reach over the padded image."""
    kernel, strides, pads = _sizes(kernel_size, 2), _sizes(stride or kernel_size, 2), _pads(padding, 2)
    more = [
        max((out - 1) * strides[i] + dilation[i] * (kernel[i] - 1) + 1 - (n + pads[i] + pads[2 + i]), 0)
        for i, (n, out) in enumerate(zip(w.shape(x)[2:], w.shape(w.result)[2:], strict=True))
    ]
    return {"kernel_shape": kernel, "strides": strides, "pads": pads}, more


@exporter("batch_norm")
def batch_norm(w: Any, x: Any, weight: Any = None, bias: Any = None, *, eps: float = 1e-5) -> Any:
    """Normalise each channel by the statistics of the batch."""
    axes = np.array([0, *range(2, len(w.shape(x)))])
    centred = w.put("Sub", x, w.put("ReduceMean", x, axes, keepdims=1))
    variance = w.put("ReduceMean", w.put("Mul", centred, centred), axes, keepdims=1)
    y = w.put("Div", centred, w.put("Sqrt", w.put("Add", variance, float(eps))))
    for op, values in (("Mul", weight), ("Add", bias)):
        if values is not None:
            y = w.put(op, y, _per_channel(w, values, len(w.shape(x))))
    return y


def _per_channel(w: Any, values: Any, ndim: int) -> Any:
    shape = (-1, *(1,) * (ndim - 2))
    if isinstance(values, Value) and values in w.constants:
        return w.constants[values].reshape(shape)
    return w.put("Reshape", values, np.array(shape, np.int64))
