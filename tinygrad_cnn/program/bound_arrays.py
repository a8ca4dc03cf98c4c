"""Binders of products, sums, losses and views."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import checks, tree
from ..kernels.bound_conv import remembered
from ..kernels.product import bound_product
from ..ops import activations, losses, products, reductions, shaping
from ..optim import Optimizer
from ..tape import Primitive, sum_to
from .binders import Bound, Known, binder, is_plain
from .optimizers import STEP
from .traced import getitem
from .values import Line, Source, Value


@binder(products.matmul)
def _bind_matmul(line: Line, known: Known) -> Bound | None:
    a, b = line.args
    if not (isinstance(a, Value) and isinstance(b, Value) and len(a.shape) == len(b.shape) == 2):
        return None
    return bound_product(a.example(), b.example(), known.take(line)) if is_plain(line) else None


@binder(reductions._sum, makes_new=True)
def _bind_sum(line: Line, known: Known) -> Bound | None:
    if not is_plain(line):
        return None
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis")
    if not line.result.shape:
        add_up: Any = np.add.reduce
        return (lambda x: np.asarray(add_up(x, None))) if line.as_array else (lambda x: add_up(x, None))
    if line.result in known.escaping:
        return None
    keepdims, out = line.kwargs.get("keepdims", False), known.take(line)
    reduce: Any = np.add.reduce
    return lambda x: reduce(x, axis, None, out, keepdims)


@binder(sum_to)
def _bind_sum_to(line: Line, known: Known) -> Bound | None:
    x, shape = line.args
    lead = len(x.shape) - len(shape)
    if not shape or not lead or x.shape[lead:] != shape or not is_plain(line):
        return None
    axes, out = tuple(range(lead)), known.take(line)
    reduce: Any = np.add.reduce
    return lambda x: reduce(x, axes, None, out)


@binder(activations.log_softmax)
def _bind_log_softmax(line: Line, known: Known) -> Bound | None:
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis", -1)
    if not is_plain(line) or not line.result.shape:
        return None
    out, powers = known.take(line), line.result.new()
    top = np.empty(reductions.kept_shape(line.result.shape, axis), line.result.dtype)
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


@binder(losses._mean_nll, makes_new=True)
def _bind_mean_nll(line: Line, known: Known) -> Bound | None:
    log_p, labels = line.args
    if log_p.dtype.char not in "fd" or len(labels.shape) != 1 or not labels.size:
        return None
    rows, negated, count = np.arange(labels.size), np.empty(labels.size, log_p.dtype), labels.size

    def mean_nll(log_p: Any, labels: Any) -> Any:
        return np.add.reduce(np.negative(log_p[rows, labels], negated)) / count

    return (lambda log_p, labels: np.asarray(mean_nll(log_p, labels))) if line.as_array else mean_nll


@binder(checks.indices, makes_new=True)
def _bind_indices(line: Line, known: Known) -> Bound | None:
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
def _bind_to_labels(line: Line, known: Known) -> Bound | None:
    x, labels = line.args
    if len(labels.shape) != 1 or not labels.size or x.shape:
        return None
    out, rows, share = known.take(line), np.arange(labels.size), -1.0 / labels.size

    def to_labels(x: Any, labels: Any) -> Any:
        out.fill(0)
        out[rows, labels] = x * share
        return out

    return to_labels


@binder(shaping.reshape, shaping.transpose, np.transpose, getitem)
def _bind_view(line: Line, known: Known) -> Bound | None:
    """Keep a view of an array as long as the same array comes, if it was a view when it was recorded."""
    if len(line.inputs()) != 1 or line.result.is_own or not line.result.shape:
        return None
    function = line.function.function if isinstance(line.function, Primitive) else line.function
    _, *rest = line.args
    return remembered(lambda x: function(x, *rest, **line.kwargs))


@binder(shaping.reshape_like)
def _bind_reshape_like(line: Line, known: Known) -> Bound | None:
    if line.result.is_own or not line.result.shape:
        return None
    view = remembered(lambda x: x.reshape(line.result.shape))
    return lambda x, template: view(x)


@binder(STEP)
def _bind_step(line: Line, known: Known) -> Bound | None:
    source, grads = line.args
    if not isinstance(source, Source) or not isinstance(source.object, Optimizer):
        return None
    leaves = tree.matching_leaves(source.object.params, grads)
    return source.object.bound_step() if all(isinstance(g, Value) for g in leaves) else None
