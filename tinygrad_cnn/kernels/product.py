"""Products of two matrices, cut where BLAS is faster on pieces.

The numbers are measured with NumPy's OpenBLAS. Other libraries only lose the little that cutting costs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import parallel

__all__ = ["SMALL_OUTPUT", "SMALL_PRODUCT", "product", "smallest_divisor"]

Array = NDArray[Any]

# OpenBLAS multiplies without packing its operands, up to twice as fast, where m * n * k is at most this; with
# the second operand transposed, also the result must be small.
SMALL_PRODUCT = 1_000_000
SMALL_OUTPUT = 1152

# Smaller products, and pieces of fewer rows or columns, lose more than they gain; a larger operand does not
# stay in the cache.
SMALLEST_CUT = 1 << 18
SHORTEST_PIECE = 16
LARGEST_OPERAND = 1 << 17

# Fewer multiplications are not worth waking a thread for.
SMALLEST_SHARED = 1 << 23

# A smaller outer product is not worth two operands of its own.
SMALLEST_OUTER = 1 << 13


def product(a: Array, b: Array) -> Array:
    """Multiply two matrices.

    Parameters
    ----------
    a : ndarray, (m, k)
    b : ndarray, (k, n)

    Returns
    -------
    ndarray, (m, n)
        Fresh, C-contiguous.

    Examples
    --------
    >>> product(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    (m, k), n = a.shape, b.shape[1]
    if k == 1:
        return _outer(a, b)
    threads = parallel.threads() if m * n * k >= SMALLEST_SHARED else 1
    if threads == 1 and _piece_count(m, k, n, b.strides[0] < b.strides[1]) == 1:
        return np.matmul(a, b)
    out = np.empty((m, n), np.result_type(a, b))
    if m > n:
        work, long = (lambda part: _multiply(a[part], b, out[part])), m
    else:
        work, long = (lambda part: _multiply(a, b[:, part], out[:, part])), n
    parallel.run(work, parallel.slices(long, threads), threads)
    return out


def _multiply(a: Array, b: Array, out: Array) -> None:
    """Write ``a @ b`` to `out`, in pieces where that is faster."""
    (m, k), n = a.shape, b.shape[1]
    pieces = _piece_count(m, k, n, b.strides[0] < b.strides[1])
    if pieces == 1:
        np.matmul(a, b, out=out)
    elif m > n:
        np.matmul(_cut(a, pieces), b, out=_cut(out, pieces))
    else:
        np.matmul(a, _cut(b.T, pieces).swapaxes(1, 2), out=_cut(out.T, pieces).swapaxes(1, 2))


@lru_cache(maxsize=1024)
def _piece_count(m: int, k: int, n: int, is_transposed: bool) -> int:
    """Return into how many equal pieces to cut the longer of the two sides of the result."""
    long = max(m, n)
    if m * n * k < SMALLEST_CUT or long * k > LARGEST_OPERAND:
        return 1
    largest = SMALL_PRODUCT // k
    if is_transposed:
        largest = min(largest, SMALL_OUTPUT)
    return smallest_divisor(long, -(-m * n // largest), long // SHORTEST_PIECE)


def smallest_divisor(size: int, least: int, most: int) -> int:
    """Return into how many equal pieces to cut `size`: the smallest number in a range that divides it.

    Parameters
    ----------
    size : int
    least, most : int
        Of the range, both included.

    Returns
    -------
    int
        1 if there is none.

    Examples
    --------
    >>> smallest_divisor(12, 5, 12), smallest_divisor(7, 2, 6)
    (6, 1)
    """
    return next((count for count in range(max(1, least), most + 1) if size % count == 0), 1)


def _cut(a: Array, count: int) -> Array:
    """Cut the rows of a matrix into equal pieces: a view ``(count, rows / count, columns)``."""
    return a.reshape(count, a.shape[0] // count, a.shape[1])


def _outer(a: Array, b: Array) -> Array:
    """Return ``(m, 1) @ (1, n)``, as a batch of one makes of every weight gradient.

    A product with a second column and row of zeros runs at the speed of memory; with a single one BLAS has
    no kernel, and a broadcast multiplication starts anew in every row.
    """
    dtype = np.result_type(a, b)
    if a.size * b.size < SMALLEST_OUTER or dtype.char not in "fd":
        return a * b
    left, right = np.zeros((a.shape[0], 2), dtype), np.zeros((2, b.shape[1]), dtype)
    left[:, :1], right[:1] = a, b
    return np.matmul(left, right)
