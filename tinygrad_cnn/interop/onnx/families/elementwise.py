"""Arithmetic, and the functions of one number."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from .... import ops
from ..registry import operator

for _name, _function in {
    "Abs": ops.abs, "Acos": ops.arccos, "Acosh": ops.arccosh, "Asin": ops.arcsin, "Asinh": ops.arcsinh,
    "Atan": ops.arctan, "Atanh": ops.arctanh, "Ceil": ops.ceil, "Cos": ops.cos, "Cosh": ops.cosh,
    "Erf": ops.erf, "Exp": ops.exp, "Floor": ops.floor, "Log": ops.log, "Neg": ops.negative,
    "Reciprocal": ops.reciprocal, "Round": ops.round, "Sign": ops.sign, "Sin": ops.sin, "Sinh": ops.sinh,
    "Sqrt": ops.sqrt, "Tan": ops.tan, "Tanh": ops.tanh,
}.items():  # fmt: skip
    operator(_name)(lambda x, *, function=_function: function(x))


def is_integer(*operands: Any) -> bool:
    """Whether all operands are integers."""
    return all(x.dtype.kind in "iu" for x in operands)


@operator("Identity")
def identity(x: Any) -> Any:
    """Return the input."""
    return x


@operator("Add")
def add(a: Any, b: Any) -> Any:
    """``a + b``."""
    return ops.add(a, b)


@operator("Sub")
def subtract(a: Any, b: Any) -> Any:
    """``a - b``."""
    return ops.subtract(a, b)


@operator("Mul")
def multiply(a: Any, b: Any) -> Any:
    """``a * b``."""
    return ops.multiply(a, b)


@operator("Div")
def divide(a: Any, b: Any) -> Any:
    """``a / b``; integers are divided towards zero."""
    if not is_integer(a, b):
        return ops.divide(a, b)
    quotient, is_inexact = np.floor_divide(a, b), np.remainder(a, b) != 0
    return quotient + (is_inexact & ((a < 0) != (b < 0))).astype(quotient.dtype)


@operator("Mod")
def modulo(a: Any, b: Any, *, fmod: int = 0) -> Any:
    """Return the remainder with the sign of ``b``, or with that of ``a``, as C has it."""
    return ops.fmod(a, b) if fmod else ops.remainder(a, b)


@operator("Pow")
def power(a: Any, b: Any) -> Any:
    """``a ** b``, in the dtype of ``a``."""
    if a.dtype.kind == "f" and b.dtype == a.dtype:
        return ops.power(a, b)
    return ops.astype(ops.power(a, b), a.dtype)


@operator("Sum")
def total(*arrays: Any) -> Any:
    """Add all inputs."""
    return reduce(ops.add, arrays)


@operator("Mean")
def mean(*arrays: Any) -> Any:
    """Return the mean of the inputs."""
    return reduce(ops.add, arrays) / len(arrays)


@operator("Max")
def maximum(*arrays: Any) -> Any:
    """Return the largest of the inputs."""
    return reduce(ops.maximum, arrays)


@operator("Min")
def minimum(*arrays: Any) -> Any:
    """Return the smallest of the inputs."""
    return reduce(ops.minimum, arrays)


@operator("Clip")
def clip(x: Any, low: Any = None, high: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Keep what is in an interval; its ends were attributes before version 11, and win as NumPy has it."""
    low, high = (min if low is None else low), (max if high is None else high)
    if low is not None:
        x = ops.maximum(x, low)
    return x if high is None else ops.minimum(x, high)


@operator("Det")
def determinant(x: Any) -> Any:
    """Return the determinants of matrices."""
    from .... import linalg

    return linalg.det(x)
