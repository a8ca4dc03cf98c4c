"""Changes of dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import ops
from ....tape import raw
from ..registry import operator

MOVERS = frozenset({
    "BitCast", "Cast", "CastLike", "Concat", "Constant", "Identity", "Reshape", "Shape", "Size", "Transpose",
    "Unsqueeze",
})  # fmt: skip
"""The operators for arrays whose dtype NumPy does not have."""


def dtype_of(code: int) -> np.dtype[Any]:
    """Return the dtype of one of ONNX's numbers for dtypes."""
    import onnx

    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(code))


def is_rare(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is none of NumPy's own, such as bfloat16: arrays of it are moved and cast, no more."""
    return dtype.isbuiltin == 2


def cast_to(x: Any, dtype: np.dtype[Any], saturate: int = 1, round_mode: str = "up") -> Any:
    """Change the dtype, as ONNX does it."""
    plain = raw(x)
    if (
        not is_rare(plain.dtype)
        and not is_rare(dtype)
        and (plain.dtype.kind + dtype.kind).strip("biuf") == ""
    ):
        return ops.astype(x, dtype)
    if dtype.kind == "O":
        return np.array([str(v) for v in plain.reshape(-1)], object).reshape(plain.shape)
    if plain.dtype.kind in "OU":
        return plain.astype(np.str_).astype(np.float64).astype(dtype)
    if dtype.name == "float8_e8m0fnu":
        return onnx_helper().to_float8e8m0(plain, bool(saturate), round_mode)
    if saturate and dtype.name.startswith("float8"):
        return onnx_helper().saturate_cast(plain, dtype)
    return plain.astype(dtype)


def onnx_helper() -> Any:
    """Return the functions of the package onnx for its own dtypes."""
    import onnx.numpy_helper

    return onnx.numpy_helper


@operator("Cast")
def cast(x: Any, *, to: int, saturate: int = 1, round_mode: str = "up") -> Any:
    """Change the dtype."""
    return cast_to(x, dtype_of(to), saturate, round_mode)


@operator("CastLike")
def cast_like(x: Any, like: Any, *, saturate: int = 1, round_mode: str = "up") -> Any:
    """Change the dtype to that of another array."""
    return cast_to(x, raw(like).dtype, saturate, round_mode)


@operator("BitCast")
def bit_cast(x: Any, *, to: int) -> Any:
    """Read the bits as another dtype of the same size."""
    return raw(x).view(dtype_of(to))
