"""Systems of linear equations and inverses, of one matrix or of a stack of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tape import primitive, raw
from ..types import Array, NDArray, Operand, Out
from .elementwise import negative
from .operands import numbers, of_numbers
from .products import matmul
from .shaping import expand_dims, squeeze, swapaxes

__all__ = ["inv", "solve"]


def transposed(x: Array) -> Array:
    """Return the transpose of each matrix.

    Examples
    --------
    >>> transposed(np.ones((2, 3, 4))).shape
    (2, 4, 3)
    """
    return swapaxes(x, -1, -2)


def explained(owner: str, wanted: str, function: Callable[..., Any], a: NDArray, *rest: NDArray) -> Any:
    """Call a function of NumPy's; its error gets to say what was expected of the matrices.

    Examples
    --------
    >>> explained("inv", "invertible matrices", np.linalg.inv, np.zeros((2, 2)))
    Traceback (most recent call last):
    numpy.linalg.LinAlgError: inv: a: expected invertible matrices, got shape (2, 2): Singular matrix
    """
    try:
        return function(a, *rest)
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(
            f"{owner}: a: expected {wanted}, got shape {np.shape(a)}: {error}"
        ) from None


_INVERTIBLE = "invertible matrices (pinv and lstsq take others)"


@primitive
def inv(a: Operand[Out]) -> Out:
    """Inverse of a matrix, or of each of a stack.

    Parameters
    ----------
    a : array_like, (..., n, n)

    Returns
    -------
    ndarray or Tensor, (..., n, n)

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular or not square.

    Examples
    --------
    >>> inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return explained("inv", _INVERTIBLE, np.linalg.inv, numbers(a))


inv.defvjp(a=lambda g, out: negative(matmul(transposed(out), matmul(g, transposed(out)))))


@of_numbers
def solve(a: Operand[Out], b: Operand[Out]) -> Out:
    """Solve the linear equations ``a @ x = b``, for one matrix or for a stack.

    Parameters
    ----------
    a : array_like, (..., n, n)
    b : array_like, (n,) or (..., n, k)
        Only a 1-d array is a vector; the leading axes broadcast.

    Returns
    -------
    ndarray or Tensor, (..., n) or (..., n, k)

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular or not square.

    Examples
    --------
    >>> solve(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0]))
    array([1., 2.])
    """
    if np.ndim(raw(b)) == 1:
        return squeeze(_solve(a, expand_dims(b, -1)), -1)
    return _solve(a, b)


@primitive(broadcasts=True)  # the leading axes broadcast
def _solve(a: Operand[Out], b: Operand[Out]) -> Out:
    return explained("solve", _INVERTIBLE, np.linalg.solve, a, b)


_solve.defvjp(
    a=lambda g, a, out: negative(matmul(_solve(transposed(a), g), transposed(out))),
    b=lambda g, a: _solve(transposed(a), g),
)
