"""The rectified linear unit, and the gate that is its gradient: where they are large, shared by threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import parallel

__all__ = ["gate", "relu"]

Array = NDArray[Any]

# Measured: the elements from which on a fast loop outweighs a slow call, and is worth a second thread.
LARGE = 1 << 12
SHARED_ELEMENTS = 1 << 19


def relu(x: Array) -> Array:
    """Return ``max(x, 0)``, elementwise; NaN stays.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    ndarray
        Fresh, in the memory order of `x`.

    Examples
    --------
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    if x.size < LARGE or x.dtype.kind != "f":
        return np.maximum(x, 0)
    out = np.empty_like(x, x.dtype.type)  # of native byte order, as NumPy's results are
    _elementwise(_clip, x, out)
    return out


def _clip(x: Array, out: Array) -> None:
    # three times as fast as a maximum with a scalar, which has no vector instructions
    x.clip(0, np.inf, out=out)


def gate(x: Array, y: Array) -> Array:
    """Return `x` where `y` is positive, else 0.

    Parameters
    ----------
    x : ndarray
        Finite where `y` is not positive.
    y : ndarray
        Of the shape of `x`.

    Returns
    -------
    ndarray
        Fresh, of the dtype of `x`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> gate(np.array([3.0, 4.0]), np.array([0.0, 1.0]))
    array([0., 4.])
    """
    if x.shape != y.shape:
        raise ValueError(f"x and y must be of one shape, got {x.shape} and {y.shape}")
    out = np.empty_like(y, x.dtype.type)
    _elementwise(_pass, y, x, out)
    return out


def _pass(y: Array, x: Array, out: Array) -> None:
    # the mask in the dtype of the product: times a bool, NumPy would cast it again, in small pieces
    np.greater(y, 0, out=out)
    np.multiply(x, out, out=out)


def _elementwise(work: Callable[..., None], *arrays: Array) -> None:
    """Call `work` on arrays of one shape, or on parts of them for each thread, where that pays."""
    threads = parallel.threads()
    if threads == 1 or arrays[0].size < SHARED_ELEMENTS:
        work(*arrays)
        return
    ordered = _in_memory_order(*arrays)
    parts = parallel.slices(len(ordered[0]), threads)
    parallel.run(lambda part: work(*(array[part] for array in ordered)), parts, threads)


def _in_memory_order(first: Array, *others: Array) -> list[Array]:
    """Return views with the axes in the order in which the first array lies in memory, flat if all do so."""
    axes = sorted(range(first.ndim), key=lambda axis: -abs(first.strides[axis]))
    arrays = [array.transpose(axes) for array in (first, *others)]
    if all(array.flags.c_contiguous for array in arrays):
        return [array.reshape(-1) for array in arrays]
    return arrays
