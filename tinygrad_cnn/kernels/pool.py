"""Max and average pooling, over strided slices of batch-last memory.

A pooling never gathers windows: for each offset inside the window (a *tap*), the elements that all windows
have there are one strided slice of the input, and the slices are combined elementwise.

Max pooling stores no winners.  Its gradient compares ``x`` with the maxima: that is cheaper than keeping an
array of indices alive from the forward to the backward pass.  Where several elements of a window tie, the
first in row-major order inside the window wins everything, as in PyTorch.  Masks are multiplied, never used
for assignment, which is ten times slower on random masks.

Pooling, and the gradient of windows that do not overlap, are cut into blocks, some rows of some
channels: they fit the cache, and threads can share them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import parallel
from .geometry import PoolSpec
from .memory import batch_first, batch_last, borrow, give_back

__all__ = ["avg_backward", "avg_forward", "max_forward", "max_gather", "max_scatter"]

Array = NDArray[Any]
Slices = tuple[slice, slice, slice]

# Measured: the most elements of x under one block, and the fewest that are worth sharing between threads.
# A pooling is many calls, at each of which a thread may have to wait for another: then fewer, longer ones.
BLOCK_ELEMENTS = 1 << 18
SHARED_BLOCK_ELEMENTS = 1 << 20
SHARED_ELEMENTS = 1 << 19


def max_forward(x: Array, spec: PoolSpec) -> Array:
    """Return the maximum of each window; NaN wins over everything, padding over nothing.

    Parameters
    ----------
    x : ndarray, (N, C, H, W)
    spec : PoolSpec
        Geometry made from the shape of `x`.

    Returns
    -------
    ndarray, (N, C, OH, OW)
        Fresh, stored batch-last.

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> max_forward(x, PoolSpec.of(x.shape, 2))[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    return batch_first(_combined(np.maximum, _padded(batch_last(x), spec, _lowest(x.dtype)), spec))


def max_scatter(g: Array, x: Array, spec: PoolSpec, maxima: Array | None = None) -> Array:
    """Route `g` to the winner of each window of `x`: the gradient of `max_forward`.

    Overlapping windows accumulate.  The share of a window that holds a NaN goes to one of its elements, not
    necessarily to the NaN.

    Parameters
    ----------
    g : ndarray, (N, C, OH, OW)
    x : ndarray, (N, C, H, W)
    spec : PoolSpec
        Geometry made from the shape of `x`.
    maxima : ndarray, (N, C, OH, OW), optional
        ``max_forward(x, spec)``, to save computing it again.

    Returns
    -------
    ndarray, (N, C, H, W)
        Fresh, stored batch-last.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0], [2.0, 0.0]]]])
    >>> max_scatter(np.array([[[[5.0]]]]), x, PoolSpec.of(x.shape, 2))[0, 0]
    array([[0., 5.],
           [0., 0.]])
    """
    _check_output("g", g, spec)
    gb, xb = batch_last(g), batch_last(x)
    yb = batch_last(max_forward(x, spec) if maxima is None else maxima)
    if spec.is_tiling:
        return batch_first(_scatter_tiles(gb, xb, yb, spec))
    padded = np.zeros((xb.shape[0], *spec.padded_size, xb.shape[3]), g.dtype)
    for part, wins in _winners(xb, yb, spec):
        padded[part] += gb * wins
    return batch_first(_cropped(padded, spec))


def max_gather(v: Array, x: Array, spec: PoolSpec, maxima: Array | None = None) -> Array:
    """Pick from `v` the element at the winner of each window of `x`: the adjoint of `max_scatter` in `g`.

    Parameters
    ----------
    v, x : ndarray, (N, C, H, W)
    spec : PoolSpec
        Geometry made from the shape of `x`.
    maxima : ndarray, (N, C, OH, OW), optional
        ``max_forward(x, spec)``, to save computing it again.

    Returns
    -------
    ndarray, (N, C, OH, OW)
        Fresh, stored batch-last.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0], [2.0, 0.0]]]])
    >>> max_gather(np.array([[[[10.0, 20.0], [30.0, 40.0]]]]), x, PoolSpec.of(x.shape, 2))
    array([[[[20.]]]])
    """
    yb = batch_last(max_forward(x, spec) if maxima is None else maxima)
    padded = _padded(batch_last(v), spec, 0)
    out = np.zeros(yb.shape, v.dtype)
    for part, wins in _winners(batch_last(x), yb, spec):
        out += padded[part] * wins
    return batch_first(out)


def avg_forward(x: Array, spec: PoolSpec, count_include_pad: bool) -> Array:
    """Return the mean of each window.

    Parameters
    ----------
    x : ndarray, (N, C, H, W)
    spec : PoolSpec
        Geometry made from the shape of `x`.
    count_include_pad : bool
        Whether padding counts in the divisor.  What `ceil_mode` adds past the padding never counts.

    Returns
    -------
    ndarray, (N, C, OH, OW)
        Fresh, stored batch-last; integers give float64, as in `numpy.mean`.

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> avg_forward(x, PoolSpec.of(x.shape, 2), True)[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    total = _combined(np.add, _padded(batch_last(x), spec, 0), spec)
    return batch_first(_divided(total, spec, count_include_pad))


def avg_backward(g: Array, spec: PoolSpec, count_include_pad: bool) -> Array:
    """Spread `g` evenly over each window: the adjoint of `avg_forward`.

    Parameters
    ----------
    g : ndarray, (N, C, OH, OW)
    spec : PoolSpec
        Geometry of the forward pooling.
    count_include_pad : bool
        As in `avg_forward`.

    Returns
    -------
    ndarray, (N, C, H, W)
        Fresh, stored batch-last.

    Examples
    --------
    >>> spec = PoolSpec.of((1, 1, 2, 3), 2)
    >>> avg_backward(np.full((1, 1, 1, 1), 8.0), spec, True)[0, 0]
    array([[2., 2., 0.],
           [2., 2., 0.]])
    """
    _check_output("g", g, spec)
    share = _divided(batch_last(g), spec, count_include_pad)
    channels, _, columns, images = share.shape
    height, width = spec.padded_size
    rows = np.zeros((channels, height, columns, images), share.dtype)
    down, across = spec.taps
    for part in down:
        rows[:, part] += share
    padded = np.zeros((channels, height, width, images), share.dtype)
    for part in across:
        padded[:, :, part] += rows
    return batch_first(_cropped(padded, spec))


def _check_output(name: str, array: Array, spec: PoolSpec) -> None:
    """Raise unless `array` has the size of the pooling's output."""
    if array.shape[2:] != spec.output_size:
        raise ValueError(f"{name} must have height and width {spec.output_size}, got shape {array.shape}")


def _lowest(dtype: np.dtype[Any]) -> Any:
    """Return the value that never wins a maximum."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


@lru_cache(maxsize=256)
def _offsets(spec: PoolSpec) -> tuple[Slices, ...]:
    """Return the slices of ``(C, H, W, N)`` for each offset in the window, in row-major order."""
    down, across = spec.taps
    return tuple((slice(None), rows, columns) for rows in down for columns in across)


def _inner(spec: PoolSpec) -> Slices:
    """Return where the input lies in an array of the padded size."""
    (top, _), (left, _) = spec.padding
    return slice(None), slice(top, top + spec.input_size[0]), slice(left, left + spec.input_size[1])


def _padded(xb: Array, spec: PoolSpec, value: Any) -> Array:
    """Return `xb` itself, or a copy between padding when some window needs it."""
    size = spec.padded_size
    if size == spec.input_size:
        return xb
    padded = np.full((xb.shape[0], *size, xb.shape[3]), value, xb.dtype)
    padded[_inner(spec)] = xb
    return padded


def _cropped(padded: Array, spec: PoolSpec) -> Array:
    """Return the input's part of an array of the padded size, contiguous."""
    return np.ascontiguousarray(padded[_inner(spec)])


def _combined(combine: np.ufunc, padded: Array, spec: PoolSpec) -> Array:
    """Combine the elements of each window of an array of the padded size, to a fresh (C, OH, OW, N)."""
    channels, _, width, images = padded.shape
    out = np.empty((channels, *spec.output_size, images), padded.dtype)

    def pool(block: _Block) -> None:
        target = out[block.output]
        shape = *target.shape[:2], width, images
        memory = borrow(math.prod(shape) * padded.itemsize)
        tall = np.ndarray(shape, padded.dtype, memory)
        _reduce(combine, padded, block.down, tall)  # height first: whole rows are neighbours in memory
        _reduce(combine, tall, block.across, target)
        give_back(memory)

    _each_block(pool, padded, spec)
    return out


def _reduce(combine: np.ufunc, array: Array, parts: Sequence[Slices], out: Array) -> None:
    """Combine parts of an array elementwise into `out`."""
    if len(parts) == 1:
        out[...] = array[parts[0]]
        return
    first, second, *others = parts
    combine(array[first], array[second], out=out)
    for part in others:
        combine(out, array[part], out=out)


class _Block(NamedTuple):
    """Some rows of some channels of the output, and where their elements lie in the padded input."""

    output: tuple[slice, slice]
    down: tuple[Slices, ...]  # for each offset along the height: channels, rows and all columns
    across: tuple[Slices, ...]  # for each offset along the width, in what was taken down: all, all, columns
    taps: tuple[Slices, ...]  # for each offset in the window, in row-major order: channels, rows and columns


def _each_block(work: Callable[[_Block], None], padded: Array, spec: PoolSpec) -> None:
    """Call `work` on each block of a pooling of (C, H, W, N)."""
    threads = parallel.threads() if padded.size >= SHARED_ELEMENTS else 1
    parallel.run(work, _blocks(spec, len(padded), padded.size, threads), threads)


@lru_cache(maxsize=256)
def _blocks(spec: PoolSpec, channels: int, size: int, threads: int) -> tuple[_Block, ...]:
    """Cut the output of a pooling of `size` elements into blocks."""
    most = BLOCK_ELEMENTS if threads == 1 else SHARED_BLOCK_ELEMENTS
    count = -(-max(1, size) // (most * threads)) * threads
    groups = max(1, min(count, channels))
    bands = min(-(-count // groups), spec.output_size[0])
    return tuple(
        _block(spec, some, band)
        for some in parallel.slices(channels, groups)
        for band in parallel.slices(spec.output_size[0], bands)
    )


def _block(spec: PoolSpec, channels: slice, rows: slice) -> _Block:
    """Return the block of these channels and rows of the output."""
    whole = slice(None)
    down, across = spec.taps
    here = [
        slice(tap.start + rows.start * tap.step, tap.start + (rows.stop - 1) * tap.step + 1, tap.step)
        for tap in down
    ]
    return _Block(
        output=(channels, rows),
        down=tuple((channels, tap, whole) for tap in here),
        across=tuple((whole, whole, tap) for tap in across),
        taps=tuple((channels, tall, wide) for tall in here for wide in across),
    )


def _divided(total: Array, spec: PoolSpec, count_include_pad: bool) -> Array:
    """Return ``total / divisor`` for each window, as a fresh array."""
    divisor = _divisor(spec, count_include_pad)
    return total / (divisor.astype(total.dtype) if total.dtype.kind == "f" else divisor)


@lru_cache(maxsize=256)
def _divisor(spec: PoolSpec, count_include_pad: bool) -> Array:
    """Return how many elements each window counts, (OH, OW, 1), or () where all windows agree."""
    counts = []
    for axis in (0, 1):
        before, after = spec.padding[axis]
        size = spec.input_size[axis]
        start = np.arange(spec.output_size[axis]) * spec.stride[axis] - before
        stop = np.minimum(start + spec.kernel_size[axis], size + after)
        if not count_include_pad:
            start, stop = np.maximum(start, 0), np.minimum(stop, size)
        counts.append(stop - start)
    divisor = (counts[0][:, None] * counts[1])[:, :, None]
    return divisor[0, 0, 0] if (divisor == divisor[0, 0, 0]).all() else divisor


def _winners(xb: Array, yb: Array, spec: PoolSpec) -> Iterator[tuple[Slices, Array]]:
    """Yield, for each tap in row-major order, its slices and where it is the first maximum of the window."""
    padded = _padded(xb, spec, _lowest(xb.dtype))
    outside = _outside(spec) if padded is not xb else None
    is_open = np.ones(yb.shape, bool)
    for part in _offsets(spec):
        loses = padded[part] < yb  # never for a NaN: then the first of the window wins
        if outside is not None:
            loses |= outside[part[1:]]
        wins = is_open > loses
        yield part, wins
        is_open ^= wins


@lru_cache(maxsize=256)
def _outside(spec: PoolSpec) -> Array:
    """Return where an array of the padded size is padding, (H, W, 1): a window of -inf alone ties with it."""
    outside = np.ones((*spec.padded_size, 1), bool)
    outside[_inner(spec)[1:]] = False
    return outside


def _scatter_tiles(gb: Array, xb: Array, yb: Array, spec: PoolSpec) -> Array:
    """Return `max_scatter` where the windows are tiles, batch-last."""
    out = np.empty(xb.shape, gb.dtype)
    (rows, columns), (tall, wide) = spec.output_size, spec.kernel_size
    if (rows * tall, columns * wide) != spec.input_size:  # what is left over at the end
        out[:, rows * tall :] = 0
        out[:, :, columns * wide :] = 0

    def scatter(block: _Block) -> None:
        rest, y = gb[block.output], yb[block.output]
        size = y.size * gb.itemsize
        memory = borrow(2 * size)
        passed, spare = np.ndarray(y.shape, gb.dtype, memory), np.ndarray(y.shape, gb.dtype, memory, size)
        *taps, last = block.taps
        for place in taps:
            np.less(xb[place], y, out=passed)  # it loses; never a NaN: then the first of the window wins
            np.multiply(rest, passed, out=passed)
            np.subtract(rest, passed, out=out[place])
            rest, passed, spare = passed, spare, passed
        out[last] = rest
        give_back(memory)

    _each_block(scatter, xb, spec)
    return out
