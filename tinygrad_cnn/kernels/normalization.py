"""Moments and batch normalisation over rows of batch-last memory.

An array of logical shape ``(N, C, *spatial)`` that is stored as ``(C, *spatial, N)`` is, without a copy, a
matrix of ``C`` contiguous rows, one a channel: a statistic of a channel is a reduction of one row, and an
affine map of the channels runs over long rows.

Each function returns one array and computes the statistics it needs again: reading ``x`` once more costs
less than keeping the normalised copy of ``x`` alive from the forward to the backward pass.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["batch_norm", "batch_norm_backward", "batch_norm_weight_gradient", "moments"]

Array = NDArray[Any]


def moments(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Return mean and biased variance of `x` over `axes`, which the results lack.

    The variance is the mean of ``(x - mean)**2``, in a second pass: ``mean(x**2) - mean**2`` cancels.

    Parameters
    ----------
    x : ndarray
    axes : tuple of int
        For batch normalisation every axis but 1.

    Returns
    -------
    mean, var : ndarray
        In the dtype of `x`; float16 is summed in float32.

    Examples
    --------
    >>> mean, var = moments(np.array([[1.0, 5.0], [3.0, 5.0]]), (0,))
    >>> mean.tolist(), var.tolist()
    ([2.0, 5.0], [1.0, 0.0])
    """
    axes = tuple(axis % x.ndim for axis in axes)
    if x.ndim > 1 and sorted(axes) == [0, *range(2, x.ndim)]:
        centred, mean = _centred(x)
        return mean.astype(x.dtype, copy=False), _mean_product(centred, centred).astype(x.dtype, copy=False)
    wide = np.promote_types(x.dtype, np.float32)
    mean = x.mean(axis=axes, keepdims=True, dtype=wide)
    var = np.square(x - mean).mean(axis=axes)
    return mean.squeeze(axes).astype(x.dtype, copy=False), np.asarray(var).astype(x.dtype, copy=False)


def batch_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    r"""Return :math:`y = w (x - \mu) / \sqrt{\sigma^2 + \epsilon} + b` with the statistics of each channel.

    Parameters
    ----------
    x : ndarray, (N, C, *spatial)
    weight, bias : ndarray, (C,)
    eps : float
        Added to the variance, inside the root.

    Returns
    -------
    ndarray, (N, C, *spatial)
        Fresh, stored batch-last.

    Examples
    --------
    >>> batch_norm(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), 0.0).tolist()
    [[-1.0], [1.0]]
    """
    centred, _ = _centred(x)
    scale = weight / np.sqrt(_mean_product(centred, centred) + eps)
    centred *= scale[:, None]
    centred += bias[:, None]
    return _from_rows(centred, x)


def batch_norm_backward(g: Array, x: Array, weight: Array, eps: float) -> Array:
    r"""Return the gradient of `batch_norm` to `x`.

    With :math:`s = 1 / \sqrt{\sigma^2 + \epsilon}` and means over a channel,
    :math:`dx = w s (g - \overline{g} - (x - \mu)\, s^2\, \overline{g (x - \mu)})`.

    Parameters
    ----------
    g, x : ndarray, (N, C, *spatial)
    weight : ndarray, (C,)
    eps : float

    Returns
    -------
    ndarray, (N, C, *spatial)
        Fresh, stored batch-last.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0]])
    >>> batch_norm_backward(np.array([[1.0], [1.0]]), x, np.ones(1), 1e-5).tolist()
    [[0.0], [0.0]]
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


def batch_norm_weight_gradient(g: Array, x: Array, eps: float) -> Array:
    r"""Return the gradient of `batch_norm` to `weight`,
    :math:`\sum g (x - \mu) / \sqrt{\sigma^2 + \epsilon}`.

    Parameters
    ----------
    g, x : ndarray, (N, C, *spatial)
    eps : float

    Returns
    -------
    ndarray, (C,)
        Fresh.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0]])
    >>> batch_norm_weight_gradient(np.array([[1.0], [4.0]]), x, 0.0)
    array([3.])
    """
    centred, _ = _centred(x)
    deviation = np.sqrt(_mean_product(centred, centred) + eps)
    return (np.vecdot(_rows(g), centred) / deviation).astype(x.dtype, copy=False)


def _rows(x: Array) -> Array:
    """Return ``(N, C, *spatial)`` as contiguous rows ``(C, prod(spatial) * N)``, float16 as float32."""
    last = np.moveaxis(x, 0, -1)
    wide = np.promote_types(x.dtype, np.float32)
    return np.ascontiguousarray(last, wide).reshape(x.shape[1], math.prod(x.shape[2:]) * x.shape[0])


def _from_rows(rows: Array, x: Array) -> Array:
    """Return rows under the logical shape and in the dtype of `x`."""
    last = rows.reshape(x.shape[1], *x.shape[2:], x.shape[0])
    return np.moveaxis(last, -1, 0).astype(x.dtype, copy=False)


def _mean(rows: Array) -> Array:
    """Return the mean of each row; NumPy sums a contiguous row pairwise."""
    return rows.sum(axis=1) / max(rows.shape[1], 1)


def _mean_product(a: Array, b: Array) -> Array:
    """Return the mean of ``a * b`` for each row, without the temporary product."""
    return np.vecdot(a, b) / max(a.shape[1], 1)


def _centred(x: Array) -> tuple[Array, Array]:
    """Return ``x - mean`` as fresh rows, and the mean of each channel."""
    rows = _rows(x)
    mean = _mean(rows)
    return rows - mean[:, None], mean
