"""How a pooling is cut: where padding lies, what each window counts, and blocks of the output."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..types import NDArray
from . import parallel, thresholds
from .geometry import PoolSpec

Slices = tuple[slice, slice, slice]  # of channels, rows and columns

EVERYTHING = slice(None)


class Block(NamedTuple):
    """Some rows of some channels of the output, and where their windows lie in the padded input."""

    output: tuple[slice, slice]
    down: tuple[Slices, ...]  # for each offset along the height: its rows, with all columns
    across: tuple[Slices, ...]  # for each offset along the width: its columns in what was taken down
    taps: tuple[Slices, ...]  # for each offset in the window, in row-major order: its rows and columns


def blocks(spec: PoolSpec, channels: int, elements: int) -> tuple[tuple[Block, ...], int]:
    """Cut the output of a pooling of so many elements into blocks; return them and the number of threads."""
    threads = parallel.threads() if elements >= thresholds.SHARED_ELEMENTS else 1
    return _blocks(spec, channels, elements, threads), threads


@lru_cache(maxsize=256)
def _blocks(spec: PoolSpec, channels: int, elements: int, threads: int) -> tuple[Block, ...]:
    """Cut the output into as few blocks as the cache and the threads allow."""
    most = thresholds.POOLED_IN_A_BLOCK if threads == 1 else thresholds.POOLED_IN_A_SHARED_BLOCK
    count = -(-max(1, elements) // (most * threads)) * threads
    groups = max(1, min(count, channels))
    bands = min(-(-count // groups), spec.output_size[0])
    return tuple(
        _block(spec, group, band)
        for group in parallel.slices(channels, groups)
        for band in parallel.slices(spec.output_size[0], bands)
    )


def _block(spec: PoolSpec, channels: slice, rows: slice) -> Block:
    """Return the block of these channels and rows of the output."""
    down, across = spec.taps
    here = [
        slice(tap.start + rows.start * tap.step, tap.start + (rows.stop - 1) * tap.step + 1, tap.step)
        for tap in down
    ]
    return Block(
        output=(channels, rows),
        down=tuple((channels, tap, EVERYTHING) for tap in here),
        across=tuple((EVERYTHING, EVERYTHING, tap) for tap in across),
        taps=tuple((channels, tall, wide) for tall in here for wide in across),
    )


@lru_cache(maxsize=256)
def taps(spec: PoolSpec) -> tuple[Slices, ...]:
    """Return what each offset in the window, in row-major order, reads of the padded input (C, H, W, N)."""
    down, across = spec.taps
    return tuple((EVERYTHING, rows, columns) for rows in down for columns in across)


def input_in_padded(spec: PoolSpec) -> Slices:
    """Return where the input lies in an array of the padded size."""
    (top, _), (left, _) = spec.padding
    height, width = spec.input_size
    return EVERYTHING, slice(top, top + height), slice(left, left + width)


@lru_cache(maxsize=256)
def is_padding(spec: PoolSpec) -> NDArray:
    """Return where an array of the padded size is padding, (H, W, 1); an infinite input may tie with it."""
    mask = np.ones((*spec.padded_size, 1), bool)
    mask[input_in_padded(spec)[1:]] = False
    return mask


@lru_cache(maxsize=256)
def divisor(spec: PoolSpec, count_include_pad: bool) -> NDArray:
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
    product = (counts[0][:, None] * counts[1])[:, :, None]
    return product[0, 0, 0] if (product == product[0, 0, 0]).all() else product
