"""Lines bound to their shapes: a line whose kernel knows a faster way for shapes that never change.

A *binder* makes a function of the arrays of a line, which writes into a buffer that is used at every play. So
a program that is played allocates little, and plans nothing. Results that a caller may keep are never bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks, tree
from ..kernels import bound_conv, bound_pool, parallel, thresholds
from ..kernels.bound_conv import remembered
from ..kernels.product import bound_product
from ..ops import activations, conv, elementary, elementwise, losses, pool, products, reductions, shaping
from ..optim import Optimizer
from ..tape import Primitive, add, sum_to
from .buffers import Buffers
from .optimizers import STEP
from .rewriting import scatter_through_relu
from .traced import getitem
from .values import Line, Source, Value, values_in

Bound = Callable[..., Any]
Binder = Callable[[Line, "Bindings"], "Bound | None"]

_BINDERS: dict[Any, Binder] = {}


class Bindings:
    """The bound lines of one program, as far as they are made."""

    def __init__(self, lines: list[Line], results: list[Value]) -> None:
        self.escaping = escaping(lines, results)
        self._buffers = Buffers(lines, (not is_new(line) for line in lines))
        self.scratch = bound_conv.Scratch()
        self.lines = lines
        self._number = 0
        self.made: dict[Value, tuple[Line, Bound]] = {}

    def take(self, line: Line) -> Any:
        """Return the array that the result of a line is written into."""
        return self._buffers.take(line.result)

    def bind(self, line: Line) -> Bound | None:
        """Return a bound function of the values of the next line, in their order, if there is one."""
        bound = self._bound(line)
        self._buffers.after(self._number)
        self._number += 1
        return bound

    def _bound(self, line: Line) -> Bound | None:
        bind = _BINDERS.get(line.function) or (_bind_ufunc if _ufunc_of(line.function) else None)
        if bind is None or line.errstate or (line.result in self.escaping and bind not in _MAKE_NEW):
            return None
        bound = bind(line, self)
        if bound is not None:
            self.made[line.result] = line, bound
        return bound


def escaping(lines: list[Line], results: list[Value]) -> set[Value]:
    """Return the values that a caller may hold after a play: results, and what they may be views of."""
    found = set(results)
    for line in reversed(lines):
        if line.result in found and not is_new(line):
            found.update(line.inputs())
    return found


def is_new(line: Line) -> bool:
    """Whether the result of a line shares no memory with its arguments, whatever their numbers are."""
    return line.result.is_own and (
        isinstance(line.function, Primitive | np.ufunc) or line.function is np.copy
    )


def binder(*functions: Any) -> Callable[[Binder], Binder]:
    """Register a binder for the lines that call these functions."""

    def register(bind: Binder) -> Binder:
        _BINDERS.update(dict.fromkeys(functions, bind))
        return bind

    return register


# --- elementwise -------------------------------------------------------------------------------------------

_UFUNCS: dict[Any, np.ufunc] = {
    add: np.add,
    elementwise.subtract: np.subtract,
    elementwise.multiply: np.multiply,
    elementwise.divide: np.divide,
    elementwise.negative: np.negative,
    elementwise.square: np.square,
    elementwise.maximum: np.maximum,
    elementwise.minimum: np.minimum,
    elementary.exp: np.exp,
}


def _ufunc_of(function: Any) -> np.ufunc | None:
    return function if isinstance(function, np.ufunc) else _UFUNCS.get(function)


def _bind_ufunc(line: Line, known: Bindings) -> Bound | None:
    ufunc: Any = _ufunc_of(line.function)
    if line.kwargs or not line.result.shape or ufunc.nout != 1 or len(line.args) != ufunc.nin:
        return None
    out = known.take(line)
    if all(isinstance(x, Value) for x in line.args):
        return (lambda a, b: ufunc(a, b, out=out)) if ufunc.nin == 2 else (lambda a: ufunc(a, out=out))
    first, *rest = line.args
    if ufunc.nin != 2 or isinstance(first, Value) == isinstance(rest[0], Value):
        return None
    if isinstance(first, Value):
        (other,) = rest
        return lambda a: ufunc(a, other, out=out)
    return lambda b: ufunc(first, b, out=out)


@binder(activations.relu)
def _bind_relu(line: Line, known: Bindings) -> Bound | None:
    value = line.result
    if value.dtype.kind != "f" or not value.shape or _is_shared(value):
        return None
    out = value.new()
    if value.size < thresholds.LARGE_RECTIFIER:
        return lambda x: np.maximum(x, 0, out=out)
    return lambda x: x.clip(0, np.inf, out=out)


@binder(activations.relu_gradient)
def _bind_relu_gradient(line: Line, known: Bindings) -> Bound | None:
    if _is_shared(line.result) or not line.result.shape or not _is_plain(line):
        return None
    return _gate(known.take(line))


def _gate(out: Any) -> Bound:
    """Return `rectifier.relu_gradient` into an array."""

    def pass_on(x: Any, y: Any) -> Any:
        np.greater(y, 0, out)
        return np.multiply(x, out, out)

    return pass_on


def _is_shared(value: Value) -> bool:
    """Whether threads share the elements of an array."""
    return parallel.threads() > 1 and value.size >= thresholds.SHARED_ELEMENTS


# --- convolution and pooling -------------------------------------------------------------------------------


def _examples(line: Line) -> list[Any]:
    return [x.example() for x in line.args if isinstance(x, Value)]


def _is_plain(line: Line) -> bool:
    """Whether all values are four-dimensional, of one dtype of native order, and none is empty or a half."""
    values = [line.result, *values_in(line.args)]
    return all(x.dtype == line.result.dtype and x.dtype.char in "fd" and x.size for x in values)


@binder(conv.conv2d_output)
def _bind_forward(line: Line, known: Bindings) -> Bound | None:
    if not _is_plain(line):
        return None
    x, weight, *_ = _examples(line)
    spec = line.kwargs["spec"]
    is_read_again = any(_is_weight_gradient_of(line, other) for other in known.lines)
    keeps = is_read_again and bound_conv.shared_block(x, len(weight), spec) is not None
    return bound_conv.Forward(x, weight, spec, known.take(line), None if keeps else known.scratch)


def _is_weight_gradient_of(line: Line, other: Line) -> bool:
    """Whether another line is the gradient to the weight of a convolution."""
    same = other.function is conv.conv2d_weight and other.args[0] is line.args[0]
    return same and other.kwargs == line.kwargs


@binder(conv.conv2d_input)
def _bind_input_gradient(line: Line, known: Bindings) -> Bound | None:
    if not _is_plain(line):
        return None
    y, weight = _examples(line)
    return bound_conv.input_gradient(y, weight, line.kwargs["spec"], known.take(line), known.scratch)


@binder(conv.conv2d_weight)
def _bind_weight_gradient(line: Line, known: Bindings) -> Bound | None:
    if not _is_plain(line) or line.errstate:
        return None
    x, y = _examples(line)
    made = known.made.values()
    before: Any = next((f for other, f in made if _is_convolution_of(line, other)), None)
    return bound_conv.WeightGradient(x, y, line.kwargs["spec"], before, known.scratch)


def _is_convolution_of(line: Line, other: Line) -> bool:
    return other.function is conv.conv2d_output and _is_weight_gradient_of(other, line)


@binder(pool.max_pool2d_output)
def _bind_maximum(line: Line, known: Bindings) -> Bound | None:
    spec = line.kwargs["spec"]
    if not _is_plain(line) or spec.padded_size != spec.input_size:
        return None
    (x,) = _examples(line)
    return bound_pool.Maximum(x, spec, known.take(line))


@binder(pool.max_pool2d_scatter)
def _bind_scatter(line: Line, known: Bindings) -> Bound | None:
    spec, maxima = line.kwargs["spec"], line.kwargs["maxima"]
    if not _is_plain(line) or not spec.is_tiling or not isinstance(maxima, Value):
        return None
    g, x = _examples(line)
    return bound_pool.Scatter(g, x, maxima.example(), spec, known.take(line))


@binder(scatter_through_relu)
def _bind_scatter_through_relu(line: Line, known: Bindings) -> Bound | None:
    spec = line.kwargs["spec"]
    if not _is_plain(line) or not spec.is_tiling or _is_shared(line.result):
        return None
    _, x, maxima, _ = _examples(line)
    gated = line.args[3].new()
    gate = _gate(gated)
    scatter = bound_pool.Scatter(gated, x, maxima, spec, known.take(line))
    largest: Any = np.maximum.reduce

    def back(g: Any, x: Any, maxima: Any, rectified: Any) -> Any:
        if np.isnan(largest(rectified, None)):
            return scatter_through_relu(g, x, maxima, rectified, spec=spec)
        return scatter(gate(g, rectified), x, maxima)

    return back


# --- losses ------------------------------------------------------------------------------------------------


@binder(activations.log_softmax)
def _bind_log_softmax(line: Line, known: Bindings) -> Bound | None:
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis", -1)
    if not _is_plain(line) or not line.result.shape:
        return None
    out, powers = known.take(line), line.result.new()
    top = np.add.reduce(out, axis=axis, keepdims=True)
    total = np.empty_like(top)
    largest: Any = np.maximum.reduce
    add_up: Any = np.add.reduce
    function = line.function.function  # type: ignore[attr-defined]

    def log_softmax(x: Any) -> Any:
        largest(x, axis, None, top, True, -np.inf)
        if not math.isfinite(add_up(top, None)):  # masked choices, and what is no number
            return function(x, axis)
        np.subtract(x, top, out)
        add_up(np.exp(out, powers), axis, None, total, True)
        return np.subtract(out, np.log(total, total), out)

    return log_softmax


@binder(losses._mean_nll)
def _bind_mean_nll(line: Line, known: Bindings) -> Bound | None:
    log_p, labels = line.args
    if log_p.dtype.char not in "fd" or len(labels.shape) != 1 or not labels.size:
        return None
    rows, negated, count = np.arange(labels.size), np.empty(labels.size, log_p.dtype), labels.size

    def mean_nll(log_p: Any, labels: Any) -> Any:
        return np.add.reduce(np.negative(log_p[rows, labels], negated)) / count

    return (lambda log_p, labels: np.asarray(mean_nll(log_p, labels))) if line.as_array else mean_nll


@binder(checks.indices)
def _bind_indices(line: Line, known: Bindings) -> Bound | None:
    owner, name, labels, count = line.args
    if labels.dtype.kind not in "iu" or not labels.dtype.isnative or not labels.size:
        return None
    unsigned = labels.dtype.str.replace("i", "u")
    largest: Any = np.maximum.reduce

    def indices(labels: Any) -> Any:
        if largest(labels.view(unsigned), None) >= count:  # as such a number, -1 is larger than any index
            checks.indices(owner, name, labels, count)  # raises
        return labels

    return indices


@binder(losses._to_labels)
def _bind_to_labels(line: Line, known: Bindings) -> Bound | None:
    x, labels = line.args
    if len(labels.shape) != 1 or not labels.size or x.shape:
        return None
    out, rows, share = known.take(line), np.arange(labels.size), -1.0 / labels.size

    def to_labels(x: Any, labels: Any) -> Any:
        out.fill(0)
        out[rows, labels] = x * share
        return out

    return to_labels


# --- products and sums -------------------------------------------------------------------------------------


@binder(products.matmul)
def _bind_matmul(line: Line, known: Bindings) -> Bound | None:
    a, b = line.args
    if not (isinstance(a, Value) and isinstance(b, Value) and len(a.shape) == len(b.shape) == 2):
        return None
    return bound_product(a.example(), b.example(), known.take(line)) if _is_plain(line) else None


@binder(reductions._sum)
def _bind_sum(line: Line, known: Bindings) -> Bound | None:
    if not line.result.shape or not _is_plain(line):
        return None
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis")
    keepdims, out = line.kwargs.get("keepdims", False), known.take(line)
    reduce: Any = np.add.reduce
    return lambda x: reduce(x, axis, None, out, keepdims)


@binder(sum_to)
def _bind_sum_to(line: Line, known: Bindings) -> Bound | None:
    x, shape = line.args
    lead = len(x.shape) - len(shape)
    if not shape or not lead or x.shape[lead:] != shape or not _is_plain(line):
        return None
    axes, out = tuple(range(lead)), known.take(line)
    reduce: Any = np.add.reduce
    return lambda x: reduce(x, axes, None, out)


# --- views and constants -----------------------------------------------------------------------------------


@binder(shaping.reshape, shaping.transpose, np.transpose, getitem)
def _bind_view(line: Line, known: Bindings) -> Bound | None:
    """Keep a view of an array as long as the same array comes, if it was a view when it was recorded."""
    if len(line.inputs()) != 1 or line.result.is_own or not line.result.shape:
        return None
    function = line.function.function if isinstance(line.function, Primitive) else line.function
    _, *rest = line.args
    return remembered(lambda x: function(x, *rest, **line.kwargs))


@binder(shaping.reshape_like)
def _bind_reshape_like(line: Line, known: Bindings) -> Bound | None:
    if line.result.is_own or not line.result.shape:
        return None
    view = remembered(lambda x: x.reshape(line.result.shape))
    return lambda x, template: view(x)


@binder(np.ones_like, np.zeros_like)
def _bind_constant(line: Line, known: Bindings) -> Bound | None:
    if len(line.args) != 1:
        return None
    constant = line.function(line.result.new())
    return lambda x: constant


@binder(STEP)
def _bind_step(line: Line, known: Bindings) -> Bound | None:
    source, grads = line.args
    if not isinstance(source, Source) or not isinstance(source.object, Optimizer):
        return None
    leaves = tree.matching_leaves(source.object.params, grads)
    return source.object.bound_step() if all(isinstance(g, Value) for g in leaves) else None


_MAKE_NEW = {_bind_weight_gradient, _bind_mean_nll, _bind_indices}
"""Binders of lines that write into no buffer, so that a caller may keep what they return."""
