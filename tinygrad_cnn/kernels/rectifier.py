"""The rectified linear unit and its gradient; threads share the large ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..types import NDArray
from . import parallel, thresholds


def relu(x: NDArray) -> NDArray:
    """Return ``max(x, 0)``, elementwise, in the memory order of `x`; NaN stays."""
    if x.size < thresholds.LARGE_RECTIFIER or x.dtype.kind != "f":
        return np.maximum(x, 0)
    out = np.empty_like(x, x.dtype.type)  # of native byte order, as NumPy's results are
    _elementwise(_clip, x, out)
    return out


def _clip(x: NDArray, out: NDArray) -> None:
    """Write ``max(x, 0)`` to `out`."""
    # three times as fast as numpy.maximum, which has no vector instructions for a scalar
    x.clip(0, np.inf, out=out)


def relu_gradient(x: NDArray, y: NDArray) -> NDArray:
    """Return `x` where `y`, of the same shape, is positive, else 0; an infinite `x` gives NaN there."""
    if x.shape != y.shape:
        raise ValueError(f"x and y must be of one shape, got {x.shape} and {y.shape}")
    out = np.empty_like(y, x.dtype.type)
    _elementwise(_pass, y, x, out)
    return out


def _pass(y: NDArray, x: NDArray, out: NDArray) -> None:
    """Write ``x * (y > 0)`` to `out`."""
    # the mask has the dtype of the product, because NumPy would cast a mask of bools in small pieces
    np.greater(y, 0, out=out)
    np.multiply(x, out, out=out)


def _elementwise(work: Callable[..., None], *arrays: NDArray) -> None:
    """Call `work` on arrays of one shape, or on a part of them in each thread where that pays."""
    threads = parallel.threads()
    if threads == 1 or arrays[0].size < thresholds.SHARED_ELEMENTS:
        work(*arrays)
        return
    ordered = _in_memory_order(*arrays)
    parts = parallel.slices(len(ordered[0]), threads)
    parallel.run(lambda part: work(*(array[part] for array in ordered)), parts, threads)


def _in_memory_order(first: NDArray, *others: NDArray) -> list[NDArray]:
    """Return views with the axes in the order in which the first array lies in memory, flat if all do so."""
    axes = sorted(range(first.ndim), key=lambda axis: -abs(first.strides[axis]))
    arrays = [array.transpose(axes) for array in (first, *others)]
    if all(array.flags.c_contiguous for array in arrays):
        return [array.reshape(-1) for array in arrays]
    return arrays
