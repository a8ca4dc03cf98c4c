r"""Two-dimensional convolution and its two adjoints, as products of matrices over blocks of columns.

A convolution (cross-correlation, as everywhere in deep learning) is the trilinear form

.. math::  \sum_{n,o,i,j,c,u,v} y_{n,o,i,j}\; w_{o,c,u,v}\; x_{n,\,c,\,i s+u d-p,\,j s+v d-p}

and its three partial derivatives are the three functions of this module: `forward` to ``y``,
`input_gradient` to ``x``, `weight_gradient` to ``w``.

**Columns.**  Lay the elements of ``x`` under one window out as a column: the convolution becomes the product
``(O, K) @ (K, P)``, with ``K = KH * C * KW`` taps and ``P = OH * OW * N`` windows.  Every element occurs in
up to ``KH * KW`` columns, so the whole matrix would be large, slow to write, and read again from main memory.
It is therefore made in blocks that fit the cache, in scratch memory.

**Shared rows.**  Windows of neighbouring output rows overlap in input rows.  If a block is stored as
``(row, C, KW, OW, N)``, with the shift along the width written out and the rows once each, then the
``KH`` rows below one output row are *contiguous*: read as ``(KH * C * KW, OW * N)`` they are the columns of
that row, and the next output row starts ``stride`` rows further on in the same block.  So the block is
``KH`` times smaller than its matrix of columns (memory-efficient convolution, Cho & Brand 2017).

**The adjoint** of copying into columns is adding from columns, tap by tap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import parallel
from .geometry import ConvSpec, Pair
from .memory import batch_first, batch_last, borrow, give_back
from .product import SMALL_OUTPUT, SMALL_PRODUCT, smallest_divisor

__all__ = ["forward", "input_gradient", "weight_gradient"]

Array = NDArray[Any]
Sizes = tuple[int, ...]
Index = tuple[Any, ...]

# The numbers below are measured: NumPy's OpenBLAS, one thread, 1 MiB of second-level cache, 32 MiB of third.

# Most elements of one block of columns, except that a single window is never cut.  Smaller blocks share fewer
# rows, larger ones are read from main memory.
BLOCK_ELEMENTS = 1 << 19

# Output rows shorter than this are multiplied many at a time, from columns in full: products of single rows
# are then too short, and a weight gradient adds up too many of them.
NARROW_ROW = 192

# Forward, where nothing is added up, shorter ones will do if the product of one row is small.
NARROW_SMALL_ROW = 96

# Less work is not worth waking a thread for.  Its unit is a multiplication: writing one element of the
# columns takes as long as 16.
SHARED_WORK = 1 << 25
ELEMENT_WORK = 16

# Pieces shorter than these lose more than they gain.
SHORTEST_CHUNK = 64
FEWEST_TAPS = 16


def forward(x: Array, weight: Array, bias: Array | None, spec: ConvSpec) -> Array:
    r"""Return the convolution :math:`y = w \star x + b`.

    Parameters
    ----------
    x : ndarray, (N, C, H, W)
    weight : ndarray, (O, C / groups, KH, KW)
    bias : ndarray, (O,), or None
    spec : ConvSpec
        Geometry made from the shapes of `x` and `weight`.

    Returns
    -------
    ndarray, (N, O, OH, OW)
        Fresh, stored batch-last.

    Examples
    --------
    >>> x, weight = np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
    >>> forward(x, weight, None, ConvSpec.of(x.shape, weight.shape))[0, 0]
    array([[4., 4.],
           [4., 4.]])
    """
    xb = batch_last(x)
    images, (outputs, channels, _, _) = x.shape[0], weight.shape
    plan = _plan(spec, outputs, channels, images, x.dtype, parallel.threads(), NARROW_SMALL_ROW)
    out = np.empty((outputs, *spec.output_size, images), _promoted(x, weight))
    windows = plan.windows(out)
    matrix = plan.matrix(weight)
    offset = None if bias is None else bias.reshape(spec.groups, 1, -1, 1)

    def convolve(block: _Block) -> None:
        target = windows[block.windows]  # (G, B, O/G, P)
        memory = borrow(block.size)
        _multiply(matrix, block.columns(xb, memory), target)
        give_back(memory)
        if offset is not None:  # now, while the block is in the cache
            target += offset

    parallel.run(convolve, plan.blocks, plan.threads)
    return batch_first(out)


def input_gradient(y: Array, weight: Array, spec: ConvSpec) -> Array:
    """Return the adjoint of `forward` in `x`, which is also the transposed convolution of `y`.

    Parameters
    ----------
    y : ndarray, (N, O, OH, OW)
    weight : ndarray, (O, C / groups, KH, KW)
    spec : ConvSpec
        Geometry of the forward convolution.

    Returns
    -------
    ndarray, (N, C, H, W)
        Fresh, stored batch-last; rows and columns that no window reads get zero.

    Raises
    ------
    ValueError
        If `y` is not of the forward convolution's output shape.

    Examples
    --------
    >>> y, weight = np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2))
    >>> input_gradient(y, weight, ConvSpec.of((1, 1, 3, 3), weight.shape))[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    _check_output(y, weight.shape[0], spec)
    if _flip_pays(weight, spec):
        return forward(y, _adjoint_weight(weight, spec.groups), None, spec.adjoint)
    images, (outputs, channels, _, _) = y.shape[0], weight.shape
    dtype = _promoted(y, weight)
    plan = _plan(spec, outputs, channels, images, dtype, 1, math.inf)
    out = np.zeros((channels * spec.groups, *spec.input_size, images), dtype)
    windows = plan.windows(batch_last(y))
    matrix = np.ascontiguousarray(plan.matrix(weight).swapaxes(-1, -2))  # (G, 1, K, O/G)
    for block in plan.blocks:
        memory = borrow(block.size)
        _multiply(matrix, windows[block.windows], block.matrices.of(memory))
        block.add_columns(memory, out)
        give_back(memory)
    return batch_first(out)


def weight_gradient(x: Array, y: Array, spec: ConvSpec) -> Array:
    """Return the adjoint of `forward` in `weight`.

    Parameters
    ----------
    x : ndarray, (N, C, H, W)
    y : ndarray, (N, O, OH, OW)
    spec : ConvSpec
        Geometry of the forward convolution.

    Returns
    -------
    ndarray, (O, C / groups, KH, KW)
        Fresh and C-contiguous; zeros when there are no images.

    Raises
    ------
    ValueError
        If `y` is not of the forward convolution's output shape.

    Examples
    --------
    >>> x, y = np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
    >>> weight_gradient(x, y, ConvSpec.of(x.shape, (1, 1, 2, 2)))[0, 0]
    array([[4., 4.],
           [4., 4.]])
    """
    outputs, channels = y.shape[1], x.shape[1] // spec.groups
    _check_output(y, outputs, spec)
    xb = batch_last(x)
    plan = _plan(spec, outputs, channels, x.shape[0], x.dtype, parallel.threads(), NARROW_ROW)
    windows = plan.windows(batch_last(y))
    totals: list[Array | None] = [None] * len(plan.shares)

    def correlate(number: int) -> None:
        for block in plan.shares[number]:
            memory = borrow(block.size)
            part = _correlate(block.columns(xb, memory), windows[block.windows])
            give_back(memory)
            totals[number] = _sum(totals[number], part)

    parallel.run(correlate, range(len(totals)), plan.threads)
    shape = outputs, channels, *spec.kernel_size
    total = reduce(_sum, totals)  # in the order of the blocks, whichever thread was first
    return np.zeros(shape, _promoted(x, y)) if total is None else plan.weight(total, shape)


def _sum(total: Array | None, part: Array | None) -> Array | None:
    """Add `part` to `total`, in place; None is nothing."""
    if total is None:
        return part
    if part is not None:
        total += part
    return total


def _promoted(a: Array, b: Array) -> np.dtype[Any]:
    """Return the dtype of a product of `a` and `b`."""
    return a.dtype if a.dtype == b.dtype else np.result_type(a, b)


def _check_output(y: Array, outputs: int, spec: ConvSpec) -> None:
    """Raise unless `y` is shaped like the output of the forward convolution."""
    expected = (outputs, *spec.output_size)
    if y.shape[1:] != expected:
        raise ValueError(
            f"y must have shape (N, O, OH, OW) = (N, {', '.join(map(str, expected))}), got {y.shape}"
        )


def _adjoint_weight(weight: Array, groups: int) -> Array:
    """Return the weight of the adjoint convolution: flipped, with inputs and outputs swapped."""
    outputs, channels, height, width = weight.shape
    grouped = weight.reshape(groups, outputs // groups, channels, height, width)
    swapped = grouped.swapaxes(1, 2)[..., ::-1, ::-1]
    return swapped.reshape(groups * channels, outputs // groups, height, width)


def _is_pointwise(spec: ConvSpec) -> bool:
    """Return whether the input itself is the matrix of columns."""
    return spec.kernel_size == spec.stride == (1, 1) and spec.padding == ((0, 0), (0, 0))


def _flip_pays(weight: Array, spec: ConvSpec) -> bool:
    """Return whether the adjoint is best computed as a forward convolution of `y`.

    It needs columns of `y` where the general way adds columns of `x`: measured, the latter wins, up to
    twofold, from four times as many outputs as inputs on.
    """
    few = weight.shape[0] < 4 * weight.shape[1] * spec.groups
    return spec.stride == (1, 1) and (few or _is_pointwise(spec))


def _contiguous_steps(shape: Sizes) -> Sizes:
    """Return the strides, in elements, of a C-contiguous array."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


class _View(NamedTuple):
    """An array in contiguous memory; offset and strides are in bytes."""

    shape: Sizes
    dtype: np.dtype[Any]
    offset: int
    strides: Sizes

    @classmethod
    def at(cls, offset: int, shape: Sizes, steps: Sizes, dtype: np.dtype[Any]) -> _View:
        """Make a view whose offset and steps count elements."""
        size = dtype.itemsize
        return cls(shape, dtype, offset * size, tuple(step * size for step in steps))

    def of(self, memory: Array) -> Array:
        """Return the array in `memory`."""
        return np.ndarray(self.shape, self.dtype, memory, self.offset, self.strides)


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of ``x`` under the windows of one block; copied between zeros unless it lies inside ``x``."""

    shape: Sizes  # (G, C / G, rows, columns, images) with padding
    steps: Sizes  # its strides in x or in the copy, in elements
    offset: int  # of its first element in x, 0 in the copy
    inside: _View  # of x: what of it the part overlaps
    copy: _View | None  # of scratch: the whole part between zeros; None where nothing is padded
    inner: _View | None  # of scratch: where in the copy `inside` goes
    size: int  # elements of scratch for the copy
    nbytes: int  # the same in bytes

    def load(self, xb: Array, memory: Array) -> Array:
        """Return contiguous memory that holds the part: `xb` itself, or scratch with a copy."""
        if self.inner is None:
            return xb
        memory[: self.nbytes].fill(0)  # twice as fast as by elements
        self.inner.of(memory)[...] = self.inside.of(xb)
        return memory


@dataclass(frozen=True, slots=True)
class _Block:
    """One block of columns.  Scratch holds the copy of its part of ``x``, if any, and then the block."""

    windows: Index  # the block in `_Plan.windows`
    part: _Part
    source: _View  # of the part, as the block is stored
    stored: _View  # of the scratch
    matrices: _View  # of the scratch, or of x: B products (G, B, K, P) of K taps by P windows, may overlap
    taps: tuple[tuple[Index, Index], ...]  # (where a tap is in the block, in the part); none with shared rows
    size: int  # bytes of scratch for the copy and the block; 0 where x itself is the block

    def columns(self, xb: Array, memory: Array) -> Array:
        """Write the columns of `xb` (C, H, W, N) to `memory`; return them as matrices, to be read only."""
        if not self.size:
            return self.matrices.of(xb)
        self.stored.of(memory)[...] = self.source.of(self.part.load(xb, memory))
        return self.matrices.of(memory)

    def add_columns(self, memory: Array, out: Array) -> None:
        """Add the columns in `memory` to the elements of `out` (C, H, W, N) that they stand for."""
        target = self.part.inside.of(out)
        part = target if self.part.copy is None else self.part.copy.of(memory)
        memory[: self.part.nbytes].fill(0)
        block = self.stored.of(memory)
        for tap, elements in self.taps:
            part[elements] += block[tap]
        if self.part.inner is not None:
            target += self.part.inner.of(memory)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one convolution is cut into blocks, and in which order their matrices hold taps and windows."""

    shared: bool  # whether blocks store each input row once: taps (KH, C / G, KW), else (C / G, KH, KW)
    windows_shape: Sizes  # (G, O / G, B, P) over all blocks; B: one product for each output row if shared
    matrix_shape: Sizes  # (G, 1, O / G, K)
    blocks: tuple[_Block, ...]
    threads: int  # how many share the blocks
    shares: tuple[tuple[_Block, ...], ...]  # the blocks, for each thread its own

    def windows(self, yb: Array) -> Array:
        """Return ``(O, OH, OW, N)`` as a view ``(G, B, O / G, P)``."""
        return yb.reshape(self.windows_shape).swapaxes(1, 2)

    def matrix(self, weight: Array) -> Array:
        """Return ``(O, C / G, KH, KW)`` as matrices ``(G, 1, O / G, K)``."""
        return (weight.swapaxes(1, 2) if self.shared else weight).reshape(self.matrix_shape)

    def weight(self, matrix: Array, shape: Sizes) -> Array:
        """Return a transposed matrix ``(G, K, O / G)`` as a fresh weight ``(O, C / G, KH, KW)``."""
        outputs, channels, tall, wide = shape
        taps = (tall, channels, wide) if self.shared else (channels, tall, wide)
        grouped = matrix.swapaxes(1, 2).reshape(outputs, *taps)
        return np.ascontiguousarray(grouped.swapaxes(1, 2) if self.shared else grouped)


@lru_cache(maxsize=256)
def _plan(
    spec: ConvSpec,
    outputs: int,
    channels: int,
    images: int,
    dtype: np.dtype[Any],
    threads: int,
    narrow: float,
) -> _Plan:
    """Cut the convolution of `images` images with `channels` channels a group into blocks of columns.

    Rows shorter than `narrow` are not shared, those below `NARROW_ROW` only where one has a small product.
    """
    (height, width), (tall, wide) = spec.output_size, spec.kernel_size
    elements = channels * tall * wide * height * width * images
    if elements * (outputs + spec.groups * ELEMENT_WORK) < SHARED_WORK:
        threads = 1
    row = width * images
    is_small = outputs // spec.groups * channels * tall * wide * row <= SMALL_PRODUCT
    is_long = row >= narrow and (row >= NARROW_ROW or is_small)
    shared = is_long and spec.dilation[0] == 1 and spec.stride[0] < tall
    rows, columns, images_each = _block_size(spec, channels, images, shared)
    rows = min(rows, -(-height // threads))
    cut = _shared_block if shared else _plain_block
    blocks = tuple(
        cut(spec, channels, images, dtype, r, c, n)
        for r in _pieces(height, rows)
        for c in _pieces(width, columns)
        for n in _pieces(images, images_each)
    )
    batches = height if shared else 1
    groups, grouped = spec.groups, outputs // spec.groups
    return _Plan(
        shared,
        windows_shape=(groups, grouped, batches, height * width * images // batches),
        matrix_shape=(groups, 1, grouped, channels * tall * wide),
        blocks=blocks,
        threads=threads,
        shares=tuple(blocks[share] for share in parallel.slices(len(blocks), threads)),
    )


def _block_size(spec: ConvSpec, channels: int, images: int, shared: bool) -> tuple[int, int, int]:
    """Return how many rows, columns and images make a block of at most `BLOCK_ELEMENTS` elements.

    A block is some rows, or some columns of one row, or some images of one column: then its windows are
    neighbours in memory.
    """
    (height, width), (tall, wide) = spec.output_size, spec.kernel_size
    if _is_pointwise(spec):  # nothing is copied, and BLAS blocks for itself
        return height, width, images
    line = max(1, spec.groups * channels * wide)  # elements of one window in one input row
    lines = BLOCK_ELEMENTS // max(1, line * width * images)
    rows = (lines - tall) // spec.stride[0] + 1 if shared else lines // tall
    if rows > 0:
        return rows, width, images
    columns = BLOCK_ELEMENTS // (line * tall * max(1, images))
    if columns > 0:
        return 1, columns, images
    return 1, 1, max(1, BLOCK_ELEMENTS // (line * tall))


def _pieces(size: int, step: int) -> list[Pair]:
    """Cut ``range(size)`` into ranges of at most `step`."""
    return [(start, min(start + step, size)) for start in range(0, size, max(1, step))]


def _part(
    spec: ConvSpec, channels: int, images: int, dtype: np.dtype[Any], rows: Pair, columns: Pair, some: Pair
) -> _Part:
    """Return the part of ``x`` under the windows in these ranges of output rows, columns and images."""
    spans, overlap, start, before = [], [], [], []
    for axis, (low, high) in enumerate((rows, columns)):
        span = (high - low - 1) * spec.stride[axis] + (spec.kernel_size[axis] - 1) * spec.dilation[axis] + 1
        begin = low * spec.stride[axis] - spec.padding[axis][0]
        seen = range(max(begin, 0), min(begin + span, spec.input_size[axis]))
        spans.append(span)
        overlap.append(len(seen))  # a part may lie in the padding altogether
        start.append(seen.start if seen else 0)
        before.append(seen.start - begin if seen else 0)
    shape = (spec.groups, channels, spans[0], spans[1], some[1] - some[0])
    inner_shape = (*shape[:2], *overlap, shape[4])
    steps = _contiguous_steps((spec.groups, channels, *spec.input_size, images))
    offset = start[0] * steps[2] + start[1] * steps[3] + some[0]
    inside = _View.at(offset, inner_shape, steps, dtype)
    if inner_shape == shape:
        return _Part(shape, steps, offset, inside, None, None, 0, 0)
    steps = _contiguous_steps(shape)
    copy = _View.at(0, shape, steps, dtype)
    inner = _View.at(before[0] * steps[2] + before[1] * steps[3], inner_shape, steps, dtype)
    line = 64 // dtype.itemsize  # elements of a cache line, on which the block behind it starts
    size = -(-math.prod(shape) // line) * line
    return _Part(shape, steps, 0, inside, copy, inner, size, size * dtype.itemsize)


def _shared_block(
    spec: ConvSpec, channels: int, images: int, dtype: np.dtype[Any], rows: Pair, columns: Pair, some: Pair
) -> _Block:
    """Return a block stored as ``(G, input row, C / G, KW, columns, images)``: each input row occurs once."""
    part = _part(spec, channels, images, dtype, rows, columns, some)
    g, c, h, w, n = part.steps
    groups, height, (tall, wide) = spec.groups, part.shape[2], spec.kernel_size
    width, number = columns[1] - columns[0], some[1] - some[0]
    run = width * number
    line = channels * wide * run  # elements of one input row
    shape = groups, height, channels, wide, width, number
    steps = g, h, c, spec.dilation[1] * w, spec.stride[1] * w, n
    matrices = groups, rows[1] - rows[0], tall * channels * wide, run
    return _Block(
        windows=np.s_[
            :, slice(*rows), :, columns[0] * images + some[0] : (columns[1] - 1) * images + some[1]
        ],
        part=part,
        source=_View.at(part.offset, shape, steps, dtype),
        stored=_View.at(part.size, shape, _contiguous_steps(shape), dtype),
        matrices=_View.at(part.size, matrices, (height * line, spec.stride[0] * line, run, 1), dtype),
        taps=(),
        size=(part.size + groups * height * line) * dtype.itemsize,
    )


def _plain_block(
    spec: ConvSpec, channels: int, images: int, dtype: np.dtype[Any], rows: Pair, columns: Pair, some: Pair
) -> _Block:
    """Return a block stored as ``(G, C / G, KH, KW, rows, columns, images)``: its columns in full."""
    part = _part(spec, channels, images, dtype, rows, columns, some)
    g, c, h, w, n = part.steps
    groups, (tall, wide) = spec.groups, spec.kernel_size
    sizes = outputs, width, _ = rows[1] - rows[0], columns[1] - columns[0], some[1] - some[0]
    run, taps = math.prod(sizes), channels * tall * wide
    start = (rows[0] * spec.output_size[1] + columns[0]) * images + some[0]
    stop = ((rows[1] - 1) * spec.output_size[1] + columns[1] - 1) * images + some[1]
    down = [_tap(spec, 0, u, outputs) for u in range(tall)]
    across = [_tap(spec, 1, v, width) for v in range(wide)]
    shape = groups, channels, tall, wide, *sizes
    steps = g, c, spec.dilation[0] * h, spec.dilation[1] * w, spec.stride[0] * h, spec.stride[1] * w, n
    in_place = _is_pointwise(spec)
    offset, columns_steps = (
        (part.offset, (g, g, c, 1)) if in_place else (part.size, (taps * run,) * 2 + (run, 1))
    )
    return _Block(
        windows=np.s_[:, :, :, start:stop],
        part=part,
        source=_View.at(part.offset, shape, steps, dtype),
        stored=_View.at(part.size, shape, _contiguous_steps(shape), dtype),
        matrices=_View.at(offset, (groups, 1, taps, run), columns_steps, dtype),
        taps=tuple(
            (np.s_[:, :, u, v], np.s_[:, :, down[u], across[v]]) for u in range(tall) for v in range(wide)
        ),
        size=0 if in_place else (part.size + groups * taps * run) * dtype.itemsize,
    )


def _tap(spec: ConvSpec, axis: int, tap: int, count: int) -> slice:
    """Return which rows (0) or columns (1) of a part one tap of the kernel reads in `count` windows."""
    first = tap * spec.dilation[axis]
    return slice(first, first + (count - 1) * spec.stride[axis] + 1, spec.stride[axis])


@lru_cache(maxsize=1024)
def _chunks(m: int, k: int, n: int) -> int:
    """Return into how many equal parts to cut the `n` columns of a product ``(m, k) @ (k, n)``.

    The fewest that keep each part below `SMALL_PRODUCT`; one if that would leave too few columns.
    """
    return smallest_divisor(n, -(-m * k * n // SMALL_PRODUCT), n // SHORTEST_CHUNK)


def _split(a: Array, count: int) -> Array:
    """Cut the last axis of ``(G, B, m, n)`` into equal parts: a view ``(G, B, count, m, n / count)``."""
    groups, batches, m, n = a.shape
    return a.reshape(groups, batches, m, count, n // count).swapaxes(2, 3)


def _multiply(matrix: Array, columns: Array, out: Array) -> None:
    """Write ``matrix @ columns`` to `out`: (G, 1, m, k) by (G, B, k, n) to (G, B, m, n)."""
    (_, _, m, k), n = matrix.shape, columns.shape[3]
    count = _chunks(m, k, n)
    if count == 1:
        np.matmul(matrix, columns, out=out)
    else:
        np.matmul(matrix[:, :, None], _split(columns, count), out=_split(out, count))


def _correlate(columns: Array, windows: Array) -> Array:
    """Return ``columns @ windows.T``, summed over B: (G, B, K, P) by (G, B, O/G, P) to (G, K, O/G)."""
    groups, batches, k, n = columns.shape
    m = windows.shape[2]
    pieces = _tap_pieces(m, k)
    count = _chunks(m, k // pieces, n) if m * k <= pieces * SMALL_OUTPUT else 1
    if batches * pieces * count == 1:
        return np.matmul(columns[:, 0], windows[:, 0].swapaxes(1, 2))
    parts = columns.reshape(groups, batches, pieces, k // pieces, count, n // count)
    shape = (groups, batches, count, pieces, k // pieces, m)
    dtype = np.result_type(columns, windows)  # of native byte order, which a sum insists on
    memory = borrow(math.prod(shape) * dtype.itemsize)
    products = np.ndarray(shape, dtype, memory)
    np.matmul(
        parts.transpose(0, 1, 4, 2, 3, 5),
        _split(windows, count)[:, :, :, None].swapaxes(-1, -2),
        out=products,
    )
    total = products.sum(axis=(1, 2), dtype=dtype).reshape(groups, k, m)
    give_back(memory)
    return total


@lru_cache(maxsize=1024)
def _tap_pieces(m: int, k: int) -> int:
    """Return into how many equal parts to cut the taps of a weight gradient."""
    return smallest_divisor(k, -(-m * k // SMALL_OUTPUT), k // FEWEST_TAPS)
