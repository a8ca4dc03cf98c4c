"""Arithmetic, comparisons, activations and changes of dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .table import exporter

_UNARY = {
    "abs": "Abs", "arccos": "Acos", "arccosh": "Acosh", "arcsin": "Asin", "arcsinh": "Asinh",
    "arctan": "Atan",
    "arctanh": "Atanh", "ceil": "Ceil", "cos": "Cos", "cosh": "Cosh", "erf": "Erf", "exp": "Exp",
    "floor": "Floor", "hardswish": "HardSwish", "isnan": "IsNaN", "isinf": "IsInf", "log": "Log",
    "logical_not": "Not", "negative": "Neg", "reciprocal": "Reciprocal", "relu": "Relu", "sigmoid": "Sigmoid",
    "sign": "Sign", "sin": "Sin", "sinh": "Sinh", "softplus": "Softplus", "softsign": "Softsign",
    "sqrt": "Sqrt", "tan": "Tan", "tanh": "Tanh",
}  # fmt: skip
_BINARY = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "maximum": "Max", "minimum": "Min",
    "power": "Pow", "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "bitwise_and": "And",
    "bitwise_or": "Or", "bitwise_xor": "Xor",
}  # fmt: skip
_COMPARED = {
    "equal": "Equal", "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
    "less_equal": "LessOrEqual",
}  # fmt: skip


def _enter_unary(name: str, op: str) -> None:
    exporter(name)(lambda w, x: w.put(op, x))


def _enter_binary(name: str, op: str) -> None:
    @exporter(name)
    def binary(w: Any, a: Any, b: Any, *, dtype: Any = None) -> Any:
        return w.put(op, *(w.cast(x, w.result.dtype) for x in (a, b)))


def _compared(w: Any, op: str, a: Any, b: Any) -> Any:
    dtype = np.result_type(w.dtype(a), w.dtype(b))
    return w.put(op, w.cast(a, dtype), w.cast(b, dtype))


def _enter_compared(name: str, op: str) -> None:
    exporter(name)(lambda w, a, b: _compared(w, op, a, b))


for _name, _op in _UNARY.items():
    _enter_unary(_name, _op)
for _name, _op in _BINARY.items():
    _enter_binary(_name, _op)
for _name, _op in _COMPARED.items():
    _enter_compared(_name, _op)


@exporter("not_equal")
def not_equal(w: Any, a: Any, b: Any) -> Any:
    """``a != b``."""
    return w.put("Not", _compared(w, "Equal", a, b))


@exporter("remainder", "fmod")
def remainder(w: Any, a: Any, b: Any) -> Any:
    """``a - floor(a / b) * b``."""
    a, b = (w.cast(x, w.result.dtype) for x in (a, b))
    return w.put("Sub", a, w.put("Mul", w.put("Floor", w.put("Div", a, b)), b))


@exporter("square")
def square(w: Any, x: Any) -> Any:
    """``x * x``."""
    return w.put("Mul", x, x)


@exporter("positive", "copy", "identity", "asarray", "stop_gradient")
def identity(w: Any, x: Any, *_: Any) -> Any:
    """Return the operand."""
    return w.put("Identity", x)


@exporter("indices")
def indices(w: Any, owner: str, name: str, x: Any, count: int) -> Any:
    """Return labels, whose range ONNX does not check."""
    return w.put("Identity", x)


@exporter("log1p")
def log1p(w: Any, x: Any) -> Any:
    """``log(1 + x)``."""
    return w.put("Log", w.put("Add", x, 1))


@exporter("expm1")
def expm1(w: Any, x: Any) -> Any:
    """``exp(x) - 1``."""
    return w.put("Sub", w.put("Exp", x), 1)


@exporter("exp2")
def exp2(w: Any, x: Any) -> Any:
    """``exp(x * log(2))``."""
    return w.put("Exp", w.put("Mul", x, math.log(2)))


def _scaled_log(name: str, base: float) -> None:
    exporter(name)(lambda w, x: w.put("Mul", w.put("Log", x), 1 / math.log(base)))


_scaled_log("log2", 2)
_scaled_log("log10", 10)


@exporter("hypot")
def hypot(w: Any, a: Any, b: Any) -> Any:
    """``sqrt(a**2 + b**2)``."""
    squares = (w.put("Mul", w.cast(x, w.result.dtype), w.cast(x, w.result.dtype)) for x in (a, b))
    return w.put("Sqrt", w.put("Add", *squares))


@exporter("round")
def rounded(w: Any, x: Any, decimals: int = 0) -> Any:
    """Round to whole numbers."""
    if decimals:
        raise TypeError("decimals are not rounded in ONNX")
    return w.put("Round", x)


@exporter("trunc")
def trunc(w: Any, x: Any) -> Any:
    """Round towards zero."""
    return w.put("Mul", w.put("Sign", x), w.put("Floor", w.put("Abs", x)))


@exporter("where")
def where(w: Any, condition: Any, x: Any, y: Any) -> Any:
    """Choose between two arrays."""
    return w.put("Where", w.cast(condition, bool), *(w.cast(v, w.result.dtype) for v in (x, y)))


@exporter("clip")
def clip(w: Any, x: Any, a_min: Any = None, a_max: Any = None) -> Any:
    """Keep what is in an interval."""
    x = w.cast(x, w.result.dtype)
    if a_min is not None:
        x = w.put("Max", x, w.cast(a_min, w.result.dtype))
    return x if a_max is None else w.put("Min", x, w.cast(a_max, w.result.dtype))


@exporter("limited")
def limited(w: Any, x: Any, *, low: float, high: float) -> Any:
    """Keep what is in an interval of two numbers."""
    return w.put("Clip", x, low, high)


@exporter("astype")
def astype(w: Any, x: Any, dtype: Any, **_: Any) -> Any:
    """Change the dtype."""
    return w.put("Cast", x, to=w.code(w.result.dtype))


@exporter("leaky_relu")
def leaky_relu(w: Any, x: Any, *, negative_slope: float = 0.01) -> Any:
    """``x`` where it is positive, a share of it elsewhere."""
    return w.put("LeakyRelu", x, alpha=float(negative_slope))


def _enter_alpha(name: str, op: str) -> None:
    exporter(name)(lambda w, x, *, alpha=1.0, order=0: w.put(op, x, alpha=float(alpha)))


_enter_alpha("elu", "Elu")
_enter_alpha("celu", "Celu")


@exporter("silu")
def silu(w: Any, x: Any, *, order: int = 0) -> Any:
    """``x * sigmoid(x)``."""
    return w.put("Mul", x, w.put("Sigmoid", x))


@exporter("mish")
def mish(w: Any, x: Any, *, order: int = 0) -> Any:
    """``x * tanh(softplus(x))``."""
    return w.put("Mish", x)


@exporter("gelu")
def gelu(w: Any, x: Any, *, order: int = 0) -> Any:
    """``x`` times the normal distribution function."""
    return w.put("Gelu", x)


@exporter("gelu_tanh")
def gelu_tanh(w: Any, x: Any, *, order: int = 0) -> Any:
    """The approximation of `gelu` by a tanh."""
    return w.put("Gelu", x, approximate="tanh")


@exporter("tanhshrink")
def tanhshrink(w: Any, x: Any) -> Any:
    """``x - tanh(x)``."""
    return w.put("Sub", x, w.put("Tanh", x))


@exporter("logaddexp")
def logaddexp(w: Any, a: Any, b: Any) -> Any:
    """``max(a, b) + log(1 + exp(-|a - b|))``."""
    a, b = (w.cast(x, w.result.dtype) for x in (a, b))
    distance = w.put("Neg", w.put("Abs", w.put("Sub", a, b)))
    return w.put("Add", w.put("Max", a, b), w.put("Softplus", distance))
