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

**The adjoint** of copying into columns is adding from columns: one table of slices (`_Block.pairs`)
serves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import ConvSpec, Pair
from .memory import batch_first, batch_last, scratch

__all__ = ["forward", "input_gradient", "weight_gradient"]

Array = NDArray[Any]

BLOCK_ELEMENTS = 1 << 17
"""Most elements of one block of columns; a single window column is never cut."""

SMALL_PRODUCT = 1_000_000
"""Up to this m * n * k OpenBLAS multiplies without packing its operands first."""

NARROW_ROW = 256
"""An output row of fewer than this many elements is too short for a product of its own."""


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
    groups, images = spec.groups, x.shape[0]
    out = np.empty((weight.shape[0], *spec.output_size, images), np.result_type(x, weight))
    matrix = _weight_matrix(weight, groups)
    offset = None if bias is None else bias.reshape(groups, 1, -1, 1)
    plan = _plan(spec, weight.shape[1], images)
    xg = _grouped(batch_last(x), groups)
    windows = plan.windows(out)
    for block in plan.blocks:
        target = windows[block.windows]  # (G, B, O/G, P)
        with block.columns(xg) as columns:
            _multiply(matrix, columns, target)
        if offset is not None:  # now, while the block is in the cache
            target += offset
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
        return forward(y, _adjoint_weight(weight, spec.groups), None, _adjoint_spec(spec))
    groups, images = spec.groups, y.shape[0]
    out = np.zeros((weight.shape[1] * groups, *spec.input_size, images), np.result_type(y, weight))
    matrix = _weight_matrix(weight, groups).swapaxes(-1, -2)  # (G, 1, K, O/G)
    plan = _plan(spec, weight.shape[1], images, share=False)
    xg = _grouped(out, groups)
    windows = plan.windows(batch_last(y))
    for block in plan.blocks:
        with block.adding_columns(xg) as columns:
            _multiply(matrix, windows[block.windows], columns)
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
    groups, images = spec.groups, x.shape[0]
    outputs, group_channels = y.shape[1], x.shape[1] // groups
    _check_output(y, outputs, spec)
    dtype = np.result_type(x, y)
    plan = _plan(spec, group_channels, images)
    xg = _grouped(batch_last(x), groups)
    windows = plan.windows(batch_last(y))
    taps = spec.kernel_size[0] * group_channels * spec.kernel_size[1]
    total = np.zeros((groups, outputs // groups, taps), dtype)
    for block in plan.blocks:
        with block.columns(xg) as columns:
            total += _correlate(windows[block.windows], columns)
    grad = total.reshape(outputs, spec.kernel_size[0], group_channels, spec.kernel_size[1])
    return np.ascontiguousarray(grad.swapaxes(1, 2))


def _check_output(y: Array, outputs: int, spec: ConvSpec) -> None:
    """Raise unless `y` is shaped like the output of the forward convolution."""
    expected = (outputs, *spec.output_size)
    if y.shape[1:] != expected:
        raise ValueError(
            f"y must have shape (N, O, OH, OW) = (N, {', '.join(map(str, expected))}), got {y.shape}"
        )


def _grouped(xb: Array, groups: int) -> Array:
    """Return ``(C, H, W, N)`` as a view ``(G, C / G, H, W, N)``."""
    return xb.reshape(groups, xb.shape[0] // groups, *xb.shape[1:])


def _weight_matrix(weight: Array, groups: int) -> Array:
    """Return ``(O, C / G, KH, KW)`` as matrices ``(G, 1, O / G, K)``, their taps in the order of a block."""
    outputs, channels, height, width = weight.shape
    return weight.swapaxes(1, 2).reshape(groups, 1, outputs // groups, height * channels * width)


def _adjoint_weight(weight: Array, groups: int) -> Array:
    """Return the weight of the adjoint convolution: flipped, with inputs and outputs swapped."""
    outputs, channels, height, width = weight.shape
    grouped = weight.reshape(groups, outputs // groups, channels, height, width)
    swapped = grouped.swapaxes(1, 2)[..., ::-1, ::-1]
    return swapped.reshape(groups * channels, outputs // groups, height, width)


@lru_cache(maxsize=256)
def _adjoint_spec(spec: ConvSpec) -> ConvSpec:
    """Return the geometry of the adjoint of a stride-1 convolution; its padding may be negative (a crop)."""
    (top, bottom), (left, right) = spec.padding
    tall, wide = (d * (k - 1) for d, k in zip(spec.dilation, spec.kernel_size, strict=True))
    padding = (tall - top, tall - bottom), (wide - left, wide - right)
    return ConvSpec(spec.output_size, spec.kernel_size, (1, 1), padding, spec.dilation, spec.groups)


def _flip_pays(weight: Array, spec: ConvSpec) -> bool:
    """Return whether the adjoint is best computed as a forward convolution of `y`."""
    return spec.stride == (1, 1)


Index = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """One block of columns: where its elements come from, and how it is read as matrices.

    Whatever its memory order, the buffer is indexed as ``(G, C / G, KH, KW, rows, columns, images)``; with
    shared rows the axis ``KH`` has length 1, and ``rows`` counts input rows.
    """

    shape: tuple[int, ...]  # of the buffer, in memory order
    axes: tuple[int, ...]  # from memory order to the order above
    matrix_shape: tuple[int, ...]  # (G, B, K, P): B products of K taps by P windows
    matrix_steps: tuple[int, ...]  # their strides, in elements
    windows: Index  # these windows in `_Plan.windows`
    margins: tuple[Index, ...]  # parts of the buffer that are padding
    pairs: tuple[tuple[Index, Index], ...]  # (part of the buffer, the part of x it copies)

    def matrices(self, buffer: Array) -> Array:
        """Return the buffer as matrices ``(G, B, K, P)``; with shared rows they overlap."""
        strides = tuple(step * buffer.itemsize for step in self.matrix_steps)
        return np.ndarray(self.matrix_shape, buffer.dtype, buffer, strides=strides)

    @contextmanager
    def columns(self, xg: Array) -> Iterator[Array]:
        """Lend the columns of ``xg`` (G, C / G, H, W, N) as matrices ``(G, B, K, P)``, to be read only."""
        with scratch(self.shape, xg.dtype) as buffer:
            parts = buffer.transpose(self.axes)
            for margin in self.margins:
                parts[margin] = 0
            for part, source in self.pairs:
                parts[part] = xg[source]
            yield self.matrices(buffer)

    @contextmanager
    def adding_columns(self, xg: Array) -> Iterator[Array]:
        """Lend matrices ``(G, B, K, P)`` to fill; on leaving, add them to the elements they stand for."""
        with scratch(self.shape, xg.dtype) as buffer:
            yield self.matrices(buffer)
            parts = buffer.transpose(self.axes)
            for part, source in self.pairs:
                xg[source] += parts[part]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one convolution is cut into blocks."""

    groups: int
    batches: int  # B: with shared rows one product for each output row, else one in all
    width: int  # P: windows in one product, before they are cut into blocks
    blocks: tuple[_Block, ...]

    def windows(self, yb: Array) -> Array:
        """Return ``(O, OH, OW, N)`` as a view ``(G, B, O / G, P)``."""
        outputs = yb.shape[0] // self.groups
        return yb.reshape(self.groups, outputs, self.batches, self.width).swapaxes(1, 2)


@lru_cache(maxsize=256)
def _plan(spec: ConvSpec, channels: int, images: int, share: bool = True) -> _Plan:
    """Cut the convolution of `images` images with `channels` channels a group into blocks of columns."""
    (height, width), tall = spec.output_size, spec.kernel_size[0]
    shared = share and spec.dilation[0] == 1 and spec.stride[0] < tall and width * images >= NARROW_ROW
    cut = _shared_block if shared else _plain_block
    rows, columns, images_each = _block_size(spec, channels, images, shared)
    blocks = tuple(
        cut(spec, channels, images, r, c, n)
        for r in _pieces(height, rows)
        for c in _pieces(width, columns)
        for n in _pieces(images, images_each)
    )
    batches = height if shared else 1
    return _Plan(spec.groups, batches, height * width * images // batches, blocks)


def _block_size(spec: ConvSpec, channels: int, images: int, shared: bool) -> tuple[int, int, int]:
    """Return how many rows, columns and images make a block of at most `BLOCK_ELEMENTS` elements.

    A block is some rows, or some columns of one row, or some images of one column: then its windows are
    neighbours in memory.
    """
    width, (tall, wide) = spec.output_size[1], spec.kernel_size
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


def _shared_block(
    spec: ConvSpec, channels: int, images: int, rows: Pair, columns: Pair, some: Pair
) -> _Block:
    """Return a block stored as ``(G, input row, C / G, KW, columns, images)``: each input row occurs once."""
    groups, stride, (tall, wide) = spec.groups, spec.stride[0], spec.kernel_size
    outputs = rows[1] - rows[0]
    height = (outputs - 1) * stride + tall
    width, number = columns[1] - columns[0], some[1] - some[0]
    run = width * number
    line = channels * wide * run  # elements of one input row
    first = rows[0] * stride - spec.padding[0][0]
    margins, pairs = _copies(spec, [(first, 1, height)], columns, some)
    return _Block(
        shape=(groups, height, channels, 1, wide, width, number),
        axes=(0, 2, 3, 4, 1, 5, 6),
        matrix_shape=(groups, outputs, tall * channels * wide, run),
        matrix_steps=(height * line, stride * line, run, 1),
        windows=np.s_[
            :, rows[0] : rows[1], :, columns[0] * images + some[0] : (columns[1] - 1) * images + some[1]
        ],
        margins=margins,
        pairs=pairs,
    )


def _plain_block(spec: ConvSpec, channels: int, images: int, rows: Pair, columns: Pair, some: Pair) -> _Block:
    """Return a block stored as ``(G, KH, C / G, KW, rows, columns, images)``: its columns in full."""
    groups, stride, (tall, wide) = spec.groups, spec.stride[0], spec.kernel_size
    outputs, width, number = rows[1] - rows[0], columns[1] - columns[0], some[1] - some[0]
    run = outputs * width * number
    taps = tall * channels * wide
    first = rows[0] * stride - spec.padding[0][0]
    lines = [(first + u * spec.dilation[0], stride, outputs) for u in range(tall)]
    margins, pairs = _copies(spec, lines, columns, some)
    start = (rows[0] * spec.output_size[1] + columns[0]) * images + some[0]
    stop = ((rows[1] - 1) * spec.output_size[1] + columns[1] - 1) * images + some[1]
    return _Block(
        shape=(groups, tall, channels, wide, outputs, width, number),
        axes=(0, 2, 1, 3, 4, 5, 6),
        matrix_shape=(groups, 1, taps, run),
        matrix_steps=(taps * run, taps * run, run, 1),
        windows=np.s_[:, :, :, start:stop],
        margins=margins,
        pairs=pairs,
    )


def _copies(
    spec: ConvSpec, lines: list[tuple[int, int, int]], columns: Pair, some: Pair
) -> tuple[tuple[Index, ...], tuple[tuple[Index, Index], ...]]:
    """Return which parts of a block are padding, and which part copies which part of ``x``.

    `lines` holds, for each index of the axis ``KH``, the input rows as (first, step, count).
    """
    step, images = spec.stride[1], slice(*some)
    first = columns[0] * step - spec.padding[1][0]
    margins: list[Index] = []
    pairs: list[tuple[Index, Index]] = []
    down = [_inside(*line, spec.input_size[0]) for line in lines]
    across = [
        _inside(first + v * spec.dilation[1], step, columns[1] - columns[0], spec.input_size[1])
        for v in range(spec.kernel_size[1])
    ]
    for u, (part, _) in enumerate(down):
        margins += [np.s_[:, :, u, :, edge] for edge in _outside(part, lines[u][2])]
    for v, (part, _) in enumerate(across):
        margins += [np.s_[:, :, :, v, :, edge] for edge in _outside(part, columns[1] - columns[0])]
    for u, (part_rows, x_rows) in enumerate(down):
        for v, (part_columns, x_columns) in enumerate(across):
            if part_rows.start < part_rows.stop and part_columns.start < part_columns.stop:
                pairs.append(
                    (np.s_[:, :, u, v, part_rows, part_columns], np.s_[:, :, x_rows, x_columns, images])
                )
    return tuple(margins), tuple(pairs)


def _inside(first: int, step: int, count: int, size: int) -> tuple[slice, slice]:
    """Return for which ``i < count`` the position ``first + i * step`` is in ``range(size)``, and where."""
    start = min(max(-(first // step), 0), count)
    stop = min(max(-((first - size) // step), start), count)
    return slice(start, stop), slice(first + start * step, first + (stop - 1) * step + 1, step)


def _outside(part: slice, count: int) -> list[slice]:
    """Return the ranges of ``range(count)`` before and after `part` that are not empty."""
    return [edge for edge in (slice(0, part.start), slice(part.stop, count)) if edge.start < edge.stop]


@lru_cache(maxsize=1024)
def _chunks(m: int, k: int, n: int) -> int:
    """Return into how many equal parts to cut the `n` columns of a product ``(m, k) @ (k, n)``.

    The fewest that keep each part below `SMALL_PRODUCT`; one if that would leave fewer than 64 columns.
    """
    fewest = -(-m * k * n // SMALL_PRODUCT)
    for count in range(max(1, fewest), n // 64 + 1):
        if n % count == 0:
            return count
    return 1


def _split(a: Array, count: int) -> Array:
    """Cut the last axis of ``(G, B, m, n)`` into equal parts: a view ``(G, B, count, m, n / count)``."""
    groups, batches, m, n = a.shape
    return a.reshape(groups, batches, m, count, n // count).swapaxes(2, 3)


def _multiply(matrix: Array, columns: Array, out: Array) -> None:
    """Write ``matrix @ columns`` to `out`: (G, 1, m, k) by (G, B, k, n) to (G, B, m, n)."""
    m, k, n = *matrix.shape[2:], columns.shape[3]
    count = _chunks(m, k, n)
    if count == 1:
        np.matmul(matrix, columns, out=out)
    else:
        np.matmul(matrix[:, :, None], _split(columns, count), out=_split(out, count))


def _correlate(windows: Array, columns: Array) -> Array:
    """Return ``windows @ columns.T``, summed over B: (G, B, O/G, P) by (G, B, K, P) to (G, O/G, K)."""
    m, k, n = windows.shape[2], columns.shape[2], columns.shape[3]
    count = _chunks(m, k, n)
    products = np.matmul(_split(windows, count), _split(columns, count).swapaxes(3, 4))
    return products.sum(axis=(1, 2))
