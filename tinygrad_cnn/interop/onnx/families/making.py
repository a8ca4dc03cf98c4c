"""Arrays that come from nothing but their options."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..registry import Numbers, operator
from .casting import dtype_of
from .shaping import ints


@operator("Constant")
def constant(
    *,
    value: Any = None,
    value_float: float | None = None,
    value_floats: Any = None,
    value_int: int | None = None,
    value_ints: Any = None,
    value_string: str | None = None,
    value_strings: Any = None,
) -> Any:
    """Return the array that is written in the node."""
    given = (
        (value, None), (value_float, np.float32), (value_floats, np.float32), (value_int, np.int64),
        (value_ints, np.int64), (value_string, object), (value_strings, object),
    )  # fmt: skip
    return next(np.array(x, dtype) for x, dtype in given if x is not None)


@operator("ConstantOfShape")
def constant_of_shape(shape: Numbers, *, value: Any = None) -> Any:
    """Return an array that has one value everywhere."""
    fill = np.zeros(1, np.float32) if value is None else value
    return np.full(ints(shape), fill.reshape(-1)[0], fill.dtype)


@operator("Range")
def range_(start: Numbers, limit: Numbers, delta: Numbers) -> Any:
    """Return numbers at equal distances."""
    ends: Any = start.item(), limit.item(), delta.item()
    return np.arange(*ends, dtype=start.dtype)


@operator("EyeLike")
def eye_like(x: Any, *, dtype: int | None = None, k: int = 0) -> Any:
    """Return a matrix with ones on a diagonal."""
    made: Any = x.dtype if dtype is None else dtype_of(dtype)
    rows, columns = x.shape
    return np.eye(rows, columns, k, made)


def _window(name: str, weights: tuple[float, ...]) -> None:
    @operator(name)
    def window(size: Numbers, *, output_datatype: int = 1, periodic: int = 1) -> Any:
        """Return a window of cosines."""
        n = int(size.item())
        angle = 2 * np.pi * np.arange(n) / (n if periodic else n - 1)
        values = sum(weight * np.cos(i * angle) for i, weight in enumerate(weights))
        return np.asarray(values, dtype_of(output_datatype))


_window("HannWindow", (0.5, -0.5))
_window("HammingWindow", (25 / 46, -21 / 46))
_window("BlackmanWindow", (0.42, -0.5, 0.08))
