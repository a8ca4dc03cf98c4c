"""Comparisons, truth values, bits and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import ops
from ....tape import raw
from ..registry import operator

for _name, _function in {
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor, "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal, "Less": np.less, "LessOrEqual": np.less_equal,
    "BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor,
}.items():  # fmt: skip
    operator(_name)(lambda a, b, *, function=_function: function(raw(a), raw(b)))

for _name, _test in {"Not": np.logical_not, "BitwiseNot": np.bitwise_not, "IsNaN": np.isnan}.items():
    operator(_name)(lambda x, *, function=_test: function(raw(x)))


@operator("IsInf")
def is_infinite(x: Any, *, detect_negative: int = 1, detect_positive: int = 1) -> Any:
    """Return whether elements are infinite."""
    x = raw(x)
    return np.isinf(x) & (((x > 0) & bool(detect_positive)) | ((x < 0) & bool(detect_negative)))


@operator("BitShift")
def shift(a: Any, b: Any, *, direction: str) -> Any:
    """Shift the bits to the left or to the right."""
    return np.left_shift(a, b) if direction == "LEFT" else np.right_shift(a, b)


@operator("Where")
def where(condition: Any, a: Any, b: Any) -> Any:
    """Choose between two arrays."""
    if raw(a).dtype.kind not in "biuf":
        return np.where(condition, a, b)
    return ops.where(raw(condition), a, b)
