"""Max pooling bound once to shapes, as `bound_conv` does it for convolution; windows must not overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..types import NDArray
from . import parallel
from .bound_conv import BatchLast, remembered
from .geometry import PoolSpec
from .pool_plan import Block, blocks


class Maximum:
    """`pool.max_forward` of arrays like the example, without padding, into ``out``, stored batch-last."""

    def __init__(self, x: NDArray, spec: PoolSpec, out: NDArray) -> None:
        self._x, self._out = BatchLast(x), out
        channels, images = x.shape[1], x.shape[0]
        cut, self._threads = blocks(spec, channels, x.size)
        outb = out.transpose(1, 2, 3, 0)
        self._pieces = []
        for block in cut:
            target = outb[block.output]
            tall = np.empty((*target.shape[:2], spec.padded_size[1], images), x.dtype)
            rest = [tall[part] for part in block.across]
            self._pieces.append((remembered(_rows_of(block)), tall, rest, target))

    def __call__(self, x: NDArray) -> NDArray:
        """Compute the maxima."""
        xb = self._x(x)

        def pool(piece: Any) -> None:
            rows, tall, across, target = piece
            _combine(rows(xb), tall)
            _combine(across, target)

        parallel.run(pool, self._pieces, self._threads)
        return self._out


def _rows_of(block: Block) -> Any:
    return lambda xb: [xb[part] for part in block.down]


def _combine(parts: list[NDArray], out: NDArray) -> None:
    if len(parts) == 1:
        np.copyto(out, parts[0])
        return
    np.maximum(parts[0], parts[1], out=out)
    for part in parts[2:]:
        np.maximum(out, part, out=out)


class Scatter:
    """`pool.max_scatter` where windows are tiles, into ``out`` (N, C, H, W), stored batch-last."""

    def __init__(self, g: NDArray, x: NDArray, maxima: NDArray, spec: PoolSpec, out: NDArray) -> None:
        self._g, self._x, self._y, self._out = BatchLast(g), BatchLast(x), BatchLast(maxima), out
        cut, self._threads = blocks(spec, x.shape[1], x.size)
        outb = out.transpose(1, 2, 3, 0)
        (rows, columns), (tall, wide) = spec.output_size, spec.kernel_size
        is_covered = (rows * tall, columns * wide) == spec.input_size
        self._rest = [] if is_covered else [outb[:, rows * tall :], outb[:, :, columns * wide :]]
        shape = (x.shape[1], rows, columns, len(x))
        self._pieces = [_Route(block, shape, g.dtype, outb) for block in cut]

    def __call__(self, g: NDArray, x: NDArray, maxima: NDArray) -> NDArray:
        """Route each element of ``g`` to the winner of its window."""
        gb, xb, yb = self._g(g), self._x(x), self._y(maxima)
        for rest in self._rest:
            rest.fill(0)
        parallel.run(lambda piece: piece(gb, xb, yb), self._pieces, self._threads)
        return self._out


class _Route:
    """The part of `pool.max_scatter` that belongs to one block, with masks in memory of its own."""

    def __init__(self, block: Block, shape: tuple[int, ...], dtype: np.dtype[Any], outb: NDArray) -> None:
        self._passed = np.empty(np.empty(shape, np.bool_)[block.output].shape, dtype)
        self._spare = np.empty_like(self._passed)
        self._targets = [outb[tap] for tap in block.taps]
        self._of_g = remembered(lambda gb: gb[block.output])
        self._of_y = remembered(lambda yb: yb[block.output])
        self._of_x = remembered(lambda xb: [xb[tap] for tap in block.taps[:-1]])

    def __call__(self, gb: NDArray, xb: NDArray, yb: NDArray) -> None:
        rest, y, passed, spare = self._of_g(gb), self._of_y(yb), self._passed, self._spare
        less, multiply, subtract = np.less, np.multiply, np.subtract
        for tap, target in zip(self._of_x(xb), self._targets, strict=False):
            less(tap, y, passed)
            multiply(rest, passed, passed)
            subtract(rest, passed, target)
            rest, passed, spare = passed, spare, passed
        np.copyto(self._targets[-1], rest)
