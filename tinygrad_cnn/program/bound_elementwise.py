"""Binders of elementwise lines, which write into a buffer."""

from __future__ import annotations

import dis
from typing import Any

import numpy as np

from ..kernels import thresholds
from ..ops import activations, elementwise
from ..tape import Primitive
from .binders import Bound, Known, binder, is_plain, is_shared
from .values import Line, Value


def ufunc_of(function: Any) -> np.ufunc | None:
    """Return the ufunc that a line calls: itself, or an operation that does nothing but to call it."""
    if isinstance(function, np.ufunc) or not isinstance(function, Primitive) or function.of_halves:
        return function if isinstance(function, np.ufunc) else None
    code = getattr(function.function, "__code__", None)
    if code is None or len(code.co_names) != 2 or code.co_names[0] != "np":
        return None
    ufunc = getattr(np, code.co_names[1], None)
    read = [step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_FAST"]
    if not isinstance(ufunc, np.ufunc) or function.params:
        return None
    return ufunc if read == list(function.operands) and len(read) == ufunc.nin else None


def bind_ufunc(line: Line, known: Known) -> Bound | None:
    """Bind a line that calls a ufunc, with at most one operand that is no array."""
    ufunc: Any = ufunc_of(line.function)
    if line.kwargs or not line.result.shape or ufunc.nout != 1 or not 0 < len(line.args) == ufunc.nin < 3:
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


@binder(elementwise.times)
def _bind_times(line: Line, known: Known) -> Bound | None:
    g, local = line.args
    if not (isinstance(g, Value) and isinstance(local, Value)) or not line.result.shape:
        return None
    out, finite, size = known.take(line), np.empty(local.shape, np.bool_), local.size

    def times(g: Any, local: Any) -> Any:
        if np.count_nonzero(np.isfinite(local, finite)) == size:
            return np.multiply(g, local, out)
        return elementwise.times(g, local)

    return times


@binder(activations.relu)
def _bind_relu(line: Line, known: Known) -> Bound | None:
    value = line.result
    if value.dtype.kind != "f" or not value.shape or is_shared(value):
        return None
    out = known.take(line)
    if value.size < thresholds.LARGE_RECTIFIER:
        return lambda x: np.maximum(x, 0, out=out)
    return lambda x: x.clip(0, np.inf, out=out)


@binder(activations.relu_gradient)
def _bind_relu_gradient(line: Line, known: Known) -> Bound | None:
    if is_shared(line.result) or not line.result.shape or not is_plain(line):
        return None
    return gate(known.take(line))


def gate(out: Any) -> Bound:
    """Return `rectifier.relu_gradient` into an array."""

    def pass_on(x: Any, y: Any) -> Any:
        np.greater(y, 0, out)
        return np.multiply(x, out, out)

    return pass_on
