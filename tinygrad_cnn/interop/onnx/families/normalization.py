"""Normalisation, softmax, and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import ops
from ....kernels.normalization import moments
from ....stand_in import in_one_line
from ....tape import constant_for, raw
from ..registry import Numbers, State, operator


def _per_channel(values: Any, x: Any) -> Any:
    return ops.reshape(values, (-1, *(1,) * (x.ndim - 2)))


@operator("BatchNormalization")
def batch_normalization(
    x: Any,
    scale: Any,
    bias: Any,
    mean: State,
    var: State,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    spatial: int = 1,
    train: bool,
) -> Any:
    """Normalise each channel, by the running statistics, or in training by those of the batch."""
    if not (train or training_mode):
        scale = scale / ops.sqrt(var + epsilon)
        return x * _per_channel(scale, x) + _per_channel(bias - mean * scale, x)
    y = ops.batch_norm(x, scale, bias, eps=epsilon)
    found = in_one_line(moments, raw(x), (0, *range(2, x.ndim)))
    moved = (
        (momentum * old + (1 - momentum) * new).astype(old.dtype)
        for old, new in zip((mean, var), found, strict=True)
    )
    return (y, *moved)


@operator("InstanceNormalization")
def instance_normalization(x: Any, scale: Any, bias: Any, *, epsilon: float = 1e-5) -> Any:
    """Normalise each channel of each sample."""
    return ops.instance_norm(x, scale, bias, eps=epsilon)


@operator("GroupNormalization")
def group_normalization(
    x: Any, scale: Any, bias: Any, *, epsilon: float = 1e-5, num_groups: int, stash_type: int = 1, opset: int
) -> Any:
    """Normalise groups of channels; before version 21 a group had one scale and one bias."""
    if opset < 21:
        each = x.shape[1] // num_groups
        scale, bias = ops.repeat(scale, each), ops.repeat(bias, each)
    return ops.group_norm(x, num_groups, scale, bias, eps=epsilon)


@operator("LayerNormalization")
def layer_normalization(
    x: Any,
    scale: Any,
    bias: Any = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    count: int,
) -> Any:
    """Normalise over the last axes, and return the mean and the inverse deviation too if they are wanted."""
    axes = tuple(range(axis % x.ndim, x.ndim))
    mean = ops.mean(x, axes, keepdims=True)
    centred = x - mean
    inverse = 1 / ops.sqrt(ops.mean(ops.square(centred), axes, keepdims=True) + epsilon)
    y = centred * inverse * scale
    y = y if bias is None else y + bias
    return (y, mean, inverse)[:count]


@operator("RMSNormalization")
def rms_normalization(
    x: Any, scale: Any, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Any:
    """Divide by the root of the mean square over the last axes."""
    axes = tuple(range(axis % x.ndim, x.ndim))
    wide = ops.astype(x, np.float32) if x.dtype == np.float16 else x
    y = wide / ops.sqrt(ops.mean(ops.square(wide), axes, keepdims=True) + epsilon)
    return ops.astype(y, x.dtype) * scale if y.dtype != x.dtype else y * scale


@operator("MeanVarianceNormalization")
def mean_variance_normalization(x: Any, *, axes: tuple[int, ...] = (0, 2, 3)) -> Any:
    """Subtract the mean, and divide by the deviation."""
    centred = x - ops.mean(x, axes, keepdims=True)
    return centred / (ops.sqrt(ops.mean(ops.square(centred), axes, keepdims=True)) + 1e-9)


@operator("LpNormalization")
def lp_normalization(x: Any, *, axis: int = -1, p: int = 2) -> Any:
    """Divide by the norm along an axis, and leave zeros as they are."""
    norm = (
        ops.sum(ops.abs(x), axis, keepdims=True)
        if p == 1
        else ops.sqrt(ops.sum(ops.square(x), axis, keepdims=True))
    )
    return x / ops.where(raw(norm) == 0, np.ones((), x.dtype)[()], norm)


@operator("LRN")
def lrn(x: Any, *, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0, size: int) -> Any:
    """Divide by a power of the sum of squares over neighbouring channels."""
    before = (size - 1) // 2
    width = [(0, 0), (before, size - 1 - before), *((0, 0),) * (x.ndim - 2)]
    squares = ops.pad(ops.square(x), width)
    c = x.shape[1]
    total = squares[:, :c]
    for i in range(1, size):
        total = total + squares[:, i : i + c]
    return x / ops.power(bias + alpha / size * total, beta)


def _flat(x: Any, axis: int) -> Any:
    """Return a matrix, whose columns are the axes from one on, as softmax had it before version 13."""
    axis %= x.ndim
    return ops.reshape(x, (int(np.prod(x.shape[:axis])), -1))


def _along(name: str, function: Any) -> None:
    @operator(name)
    def along(x: Any, *, axis: int | None = None, opset: int) -> Any:
        """Apply a function along an axis, or before version 13 along all axes from it on."""
        if opset >= 13:
            return function(x, -1 if axis is None else axis)
        return ops.reshape(function(_flat(x, 1 if axis is None else axis), -1), x.shape)


def _hardmax(x: Any, axis: int) -> Any:
    """Return 1 at the first maximum along an axis, 0 elsewhere."""
    x = raw(x)
    hot = np.zeros_like(x)
    np.put_along_axis(hot, np.argmax(x, axis, keepdims=True), 1, axis)
    return hot


_along("Softmax", ops.softmax)
_along("LogSoftmax", ops.log_softmax)
_along("Hardmax", _hardmax)


@operator("Dropout")
def dropout(
    x: Any,
    ratio: Numbers = None,
    training_mode: Numbers = None,
    *,
    seed: int | None = None,
    train: bool,
    rng: Any,
    count: int,
) -> Any:
    """Drop elements in training, and return which were kept if that is wanted."""
    rate = 0.5 if ratio is None else float(ratio)
    if rate == 0 or not (train or (training_mode is not None and training_mode.item())):
        return (x, constant_for(x, np.ones, x.shape, bool))[:count]
    if seed is None:
        y = ops.dropout(x, rate, rng=rng)
        return (y, raw(y) != 0)[:count]
    kept = constant_for(x, _kept, seed, x.shape, rate)
    return (ops.where(kept, x / (1 - rate), x * 0), kept)[:count]


def _kept(seed: int, shape: tuple[int, ...], rate: float) -> Any:
    """Draw what is kept, from the seed that stands in the file."""
    return np.random.RandomState(seed).uniform(size=shape) >= rate
