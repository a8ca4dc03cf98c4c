"""Pseudo-inverses and least squares, for matrices that need be neither square nor of full rank."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..tape import primitive, raw
from ..types import Array, NDArray, Operand, Out
from .elementwise import negative
from .factorizations import rank_of
from .operands import of_numbers
from .products import matmul
from .reductions import sum
from .shaping import as_array, reshape
from .solving import transposed

__all__ = ["lstsq", "pinv"]


class LstsqResult(NamedTuple):
    """What `numpy.linalg.lstsq` returns, under the names of its documentation."""

    x: Any
    residuals: Any
    rank: int
    s: NDArray


@primitive
def pinv(a: Operand[Out], rcond: float | None = None) -> Out:
    """Pseudo-inverse: the inverse where there is one, and else what gives the shortest least squares.

    Parameters
    ----------
    a : array_like, (..., m, n)
        Its gradient is that among matrices of the same rank.
    rcond : float, optional
        Singular values up to ``rcond`` times the largest count as 0; by default 1e-15.

    Returns
    -------
    ndarray or Tensor, (..., n, m)

    Examples
    --------
    >>> pinv(np.array([[2.0], [0.0]]))
    array([[0.5, 0. ]])
    """
    return np.linalg.pinv(a, rcond)


def _pinv_rule(g: Array, a: Array, out: Array) -> Array:
    inverse, back = transposed(out), transposed(g)
    left = negative(matmul(inverse, matmul(g, inverse)))
    beside = matmul(back, matmul(out, inverse))
    outside = beside - matmul(a, matmul(out, beside))
    below = matmul(inverse, matmul(out, back))
    return left + outside + below - matmul(matmul(below, out), a)


pinv.defvjp(a=_pinv_rule)


@of_numbers
def lstsq(a: Operand[Any], b: Operand[Any], rcond: float | None = None) -> LstsqResult:
    """Solve ``a @ x = b`` by least squares; of several solutions take the shortest.

    Parameters
    ----------
    a : array_like, (m, n)
    b : array_like, (m,) or (m, k)
    rcond : float, optional
        Singular values up to ``rcond`` times the largest count as 0; by default ``max(m, n)`` times the
        precision of the dtype.

    Returns
    -------
    x : ndarray or Tensor, (n,) or (n, k)
    residuals : ndarray or Tensor, (k,)
        The sums of squares that are left; empty unless ``a`` has more rows than columns and full rank.
    rank : int
        The rank of ``a``.
    s : ndarray
        The singular values of ``a``; they are not on the tape.

    Raises
    ------
    numpy.linalg.LinAlgError
        If ``a`` is no matrix, or the numbers of rows differ.

    Examples
    --------
    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0])).x
    array([2.])
    """
    a, b = as_array(a), as_array(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise np.linalg.LinAlgError(
            f"lstsq: expected a (m, n) and b (m,) or (m, k), got shapes {a.shape} and {b.shape}"
        )
    values = np.linalg.svd(raw(a), compute_uv=False)
    if rcond is None:
        rcond = float(np.finfo(values.dtype).eps) * max(a.shape)
    rank = rank_of(values, checks.within("lstsq", "rcond", rcond, "[0, inf)"))
    x = matmul(pinv(a, rcond), b)
    if rank < a.shape[1] or a.shape[0] <= a.shape[1]:
        return LstsqResult(x, np.zeros(0, values.dtype), rank, values)
    left = reshape(b - matmul(a, x), (len(b), -1))
    return LstsqResult(x, sum(left * left, 0), rank, values)
