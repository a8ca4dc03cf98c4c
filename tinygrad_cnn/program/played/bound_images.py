"""Binders of convolution and pooling, to the bound kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels import bound_conv, bound_pool
from ...kernels.calls import Operand, call
from ...ops import conv, pool
from ..values import Line, Value
from .binders import Bound, Known, binder, is_plain, is_shared, operands
from .bound_elementwise import gate
from .rewriting import scatter_through_relu


@binder(conv.conv2d_output)
def _bind_forward(line: Line, known: Known) -> Bound | None:
    if not is_plain(line):
        return None
    x, weight, *bias = operands(line, known)
    spec, out = line.kwargs["spec"], known.take(line)
    is_read_again = any(_is_weight_gradient_of(line, other) for other in known.lines)
    keeps = is_read_again and bound_conv.shared_block(x.array, len(weight.array), spec) is not None
    scratch = None if keeps else known.scratch
    made = bound_conv.forward(x, weight, bias[0] if bias else None, spec, out, scratch)
    if keeps:
        known.kept[line.args[0], spec] = made
    return Bound(made.calls, out)


def _is_weight_gradient_of(line: Line, other: Line) -> bool:
    """Whether another line is the gradient to the weight of a convolution."""
    same = other.function is conv.conv2d_weight and other.args[0] is line.args[0]
    return same and other.kwargs == line.kwargs


@binder(conv.conv2d_input)
def _bind_input_gradient(line: Line, known: Known) -> Bound | None:
    if not is_plain(line):
        return None
    y, weight = operands(line, known)
    out = known.take(line)
    return Bound(bound_conv.input_gradient(y, weight, line.kwargs["spec"], out, known.scratch), out)


@binder(conv.conv2d_weight, makes_new=True)
def _bind_weight_gradient(line: Line, known: Known) -> Bound | None:
    if not is_plain(line):
        return None
    x, y = operands(line, known)
    spec, out = line.kwargs["spec"], known.take(line)
    before = known.kept.get((line.args[0], spec))
    calls = bound_conv.weight_gradient(x, y, spec, out, before, known.scratch)
    return Bound([*calls, call(np.copy, out)]) if known.escapes(line) else Bound(calls, out)


@binder(pool.max_pool2d_output)
def _bind_maximum(line: Line, known: Known) -> Bound | None:
    spec = line.kwargs["spec"]
    if not is_plain(line) or spec.padded_size != spec.input_size:
        return None
    (x,), out = operands(line, known), known.take(line)
    return Bound(bound_pool.maximum(x, spec, out), out)


@binder(pool.max_pool2d_scatter)
def _bind_scatter(line: Line, known: Known) -> Bound | None:
    spec, maxima = line.kwargs["spec"], line.kwargs["maxima"]
    if not is_plain(line) or not spec.is_tiling or not isinstance(maxima, Value):
        return None
    (g, x), out = operands(line, known), known.take(line)
    return Bound(bound_pool.scatter(g, x, known.operand(maxima), spec, out), out)


@binder(scatter_through_relu)
def _bind_scatter_through_relu(line: Line, known: Known) -> Bound | None:
    spec = line.kwargs["spec"]
    if not is_plain(line) or not spec.is_tiling or is_shared(line.result):
        return None
    (g, x, maxima, rectified), out = operands(line, known), known.take(line)
    gated = line.args[3].new()
    calls = [*gate(g, rectified, gated), *bound_pool.scatter(Operand(gated), x, maxima, spec, out)]
    largest: Any = np.maximum.reduce

    def mend(g: Any, x: Any, maxima: Any, rectified: Any) -> None:
        if np.isnan(largest(rectified, None)):
            np.copyto(out, scatter_through_relu(g, x, maxima, rectified, spec=spec))

    return Bound([*calls, call(mend, g, x, maxima, rectified)], out)
