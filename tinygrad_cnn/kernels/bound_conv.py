"""Convolutions bound to their operands: the calls of `conv`'s kernels, on plans and views made once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..types import NDArray
from . import parallel, thresholds
from .calls import Call, Make, Operand, batch_last, call, shared
from .columns import Block
from .conv import adjoint_weight, flip_pays
from .conv_plan import Plan, plan
from .geometry import ConvSpec
from .memory import SCRATCH_LIMIT, aligned_bytes
from .product import chunked, correlation


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


class Forward(NamedTuple):
    """A bound convolution: its calls, and the columns that it keeps for the gradient of the weight."""

    calls: list[Call]
    block: Block | None
    columns: Operand | None


def forward(
    x: Operand,
    weight: Operand,
    bias: Operand | None,
    spec: ConvSpec,
    out: NDArray,
    scratch: Scratch | None,
    grouped: Make | None = None,
) -> Forward:
    """Bind `conv.forward`, into ``out`` (N, O, OH, OW), which is stored batch-last.

    Without scratch it keeps the columns of its only block. ``grouped`` makes a view
    (G, O / G, C / G, KH, KW) of another weight, which is copied.
    """
    calls: list[Call] = []
    images, channels, _, _ = x.array.shape
    row = thresholds.NARROW_SMALL_ROW
    cut = plan(spec, out.shape[1], channels // spec.groups, images, x.array.dtype, parallel.threads(), row)
    xb, matrix = batch_last(x, calls), _matrix(cut, weight, grouped, calls)
    offset = bias and bias.view(lambda b: b.reshape(spec.groups, 1, -1, 1))
    windows, shares, columns = cut.windows(out.transpose(1, 2, 3, 0)), [], None
    for share in _memories(cut, scratch):
        shares.append(made := list[Call]())
        for block, memory in share:
            columns = _columns(block, memory, xb, made, keeps_border=scratch is None)
            target = windows[block.windows]
            made.append(_product(matrix, columns, target))
            if offset is not None:  # the block is still in the cache
                made.append(call(np.add, target, offset, target))
    calls += shared(shares, cut.threads)
    return Forward(calls, cut.blocks[0], columns) if scratch is None else Forward(calls, None, None)


def _memories(cut: Plan, scratch: Scratch | None) -> list[list[tuple[Block, NDArray]]]:
    """Give the blocks of each share memory for columns: of the scratch, or of their own to be read later."""
    found = []
    for number, share in enumerate(cut.shares):
        size = max((block.size for block in share), default=0)
        memory = aligned_bytes(size) if scratch is None else scratch.take("columns", number, size)
        found.append([(block, memory) for block in share])
    return found


def _columns(block: Block, memory: NDArray, xb: Operand, calls: list[Call], keeps_border: bool) -> Operand:
    """Let calls write the columns of ``xb`` (C, H, W, N) to memory; return them as matrices."""
    if not block.size:
        return xb.view(block.matrices.of)
    part, source = block.part, xb
    if part.x_in_padded is not None:
        border = memory[: part.nbytes]
        border.fill(0)
        if not keeps_border:  # others write there, too
            calls.append(call(border.fill, 0))
        calls.append(call(np.copyto, part.x_in_padded.of(memory), xb.view(part.in_x.of)))
        source = Operand(memory)
    calls.append(call(np.copyto, block.stored.of(memory), source.view(block.source.of)))
    return Operand(block.matrices.of(memory))


def _matrix(cut: Plan, weight: Operand, grouped: Make | None, calls: list[Call]) -> Operand:
    """Return a weight as matrices (G, 1, O / G, taps): a view where it lies so, else a copy."""
    if grouped is None and np.may_share_memory(cut.matrix(weight.array), weight.array):
        return weight.view(cut.matrix)
    groups, _, rows, _ = cut.matrix_shape
    grouped = grouped or (lambda w: w.reshape(groups, rows, *w.shape[1:]))
    by_taps = (lambda w: grouped(w).swapaxes(2, 3)) if cut.shares_rows else grouped
    buffer = np.empty(by_taps(weight.array).shape, weight.array.dtype)
    calls.append(call(np.copyto, buffer, weight.view(by_taps)))
    return Operand(buffer.reshape(cut.matrix_shape))


def _product(matrix: Operand, columns: Operand, target: NDArray) -> Call:
    """Return the call of `product.multiply_columns`."""
    return call(
        np.matmul,
        matrix.view(lambda m: chunked(m, columns.array, target)[0]),
        columns.view(lambda c: chunked(matrix.array, c, target)[1]),
        chunked(matrix.array, columns.array, target)[2],
    )


def shared_block(x: NDArray, outputs: int, spec: ConvSpec) -> Block | None:
    """Return the block of columns that a convolution and its weight's gradient have in common, if any."""
    cuts = [
        plan(spec, outputs, x.shape[1] // spec.groups, len(x), x.dtype, parallel.threads(), row)
        for row in (thresholds.NARROW_SMALL_ROW, thresholds.NARROW_ROW)
    ]
    first, second = (cut.blocks for cut in cuts)
    return first[0] if len(first) == 1 and first == second and first[0].size else None


def input_gradient(y: Operand, weight: Operand, spec: ConvSpec, out: NDArray, scratch: Scratch) -> list[Call]:
    """Bind `conv.input_gradient`, into ``out`` (N, C, H, W), which is stored batch-last."""
    if flip_pays(weight.array, spec):
        flipped: Make = lambda w: adjoint_weight(w, spec.groups)  # noqa: E731 - a view, which is copied
        return forward(y, weight, None, spec.adjoint, out, scratch, flipped).calls
    calls: list[Call] = []
    outputs, channels, _, _ = weight.array.shape
    cut = plan(spec, outputs, channels, len(y.array), y.array.dtype, 1, math.inf)
    windows = batch_last(y, calls).view(cut.windows)
    groups, _, rows, taps = cut.matrix_shape
    matrix, outb = np.empty((groups, 1, taps, rows), weight.array.dtype), out.transpose(1, 2, 3, 0)
    memory = scratch.take("columns", 0, max(block.size for block in cut.blocks))
    calls.append(call(np.copyto, matrix, weight.view(lambda w: cut.matrix(w).swapaxes(-1, -2))))
    calls.append(call(outb.fill, 0))
    for block in cut.blocks:
        here = windows.view(lambda w, block=block: w[block.windows])  # type: ignore[misc]
        calls.append(_product(Operand(matrix), here, block.matrices.of(memory)))
        calls.append(call(block.add_columns, memory, outb))
    return calls


def weight_gradient(
    x: Operand, y: Operand, spec: ConvSpec, out: NDArray, before: Forward | None, scratch: Scratch
) -> list[Call]:
    """Bind `conv.weight_gradient`, into ``out`` (O, C / groups, KH, KW).

    ``before`` is a bound forward convolution of the same ``x``, whose columns are taken where they are the
    same ones.
    """
    calls: list[Call] = []
    _, channels, _, _ = out.shape
    images, row = len(x.array), thresholds.NARROW_ROW
    cut = plan(spec, len(out), channels, images, x.array.dtype, parallel.threads(), row)
    windows = batch_last(y, calls).view(cut.windows)
    ready = before.columns if before and before.block == cut.blocks[0] else None
    xb = x if ready else batch_last(x, calls)
    shares, totals = [], []
    for number, share in enumerate(_memories(cut, scratch)):
        shares.append(made := list[Call]())
        for i, (block, memory) in enumerate(share):
            here = windows.view(lambda w, block=block: w[block.windows])  # type: ignore[misc]
            columns = ready or _columns(block, memory, xb, made, keeps_border=False)
            part = np.empty((spec.groups, *block.matrices.shape[2:3], here.array.shape[2]), out.dtype)
            made += _correlated(columns, here, part, scratch, number)
            if i == 0:
                totals.append(part)
            else:
                made.append(call(np.add, totals[-1], part, totals[-1]))
    calls += shared(shares, cut.threads)
    total, *rest = totals
    calls += [call(np.add, total, part, total) for part in rest]
    return [*calls, call(np.copyto, *cut.as_weight(total, out))]


def _correlated(columns: Operand, windows: Operand, out: NDArray, scratch: Scratch, share: int) -> list[Call]:
    """Return the calls of `product.correlate_columns`, into ``out`` (G, taps, O / G)."""
    cut = correlation(*columns.array.shape[:3], *windows.array.shape[2:])
    a = columns.view(lambda c: cut.operands(c, windows.array)[0])
    b = windows.view(lambda w: cut.operands(columns.array, w)[1])
    if cut.is_one_product:
        return [call(np.matmul, a, b, out)]
    size = math.prod(cut.shape) * out.dtype.itemsize
    products = np.ndarray(cut.shape, out.dtype, scratch.take("products", share, size))
    total = out.reshape(cut.groups, cut.pieces, cut.k // cut.pieces, cut.m)
    return [
        call(np.matmul, a, b, products),
        call(np.add.reduce, products, (1, 2), out.dtype, total),
    ]
