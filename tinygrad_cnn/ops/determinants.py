"""Determinants, of one matrix or of a stack of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..tape import Box, primitive, raw
from ..types import Array, Operand, Out
from .elementwise import where
from .factorizations import svd
from .operands import numbers, of_numbers
from .products import matmul
from .reductions import products_of_others
from .shaping import expand_dims, moveaxis
from .solving import explained, inv, transposed

__all__ = ["det", "slogdet"]


class SlogdetResult(NamedTuple):
    """The sign of a determinant, and the logarithm of its size."""

    sign: Any
    logabsdet: Any


def _as_matrices(x: Array) -> Array:
    return expand_dims(x, (-2, -1))


@primitive
def det(a: Operand[Out]) -> Out:
    """Determinant. The gradient is the matrix of cofactors, also of a singular matrix.

    Parameters
    ----------
    a : array_like, (..., n, n)
        Second derivatives of singular matrices exist if the singular values differ.

    Returns
    -------
    ndarray or Tensor, (...)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrices are not square.

    Examples
    --------
    >>> round(float(det(np.array([[1.0, 2.0], [3.0, 4.0]]))), 12)
    -2.0
    """
    return explained("det", "square matrices", np.linalg.det, numbers(a))


def _det_rule(g: Array, a: Array, out: Array) -> Array:
    if np.all(raw(out)):
        # on the tape it goes by `a` alone, as it does below
        return transposed(inv(a)) * _as_matrices(g * (det(a) if isinstance(a, Box) else out))
    return _cofactors(a) * _as_matrices(g)


def _cofactors(a: Array) -> Array:
    """Return the cofactors without a division, from those of the singular values."""
    u, s, vh = svd(a)
    sign = np.round(np.linalg.det(raw(u)) * np.linalg.det(raw(vh)))
    others = moveaxis(products_of_others(moveaxis(s, -1, 0)), 0, -1)
    return matmul(u * expand_dims(others, -2), vh) * _as_matrices(sign)


det.defvjp(a=_det_rule)


@of_numbers
def slogdet(a: Operand[Any]) -> SlogdetResult:
    """Sign of the determinant, and logarithm of its absolute value, which overflows less often.

    Parameters
    ----------
    a : array_like, (..., n, n)

    Returns
    -------
    sign : ndarray or Tensor, (...)
        1, -1, or 0 of a singular matrix; it is not on the tape.
    logabsdet : ndarray or Tensor, (...)
        Minus infinity of a singular matrix, with NaN as its gradient.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrices are not square.

    Examples
    --------
    >>> slogdet(np.array([[0.0, 1.0], [1.0, 0.0]]))
    SlogdetResult(sign=np.float64(-1.0), logabsdet=np.float64(0.0))
    """
    return SlogdetResult(_sign_of_det(a), _log_of_det(a))


@primitive(piecewise_constant=True)
def _sign_of_det(a: Operand[Out]) -> Out:
    return explained("slogdet", "square matrices", np.linalg.slogdet, a)[0]


@primitive
def _log_of_det(a: Operand[Out]) -> Out:
    return explained("slogdet", "square matrices", np.linalg.slogdet, a)[1]


def _log_of_det_rule(g: Array, a: Array, out: Array) -> Array:
    g, singular = _as_matrices(g), _as_matrices(raw(out) == -np.inf)
    if not singular.any():
        return g * transposed(inv(a))
    regular = where(singular, np.eye(a.shape[-1], dtype=a.dtype), a)
    undefined = np.where(raw(g) == 0, 0, np.nan).astype(a.dtype)  # what is not used stays 0
    return where(singular, undefined, g * transposed(inv(regular)))


_log_of_det.defvjp(a=_log_of_det_rule)
