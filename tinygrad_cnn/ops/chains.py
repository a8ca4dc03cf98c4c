"""Products of several matrices."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks
from ..tape import astype, constant_for, in_single, raw, single
from ..types import Array, Operand, Out
from .elementwise import where
from .operands import of_numbers
from .products import matmul
from .shaping import as_array, expand_dims, reshape
from .solving import inv
from .stacking import atleast_2d

__all__ = ["matrix_power", "multi_dot"]


@of_numbers
def matrix_power(a: Operand[Out], n: int) -> Out:
    """Multiply a matrix by itself, in as many steps as ``n`` has binary digits.

    Parameters
    ----------
    a : array_like, (..., m, m)
    n : int
        The exponent; a negative one is that of the inverse.

    Returns
    -------
    ndarray or Tensor, (..., m, m)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrices are not square, or a singular one is to be inverted.

    Examples
    --------
    >>> matrix_power(np.array([[1.0, 1.0], [0.0, 1.0]]), 5)
    array([[1., 5.],
           [0., 1.]])
    """
    shape = np.shape(raw(a))
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise np.linalg.LinAlgError(f"matrix_power: a: expected square matrices, got shape {shape}")
    n = checks.integer("matrix_power: n", n, -np.inf)
    square: Array = as_array(inv(a) if n < 0 else a)
    if n == 0:
        return where(np.True_, constant_for(square, np.eye, shape[-1], None, 0, square.dtype), square)
    return _power(square, abs(n))


@in_single
def _power(square: Array, n: int) -> Array:
    """Multiply those of the powers 1, 2, 4, 8, ... that the binary digits of ``n`` name."""
    factors = []
    for digit in reversed(bin(n)[2:]):
        if digit == "1":
            factors.append(square)
        if len(factors) < bin(n).count("1"):
            square = matmul(square, square)
    return functools.reduce(matmul, factors)


@of_numbers
def multi_dot(arrays: Sequence[Operand[Any]]) -> Array:
    """Product of several matrices, multiplied in the order that takes the fewest operations.

    Parameters
    ----------
    arrays : sequence of array_like
        Two matrices or more. The first may be a vector, which is a row, and the last too, which is a column.

    Returns
    -------
    ndarray or Tensor
        It lacks the axis of a vector.

    Raises
    ------
    ValueError
        If there are fewer than two, or neighbours do not fit.

    Examples
    --------
    >>> multi_dot([np.ones((2, 3)), np.ones((3, 4)), np.ones(4)])
    array([12., 12.])
    """
    if len(arrays) < 2:
        raise ValueError(f"multi_dot: arrays: expected at least two, got {len(arrays)}")
    ndims = [np.ndim(raw(x)) for x in arrays]
    if any(ndim != 2 for ndim in ndims[1:-1]) or not {ndims[0], ndims[-1]} <= {1, 2}:
        raise np.linalg.LinAlgError(
            f"multi_dot: arrays: expected matrices, or vectors at the ends, got {ndims} axes"
        )
    last = expand_dims(arrays[-1], 1) if ndims[-1] == 1 else arrays[-1]
    matrices = [atleast_2d(arrays[0]), *arrays[1:-1], last]
    sizes = [*(np.shape(raw(x))[0] for x in matrices), np.shape(raw(last))[1]]

    @functools.cache
    def best(start: int, stop: int) -> tuple[int, int]:
        """Return the fewest multiplications for matrices ``start`` to ``stop``, and where to cut them."""
        if stop - start == 1:
            return 0, start
        ends = sizes[start] * sizes[stop]
        cuts = range(start + 1, stop)
        return min((best(start, cut)[0] + best(cut, stop)[0] + ends * sizes[cut], cut) for cut in cuts)

    def product(start: int, stop: int) -> Any:
        cut = best(start, stop)[1]
        return (
            single(matrices[start]) if stop - start == 1 else matmul(product(start, cut), product(cut, stop))
        )

    kind = np.result_type(*(raw(x) for x in matrices))
    whole = product(0, len(matrices))  # in single precision where it is rounded to halves, once
    whole = whole if whole.dtype == kind else astype(whole, kind)
    ends = [size for size, ndim in zip(whole.shape, (ndims[0], ndims[-1]), strict=True) if ndim == 2]
    return reshape(whole, tuple(ends))
