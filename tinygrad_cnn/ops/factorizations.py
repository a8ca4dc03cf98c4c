"""Factorizations of a matrix, or of each of a stack.

A primitive returns one array. So where there are several factors, it returns them one below the other, and
its rule is handed their cotangents in the same way.

Where singular values or eigenvalues are equal, their vectors are not determined, and have an infinite
derivative. A cotangent of zero passes as zero: functions of the values alone have a gradient there too.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from .. import checks
from ..tape import is_connected, primitive, raw
from ..types import Array, ArrayLike, NDArray, Operand, Out, Shape
from .elementwise import over
from .indexing import getitem
from .joining import concatenate
from .operands import of_numbers
from .products import matmul
from .shaping import as_array, expand_dims
from .solving import explained, solve, transposed

__all__ = ["cholesky", "eigh", "eigvalsh", "qr", "svd", "svdvals"]


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and the eigenvectors, one in each column."""

    eigenvalues: Any
    eigenvectors: Any


class SVDResult(NamedTuple):
    """The factors of ``U @ diag(S) @ Vh``."""

    U: Any
    S: Any
    Vh: Any


class QRResult(NamedTuple):
    """The factors of ``Q @ R``."""

    Q: Any
    R: Any


def _rows(x: Array, start: int | None, stop: int | None = None) -> Array:
    return getitem(x, (..., slice(start, stop), slice(None)))


def _row(x: Array, index: int) -> Array:
    return getitem(x, (..., index, slice(None)))


def _on_diagonal(x: Array) -> Array:
    """Make matrices with diagonals of given elements."""
    return np.eye(x.shape[-1], dtype=x.dtype) * expand_dims(x, -2)


# --- symmetric matrices -----------------------------------------------------------------------------------


def _symmetric(a: Array) -> Array:
    return (a + transposed(a)) * 0.5


def _symmetric_part(owner: str, a: ArrayLike) -> NDArray:
    array = np.asarray(a)
    rows, columns = _matrix_shape(owner, array)
    if rows != columns:
        raise np.linalg.LinAlgError(f"{owner}: a: expected square matrices, got shape {array.shape}")
    return np.asarray(_symmetric(array))


@of_numbers
def cholesky(a: Operand[Out], *, upper: bool = False) -> Out:
    """Cholesky factor of a symmetric positive definite matrix: ``L @ L.T`` is ``a``.

    Parameters
    ----------
    a : array_like, (..., n, n)
        What counts is its symmetric part, ``(a + a.T) / 2``: so the gradient is symmetric too.
    upper : bool
        Return ``L.T``.

    Returns
    -------
    ndarray or Tensor, (..., n, n)
        A lower triangle, with a positive diagonal.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is not positive definite.

    Examples
    --------
    >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 0.],
           [1., 2.]])
    """
    factor = _cholesky(a)
    return transposed(factor) if upper else factor


@primitive
def _cholesky(a: Operand[Out]) -> Out:
    wanted = "symmetric positive definite matrices"
    return explained("cholesky", wanted, np.linalg.cholesky, _symmetric_part("cholesky", a))


def _cholesky_rule(g: Array, out: Array) -> Array:
    lower = np.tri(out.shape[-1], dtype=out.dtype)
    inner = matmul(transposed(out), g) * (lower - 0.5 * np.eye(len(lower), dtype=out.dtype))
    half = solve(transposed(out), inner)
    return _symmetric(solve(transposed(out), transposed(half)))


_cholesky.defvjp(a=_cholesky_rule)


@of_numbers
def eigh(a: Operand[Any]) -> EighResult:
    """Eigenvalues and eigenvectors of a symmetric matrix.

    Parameters
    ----------
    a : array_like, (..., n, n)
        What counts is its symmetric part, ``(a + a.T) / 2``: so the gradient is symmetric too.

    Returns
    -------
    eigenvalues : ndarray or Tensor, (..., n)
        They stand in ascending order.
    eigenvectors : ndarray or Tensor, (..., n, n)
        One in each column. Where eigenvalues are equal, they are not determined, and have no gradient; their
        signs are free too, so that only what does not depend on the signs has a meaning.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is not square, or the iteration does not converge.

    Examples
    --------
    >>> eigh(np.array([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    array([1., 2.])
    """
    both = _eigh(a)
    return EighResult(_row(both, 0), _rows(both, 1))


@of_numbers
def eigvalsh(a: Operand[Out]) -> Out:
    """Eigenvalues of a symmetric matrix; see `eigh`.

    Parameters
    ----------
    a : array_like, (..., n, n)
        What counts is its symmetric part.

    Returns
    -------
    ndarray or Tensor, (..., n)
        They stand in ascending order.

    Examples
    --------
    >>> eigvalsh(np.array([[2.0, 0.0], [0.0, 1.0]]))
    array([1., 2.])
    """
    return eigh(a).eigenvalues


@primitive
def _eigh(a: Operand[Out]) -> Out:
    values, vectors = explained("eigh", "finite matrices", np.linalg.eigh, _symmetric_part("eigh", a))
    return np.concatenate([values[..., np.newaxis, :], vectors], -2)


def _eigh_rule(g: Array, out: Array) -> Array:
    values, vectors = _row(out, 0), _rows(out, 1)
    # on the diagonal the gap is 0, and so is what is divided by it
    gap = expand_dims(values, -2) - expand_dims(values, -1) + np.eye(out.shape[-1], dtype=out.dtype)
    turn = matmul(transposed(vectors), _rows(g, 1))
    inner = over((turn - transposed(turn)) * 0.5, gap) + _on_diagonal(_row(g, 0))
    return matmul(vectors, matmul(inner, transposed(vectors)))


_eigh.defvjp(a=_eigh_rule)


# --- any matrices -----------------------------------------------------------------------------------------


@of_numbers
def svd(a: Operand[Any], full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition: ``a`` is ``U @ diag(S) @ Vh``.

    Parameters
    ----------
    a : array_like, (..., m, n)
    full_matrices : bool
        Whether ``U`` and ``Vh`` are square. The columns that this adds, if ``a`` is not square, are free, and
        so no function of ``a``: with a gradient give False.
    compute_uv : bool
        Whether to return more than the singular values.

    Returns
    -------
    U : ndarray or Tensor, (..., m, m) or (..., m, min(m, n))
    S : ndarray or Tensor, (..., min(m, n))
        The singular values stand in descending order.
    Vh : ndarray or Tensor, (..., n, n) or (..., min(m, n), n)
        Where singular values are equal, their vectors are not determined, and have no gradient; the signs of
        the pairs of vectors are free too.

    Raises
    ------
    NotImplementedError
        If ``full_matrices`` asks for free columns of a tensor that has a gradient.

    Examples
    --------
    >>> svd(np.array([[0.0, 2.0], [1.0, 0.0]])).S
    array([2., 1.])
    """
    rows, columns = _matrix_shape("svd", a)
    if not compute_uv:
        return _row(_svd(a), 0)
    if full_matrices and rows != columns:
        if is_connected(a):
            raise NotImplementedError(
                f"svd: full_matrices: the free columns for matrices of {rows} by {columns} elements have "
                "no gradient: give full_matrices=False, or a.detach()"
            )
        return SVDResult(*np.linalg.svd(raw(a)))
    parts = _svd(a)
    return SVDResult(_rows(parts, 1, 1 + rows), _row(parts, 0), transposed(_rows(parts, 1 + rows)))


@of_numbers
def svdvals(a: Operand[Out]) -> Out:
    """Singular values of a matrix, in descending order; see `svd`.

    Parameters
    ----------
    a : array_like, (..., m, n)

    Returns
    -------
    ndarray or Tensor, (..., min(m, n))

    Examples
    --------
    >>> svdvals(np.array([[0.0, 2.0], [1.0, 0.0]]))
    array([2., 1.])
    """
    _matrix_shape("svdvals", a)
    return _row(_svd(a), 0)


def _matrix_shape(owner: str, a: Any) -> Shape:
    shape = np.shape(raw(a))
    if len(shape) < 2:
        raise np.linalg.LinAlgError(f"{owner}: a: expected at least two axes, got shape {shape}")
    return shape[-2:]


@primitive
def _svd(a: Operand[Out]) -> Out:
    u, s, vh = explained("svd", "finite matrices", lambda a: np.linalg.svd(a, full_matrices=False), a)
    return np.concatenate([s[..., np.newaxis, :], u, np.swapaxes(vh, -1, -2)], -2)


def _svd_rule(g: Array, out: Array, a_shape: Shape) -> Array:
    rows, columns = a_shape[-2:]
    (s, u, v), (gs, gu, gv) = ((_rows(x, 0, 1), _rows(x, 1, 1 + rows), _rows(x, 1 + rows)) for x in (out, g))
    turn_u, turn_v = matmul(transposed(u), gu), matmul(transposed(v), gv)
    down = transposed(s)
    # on the diagonal the gap is 0, and so is what is divided by it
    gap = (s - down) * (s + down) + np.eye(s.shape[-1], dtype=s.dtype)
    inner = over(turn_u - transposed(turn_u), gap) * s + down * over(turn_v - transposed(turn_v), gap)
    middle = matmul(u, inner + _on_diagonal(_row(gs, 0)))
    if columns > rows:  # vectors outside the span of the columns of v, which may turn that way too
        middle_v = over(gv - matmul(v, turn_v), s)
        return matmul(middle, transposed(v)) + matmul(u, transposed(middle_v))
    if rows > columns:
        middle = middle + over(gu - matmul(u, turn_u), s)
    return matmul(middle, transposed(v))


_svd.defvjp(a=_svd_rule)


@of_numbers
def qr(a: Operand[Any], mode: Literal["reduced", "r"] = "reduced") -> Any:
    """Factor a matrix into one with orthonormal columns and an upper triangle: ``a`` is ``Q @ R``.

    Parameters
    ----------
    a : array_like, (..., m, n)
        A gradient needs its first ``min(m, n)`` columns to be independent.
    mode : "reduced" or "r"
        Whether to return both factors, or the second alone.

    Returns
    -------
    Q : ndarray or Tensor, (..., m, min(m, n))
    R : ndarray or Tensor, (..., min(m, n), n)
        The signs of its rows are free.

    Examples
    --------
    >>> abs(qr(np.array([[3.0], [4.0]])).R)
    array([[5.]])
    """
    checks.one_of("qr", "mode", mode, ("reduced", "r"))
    rows, columns = _matrix_shape("qr", a)
    a = as_array(a)
    both = _qr(getitem(a, (..., slice(rows))))  # Q is that of the first columns
    q, r = _rows(both, None, rows), _rows(both, rows)
    if columns > rows:
        r = concatenate([r, matmul(transposed(q), getitem(a, (..., slice(rows, None))))], -1)
    return r if mode == "r" else QRResult(q, r)


@primitive
def _qr(a: Operand[Out]) -> Out:
    q, r = np.linalg.qr(a)
    return np.concatenate([q, r], -2)


def _qr_rule(g: Array, out: Array, a_shape: Shape) -> Array:
    rows = a_shape[-2]
    (q, r), (gq, gr) = ((_rows(x, None, rows), _rows(x, rows)) for x in (out, g))
    upper = np.tri(r.shape[-1], dtype=r.dtype).T - 0.5 * np.eye(r.shape[-1], dtype=r.dtype)
    half = (matmul(gr, transposed(r)) - matmul(transposed(q), gq)) * upper
    turned = gq + matmul(q, half + transposed(half))
    return transposed(solve(r, transposed(turned)))


_qr.defvjp(a=_qr_rule)


def rank_of(values: NDArray, rcond: float) -> int:
    """Count the singular values that are not negligible beside the largest.

    Examples
    --------
    >>> rank_of(np.array([2.0, 1.0, 1e-17]), 1e-15)
    2
    """
    return int(np.count_nonzero(values > rcond * np.max(values, initial=0)))
