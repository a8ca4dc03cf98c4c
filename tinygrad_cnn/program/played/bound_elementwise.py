"""Binders of elementwise lines, which write into a buffer."""

from __future__ import annotations

import dis
from typing import Any

import numpy as np

from ...kernels import thresholds
from ...kernels.calls import Call, Operand, call, maximum
from ...ops import activations, elementwise
from ...tape import Primitive
from ...types import NDArray
from ..values import Line, Value
from .binders import MAKE_NEW, Bound, Known, binder, is_plain, is_shared, operands


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
    values = [x for x in line.args if isinstance(x, Value)]
    if not values:
        return None
    args = [known.operand(x) if isinstance(x, Value) else scalar(x, values[0].dtype) for x in line.args]
    if known.escapes(line):
        return Bound([call(ufunc, *args)])
    out = known.take(line)
    return Bound([call(ufunc, *args, out=out)], out)


MAKE_NEW.add(bind_ufunc)


def scalar(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return a number of Python as an array without axes, which NumPy takes faster, where it is the same."""
    is_exact = type(x) is float or (type(x) is int and abs(x) < _EXACT)
    return np.array(x, dtype) if is_exact and dtype.char in "fd" else x


_EXACT = 1 << 24
"""All integers below this are floats of single precision."""


@binder(elementwise.times)
def _bind_times(line: Line, known: Known) -> Bound | None:
    g, local = line.args
    if not (isinstance(g, Value) and isinstance(local, Value)) or not line.result.shape:
        return None
    out, finite, size = known.take(line), np.empty(local.shape, np.bool_), local.size

    def times(g: Any, local: Any) -> None:
        if np.count_nonzero(np.isfinite(local, finite)) == size:
            np.multiply(g, local, out)
        else:
            np.copyto(out, elementwise.times(g, local))

    return Bound([call(times, *operands(line, known))], out)


@binder(activations.relu)
def _bind_relu(line: Line, known: Known) -> Bound | None:
    value = line.result
    if value.dtype.kind != "f" or not value.shape or is_shared(value):
        return None
    (x,), out = operands(line, known), known.take(line)
    if value.size < thresholds.LARGE_RECTIFIER:
        return Bound([maximum(x, scalar(0, value.dtype), out)], out)
    return Bound([call(np.ndarray.clip, x, 0, np.inf, out=out)], out)


@binder(activations.relu_gradient)
def _bind_relu_gradient(line: Line, known: Known) -> Bound | None:
    if is_shared(line.result) or not line.result.shape or not is_plain(line):
        return None
    (x, y), out = operands(line, known), known.take(line)
    return Bound(gate(x, y, out), out)


def gate(x: Operand, y: Operand, out: NDArray) -> list[Call]:
    """Return the calls of `rectifier.relu_gradient` into an array."""
    zero = scalar(0, out.dtype)
    return [call(np.greater, y, zero, out), call(np.multiply, x, out, out)]
