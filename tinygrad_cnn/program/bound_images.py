"""Binders of convolution and pooling, to the bound kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import bound_conv, bound_pool
from ..ops import conv, pool
from .binders import Bound, Known, binder, examples, is_plain, is_shared
from .bound_elementwise import gate
from .rewriting import scatter_through_relu
from .values import Line, Value


@binder(conv.conv2d_output)
def _bind_forward(line: Line, known: Known) -> Bound | None:
    if not is_plain(line):
        return None
    x, weight, *_ = examples(line)
    spec = line.kwargs["spec"]
    is_read_again = any(_is_weight_gradient_of(line, other) for other in known.lines)
    keeps = is_read_again and bound_conv.shared_block(x, len(weight), spec) is not None
    return bound_conv.Forward(x, weight, spec, known.take(line), None if keeps else known.scratch)


def _is_weight_gradient_of(line: Line, other: Line) -> bool:
    """Whether another line is the gradient to the weight of a convolution."""
    same = other.function is conv.conv2d_weight and other.args[0] is line.args[0]
    return same and other.kwargs == line.kwargs


@binder(conv.conv2d_input)
def _bind_input_gradient(line: Line, known: Known) -> Bound | None:
    if not is_plain(line):
        return None
    y, weight = examples(line)
    return bound_conv.input_gradient(y, weight, line.kwargs["spec"], known.take(line), known.scratch)


@binder(conv.conv2d_weight, makes_new=True)
def _bind_weight_gradient(line: Line, known: Known) -> Bound | None:
    if not is_plain(line):
        return None
    x, y = examples(line)
    made = known.made.values()
    before: Any = next((f for other, f in made if _is_convolution_of(line, other)), None)
    return bound_conv.WeightGradient(x, y, line.kwargs["spec"], before, known.scratch)


def _is_convolution_of(line: Line, other: Line) -> bool:
    return other.function is conv.conv2d_output and _is_weight_gradient_of(other, line)


@binder(pool.max_pool2d_output)
def _bind_maximum(line: Line, known: Known) -> Bound | None:
    spec = line.kwargs["spec"]
    if not is_plain(line) or spec.padded_size != spec.input_size:
        return None
    (x,) = examples(line)
    return bound_pool.Maximum(x, spec, known.take(line))


@binder(pool.max_pool2d_scatter)
def _bind_scatter(line: Line, known: Known) -> Bound | None:
    spec, maxima = line.kwargs["spec"], line.kwargs["maxima"]
    if not is_plain(line) or not spec.is_tiling or not isinstance(maxima, Value):
        return None
    g, x = examples(line)
    return bound_pool.Scatter(g, x, maxima.example(), spec, known.take(line))


@binder(scatter_through_relu)
def _bind_scatter_through_relu(line: Line, known: Known) -> Bound | None:
    spec = line.kwargs["spec"]
    if not is_plain(line) or not spec.is_tiling or is_shared(line.result):
        return None
    _, x, maxima, _ = examples(line)
    gated = line.args[3].new()
    pass_on = gate(gated)
    scatter = bound_pool.Scatter(gated, x, maxima, spec, known.take(line))
    largest: Any = np.maximum.reduce

    def back(g: Any, x: Any, maxima: Any, rectified: Any) -> Any:
        if np.isnan(largest(rectified, None)):
            return scatter_through_relu(g, x, maxima, rectified, spec=spec)
        return scatter(pass_on(g, rectified), x, maxima)

    return back
