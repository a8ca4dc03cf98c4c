"""One block of columns: where it lies in ``x`` and in scratch memory, and how it is copied in and added back.

All sizes, offsets and strides are worked out when the block is made, once for each geometry. Copying a block
is then a few array assignments between views.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..types import NDArray
from .geometry import ConvSpec, Pair
from .memory import CACHE_LINE

Sizes = tuple[int, ...]
Index = tuple[Any, ...]


class Convolution(NamedTuple):
    """A convolution to be cut into blocks: its geometry, and the sizes and dtype that are not part of it."""

    spec: ConvSpec
    outputs: int  # channels of y
    channels: int  # channels of x in one group
    images: int
    dtype: np.dtype[Any]  # of the columns

    @property
    def taps(self) -> int:
        """The elements of one column."""
        return self.channels * math.prod(self.spec.kernel_size)


class Ranges(NamedTuple):
    """The output rows, columns and images of one block, each from a start to a stop."""

    rows: Pair
    columns: Pair
    images: Pair

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many rows, columns and images there are."""
        rows, columns, images = (stop - start for start, stop in self)
        return rows, columns, images


class View(NamedTuple):
    """An array in contiguous memory; its offset and strides are in bytes."""

    shape: Sizes
    dtype: np.dtype[Any]
    offset: int
    strides: Sizes

    @classmethod
    def at(cls, offset: int, shape: Sizes, steps: Sizes, dtype: np.dtype[Any]) -> View:
        """Make a view from an offset and steps that count elements."""
        size = dtype.itemsize
        return cls(shape, dtype, offset * size, tuple(step * size for step in steps))

    def of(self, memory: NDArray) -> NDArray:
        """Return the array in `memory`."""
        return np.ndarray(self.shape, self.dtype, memory, self.offset, self.strides)


class Part(NamedTuple):
    """The part of ``x`` under the windows of one block; it is copied if it reaches into the padding."""

    shape: Sizes  # (G, C / G, rows, columns, images), with padding
    steps: Sizes  # its strides, in elements, in x or in the padded copy
    offset: int  # its first element in x; 0 in the padded copy
    in_x: View  # what of it lies in x
    padded: View | None  # the padded copy in scratch memory, None where no padding is covered
    x_in_padded: View | None  # where `in_x` goes in the padded copy
    size: int  # elements of scratch memory for the padded copy
    nbytes: int

    def load(self, xb: NDArray, memory: NDArray) -> NDArray:
        """Return contiguous memory that holds the part: `xb` itself, or `memory` with the padded copy."""
        if self.x_in_padded is None:
            return xb
        memory[: self.nbytes].fill(0)  # filling bytes is twice as fast as filling elements
        self.x_in_padded.of(memory)[...] = self.in_x.of(xb)
        return memory


class Block(NamedTuple):
    """One block of columns; its scratch memory holds the padded copy of the part, if any, then the block."""

    windows: Index  # where the block is in `Plan.windows`
    part: Part
    source: View  # of the part, with the axes of `stored`
    stored: View  # of scratch memory
    matrices: View  # the B products (G, B, taps, windows), which may overlap; of x itself where size is 0
    taps: tuple[tuple[Index, Index], ...]  # of a plain block: where each is in the block, and in the part
    size: int  # bytes of scratch memory

    def columns(self, xb: NDArray, memory: NDArray) -> NDArray:
        """Write the columns of `xb` (C, H, W, N) to `memory`; return them as matrices, only to be read."""
        if not self.size:
            return self.matrices.of(xb)
        self.stored.of(memory)[...] = self.source.of(self.part.load(xb, memory))
        return self.matrices.of(memory)

    def add_columns(self, memory: NDArray, out: NDArray) -> None:
        """Add the columns in `memory` to the elements of `out` (C, H, W, N) that they are copies of."""
        target = self.part.in_x.of(out)
        part = target if self.part.padded is None else self.part.padded.of(memory)
        memory[: self.part.nbytes].fill(0)
        block = self.stored.of(memory)
        for tap, elements in self.taps:
            part[elements] += block[tap]
        if self.part.x_in_padded is not None:
            target += self.part.x_in_padded.of(memory)


def shared_block(convolution: Convolution, ranges: Ranges) -> Block:
    """Return a block stored as (G, input row, C / G, KW, columns, images): each input row occurs once."""
    spec, _, channels, images, dtype = convolution
    part = _part(convolution, ranges)
    g, c, h, w, n = part.steps
    (tall, wide), height = spec.kernel_size, part.shape[2]
    rows, width, number = ranges.sizes
    run = width * number
    line = channels * wide * run  # elements of one input row
    shape = spec.groups, height, channels, wide, width, number
    steps = g, h, c, spec.dilation[1] * w, spec.stride[1] * w, n
    matrices = spec.groups, rows, tall * channels * wide, run
    (first, last), (low, high) = ranges.columns, ranges.images
    return Block(
        windows=np.s_[:, slice(*ranges.rows), :, first * images + low : (last - 1) * images + high],
        part=part,
        source=View.at(part.offset, shape, steps, dtype),
        stored=View.at(part.size, shape, _contiguous_steps(shape), dtype),
        matrices=View.at(part.size, matrices, (height * line, spec.stride[0] * line, run, 1), dtype),
        taps=(),
        size=(part.size + spec.groups * height * line) * dtype.itemsize,
    )


def plain_block(convolution: Convolution, ranges: Ranges) -> Block:
    """Return a block stored as (G, C / G, KH, KW, rows, columns, images): its columns in full."""
    spec, _, channels, images, dtype = convolution
    part = _part(convolution, ranges)
    g, c, h, w, n = part.steps
    groups, (tall, wide), taps = spec.groups, spec.kernel_size, convolution.taps
    run = math.prod(ranges.sizes)
    shape = groups, channels, tall, wide, *ranges.sizes
    steps = g, c, spec.dilation[0] * h, spec.dilation[1] * w, spec.stride[0] * h, spec.stride[1] * w, n
    if spec.is_pointwise:
        matrices = View.at(part.offset, (groups, 1, taps, run), (g, g, c, 1), dtype)
    else:
        matrices = View.at(part.size, (groups, 1, taps, run), (taps * run, taps * run, run, 1), dtype)
    return Block(
        windows=np.s_[:, :, :, _window(ranges, 0, spec, images) : _window(ranges, 1, spec, images)],
        part=part,
        source=View.at(part.offset, shape, steps, dtype),
        stored=View.at(part.size, shape, _contiguous_steps(shape), dtype),
        matrices=matrices,
        taps=_taps(spec, ranges),
        size=0 if spec.is_pointwise else (part.size + groups * taps * run) * dtype.itemsize,
    )


def _part(convolution: Convolution, ranges: Ranges) -> Part:
    """Return the part of ``x`` that the windows in these ranges cover."""
    spec, _, channels, images, dtype = convolution
    spans, lengths, starts, pads = zip(*(_overlap(spec, axis, ranges[axis]) for axis in (0, 1)), strict=True)
    first, last = ranges.images
    shape = spec.groups, channels, *spans, last - first
    shape_in_x = spec.groups, channels, *lengths, last - first
    steps = _contiguous_steps((spec.groups, channels, *spec.input_size, images))
    offset = starts[0] * steps[2] + starts[1] * steps[3] + first
    in_x = View.at(offset, shape_in_x, steps, dtype)
    if shape_in_x == shape:
        return Part(shape, steps, offset, in_x, None, None, 0, 0)
    steps = _contiguous_steps(shape)
    padded = View.at(0, shape, steps, dtype)
    x_in_padded = View.at(pads[0] * steps[2] + pads[1] * steps[3], shape_in_x, steps, dtype)
    line = CACHE_LINE // dtype.itemsize  # the columns after the padded copy start on a cache line
    size = -(-math.prod(shape) // line) * line
    return Part(shape, steps, 0, in_x, padded, x_in_padded, size, size * dtype.itemsize)


def _overlap(spec: ConvSpec, axis: int, windows: Pair) -> tuple[int, int, int, int]:
    """Return the span of windows along an axis; how much of it is in ``x``, from where, after what pad."""
    first, last = windows
    span = (last - first - 1) * spec.stride[axis] + (spec.kernel_size[axis] - 1) * spec.dilation[axis] + 1
    begin = first * spec.stride[axis] - spec.padding[axis][0]
    seen = range(max(begin, 0), min(begin + span, spec.input_size[axis]))
    if not seen:  # the windows lie in the padding altogether
        return span, 0, 0, 0
    return span, len(seen), seen.start, seen.start - begin


def _window(ranges: Ranges, end: int, spec: ConvSpec, images: int) -> int:
    """Return the number of the first window of a block (0), or of the one after its last (1)."""
    row, column, image = (bounds[end] for bounds in ranges)
    return ((row - end) * spec.output_size[1] + column - end) * images + image


def _taps(spec: ConvSpec, ranges: Ranges) -> tuple[tuple[Index, Index], ...]:
    """Return where each tap of the kernel is in a plain block, and which elements of the part it reads."""
    down, across = (
        [
            slice(first, first + (count - 1) * spec.stride[axis] + 1, spec.stride[axis])
            for first in range(0, spec.kernel_size[axis] * spec.dilation[axis], spec.dilation[axis])
        ]
        for axis, count in enumerate(ranges.sizes[:2])
    )
    return tuple(
        (np.s_[:, :, u, v], np.s_[:, :, rows, columns])
        for u, rows in enumerate(down)
        for v, columns in enumerate(across)
    )


def _contiguous_steps(shape: Sizes) -> Sizes:
    """Return the strides, in elements, of a C-contiguous array."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
