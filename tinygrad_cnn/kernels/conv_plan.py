"""How a convolution is cut into blocks of columns, planned once for each geometry and kept in a cache.

**Columns.** Lay the elements of ``x`` under one window out as a column: the convolution becomes the product
``(O, K) @ (K, P)`` with ``K = KH * C * KW`` taps and ``P = OH * OW * N`` windows. Every element occurs in up
to ``KH * KW`` columns, so the whole matrix would be large, slow to write, and read again from main memory. It
is therefore made in blocks that fit the cache, in scratch memory.

**Shared rows.** Windows of neighbouring output rows overlap in input rows. If a block is stored as
``(row, C, KW, OW, N)``, with the shift along the width written out and each row once, then the ``KH`` rows
below one output row are *contiguous*: read as ``(KH * C * KW, OW * N)`` they are the columns of that row, and
the next output row starts ``stride`` rows further on in the same block. So the block is ``KH`` times smaller
than its matrix of columns (memory-efficient convolution, Cho & Brand 2017).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..types import NDArray
from . import parallel, thresholds
from .columns import Block, Convolution, Ranges, Sizes, plain_block, shared_block
from .geometry import ConvSpec, Pair


class Plan(NamedTuple):
    """The blocks of one convolution, and the order in which their matrices hold taps and windows."""

    shares_rows: bool  # each input row is stored once; taps are (KH, C / G, KW), else (C / G, KH, KW)
    windows_shape: Sizes  # (G, O / G, B, P) over all blocks; B is the number of output rows, or 1
    matrix_shape: Sizes  # (G, 1, O / G, taps)
    blocks: tuple[Block, ...]
    threads: int  # how many share the blocks
    shares: tuple[tuple[Block, ...], ...]  # the blocks of each thread

    def windows(self, yb: NDArray) -> NDArray:
        """Return (O, OH, OW, N) as a view (G, B, O / G, P)."""
        return yb.reshape(self.windows_shape).swapaxes(1, 2)

    def matrix(self, weight: NDArray) -> NDArray:
        """Return (O, C / G, KH, KW) as matrices (G, 1, O / G, taps)."""
        return (weight.swapaxes(1, 2) if self.shares_rows else weight).reshape(self.matrix_shape)

    def weight(self, matrix: NDArray, shape: Sizes) -> NDArray:
        """Return transposed matrices (G, taps, O / G) as a fresh weight (O, C / G, KH, KW)."""
        weight = np.empty(shape, matrix.dtype)
        np.copyto(*self.as_weight(matrix, weight))
        return weight

    def as_weight(self, matrix: NDArray, weight: NDArray) -> tuple[NDArray, NDArray]:
        """Return a weight and the transposed matrices to write to it, as views of one shape."""
        outputs, channels, tall, wide = weight.shape
        grouped = self.matrix_shape[0], outputs // self.matrix_shape[0]
        target = weight.reshape(*grouped, channels, tall, wide)
        target = target.swapaxes(2, 3) if self.shares_rows else target
        return target, matrix.swapaxes(1, 2).reshape(target.shape)


@lru_cache(maxsize=256)
def plan(
    spec: ConvSpec,
    outputs: int,
    channels: int,
    images: int,
    dtype: np.dtype[Any],
    threads: int,
    shortest_row: float,
) -> Plan:
    """Cut a convolution into blocks; output rows of fewer windows than `shortest_row` share no input rows.

    The first five parameters are those of a `Convolution`. It is made here, because an object made for every
    call would make the look-up in the cache three times as long.
    """
    convolution = Convolution(spec, outputs, channels, images, dtype)
    height, width = spec.output_size
    if _work(convolution) < thresholds.SHARED_CONVOLUTION:
        threads = 1
    shares_rows = _shares_rows(convolution, shortest_row)
    blocks = _blocks(convolution, threads, shares_rows)
    batches = height if shares_rows else 1
    groups, grouped = spec.groups, outputs // spec.groups
    return Plan(
        shares_rows,
        windows_shape=(groups, grouped, batches, height * width * images // batches),
        matrix_shape=(groups, 1, grouped, convolution.taps),
        blocks=blocks,
        threads=threads,
        shares=tuple(blocks[share] for share in parallel.slices(len(blocks), threads)),
    )


def _work(convolution: Convolution) -> int:
    """Return the work of a convolution in multiplications, the writing of its columns included."""
    spec, outputs, _, images, _ = convolution
    height, width = spec.output_size
    return convolution.taps * height * width * images * (outputs + spec.groups * thresholds.COLUMN_WORK)


def _shares_rows(convolution: Convolution, shortest_row: float) -> bool:
    """Return whether blocks store each input row once: where output rows are long and overlap."""
    spec, outputs, _, images, _ = convolution
    row = spec.output_size[1] * images
    is_small = outputs // spec.groups * convolution.taps * row <= thresholds.SMALL_PRODUCT
    is_long = row >= shortest_row and (row >= thresholds.NARROW_ROW or is_small)
    return is_long and spec.dilation[0] == 1 and spec.stride[0] < spec.kernel_size[0]


def _blocks(convolution: Convolution, threads: int, shares_rows: bool) -> tuple[Block, ...]:
    """Cut all windows into blocks, at least one for each thread if there are as many rows."""
    height, width = convolution.spec.output_size
    rows, columns, images = _block_size(convolution, shares_rows)
    rows = min(rows, -(-height // threads))
    make = shared_block if shares_rows else plain_block
    return tuple(
        make(convolution, Ranges(r, c, n))
        for r in _pieces(height, rows)
        for c in _pieces(width, columns)
        for n in _pieces(convolution.images, images)
    )


def _block_size(convolution: Convolution, shares_rows: bool) -> tuple[int, int, int]:
    """Return how many output rows, columns and images make a block.

    A block is some rows, or some columns of one row, or some images of one column, because the windows of
    such a block are neighbours in memory.
    """
    spec, _, channels, images, _ = convolution
    (height, width), (tall, wide) = spec.output_size, spec.kernel_size
    if spec.is_pointwise:  # nothing is copied, and BLAS makes blocks of its own
        return height, width, images
    line = max(1, spec.groups * channels * wide)  # elements of one window in one input row
    lines = thresholds.COLUMNS_IN_A_BLOCK // max(1, line * width * images)
    rows = (lines - tall) // spec.stride[0] + 1 if shares_rows else lines // tall
    if rows > 0:
        return rows, width, images
    columns = thresholds.COLUMNS_IN_A_BLOCK // (line * tall * max(1, images))
    if columns > 0:
        return 1, columns, images
    return 1, 1, max(1, thresholds.COLUMNS_IN_A_BLOCK // (line * tall))


def _pieces(size: int, step: int) -> list[Pair]:
    """Cut ``range(size)`` into ranges of at most `step`."""
    return [(start, min(start + step, size)) for start in range(0, size, max(1, step))]
