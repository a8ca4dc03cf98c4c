"""How a special function is applied to an array: in which dtype, and a block at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..types import NDArray

_BLOCK = 2**16  # elements: what a formula needs for them between its steps stays in the cache


def special_function(formula: Callable[..., NDArray]) -> Callable[..., NDArray]:
    """Apply a formula, of float32 or float64 vectors and an order, to arrays of any shape and dtype.

    float16 is computed in float32, and integers in float64. The result has the dtype of a floating operand.
    What is no real number, such as None or a text, raises a TypeError, as from NumPy's functions. What is
    already known of the elements may follow, as arrays with the layout of the operand; for float16, in which
    it has lost its digits, it is not handed on. An array ``factor`` of the operand's shape multiplies the
    result while that is in the cache; where it is 0 the product is, also where the result is not finite.
    """

    @functools.wraps(formula)
    def of_any(x: Any, order: int, *known: NDArray, factor: NDArray | None = None) -> NDArray:
        x = np.asarray(x)
        dtype = np.dtype(x.dtype.type if x.dtype.kind == "f" else np.float64)
        wide = np.promote_types(dtype, np.float32)
        out = np.empty_like(x, dtype)
        source, target = _ravelled(x, out), out.ravel(order="K")
        factors = None if factor is None else _ravelled(factor, out)
        beside = [_ravelled(array, out) for array in known] if dtype == wide else []
        for start in range(0, x.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            operand = source[block].astype(wide, casting="same_kind", copy=False)
            target[block] = formula(operand, order, *(array[block] for array in beside))
            if factors is not None:
                _multiply(target[block], factors[block])
        return out

    return of_any


def _multiply(value: NDArray, factor: NDArray) -> None:
    with np.errstate(all="ignore"):
        value *= factor
    hole = np.isnan(value)
    if np.count_nonzero(hole):
        value[hole & (factor == 0)] = 0


def _ravelled(array: NDArray, like: NDArray) -> NDArray:
    """Return the elements in the order that those of `like` have in memory.

    NumPy's own order for an array with strides of 0, which is what broadcasting makes, is another one.
    """
    laid = np.empty_like(like, array.dtype)
    if array.strides != laid.strides:
        laid[...] = array
        array = laid
    return array.ravel(order="K")
