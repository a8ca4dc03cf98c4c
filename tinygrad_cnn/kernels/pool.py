"""Max and average pooling, over strided slices of batch-last memory.

A pooling never gathers windows: for each offset inside the window, the elements that all windows have at this
offset are one strided slice of the input, and the slices are combined elementwise.

Max pooling stores no winners.  Its gradient looks for them again in ``x``: comparing is cheaper than
keeping an array of indices alive from the forward to the backward pass.  Where several elements of a window
tie, the first in row-major order inside the window wins everything, as in PyTorch.  Masks are multiplied,
never used for assignment, which is ten times slower on random masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import Pair, PoolSpec
from .memory import batch_first, batch_last

__all__ = ["avg_backward", "avg_forward", "max_forward", "max_gather", "max_scatter"]

Array = NDArray[Any]
Slices = tuple[slice, slice, slice]


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
    xb = batch_last(x)
    if _is_halving(spec):
        return batch_first(np.maximum(*_halves(np.maximum(*_halves(xb, 1)), 0)))
    padded = _padded(xb, spec, _lowest(x.dtype))
    rows = _maximum([padded[:, :, part] for part in _taps(spec, 1)])
    return batch_first(_maximum([rows[:, part] for part in _taps(spec, 0)]))


def max_scatter(g: Array, x: Array, spec: PoolSpec) -> Array:
    """Route `g` to the winner of each window of `x`: the gradient of `max_forward`.

    Overlapping windows accumulate.  The share of a window that holds a NaN goes to one of its elements, not
    necessarily to the NaN.

    Parameters
    ----------
    g : ndarray, (N, C, OH, OW)
    x : ndarray, (N, C, H, W)
    spec : PoolSpec
        Geometry made from the shape of `x`.

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
    if _is_halving(spec):
        return batch_first(_scatter_halving(gb, xb, spec))
    winners = _winners(xb, spec)
    padded = np.zeros((xb.shape[0], *_padded_size(spec), xb.shape[3]), g.dtype)
    for number, part in enumerate(_offsets(spec)):
        padded[part] += gb * (winners == number)
    return batch_first(_cropped(padded, spec))


def max_gather(v: Array, x: Array, spec: PoolSpec) -> Array:
    """Pick from `v` the element at the winner of each window of `x`: the adjoint of `max_scatter` in `g`.

    Parameters
    ----------
    v, x : ndarray, (N, C, H, W)
    spec : PoolSpec
        Geometry made from the shape of `x`.

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
    vb, xb = batch_last(v), batch_last(x)
    if _is_halving(spec):
        left, top = _winning_halves(xb)
        rows = _picked(left, *_halves(vb, 1))
        return batch_first(_picked(top, *_halves(rows, 0)))
    winners = _winners(xb, spec)
    padded = _padded(vb, spec, 0)
    out = np.zeros(winners.shape, v.dtype)
    for number, part in enumerate(_offsets(spec)):
        out += padded[part] * (winners == number)
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
    padded = _padded(batch_last(x), spec, 0)
    rows = _sum([padded[:, :, part] for part in _taps(spec, 1)])
    total = _sum([rows[:, part] for part in _taps(spec, 0)])
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
    height, width = _padded_size(spec)
    rows = np.zeros((channels, height, columns, images), share.dtype)
    for part in _taps(spec, 0):
        rows[:, part] += share
    padded = np.zeros((channels, height, width, images), share.dtype)
    for part in _taps(spec, 1):
        padded[:, :, part] += rows
    return batch_first(_cropped(padded, spec))


def _check_output(name: str, array: Array, spec: PoolSpec) -> None:
    """Raise unless `array` has the size of the pooling's output."""
    if array.shape[2:] != spec.output_size:
        raise ValueError(f"{name} must have height and width {spec.output_size}, got shape {array.shape}")


def _lowest(dtype: np.dtype[Any]) -> Any:
    """Return the value that never wins a maximum."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _taps(spec: PoolSpec, axis: int) -> Iterator[slice]:
    """Yield, for each offset in the window along one axis, the slice of the padded input it reads."""
    step = spec.stride[axis]
    span = (spec.output_size[axis] - 1) * step + 1
    for offset in range(0, spec.kernel_size[axis] * spec.dilation[axis], spec.dilation[axis]):
        yield slice(offset, offset + span, step)


def _offsets(spec: PoolSpec) -> Iterator[Slices]:
    """Yield the slices of ``(C, H, W, N)`` for each offset in the window, in row-major order."""
    for rows in _taps(spec, 0):
        for columns in _taps(spec, 1):
            yield slice(None), rows, columns


def _padded_size(spec: PoolSpec) -> Pair:
    """Return the size that holds the input behind its padding, and every window."""
    height, width = (
        max(spec.padding[a][0] + spec.input_size[a], [part.stop for part in _taps(spec, a)][-1])
        for a in (0, 1)
    )
    return height, width


def _inner(spec: PoolSpec) -> Slices:
    """Return where the input lies in an array of the padded size."""
    (top, _), (left, _) = spec.padding
    return slice(None), slice(top, top + spec.input_size[0]), slice(left, left + spec.input_size[1])


def _padded(xb: Array, spec: PoolSpec, value: Any) -> Array:
    """Return `xb` itself, or a copy between padding when some window needs it."""
    size = _padded_size(spec)
    if size == spec.input_size:
        return xb
    padded = np.full((xb.shape[0], *size, xb.shape[3]), value, xb.dtype)
    padded[_inner(spec)] = xb
    return padded


def _cropped(padded: Array, spec: PoolSpec) -> Array:
    """Return the input's part of an array of the padded size, contiguous."""
    return np.ascontiguousarray(padded[_inner(spec)])


def _maximum(parts: list[Array]) -> Array:
    """Return the elementwise maximum as a fresh array."""
    if len(parts) == 1:
        return parts[0].copy()
    out = np.maximum(parts[0], parts[1])
    for part in parts[2:]:
        np.maximum(out, part, out=out)
    return out


def _sum(parts: list[Array]) -> Array:
    """Return the elementwise sum as a fresh array."""
    if len(parts) == 1:
        return parts[0].copy()
    out = np.add(parts[0], parts[1])
    for part in parts[2:]:
        out += part
    return out


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


def _winners(xb: Array, spec: PoolSpec) -> Array:
    """Return the row-major number of the first maximum inside each window, (C, OH, OW, N).

    Offsets are visited in order of their number, so ``maximum(winner, number * better)`` moves the winner
    on where the new element is strictly greater, without an assignment by mask.
    """
    padded = _padded(xb, spec, _lowest(xb.dtype))
    first = _first_inside(spec)
    best = np.full((xb.shape[0], *spec.output_size, xb.shape[3]), _lowest(xb.dtype), xb.dtype)
    winners = np.empty(best.shape, first.dtype)
    winners[...] = first
    for number, part in enumerate(_offsets(spec)):
        candidate = padded[part]
        np.maximum(winners, (candidate > best) * first.dtype.type(number), out=winners)
        np.maximum(best, candidate, out=best)
    return winners


@lru_cache(maxsize=256)
def _first_inside(spec: PoolSpec) -> Array:
    """Return the number of the first offset of each window that is not padding, (OH, OW, 1).

    It wins where nothing is greater than the padding, that is, where the window holds only -inf.
    """
    numbers = []
    for axis in (0, 1):
        before = spec.padding[axis][0] - np.arange(spec.output_size[axis]) * spec.stride[axis]
        numbers.append(np.maximum(-(-before // spec.dilation[axis]), 0))
    taps = spec.kernel_size[0] * spec.kernel_size[1]
    number = numbers[0][:, None] * spec.kernel_size[1] + numbers[1]
    return number[:, :, None].astype(np.min_scalar_type(taps))


def _is_halving(spec: PoolSpec) -> bool:
    """Return whether this is the plain 2x2 pooling, whose winners need no numbers."""
    unpadded = spec.padding == ((0, 0), (0, 0)) and not spec.ceil_mode
    return spec.kernel_size == spec.stride == (2, 2) and spec.dilation == (1, 1) and unpadded


def _halves(xb: Array, axis: int) -> tuple[Array, Array]:
    """Return the first and the second elements of the windows' pairs along height (0) or width (1)."""
    stop = xb.shape[axis + 1] // 2 * 2
    if axis == 0:
        return xb[:, 0:stop:2], xb[:, 1:stop:2]
    return xb[:, :, 0:stop:2], xb[:, :, 1:stop:2]


def _winning_halves(xb: Array) -> tuple[Array, Array]:
    """Return where the left of a pair of columns wins, and where the upper of a pair of rows wins.

    Width comes first: then a tie between rows is settled after the ties inside the rows, which is
    row-major order.  The other way round is column-major.
    """
    left, right = _halves(xb, 1)
    upper, lower = _halves(np.maximum(left, right), 0)
    return left >= right, upper >= lower


def _picked(first_wins: Array, first: Array, second: Array) -> Array:
    """Return `first` where it wins, else `second`."""
    return first * first_wins + second * ~first_wins


def _scatter_halving(gb: Array, xb: Array, spec: PoolSpec) -> Array:
    """Return `max_scatter` for the plain 2x2 pooling, batch-last."""
    left, top = _winning_halves(xb)
    channels, _, _, images = xb.shape
    height, width = spec.output_size
    out = np.empty(xb.shape, gb.dtype)
    out[:, 2 * height :] = 0
    out[:, :, 2 * width :] = 0
    share = np.empty((channels, 2 * height, width, images), gb.dtype)  # of each pair of columns
    np.multiply(gb, top, out=share[:, 0::2])
    np.subtract(gb, share[:, 0::2], out=share[:, 1::2])
    to_left, to_right = _halves(out[:, : 2 * height], 1)
    np.multiply(share, left[:, : 2 * height], out=to_left)
    np.subtract(share, to_left, out=to_right)
    return out
