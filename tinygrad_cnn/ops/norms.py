"""Norms of vectors and matrices, by NumPy's names of their orders."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ..tape import in_single, primitive, raw
from ..types import Array, Axes, NDArray, Operand, Out
from .elementary import power
from .elementwise import abs, where
from .operands import of_numbers
from .reductions import is_normal, kept_shape, max, min, reduced_axes, sum, unreduce
from .shaping import moveaxis, reshape

__all__ = ["norm"]

Order: TypeAlias = float | str | None


@of_numbers
def norm(
    x: Operand[Out], ord: Order = None, axis: Axes = None, keepdims: bool = False
) -> Out:  # NumPy's names
    """Norm of vectors or matrices, as `numpy.linalg.norm` reads its order; its gradient at zero is 0.

    Without an order it is the Euclidean norm of all elements, or of those along the axes, however many.

    Parameters
    ----------
    x : array_like
    ord : float or str, optional
        Of vectors any number ``p``, for ``sum(abs(x)**p)**(1/p)``; ``inf`` and ``-inf`` are the largest and
        the smallest size of an element, 0 counts those that are not zero. Of matrices "fro", 1, -1,
        ``inf`` or ``-inf``: the largest or smallest sum of sizes along a column or a row; 2, -2 or "nuc":
        the largest or smallest singular value, or the sum of all.
    axis : int, tuple of int or None
        One axis of vectors or two of matrices; None stands for all axes.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    ValueError
        If the order is none of a vector, or of a matrix, or if there are more axes than two.

    Examples
    --------
    >>> norm(np.array([[3.0, 4.0], [0.0, 0.0]]), axis=1)
    array([5., 0.])
    >>> float(norm(np.array([[1.0, -2.0], [3.0, 4.0]]), 1))
    6.0
    """
    if ord is None:
        return _euclidean(x, axis, keepdims=bool(keepdims))
    shape = np.shape(raw(x))
    axes = reduced_axes(len(shape), axis)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(
        f"norm: axis: expected one axis or two for ord={ord!r}, got {len(axes)} of shape {shape}"
    )


def _vector_norm(x: Array, ord: Any, axis: int, keepdims: bool) -> Array:
    if isinstance(ord, str):
        raise ValueError(f"norm: ord: expected a number for vectors, got {ord!r}")
    if ord in (np.inf, -np.inf):
        return (max if ord > 0 else min)(abs(x), axis, keepdims=keepdims)
    if ord == 0:
        return (raw(x) != 0).sum(axis, keepdims=keepdims).astype(np.result_type(raw(x), np.float16))
    if ord == 1:
        return sum(abs(x), axis, keepdims=keepdims)
    if ord == 2:
        return _euclidean(x, axis, keepdims=keepdims)
    return _power_norm(x, ord, axis, keepdims)


@in_single
def _power_norm(x: Array, order: float, axis: int, keepdims: bool) -> Array:
    # divided by the largest, which cancels in the derivative too, no power overflows
    scale = np.max(np.abs(raw(x)), axis=axis, keepdims=True, initial=0)
    scale = np.where((scale > 0) & np.isfinite(scale), scale, 1)
    total = sum(power(abs(x / scale), order), axis, keepdims=True)
    zero = raw(total) == 0
    size = where(zero, 0.0, power(where(zero, 1.0, total), 1 / order)) * scale
    return size if keepdims else reshape(size, np.delete(size.shape, axis).tolist())


def _matrix_norm(x: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    rows, columns = axes
    if ord in ("fro", "f"):
        return _euclidean(x, axes, keepdims=keepdims)
    if ord in (2, -2, "nuc"):
        return _spectral_norm(x, ord, axes, keepdims)
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(
            f"norm: ord: expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf for matrices, got {ord!r}"
        )
    sums = sum(abs(x), rows if ord in (1, -1) else columns, keepdims=True)
    return (max if ord > 0 else min)(sums, axes, keepdims=keepdims)


def _spectral_norm(x: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    from .factorizations import svdvals  # few programs need it, and it takes 5 % of the import

    values = svdvals(moveaxis(x, axes, (-2, -1)))
    # the size of a singular value is the value, but where it is 0 its slope is 0, the one nearest to zero
    found = sum(abs(values), -1) if ord == "nuc" else (max if ord > 0 else min)(values, -1)
    return reshape(found, kept_shape(np.shape(raw(x)), axes)) if keepdims else found


@primitive
@in_single
def _euclidean(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    x = np.asarray(x)
    with np.errstate(over="ignore", under="ignore"):
        total = np.sum(np.square(x), axis=axis, keepdims=keepdims)
    if x.dtype.kind == "f" and not is_normal(total, x.dtype):
        return _scaled_norm(x, axis, keepdims)
    return np.sqrt(total)


def _scaled_norm(x: NDArray, axis: Axes, keepdims: bool) -> NDArray:
    """Return the norm of elements divided by the largest, times that: no square overflows or underflows."""
    scale = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    scale = np.where((scale > 0) & np.isfinite(scale), scale, 1).astype(x.dtype)
    total = np.sqrt(np.sum(np.square(x / scale), axis=axis, keepdims=True)) * scale
    return total if keepdims else np.squeeze(total, reduced_axes(x.ndim, axis))


@in_single
def _euclidean_rule(g: Array, x: Array, out: Array, axis: Axes) -> Array:
    length = reshape(out, kept_shape(x.shape, axis))
    safe = where(raw(length) == 0, 1.0, length)  # 0 / 1 at the zero vector, its smallest subgradient
    return unreduce(g, x.shape, axis) * (x / safe)


_euclidean.defvjp(x=_euclidean_rule)
