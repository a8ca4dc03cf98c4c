"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import ops
from ..registry import operator


@operator("MatMul")
def matmul(a: Any, b: Any) -> Any:
    """Multiply matrices, as NumPy does."""
    return np.matmul(a, b) if a.dtype.kind in "iu" else ops.matmul(a, b)


@operator("Gemm")
def gemm(
    a: Any, b: Any, c: Any = None, *, alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0
) -> Any:
    """``alpha * a @ b + beta * c``, with transposed matrices where that is asked."""
    y = ops.matmul(ops.transpose(a) if transA else a, ops.transpose(b) if transB else b)
    if alpha != 1:
        y = y * alpha
    if c is None or beta == 0:
        return y
    return y + (c if beta == 1 else c * beta)


@operator("Einsum")
def einsum(*arrays: Any, equation: str) -> Any:
    """Sum products over axes that are named by letters."""
    return ops.einsum(equation.replace(" ", ""), *arrays)
