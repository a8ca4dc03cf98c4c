"""Binders of products, sums, losses and views."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import checks, tree
from ...kernels.calls import Operand, call
from ...kernels.product import bound_product, is_one_call
from ...ops import activations, losses, products, reductions, shaping
from ...optim import Optimizer
from ...optim.gradients import in_order
from ...tape import Primitive, sum_to
from ..optimizers import STEP
from ..traced import getitem
from ..values import Line, Source, Value
from .binders import Bound, Known, binder, is_plain, operands


@binder(products.matmul, makes_new=True)
def _bind_matmul(line: Line, known: Known) -> Bound | None:
    a, b = line.args
    if not (isinstance(a, Value) and isinstance(b, Value) and len(a.shape) == len(b.shape) == 2):
        return None
    if not is_plain(line):
        return None
    a, b = operands(line, known)
    if known.escapes(line):
        return Bound([call(np.matmul, a, b)]) if is_one_call(a.array, b.array) else None
    out = known.take(line)
    return Bound(bound_product(a, b, out), out)


@binder(reductions._sum, makes_new=True)
def _bind_sum(line: Line, known: Known) -> Bound | None:
    if not is_plain(line):
        return None
    (x,) = operands(line, known)
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis")
    add_up: Any = np.add.reduce
    if not line.result.shape:
        function = (lambda x, axis: np.asarray(add_up(x, axis))) if line.as_array else add_up
        return Bound([call(function, x, None)])
    keepdims = line.kwargs.get("keepdims", False)
    if known.escapes(line):
        return Bound([call(add_up, x, axis, None, None, keepdims)])
    out = known.take(line)
    return Bound([call(add_up, x, axis, None, out, keepdims)], out)


@binder(sum_to, makes_new=True)
def _bind_sum_to(line: Line, known: Known) -> Bound | None:
    x, shape = line.args
    lead = len(x.shape) - len(shape)
    if not shape or not lead or x.shape[lead:] != shape or not is_plain(line):
        return None
    out = None if known.escapes(line) else known.take(line)
    return Bound([call(np.add.reduce, known.operand(x), tuple(range(lead)), None, out)], out)


@binder(activations.log_softmax)
def _bind_log_softmax(line: Line, known: Known) -> Bound | None:
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis", -1)
    if not is_plain(line) or not line.result.shape:
        return None
    out, powers = known.take(line), line.result.new()
    top = np.empty(reductions.kept_shape(line.result.shape, axis), line.result.dtype)
    total, finite = np.empty_like(top), np.empty_like(top, np.bool_)
    largest: Any = np.maximum.reduce
    add_up: Any = np.add.reduce
    function = line.function.function  # type: ignore[attr-defined]

    def log_softmax(x: Any) -> None:
        largest(x, axis, None, top, True, -np.inf)
        if np.count_nonzero(np.isfinite(top, finite)) != top.size:  # masked choices, and what is no number
            np.copyto(out, function(x, axis))
            return
        np.subtract(x, top, out)
        add_up(np.exp(out, powers), axis, None, total, True)
        np.subtract(out, np.log(total, total), out)

    return Bound([call(log_softmax, *operands(line, known))], out)


@binder(losses._mean_nll, makes_new=True)
def _bind_mean_nll(line: Line, known: Known) -> Bound | None:
    log_p, labels = line.args
    if log_p.dtype.char not in "fd" or len(labels.shape) != 1 or not labels.size:
        return None
    rows, negated, count = np.arange(labels.size), np.empty(labels.size, log_p.dtype), labels.size

    def mean_nll(log_p: Any, labels: Any) -> Any:
        return np.add.reduce(np.negative(log_p[rows, labels], negated)) / count

    function = (lambda log_p, labels: np.asarray(mean_nll(log_p, labels))) if line.as_array else mean_nll
    return Bound([call(function, *operands(line, known))])


@binder(checks.indices, makes_new=True)
def _bind_indices(line: Line, known: Known) -> Bound | None:
    owner, name, labels, count = line.args
    if labels.dtype.kind not in "iu" or not labels.dtype.isnative or not labels.size:
        return None
    if count > np.iinfo(labels.dtype).max:  # -1 as an unsigned number might be an index
        return None
    unsigned = labels.dtype.str.replace("i", "u")
    largest: Any = np.maximum.reduce

    def indices(labels: Any) -> Any:
        if largest(labels.view(unsigned), None) >= count:  # as such a number, -1 is larger than any index
            checks.indices(owner, name, labels, count)  # raises
        return labels

    return Bound([call(indices, known.operand(labels))])


@binder(losses._to_labels)
def _bind_to_labels(line: Line, known: Known) -> Bound | None:
    x, labels = line.args
    if len(labels.shape) != 1 or not labels.size or x.shape:
        return None
    out, rows, share = known.take(line), np.arange(labels.size), -1.0 / labels.size

    def to_labels(x: Any, labels: Any) -> None:
        out.fill(0)
        out[rows, labels] = x * share

    return Bound([call(to_labels, *operands(line, known))], out)


@binder(shaping.reshape, shaping.transpose, np.transpose, getitem)
def _bind_view(line: Line, known: Known) -> Bound | None:
    """Make a view once, or keep it as long as the same array comes, if it was a view when it was recorded."""
    if len(line.inputs()) != 1 or line.result.is_own or not line.result.shape:
        return None
    function = line.function.function if isinstance(line.function, Primitive) else line.function
    (x,), (_, *rest) = operands(line, known), line.args
    return _viewed(x.view(lambda x: function(x, *rest, **line.kwargs)))


@binder(shaping.reshape_like)
def _bind_reshape_like(line: Line, known: Known) -> Bound | None:
    if line.result.is_own or not line.result.shape:
        return None
    x, _ = operands(line, known)
    return _viewed(x.view(lambda x: x.reshape(line.result.shape)))


def _viewed(x: Operand) -> Bound:
    return Bound([], x.array) if x.is_known else Bound([call(lambda x: x, x)])


@binder(STEP)
def _bind_step(line: Line, known: Known) -> Bound | None:
    source, grads = line.args
    if not isinstance(source, Source) or type(source.object).step is not Optimizer.step:
        return None
    leaves = in_order(tree.structure(source.object.params).skeleton, grads)
    if not all(isinstance(g, Value) for g in leaves):
        return None
    arrays = [known.operand(g) for g in leaves]
    return Bound([call(source.object.bound_step([g.array for g in arrays]), *arrays)])
