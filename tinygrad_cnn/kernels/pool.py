"""Max and average pooling, over strided slices of batch-last memory.

A pooling never gathers windows: for each offset inside the window (a *tap*), the elements that all windows
have there are one strided slice of the input, and the slices are combined elementwise.

Max pooling stores no winners. Its gradient compares ``x`` with the maxima, which is cheaper than keeping an
array of indices alive from the forward to the backward pass. Where several elements of a window tie, the
first in row-major order inside the window wins everything, as in PyTorch. Masks are multiplied, never used
for assignment, which is ten times slower on random masks.

Pooling, and the gradient of windows that do not overlap, are cut into blocks that fit the cache and that
threads can share; `pool_plan` says how.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..types import NDArray
from . import parallel
from .geometry import PoolSpec
from .memory import batch_first, batch_last, borrow, give_back
from .pool_plan import Block, Slices, blocks, divisor, input_in_padded, is_padding, taps


def max_forward(
    x: NDArray,  # (N, C, H, W)
    spec: PoolSpec,
) -> NDArray:  # (N, C, OH, OW), fresh, stored batch-last
    """Return the maximum of each window; NaN wins over everything, padding over nothing."""
    return batch_first(_combined(np.maximum, _padded(batch_last(x), spec, _lowest(x.dtype)), spec))


def max_scatter(
    g: NDArray,  # (N, C, OH, OW)
    x: NDArray,  # (N, C, H, W)
    spec: PoolSpec,
    maxima: NDArray | None = None,  # what `max_forward` gives, to save computing it again
) -> NDArray:  # (N, C, H, W), fresh, stored batch-last
    """Route `g` to the winner of each window of `x`: the gradient of `max_forward`.

    Overlapping windows accumulate. The share of a window that holds a NaN goes to one of its elements, which
    need not be the NaN.
    """
    _check_output("g", g, spec)
    gb, xb = batch_last(g), batch_last(x)
    yb = batch_last(max_forward(x, spec) if maxima is None else maxima)
    if spec.is_tiling:
        return batch_first(_scatter_tiles(gb, xb, yb, spec))
    padded = np.zeros((xb.shape[0], *spec.padded_size, xb.shape[3]), g.dtype)
    for tap, wins in _winners(xb, yb, spec):
        padded[tap] += gb * wins
    return batch_first(_cropped(padded, spec))


def max_gather(
    v: NDArray,  # (N, C, H, W)
    x: NDArray,  # (N, C, H, W)
    spec: PoolSpec,
    maxima: NDArray | None = None,  # what `max_forward` gives, to save computing it again
) -> NDArray:  # (N, C, OH, OW), fresh, stored batch-last
    """Pick from `v` the element at the winner of each window of `x`: the adjoint of `max_scatter` in `g`."""
    yb = batch_last(max_forward(x, spec) if maxima is None else maxima)
    padded = _padded(batch_last(v), spec, 0)
    out = np.zeros(yb.shape, v.dtype)
    for tap, wins in _winners(batch_last(x), yb, spec):
        out += padded[tap] * wins
    return batch_first(out)


def avg_forward(
    x: NDArray,  # (N, C, H, W)
    spec: PoolSpec,
    count_include_pad: bool,
) -> NDArray:  # (N, C, OH, OW), fresh, stored batch-last
    """Return the mean of each window; integers give float64, as in `numpy.mean`.

    Padding counts in the divisor if `count_include_pad` says so; what `ceil_mode` adds after it never counts.
    """
    total = _combined(np.add, _padded(batch_last(x), spec, 0), spec)
    return batch_first(_divided(total, spec, count_include_pad))


def avg_backward(
    g: NDArray,  # (N, C, OH, OW)
    spec: PoolSpec,
    count_include_pad: bool,
) -> NDArray:  # (N, C, H, W), fresh, stored batch-last
    """Spread `g` evenly over each window: the adjoint of `avg_forward`."""
    _check_output("g", g, spec)
    share = _divided(batch_last(g), spec, count_include_pad)
    channels, _, columns, images = share.shape
    height, width = spec.padded_size
    rows = np.zeros((channels, height, columns, images), share.dtype)
    down, across = spec.taps
    for tap in down:
        rows[:, tap] += share
    padded = np.zeros((channels, height, width, images), share.dtype)
    for tap in across:
        padded[:, :, tap] += rows
    return batch_first(_cropped(padded, spec))


def _check_output(name: str, array: NDArray, spec: PoolSpec) -> None:
    """Raise unless `array` has the size of the pooling's output."""
    if array.shape[2:] != spec.output_size:
        raise ValueError(f"{name} must have height and width {spec.output_size}, got shape {array.shape}")


def _lowest(dtype: np.dtype[Any]) -> Any:
    """Return the value that never wins a maximum."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _padded(xb: NDArray, spec: PoolSpec, value: Any) -> NDArray:
    """Return `xb` itself, or a copy between padding when some window needs it."""
    size = spec.padded_size
    if size == spec.input_size:
        return xb
    padded = np.full((xb.shape[0], *size, xb.shape[3]), value, xb.dtype)
    padded[input_in_padded(spec)] = xb
    return padded


def _cropped(padded: NDArray, spec: PoolSpec) -> NDArray:
    """Return the input's part of an array of the padded size, contiguous."""
    return np.ascontiguousarray(padded[input_in_padded(spec)])


def _combined(combine: np.ufunc, padded: NDArray, spec: PoolSpec) -> NDArray:
    """Combine the elements of each window of an array of the padded size, to a fresh (C, OH, OW, N)."""
    channels, _, width, images = padded.shape
    out = np.empty((channels, *spec.output_size, images), padded.dtype)

    def pool(block: Block) -> None:
        target = out[block.output]
        shape = *target.shape[:2], width, images
        memory = borrow(math.prod(shape) * padded.itemsize)
        tall = np.ndarray(shape, padded.dtype, memory)
        # height first, because whole rows are neighbours in memory
        _reduce(combine, padded, block.down, tall)
        _reduce(combine, tall, block.across, target)
        give_back(memory)

    parallel.run(pool, *blocks(spec, channels, padded.size))
    return out


def _reduce(combine: np.ufunc, array: NDArray, parts: Sequence[Slices], out: NDArray) -> None:
    """Combine parts of an array elementwise into `out`."""
    if len(parts) == 1:
        out[...] = array[parts[0]]
        return
    first, second, *others = parts
    combine(array[first], array[second], out=out)
    for part in others:
        combine(out, array[part], out=out)


def _divided(total: NDArray, spec: PoolSpec, count_include_pad: bool) -> NDArray:
    """Return ``total / divisor`` for each window, as a fresh array."""
    counts = divisor(spec, count_include_pad)
    return total / (counts.astype(total.dtype) if total.dtype.kind == "f" else counts)


def _winners(xb: NDArray, yb: NDArray, spec: PoolSpec) -> Iterator[tuple[Slices, NDArray]]:
    """Yield, for each tap in row-major order, its slices and where it is the first maximum of the window."""
    padded = _padded(xb, spec, _lowest(xb.dtype))
    padding = is_padding(spec) if padded is not xb else None
    is_open = np.ones(yb.shape, bool)
    for tap in taps(spec):
        loses = padded[tap] < yb  # a NaN never loses, so that the first element of its window wins
        if padding is not None:
            loses |= padding[tap[1:]]
        wins = is_open > loses
        yield tap, wins
        is_open ^= wins


def _scatter_tiles(gb: NDArray, xb: NDArray, yb: NDArray, spec: PoolSpec) -> NDArray:
    """Return `max_scatter` where the windows are tiles, batch-last."""
    out = np.empty(xb.shape, gb.dtype)
    (rows, columns), (tall, wide) = spec.output_size, spec.kernel_size
    if (rows * tall, columns * wide) != spec.input_size:  # no window reads what is left over at the end
        out[:, rows * tall :] = 0
        out[:, :, columns * wide :] = 0

    def scatter(block: Block) -> None:
        rest, y = gb[block.output], yb[block.output]
        size = y.size * gb.itemsize
        memory = borrow(2 * size)
        passed, spare = np.ndarray(y.shape, gb.dtype, memory), np.ndarray(y.shape, gb.dtype, memory, size)
        *taps_but_the_last, last = block.taps
        for tap in taps_but_the_last:
            np.less(xb[tap], y, out=passed)  # a NaN never loses, so that the first element of its window wins
            np.multiply(rest, passed, out=passed)
            np.subtract(rest, passed, out=out[tap])
            rest, passed, spare = passed, spare, passed
        out[last] = rest
        give_back(memory)

    parallel.run(scatter, *blocks(spec, len(xb), xb.size))
    return out
