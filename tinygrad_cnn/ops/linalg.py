"""Products of matrices, through BLAS."""

import math

import numpy as np

from ..tape import primitive
from .shaping import expand_dims, reshape, squeeze, swapaxes

__all__ = ["matmul"]


@primitive(broadcasts=True)  # over the leading axes; the rules below keep the last two
def matmul(a, b):
    """Matrix product ``a @ b``, for all the shapes NumPy allows.

    Parameters
    ----------
    a : array_like, (..., m, k) or (k,)
    b : array_like, (..., k, n) or (k,)
        Leading axes broadcast.

    Returns
    -------
    ndarray or Tensor, (..., m, n)
        Without the axis of a 1-d operand.

    Raises
    ------
    ValueError
        If the inner lengths differ or an operand is 0-d.

    Examples
    --------
    >>> matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0]))
    array([-1., -1.])
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim >= 2 and b.ndim >= 2 and a.shape[-1] == b.shape[-2] == 1:
        return a * b  # an outer product, as a batch of one makes of a weight gradient: no GEMM is faster
    return np.matmul(a, b)


def _matmul_a(g, b, a_shape):
    if len(a_shape) == 1:
        # (n,) or (..., n) against b (..., k, n), or 0-d against b (k,)
        return g * b if b.ndim == 1 else squeeze(matmul(b, expand_dims(g, -1)), -1)
    if b.ndim == 1:
        return expand_dims(g, -1) * b
    return matmul(g, swapaxes(b, -1, -2))


def _matmul_b(g, a, b_shape):
    if len(b_shape) == 1:
        return g * a if a.ndim == 1 else squeeze(matmul(swapaxes(a, -1, -2), expand_dims(g, -1)), -1)
    if a.ndim == 1:
        return expand_dims(a, -1) * expand_dims(g, -2)
    if a.ndim > 2 and len(b_shape) == 2:  # one product for the whole batch, instead of one each and a sum
        rows = math.prod(a.shape[:-1])  # -1 would be ambiguous for an array of size 0
        a, g = reshape(a, (rows, a.shape[-1])), reshape(g, (rows, g.shape[-1]))
    return matmul(swapaxes(a, -1, -2), g)


matmul.defvjp(a=_matmul_a, b=_matmul_b)
