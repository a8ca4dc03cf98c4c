"""Products of matrices, cut where BLAS is faster on pieces."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..types import NDArray
from . import parallel, thresholds
from .calls import Call, Operand, call, shared
from .memory import borrow, give_back


def product(a: NDArray, b: NDArray) -> NDArray:
    """Return ``a @ b`` for matrices (m, k) and (k, n), fresh and C-contiguous."""
    (m, k), n = a.shape, b.shape[1]
    if k == 1:
        return _outer(a, b)
    if is_one_call(a, b):
        return np.matmul(a, b)
    threads = parallel.threads() if m * n * k >= thresholds.SHARED_PRODUCT else 1
    out = np.empty((m, n), np.result_type(a, b))
    _share(a, b, out, threads)
    return out


def _share(a: NDArray, b: NDArray, out: NDArray, threads: int) -> None:
    """Write ``a @ b`` to `out`, a part of its longer side in each thread."""
    m, n = out.shape
    if m > n:
        work, long = (lambda part: _multiply(a[part], b, out[part])), m
    else:
        work, long = (lambda part: _multiply(a, b[:, part], out[:, part])), n
    parallel.run(work, parallel.slices(long, threads), threads)


def is_plain(m: int, k: int, n: int) -> bool:
    """Tell whether `product` of (m, k) and (k, n) is NumPy's own, however many threads there are."""
    return k > 1 and m * n * k < min(thresholds.SHARED_PRODUCT, thresholds.SMALLEST_CUT)


def is_one_call(a: NDArray, b: NDArray) -> bool:
    """Tell whether `product` of these is NumPy's own on the threads that there are."""
    (m, k), n = a.shape, b.shape[1]
    is_shared = parallel.threads() > 1 and m * n * k >= thresholds.SHARED_PRODUCT
    return k > 1 and not is_shared and _piece_count(m, k, n, b.strides[0] < b.strides[1]) == 1


def _multiply(a: NDArray, b: NDArray, out: NDArray) -> None:
    """Write ``a @ b`` to `out`, in pieces where that is faster."""
    np.matmul(*_cut(a, b, out))


def _cut(a: NDArray, b: NDArray, out: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return both factors and `out` as views of which `numpy.matmul` makes the pieces."""
    (m, k), n = a.shape, b.shape[1]
    pieces = _piece_count(m, k, n, b.strides[0] < b.strides[1])
    if m > n:
        return _cut_rows(a, pieces), b, _cut_rows(out, pieces)
    return a, _cut_rows(b.T, pieces).swapaxes(1, 2), _cut_rows(out.T, pieces).swapaxes(1, 2)


@lru_cache(maxsize=1024)
def _piece_count(m: int, k: int, n: int, is_transposed: bool) -> int:
    """Return into how many equal pieces to cut the longer of the two sides of the result."""
    long = max(m, n)
    if m * n * k < thresholds.SMALLEST_CUT or long * k > thresholds.LARGEST_OPERAND:
        return 1
    largest = thresholds.SMALL_PRODUCT // k
    if is_transposed:
        largest = min(largest, thresholds.SMALL_OUTPUT)
    return _smallest_divisor(long, -(-m * n // largest), long // thresholds.SHORTEST_PIECE)


def _cut_rows(a: NDArray, count: int) -> NDArray:
    """Cut the rows of a matrix into equal pieces: a view (count, rows / count, columns)."""
    return a.reshape(count, a.shape[0] // count, a.shape[1])


def _outer(a: NDArray, b: NDArray) -> NDArray:
    """Return ``(m, 1) @ (1, n)``, which is every weight gradient of a batch of one.

    A product with a second column and row of zeros runs at the speed of memory. With a single one BLAS has no
    kernel, and a broadcast multiplication starts anew in every row.
    """
    dtype = np.result_type(a, b)
    if not _is_widened(a.shape[0], b.shape[1], dtype):
        return a * b
    left, right = np.zeros((a.shape[0], 2), dtype), np.zeros((2, b.shape[1]), dtype)
    left[:, :1], right[:1] = a, b
    return np.matmul(left, right)


def _is_widened(m: int, n: int, dtype: np.dtype[Any]) -> bool:
    """Tell whether it pays; a single row or column is a number times a vector."""
    return min(m, n) > 1 and m * n >= thresholds.SMALLEST_OUTER and dtype.char in "fd"


def bound_product(a: Operand, b: Operand, out: NDArray) -> list[Call]:
    """Bind `product`: the calls that write it to ``out``."""
    (m, k), n = a.array.shape, b.array.shape[1]
    if k == 1:
        return _bound_outer(a, b, out)
    if is_one_call(a.array, b.array):
        return [call(np.matmul, a, b, out)]
    threads = parallel.threads() if m * n * k >= thresholds.SHARED_PRODUCT else 1
    shares = []
    for part in parallel.slices(max(m, n), threads):
        if m > n:
            piece = a.view(lambda a, part=part: a[part]), b, out[part]  # type: ignore[misc]
        else:
            piece = a, b.view(lambda b, part=part: b[:, part]), out[:, part]  # type: ignore[misc]
        shares.append([_bound_multiply(*piece)])
    return shared(shares, threads)


def _bound_multiply(a: Operand, b: Operand, out: NDArray) -> Call:
    return call(
        np.matmul,
        a.view(lambda a: _cut(a, b.array, out)[0]),
        b.view(lambda b: _cut(a.array, b, out)[1]),
        _cut(a.array, b.array, out)[2],
    )


def _bound_outer(a: Operand, b: Operand, out: NDArray) -> list[Call]:
    if not _is_widened(len(out), out.shape[1], out.dtype):
        return [call(np.multiply, a, b, out)]
    left, right = np.zeros((len(out), 2), out.dtype), np.zeros((2, out.shape[1]), out.dtype)
    return [
        call(np.copyto, left[:, :1], a),
        call(np.copyto, right[:1], b),
        call(np.matmul, left, right, out),
    ]


def multiply_columns(matrix: NDArray, columns: NDArray, out: NDArray) -> None:
    """Write ``matrix @ columns`` to `out`: (G, 1, m, k) by (G, B, k, n) gives (G, B, m, n)."""
    np.matmul(*chunked(matrix, columns, out))


def chunked(matrix: NDArray, columns: NDArray, out: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return the operands and the output of `multiply_columns` as views in which BLAS is fastest."""
    (_, _, m, k), n = matrix.shape, columns.shape[3]
    count = _chunk_count(m, k, n)
    if count == 1:
        return matrix, columns, out
    return matrix[:, :, None], _chunks(columns, count), _chunks(out, count)


class Correlation(NamedTuple):
    """``columns @ windows.T`` summed over B, (G, B, k, n) by (G, B, m, n), as one product and a sum."""

    groups: int
    batches: int
    pieces: int  # of the taps
    chunks: int  # of the windows
    k: int
    m: int

    @property
    def is_one_product(self) -> bool:
        """Whether nothing is left to sum."""
        return self.batches * self.pieces * self.chunks == 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the products that are summed over the second and the third axis."""
        return self.groups, self.batches, self.chunks, self.pieces, self.k // self.pieces, self.m

    def operands(self, columns: NDArray, windows: NDArray) -> tuple[NDArray, NDArray]:
        """Return views of both operands, for `numpy.matmul`."""
        if self.is_one_product:
            return columns[:, 0], windows[:, 0].swapaxes(1, 2)
        n = columns.shape[3]
        parts = columns.reshape(
            self.groups, self.batches, self.pieces, self.k // self.pieces, self.chunks, n // self.chunks
        )
        return parts.transpose(0, 1, 4, 2, 3, 5), _chunks(windows, self.chunks)[:, :, :, None].swapaxes(
            -1, -2
        )


@lru_cache(maxsize=1024)
def correlation(groups: int, batches: int, k: int, m: int, n: int) -> Correlation:
    """Plan a correlation of columns (G, B, k, n) with windows (G, B, m, n)."""
    pieces = _tap_pieces(m, k)
    count = _chunk_count(m, k // pieces, n) if m * k <= pieces * thresholds.SMALL_OUTPUT else 1
    return Correlation(groups, batches, pieces, count, k, m)


def correlate_columns(columns: NDArray, windows: NDArray) -> NDArray:
    """Return ``columns @ windows.T`` summed over B: (G, B, k, n) by (G, B, m, n) gives (G, k, m)."""
    cut = correlation(*columns.shape[:3], *windows.shape[2:])
    if cut.is_one_product:
        return np.matmul(*cut.operands(columns, windows))
    dtype = np.result_type(columns, windows)  # the sum insists on native byte order, which this has
    memory = borrow(math.prod(cut.shape) * dtype.itemsize)
    products = np.ndarray(cut.shape, dtype, memory)
    np.matmul(*cut.operands(columns, windows), out=products)
    total = products.sum(axis=(1, 2), dtype=dtype).reshape(cut.groups, cut.k, cut.m)
    give_back(memory)
    return total


@lru_cache(maxsize=1024)
def _chunk_count(m: int, k: int, n: int) -> int:
    """Return into how many equal chunks to cut the `n` columns of a product ``(m, k) @ (k, n)``."""
    return _smallest_divisor(n, -(-m * k * n // thresholds.SMALL_PRODUCT), n // thresholds.SHORTEST_CHUNK)


@lru_cache(maxsize=1024)
def _tap_pieces(m: int, k: int) -> int:
    """Return into how many equal pieces to cut the `k` taps of a weight gradient."""
    return _smallest_divisor(k, -(-m * k // thresholds.SMALL_OUTPUT), k // thresholds.FEWEST_TAPS)


def _chunks(a: NDArray, count: int) -> NDArray:
    """Cut the last axis of (G, B, m, n) into equal chunks: a view (G, B, count, m, n / count)."""
    groups, batches, m, n = a.shape
    return a.reshape(groups, batches, m, count, n // count).swapaxes(2, 3)


def _smallest_divisor(size: int, least: int, most: int) -> int:
    """Return the smallest number from `least` to `most` that divides `size`, or 1 if there is none."""
    return next((count for count in range(max(1, least), most + 1) if size % count == 0), 1)
