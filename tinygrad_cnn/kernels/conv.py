r"""Two-dimensional convolution and its two adjoints, as products of matrices over blocks of columns.

A convolution (cross-correlation, as everywhere in deep learning) is the trilinear form

.. math::  \sum_{n,o,i,j,c,u,v} y_{n,o,i,j}\; w_{o,c,u,v}\; x_{n,\,c,\,i s+u d-p,\,j s+v d-p}

and its three partial derivatives are the three functions of this module: `forward` with respect to ``y``,
`input_gradient` with respect to ``x``, and `weight_gradient` with respect to ``w``. The adjoint of copying
elements into columns is adding them from the columns, tap by tap. `conv_plan` says how columns are cut.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from ..types import NDArray
from . import parallel, thresholds
from .columns import Block
from .conv_plan import plan
from .geometry import ConvSpec
from .memory import batch_first, batch_last, borrow, give_back
from .product import correlate_columns, multiply_columns


def forward(
    x: NDArray,  # (N, C, H, W)
    weight: NDArray,  # (O, C / groups, KH, KW)
    bias: NDArray | None,  # (O,)
    spec: ConvSpec,
) -> NDArray:  # (N, O, OH, OW), fresh, stored batch-last
    """Return the convolution of `x` by `weight`, plus `bias`."""
    xb = batch_last(x)
    images, (outputs, channels, _, _) = x.shape[0], weight.shape
    cut = plan(spec, outputs, channels, images, x.dtype, parallel.threads(), thresholds.NARROW_SMALL_ROW)
    out = np.empty((outputs, *spec.output_size, images), _promoted(x, weight))
    windows = cut.windows(out)
    matrix = cut.matrix(weight)
    offset = None if bias is None else bias.reshape(spec.groups, 1, -1, 1)

    def convolve(block: Block) -> None:
        target = windows[block.windows]  # (G, B, O / G, P)
        memory = borrow(block.size)
        multiply_columns(matrix, block.columns(xb, memory), target)
        give_back(memory)
        if offset is not None:  # the block is still in the cache
            target += offset

    parallel.run(convolve, cut.blocks, cut.threads)
    return batch_first(out)


def input_gradient(
    y: NDArray,  # (N, O, OH, OW)
    weight: NDArray,  # (O, C / groups, KH, KW)
    spec: ConvSpec,
) -> NDArray:  # (N, C, H, W), fresh, stored batch-last
    """Return the adjoint of `forward` in `x`, which is also the transposed convolution of `y`.

    Rows and columns that no window reads get zero.
    """
    _check_output(y, weight.shape[0], spec)
    if flip_pays(weight, spec):
        # BLAS takes no negative strides, which a reshape alone may leave
        flipped = np.ascontiguousarray(adjoint_weight(weight, spec.groups))
        shape = (weight.shape[1] * spec.groups, *flipped.shape[2:])
        return forward(y, flipped.reshape(shape), None, spec.adjoint)
    images, (outputs, channels, _, _) = y.shape[0], weight.shape
    dtype = _promoted(y, weight)
    # on one thread, because blocks add to the same elements
    cut = plan(spec, outputs, channels, images, dtype, 1, math.inf)
    out = np.zeros((channels * spec.groups, *spec.input_size, images), dtype)
    windows = cut.windows(batch_last(y))
    matrix = np.ascontiguousarray(cut.matrix(weight).swapaxes(-1, -2))  # (G, 1, taps, O / G)
    for block in cut.blocks:
        memory = borrow(block.size)
        multiply_columns(matrix, windows[block.windows], block.matrices.of(memory))
        block.add_columns(memory, out)
        give_back(memory)
    return batch_first(out)


def weight_gradient(
    x: NDArray,  # (N, C, H, W)
    y: NDArray,  # (N, O, OH, OW)
    spec: ConvSpec,
) -> NDArray:  # (O, C / groups, KH, KW), fresh and C-contiguous
    """Return the adjoint of `forward` in `weight`; it is zero where there are no images."""
    outputs, channels = y.shape[1], x.shape[1] // spec.groups
    _check_output(y, outputs, spec)
    xb = batch_last(x)
    cut = plan(spec, outputs, channels, x.shape[0], x.dtype, parallel.threads(), thresholds.NARROW_ROW)
    windows = cut.windows(batch_last(y))
    totals: list[NDArray | None] = [None] * len(cut.shares)

    def correlate(number: int) -> None:
        for block in cut.shares[number]:
            memory = borrow(block.size)
            part = correlate_columns(block.columns(xb, memory), windows[block.windows])
            give_back(memory)
            totals[number] = _sum(totals[number], part)

    parallel.run(correlate, range(len(totals)), cut.threads)
    shape = outputs, channels, *spec.kernel_size
    total = reduce(_sum, totals)  # in the order of the blocks, whichever thread was first
    return np.zeros(shape, _promoted(x, y)) if total is None else cut.weight(total, shape)


def _sum(total: NDArray | None, part: NDArray | None) -> NDArray | None:
    """Add `part` to `total` in place; None stands for nothing."""
    if total is None:
        return part
    if part is not None:
        total += part
    return total


def _promoted(a: NDArray, b: NDArray) -> np.dtype[Any]:
    """Return the dtype of a product of `a` and `b`."""
    return a.dtype if a.dtype == b.dtype else np.result_type(a, b)


def _check_output(y: NDArray, outputs: int, spec: ConvSpec) -> None:
    """Raise unless `y` has the shape of the forward convolution's output."""
    expected = (outputs, *spec.output_size)
    if y.shape[1:] != expected:
        raise ValueError(
            f"y must have shape (N, O, OH, OW) = (N, {', '.join(map(str, expected))}), got {y.shape}"
        )


def flip_pays(weight: NDArray, spec: ConvSpec) -> bool:
    """Return whether the adjoint is fastest as a forward convolution of `y` by the flipped weight."""
    has_few_outputs = weight.shape[0] < thresholds.FLIPPED_OUTPUTS * weight.shape[1] * spec.groups
    return spec.stride == (1, 1) and (has_few_outputs or spec.is_pointwise)


def adjoint_weight(weight: NDArray, groups: int) -> NDArray:
    """Return the weight of the adjoint convolution, (G, C, O / G, KH, KW): flipped, with O and C swapped."""
    outputs, channels, height, width = weight.shape
    grouped = weight.reshape(groups, outputs // groups, channels, height, width)
    return grouped.swapaxes(1, 2)[..., ::-1, ::-1]
