"""Products of matrices."""

from __future__ import annotations

from typing import Any

from .table import exporter


@exporter("matmul")
def matmul(w: Any, a: Any, b: Any) -> Any:
    """Multiply matrices."""
    return w.put("MatMul", *(w.cast(x, w.result.dtype) for x in (a, b)))


@exporter("dot")
def dot(w: Any, a: Any, b: Any) -> Any:
    """Multiply matrices, vectors or numbers."""
    if len(w.shape(a)) > 2 or len(w.shape(b)) > 2:
        raise TypeError("more than two axes")
    is_scaled = not w.shape(a) or not w.shape(b)
    return w.put("Mul" if is_scaled else "MatMul", *(w.cast(x, w.result.dtype) for x in (a, b)))


@exporter("einsum")
def einsum(w: Any, *operands: Any, inputs: tuple[str, ...], output: str) -> Any:
    """Sum products over axes that are named by letters."""
    return w.put("Einsum", *operands, equation=f"{','.join(inputs)}->{output}")
