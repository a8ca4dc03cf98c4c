"""The rectified linear unit, and the gate that is its gradient: where they are large, shared by threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import parallel
from .memory import borrow, give_back

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
    # from here on by clip, three times faster: a maximum with a scalar has no vector instructions
    if not _is_shared(x):
        return x.clip(0, np.inf)
    out = np.empty_like(x)
    source, target = _in_memory_order(x, out)

    def rectify(part: slice) -> None:
        source[part].clip(0, np.inf, out=target[part])

    _share(rectify, source)
    return out


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
    if not _is_shared(x):
        return x * (y > 0)
    out = np.empty_like(y, x.dtype)
    signs, source, target = _in_memory_order(y, x, out)

    def pass_on(part: slice) -> None:
        memory = borrow(signs[part].size)
        is_open = np.ndarray(signs[part].shape, bool, memory)
        np.greater(signs[part], 0, out=is_open)
        np.multiply(source[part], is_open, out=target[part])
        give_back(memory)

    _share(pass_on, signs)
    return out


def _is_shared(array: Array) -> bool:
    """Return whether the work on each element of an array is worth several threads."""
    return array.size >= SHARED_ELEMENTS and parallel.threads() > 1


def _in_memory_order(first: Array, *others: Array) -> list[Array]:
    """Return views with the axes in the order in which the first array lies in memory, flat if all do so."""
    axes = sorted(range(first.ndim), key=lambda axis: -abs(first.strides[axis]))
    arrays = [array.transpose(axes) for array in (first, *others)]
    if all(array.flags.c_contiguous for array in arrays):
        return [array.reshape(-1) for array in arrays]
    return arrays


def _share(work: Callable[[slice], None], array: Array) -> None:
    """Call `work` on a slice of the first axis for each thread."""
    threads = parallel.threads()
    parallel.run(work, parallel.slices(len(array), threads), threads)
