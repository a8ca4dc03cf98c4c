"""Convolutions bound to shapes: plans, views and scratch are made once, so that a call only computes.

A bound kernel makes the calls of the kernel that it stands for, on memory of the same layout, so that not
one bit differs. It owns its scratch memory and writes to an array that it was given when it was bound, so
one call of it may run at a time. What looks at its operands are *views*, which are kept as long as the very
same array comes again, as parameters and the other arrays of a program do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..types import NDArray
from . import parallel, thresholds
from .columns import Block
from .conv import adjoint_weight, flip_pays
from .conv_plan import Plan, plan
from .geometry import ConvSpec
from .memory import SCRATCH_LIMIT, aligned_bytes
from .product import chunked, correlation

Make = Callable[[NDArray], Any]


def remembered(make: Make) -> Make:
    """Return a function that makes views of an array, and has those of the last array at hand.

    What is made is a copy where the array lies otherwise. That is made anew, since the array may change.
    """
    last: NDArray | None = None
    made: Any = None

    def of(array: NDArray) -> Any:
        nonlocal last, made
        if array is not last:
            made = make(array)
            last = array if _are_views(made, array) else None
        return made

    return of


def _are_views(made: Any, array: NDArray) -> bool:
    if isinstance(made, list | tuple):
        return all(_are_views(part, array) for part in made)
    return made is None or np.may_share_memory(made, array)


class Scratch:
    """Memory that kernels of one program share, since each is done with it before the next one begins."""

    def __init__(self) -> None:
        self._common: dict[tuple[str, int], NDArray] = {}

    def take(self, purpose: str, share: int, size: int) -> NDArray:
        """Return so many bytes for a purpose in one share of the work; a large piece is nobody else's."""
        if size > SCRATCH_LIMIT:
            return aligned_bytes(size)
        if (purpose, share) not in self._common:  # pages that nobody touches cost nothing
            self._common[purpose, share] = aligned_bytes(SCRATCH_LIMIT)
        return self._common[purpose, share][:size]


class BatchLast:
    """`memory.batch_last` of arrays like the example: a view if it lies so, else a copy at each call."""

    def __init__(self, example: NDArray) -> None:
        self._view = remembered(lambda x: x.transpose(1, 2, 3, 0))
        view = self._view(example)
        self._copy = None if view.flags.c_contiguous else np.empty(view.shape, view.dtype)

    def __call__(self, x: NDArray) -> NDArray:
        """Return the array batch-last, only to be read."""
        view: NDArray = self._view(x)
        if self._copy is None:
            return view
        np.copyto(self._copy, view)
        return self._copy


class Columns:
    """The columns of one block, in scratch memory that nobody else uses before they are read."""

    def __init__(self, block: Block, memory: NDArray, keeps_border: bool) -> None:
        self._block = block
        self.matrices = block.matrices.of(memory) if block.size else None
        self._stored = block.stored.of(memory) if block.size else None
        border = memory[: block.part.nbytes]
        border.fill(0)
        # zeros around a single block stay what they are; those of several blocks lie in each other's way
        self._border = None if keeps_border or block.part.x_in_padded is None else border
        self._inside = block.part.x_in_padded.of(memory) if block.part.x_in_padded else None
        self._seen = remembered(lambda xb: block.part.in_x.of(xb))
        self._source = remembered(lambda xb: block.source.of(xb))
        self._padded = None if self._inside is None else block.source.of(memory)

    def __call__(self, xb: NDArray) -> NDArray:
        """Write the columns of ``xb`` (C, H, W, N), and return them as matrices."""
        if self.matrices is None:
            return self._block.matrices.of(xb)
        if self._inside is not None:
            if self._border is not None:
                self._border.fill(0)
            np.copyto(self._inside, self._seen(xb))
        source = self._source(xb) if self._padded is None else self._padded
        np.copyto(self._stored, source)  # type: ignore[arg-type]  # there is one if there are matrices
        return self.matrices


def _shares(cut: Plan, scratch: Scratch | None) -> list[list[tuple[Block, Columns]]]:
    """Give the blocks of each share memory for columns: of the scratch, or of their own to be read later."""
    found = []
    for number, share in enumerate(cut.shares):
        size = max((block.size for block in share), default=0)
        memory = aligned_bytes(size) if scratch is None else scratch.take("columns", number, size)
        keeps_border = scratch is None and len(cut.blocks) == 1
        found.append([(block, Columns(block, memory, keeps_border)) for block in share])
    return found


class _Matrix:
    """A weight as matrices (G, 1, O / G, taps): a view where it lies so, else a copy at each call."""

    def __init__(self, cut: Plan, weight: NDArray, grouped: Make | None) -> None:
        if grouped is None and np.may_share_memory(cut.matrix(weight), weight):
            self._view, self._buffer = remembered(cut.matrix), None
            return
        groups, _, rows, _ = cut.matrix_shape
        grouped = grouped or (lambda w: w.reshape(groups, rows, *w.shape[1:]))
        by_taps = (lambda w: grouped(w).swapaxes(2, 3)) if cut.shares_rows else grouped
        self._view, self._buffer = remembered(by_taps), np.empty(by_taps(weight).shape, weight.dtype)
        self._matrix = self._buffer.reshape(cut.matrix_shape)

    def __call__(self, weight: NDArray) -> NDArray:
        view: NDArray = self._view(weight)
        if self._buffer is None:
            return view
        np.copyto(self._buffer, view)
        return self._matrix


class Forward:
    """`conv.forward` of operands like the examples, into ``out`` (N, O, OH, OW), which is stored batch-last.

    Without scratch it keeps the columns of its only block, for the gradient of the weight. ``grouped`` makes
    a view (G, O / G, C / G, KH, KW) of another weight, which is copied.
    """

    def __init__(
        self,
        x: NDArray,
        weight: NDArray,
        spec: ConvSpec,
        out: NDArray,
        scratch: Scratch | None,
        grouped: Make | None = None,
    ) -> None:
        channels = x.shape[1] // spec.groups
        row = thresholds.NARROW_SMALL_ROW
        cut = plan(spec, out.shape[1], channels, len(x), x.dtype, parallel.threads(), row)
        self._x, self._out, self._threads = BatchLast(x), out, cut.threads
        self._matrix = _Matrix(cut, weight, grouped)
        self._of_bias = remembered(lambda b: b.reshape(spec.groups, 1, -1, 1))
        windows = cut.windows(out.transpose(1, 2, 3, 0))
        self._shares = [
            [(columns, _Product(windows[block.windows])) for block, columns in share]
            for share in _shares(cut, scratch)
        ]
        self.kept = cut.blocks[0] if scratch is None else None

    @property
    def columns(self) -> Columns:
        """The columns of the first block."""
        columns: Columns = self._shares[0][0][0]
        return columns

    def __call__(self, x: NDArray, weight: NDArray, bias: NDArray | None = None) -> NDArray:
        """Compute the convolution."""
        xb, matrix = self._x(x), self._matrix(weight)
        offset = None if bias is None else self._of_bias(bias)

        def convolve(share: list[Any]) -> None:
            for columns, multiply in share:
                target = multiply(matrix, columns(xb))
                if offset is not None:
                    np.add(target, offset, target)

        parallel.run(convolve, self._shares, self._threads)
        return self._out


class _Product:
    """`product.multiply_columns` into ``target``."""

    def __init__(self, target: NDArray) -> None:
        self._target = target
        self._views = _pairs(lambda matrix, columns: chunked(matrix, columns, target))

    def __call__(self, matrix: NDArray, columns: NDArray) -> NDArray:
        np.matmul(*self._views(matrix, columns))
        return self._target


def shared_block(x: NDArray, outputs: int, spec: ConvSpec) -> Block | None:
    """Return the block of columns that a convolution and its weight's gradient have in common, if any."""
    cuts = [
        plan(spec, outputs, x.shape[1] // spec.groups, len(x), x.dtype, parallel.threads(), row)
        for row in (thresholds.NARROW_SMALL_ROW, thresholds.NARROW_ROW)
    ]
    first, second = (cut.blocks for cut in cuts)
    return first[0] if len(first) == 1 and first == second and first[0].size else None


def input_gradient(
    y: NDArray, weight: NDArray, spec: ConvSpec, out: NDArray, scratch: Scratch
) -> Callable[..., NDArray]:
    """Bind `conv.input_gradient`."""
    if flip_pays(weight, spec):
        return Forward(y, weight, spec.adjoint, out, scratch, lambda w: adjoint_weight(w, spec.groups))
    return _Scatter(y, weight, spec, out, scratch)


class _Scatter:
    """`conv.input_gradient` where columns are added."""

    def __init__(self, y: NDArray, weight: NDArray, spec: ConvSpec, out: NDArray, scratch: Scratch) -> None:
        outputs, channels, _, _ = weight.shape
        self._cut = cut = plan(spec, outputs, channels, len(y), y.dtype, 1, math.inf)
        self._y, self._out, self._outb = BatchLast(y), out, out.transpose(1, 2, 3, 0)
        groups, _, rows, taps = cut.matrix_shape
        self._matrix = np.empty((groups, 1, taps, rows), weight.dtype)
        self._of_weight = remembered(lambda w: cut.matrix(w).swapaxes(-1, -2))
        self._windows = remembered(cut.windows)
        self._memory = scratch.take("columns", 0, max(block.size for block in cut.blocks))
        self._products = [block.matrices.of(self._memory) for block in cut.blocks]

    def __call__(self, y: NDArray, weight: NDArray) -> NDArray:
        windows = self._windows(self._y(y))
        np.copyto(self._matrix, self._of_weight(weight))
        self._outb.fill(0)
        for block, product in zip(self._cut.blocks, self._products, strict=True):
            np.matmul(*chunked(self._matrix, windows[block.windows], product))
            block.add_columns(self._memory, self._outb)
        return self._out


class WeightGradient:
    """`conv.weight_gradient` of operands like the examples; the result is a new array at each call.

    ``before`` is a bound forward convolution of the same ``x``, whose columns are taken where they are the
    same ones.
    """

    def __init__(
        self, x: NDArray, y: NDArray, spec: ConvSpec, before: Forward | None, scratch: Scratch
    ) -> None:
        self._shape = y.shape[1], x.shape[1] // spec.groups, *spec.kernel_size
        threads = parallel.threads()
        self._cut = cut = plan(spec, *self._shape[:2], len(x), x.dtype, threads, thresholds.NARROW_ROW)
        self._x, self._y = BatchLast(x), BatchLast(y)
        self._windows = remembered(cut.windows)
        self._dtype = np.result_type(x, y)
        self._ready = before.columns.matrices if before and before.kept == cut.blocks[0] else None
        windows = cut.windows(np.empty((y.shape[1], *y.shape[2:], len(y)), y.dtype))
        self._shares = [
            [
                (block, columns, _Correlate(block, windows, self._dtype, scratch, n))
                for block, columns in share
            ]
            for n, share in enumerate(_shares(cut, scratch))
        ]

    def __call__(self, x: NDArray, y: NDArray) -> NDArray:
        """Compute the gradient."""
        windows = self._windows(self._y(y))
        if self._ready is not None:
            _, _, correlate = self._shares[0][0]
            return self._cut.weight(correlate(self._ready, windows), self._shape)
        xb = self._x(x)
        totals: list[Any] = [None] * len(self._shares)

        def work(number: int) -> None:
            for _, columns, correlate in self._shares[number]:
                part = correlate(columns(xb), windows)
                totals[number] = (
                    part if totals[number] is None else np.add(totals[number], part, totals[number])
                )

        parallel.run(work, range(len(totals)), self._cut.threads)
        total, *rest = [part for part in totals if part is not None]
        for part in rest:
            total += part
        return self._cut.weight(total, self._shape)


class _Correlate:
    """`product.correlate_columns` of one block."""

    def __init__(
        self, block: Block, windows: NDArray, dtype: np.dtype[Any], scratch: Scratch, share: int
    ) -> None:
        self._block, self._dtype = block, dtype
        here = windows[block.windows]
        self._cut = cut = correlation(*block.matrices.shape[:3], *here.shape[2:])
        size = math.prod(cut.shape) * dtype.itemsize
        self._products = np.ndarray(cut.shape, dtype, scratch.take("products", share, size))
        self._views = remembered(lambda w: w[block.windows])
        self._operands = _pairs(cut.operands)

    def __call__(self, columns: NDArray, windows: NDArray) -> NDArray:
        cut = self._cut
        operands = self._operands(columns, self._views(windows))
        if cut.is_one_product:
            return np.matmul(*operands)
        a, b = operands
        np.matmul(a, b, out=self._products)
        return np.add.reduce(self._products, axis=(1, 2), dtype=self._dtype).reshape(cut.groups, cut.k, cut.m)


def _pairs(make: Callable[[NDArray, NDArray], Any]) -> Callable[[NDArray, NDArray], Any]:
    """Return a function that makes views of two arrays, and has those of the last two at hand."""
    last: tuple[Any, Any] = (None, None)
    made: Any = None

    def of(a: NDArray, b: NDArray) -> Any:
        nonlocal last, made
        if a is not last[0] or b is not last[1]:
            made, last = make(a, b), (a, b)
        return made

    return of
