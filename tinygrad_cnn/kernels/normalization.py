"""Moments and batch normalisation over rows of batch-last memory.

An array of logical shape ``(N, C, *spatial)`` that is stored as ``(C, *spatial, N)`` is, without a copy, a
matrix of ``C`` contiguous rows, one for each channel: a statistic of a channel is a reduction of one row,
and an affine map of the channels runs over long rows.

Each function returns one result and computes the statistics that it needs again, because reading ``x`` once
more costs less than keeping the normalised copy of ``x`` alive from the forward to the backward pass.
"""

from __future__ import annotations

import math

import numpy as np

from ..types import NDArray


def moments(x: NDArray, axes: tuple[int, ...]) -> tuple[NDArray, NDArray]:
    """Return mean and biased variance over `axes`, which the results lack; float16 is summed in float32.

    The variance is the mean of ``(x - mean)**2``, in a second pass, because ``mean(x**2) - mean**2`` cancels.
    """
    axes = tuple(axis % x.ndim for axis in axes)
    if x.ndim > 1 and sorted(axes) == [0, *range(2, x.ndim)]:
        centred, mean = _centred(x)
        return mean.astype(x.dtype, copy=False), _mean_product(centred, centred).astype(x.dtype, copy=False)
    wide = np.promote_types(x.dtype, np.float32)
    mean = x.mean(axis=axes, keepdims=True, dtype=wide)
    var = np.square(x - mean).mean(axis=axes)
    return mean.squeeze(axes).astype(x.dtype, copy=False), np.asarray(var).astype(x.dtype, copy=False)


def batch_norm(
    x: NDArray,  # (N, C, *spatial)
    weight: NDArray,  # (C,)
    bias: NDArray,  # (C,)
    eps: float,
) -> NDArray:  # (N, C, *spatial), fresh, stored batch-last
    r"""Return :math:`w (x - \mu) / \sqrt{\sigma^2 + \epsilon} + b` with the statistics of each channel."""
    centred, _ = _centred(x)
    scale = weight / np.sqrt(_mean_product(centred, centred) + eps)
    centred *= scale[:, None]
    centred += bias[:, None]
    return _from_rows(centred, x)


def batch_norm_input_gradient(
    g: NDArray,  # (N, C, *spatial)
    x: NDArray,  # (N, C, *spatial)
    weight: NDArray,  # (C,)
    eps: float,
) -> NDArray:  # (N, C, *spatial), fresh, stored batch-last
    r"""Return the gradient of `batch_norm` to `x`.

    With :math:`s = 1 / \sqrt{\sigma^2 + \epsilon}` and means over a channel, it is
    :math:`w s (g - \overline{g} - (x - \mu)\, s^2\, \overline{g (x - \mu)})`.
    """
    rows = _rows(g)
    centred, _ = _centred(x)
    precision = 1 / (_mean_product(centred, centred) + eps)
    slope = -precision * _mean_product(rows, centred)
    scale = weight * np.sqrt(precision)
    centred *= slope[:, None]
    centred += rows
    centred -= _mean(rows)[:, None]
    centred *= scale[:, None]
    return _from_rows(centred, x)


def batch_norm_weight_gradient(
    g: NDArray,  # (N, C, *spatial)
    x: NDArray,  # (N, C, *spatial)
    eps: float,
) -> NDArray:  # (C,)
    r"""Return the gradient to `weight`, :math:`\sum g (x - \mu) / \sqrt{\sigma^2 + \epsilon}`."""
    centred, _ = _centred(x)
    deviation = np.sqrt(_mean_product(centred, centred) + eps)
    return (np.vecdot(_rows(g), centred) / deviation).astype(x.dtype, copy=False)


def _rows(x: NDArray) -> NDArray:
    """Return (N, C, *spatial) as contiguous rows (C, prod(spatial) * N), float16 as float32."""
    last = np.moveaxis(x, 0, -1)
    wide = np.promote_types(x.dtype, np.float32)
    return np.ascontiguousarray(last, wide).reshape(x.shape[1], math.prod(x.shape[2:]) * x.shape[0])


def _from_rows(rows: NDArray, x: NDArray) -> NDArray:
    """Return rows under the logical shape and in the dtype of `x`."""
    last = rows.reshape(x.shape[1], *x.shape[2:], x.shape[0])
    return np.moveaxis(last, -1, 0).astype(x.dtype, copy=False)


def _mean(rows: NDArray) -> NDArray:
    """Return the mean of each row; NumPy sums a contiguous row pairwise."""
    return rows.sum(axis=1) / _length(rows)


def _mean_product(a: NDArray, b: NDArray) -> NDArray:
    """Return the mean of ``a * b`` for each row, without the temporary product."""
    return np.vecdot(a, b) / _length(a)


def _length(rows: NDArray) -> int:
    """Return the length of the rows, or 1 if they are empty: then their sum is 0, and so is their mean."""
    return max(rows.shape[1], 1)


def _centred(x: NDArray) -> tuple[NDArray, NDArray]:
    """Return ``x - mean`` as fresh rows, and the mean of each channel."""
    rows = _rows(x)
    mean = _mean(rows)
    return rows - mean[:, None], mean
