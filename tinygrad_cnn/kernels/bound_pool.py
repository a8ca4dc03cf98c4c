"""Max pooling bound to its operands, as `bound_conv` does it for convolution; windows must not overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..types import NDArray
from .calls import Call, Operand, batch_last, call, shared
from .calls import maximum as larger
from .geometry import PoolSpec
from .pool_plan import Block, blocks


def maximum(x: Operand, spec: PoolSpec, out: NDArray) -> list[Call]:
    """Bind `pool.max_forward` of arrays without padding, into ``out``, which is stored batch-last."""
    calls: list[Call] = []
    xb, outb = batch_last(x, calls), out.transpose(1, 2, 3, 0)
    cut, threads = blocks(spec, len(xb.array), xb.array.size)
    shares = []
    for block in cut:
        target = outb[block.output]
        tall = np.empty((*target.shape[:2], spec.padded_size[1], xb.array.shape[3]), out.dtype)
        rows = _parts(xb, block.down)
        shares.append(_combined(rows, tall) + _combined(_parts(Operand(tall), block.across), target))
    return calls + shared(shares, threads)


def _parts(x: Operand, slices: Sequence[tuple[slice, ...]]) -> list[Operand]:
    return [x.view(lambda x, part=part: x[part]) for part in slices]  # type: ignore[misc]


def _combined(parts: list[Operand], out: NDArray) -> list[Call]:
    if len(parts) == 1:
        return [call(np.copyto, out, parts[0])]
    first, second, *others = parts
    return [larger(first, second, out), *(larger(out, part, out) for part in others)]


def scatter(g: Operand, x: Operand, maxima: Operand, spec: PoolSpec, out: NDArray) -> list[Call]:
    """Bind `pool.max_scatter` where windows are tiles, into ``out`` (N, C, H, W), stored batch-last."""
    calls: list[Call] = []
    gb, xb, yb = (batch_last(array, calls) for array in (g, x, maxima))
    outb = out.transpose(1, 2, 3, 0)
    cut, threads = blocks(spec, len(outb), outb.size)
    (rows, columns), (tall, wide) = spec.output_size, spec.kernel_size
    if (rows * tall, columns * wide) != spec.input_size:
        calls += [call(rest.fill, 0) for rest in (outb[:, rows * tall :], outb[:, :, columns * wide :])]
    return calls + shared([_routed(block, gb, xb, yb, outb) for block in cut], threads)


def _routed(block: Block, gb: Operand, xb: Operand, yb: Operand, outb: NDArray) -> list[Call]:
    """Return the calls of one block, with masks in memory of their own."""
    calls: list[Call] = []
    (rest,), (y,) = _parts(gb, (block.output,)), _parts(yb, (block.output,))
    masks = np.empty(y.array.shape, outb.dtype), np.empty(y.array.shape, outb.dtype)
    *taps_but_the_last, last = block.taps
    for i, (tap, elements) in enumerate(zip(taps_but_the_last, _parts(xb, block.taps), strict=False)):
        passed = masks[i % 2]
        calls += [
            call(np.less, elements, y, passed),
            call(np.multiply, rest, passed, passed),
            call(np.subtract, rest, passed, outb[tap]),
        ]
        rest = Operand(passed)
    return [*calls, call(np.copyto, outb[last], rest)]
