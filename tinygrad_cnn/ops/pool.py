"""Pooling over windows.

Max pooling routes the gradient to the winners, a scatter; the adjoint of that scatter gathers from the
winners. Both find the winners anew from the raw input, where they are locally constant.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..kernels import pool as kernel
from ..kernels.geometry import Padding, Pair, PoolSpec
from ..kernels.options import pair
from ..stand_in import in_one_line
from ..tape import constant_for, in_single, primitive, raw
from ..types import Array, NDArray, Out
from .conv import check_arrays, geometry
from .indexing import getitem
from .products import matmul
from .reductions import mean

__all__ = ["adaptive_avg_pool2d", "adaptive_max_pool2d", "avg_pool2d", "global_avg_pool2d", "max_pool2d"]


class MaxPooled(NamedTuple):
    """The maxima of windows, and where each of them was found, counted row by row."""

    values: Any
    indices: NDArray


def max_pool2d(
    x: NDArray | Out,
    kernel_size: int | Pair,
    *,
    stride: int | Pair | None = None,
    padding: int | Pair | Padding | str = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Out:
    """Maximum over windows; where elements tie, the first in scan order of the window gets the gradient.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
        The images; NaN propagates.
    kernel_size : int or (int, int)
        The size of a window; a pair is (height, width).
    stride : int or (int, int), optional
        The step between windows, which is the kernel size by default.
    padding : int, (int, int), ((top, bottom), (left, right)), "same" or "valid"
        The elements of minus infinity around the input, at most half the kernel. ``"same"`` gives
        ``ceil(in / stride)`` outputs, an odd element at the end.
    dilation : int or (int, int)
        The step between the elements of a window.
    ceil_mode : bool
        Whether a last window may reach past the padded input.
    return_indices : bool
        Whether to return also where the maxima are, which `max_unpool2d` takes.

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)
        With ``return_indices`` it is the first of a pair. The other is an array of int: the place of each
        winner in the plane (H, W), counted row by row.

    Raises
    ------
    ValueError
        If sizes do not fit.

    Examples
    --------
    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    check_arrays("max_pool2d", x=x)
    spec = geometry(
        "max_pool2d",
        PoolSpec.of,
        (x.shape,),
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )
    y = max_pool2d_output(x, spec=spec)
    return with_places(x, y, spec) if return_indices else y


def with_places(x: Array, y: Array, spec: PoolSpec, places: NDArray | None = None) -> Any:
    """Return maxima and where they are, if ``places`` says so of the elements of an image.

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [3.0, 2.0]]]])
    >>> with_places(x, np.array([[[[4.0]]]]), PoolSpec.of(x.shape, 2)).indices
    array([[[[1]]]])
    """
    return MaxPooled(y, in_one_line(_places, raw(x), raw(y), spec, places))


def _places(x: NDArray, y: NDArray, spec: PoolSpec, places: NDArray | None) -> NDArray:
    if places is None:
        places = np.arange(math.prod(x.shape[2:])).reshape(x.shape[2:])
    return kernel.max_gather(np.broadcast_to(places, x.shape), x, spec, y)


@primitive
def max_pool2d_output(x: NDArray | Out, *, spec: PoolSpec) -> Out:
    """The maxima of windows of a validated geometry; `max_pool2d` is its public form.

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [3.0, 2.0]]]])
    >>> max_pool2d_output(x, spec=PoolSpec.of(x.shape, 2))
    array([[[[4.]]]])
    """
    return kernel.max_forward(x, spec)


@primitive
@in_single
def max_pool2d_scatter(
    y: NDArray | Out,  # (N, C, OH, OW)
    x: NDArray,  # (N, C, H, W)
    *,
    spec: PoolSpec,
    maxima: NDArray | None = None,  # (N, C, OH, OW)
) -> Out:
    """Send each window's value to the element of ``x`` that won the window; linear in ``y``.

    ``x`` decides the winners and is not differentiable; its ``maxima`` save computing them again.

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [3.0, 2.0]]]])
    >>> max_pool2d_scatter(np.array([[[[7.0]]]]), x, spec=PoolSpec.of(x.shape, 2))[0, 0]
    array([[0., 7.],
           [0., 0.]])
    """
    return kernel.max_scatter(y, x, spec, maxima)


@primitive
def max_pool2d_gather(
    v: NDArray | Out,  # (N, C, H, W)
    x: NDArray,  # (N, C, H, W)
    *,
    spec: PoolSpec,
    maxima: NDArray | None = None,  # (N, C, OH, OW)
) -> Out:
    """Read ``v`` at the element of ``x`` that won each window: the adjoint of `max_pool2d_scatter`.

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [3.0, 2.0]]]])
    >>> max_pool2d_gather(10 * x, x, spec=PoolSpec.of(x.shape, 2))
    array([[[[40.]]]])
    """
    return kernel.max_gather(v, x, spec, maxima)


max_pool2d_output.defvjp(
    x=lambda g, x, out, spec: max_pool2d_scatter(g, raw(x), spec=spec, maxima=raw(out)),
)
max_pool2d_scatter.defvjp(
    y=lambda g, x, spec, maxima: max_pool2d_gather(g, x, spec=spec, maxima=maxima),
)
max_pool2d_gather.defvjp(
    v=lambda g, x, spec, maxima: max_pool2d_scatter(g, x, spec=spec, maxima=maxima),
)


def avg_pool2d(
    x: NDArray | Out,
    kernel_size: int | Pair,
    *,
    stride: int | Pair | None = None,
    padding: int | Pair | Padding | str = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Out:
    """Mean over windows.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
        The images.
    kernel_size : int or (int, int)
        The size of a window; a pair is (height, width).
    stride : int or (int, int), optional
        The step between windows, which is the kernel size by default.
    padding : int, (int, int), ((top, bottom), (left, right)), "same" or "valid"
        The zeros around the input, at most half the kernel; "same" as for `max_pool2d`.
    ceil_mode : bool
        Whether a last window may reach past the padded input; what lies beyond is not counted.
    count_include_pad : bool
        Whether the padding counts in the divisor: in Keras it does not.

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)

    Raises
    ------
    ValueError
        If sizes do not fit.

    Examples
    --------
    >>> avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    check_arrays("avg_pool2d", x=x)
    spec = geometry(
        "avg_pool2d",
        PoolSpec.of,
        (x.shape,),
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
    )
    return avg_pool2d_output(x, spec=spec, count_include_pad=count_include_pad)


@primitive
@in_single
def avg_pool2d_output(x: NDArray | Out, *, spec: PoolSpec, count_include_pad: bool) -> Out:
    """The means of windows of a validated geometry; `avg_pool2d` is its public form.

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [3.0, 2.0]]]])
    >>> avg_pool2d_output(x, spec=PoolSpec.of(x.shape, 2), count_include_pad=True)
    array([[[[2.5]]]])
    """
    return kernel.avg_forward(x, spec, count_include_pad)


@primitive
@in_single
def _avg_pool2d_input(y: NDArray | Out, *, spec: PoolSpec, count_include_pad: bool) -> Out:
    return kernel.avg_backward(y, spec, count_include_pad)


avg_pool2d_output.defvjp(
    x=lambda g, spec, count_include_pad: _avg_pool2d_input(g, spec=spec, count_include_pad=count_include_pad)
)
_avg_pool2d_input.defvjp(
    y=lambda g, spec, count_include_pad: avg_pool2d_output(g, spec=spec, count_include_pad=count_include_pad)
)


@in_single
def adaptive_avg_pool2d(x: NDArray | Out, output_size: int | Pair) -> Out:
    """Mean over windows that divide the input as evenly as they can.

    Window ``i`` of ``OH`` covers rows ``floor(i * H / OH)`` to ``ceil((i + 1) * H / OH)``.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
        The images.
    output_size : int or (int, int)
        The number of windows; a pair is (height, width).

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)

    Raises
    ------
    ValueError
        If ``x`` has not four axes, is empty in space, or a size is below 1.
    TypeError
        If a size is no integer.

    Examples
    --------
    >>> adaptive_avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), (1, 2))[0, 0]
    array([[6.5, 8.5]])
    """
    size = _adaptive_size("adaptive_avg_pool2d", x, output_size)
    rows, columns = (
        constant_for(x, _window_means, n, m, x.dtype) for n, m in zip(x.shape[2:], size, strict=True)
    )
    return matmul(matmul(rows, x), columns.T)  # (OH, H) @ (N, C, H, W) @ (W, OW)


def adaptive_max_pool2d(x: NDArray | Out, output_size: int | Pair, *, return_indices: bool = False) -> Out:
    """Maximum over windows that divide the input as evenly as they can, those of `adaptive_avg_pool2d`.

    Where elements tie, the first in scan order of the window gets the gradient.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
        The images; NaN propagates.
    output_size : int or (int, int)
        The number of windows; a pair is (height, width).
    return_indices : bool
        Whether to return also where the maxima are.

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)
        With ``return_indices`` it is the first of a pair, as for `max_pool2d`.

    Raises
    ------
    ValueError
        If ``x`` has not four axes, is empty in space, or a size is below 1.
    TypeError
        If a size is no integer.

    Examples
    --------
    >>> adaptive_max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), (1, 2))[0, 0]
    array([[13., 15.]])
    """
    size = _adaptive_size("adaptive_max_pool2d", x, output_size)
    rows, columns = (constant_for(x, _window_places, n, m) for n, m in zip(x.shape[2:], size, strict=True))
    # the windows side by side, as tiles of one size; an element that fills a tile up ties with itself, and
    # the first of the two wins
    tiles = getitem(x, (slice(None), slice(None), rows.reshape(-1, 1), columns.reshape(-1)))
    spec = PoolSpec.of(tiles.shape, (rows.shape[1], columns.shape[1]))
    y = max_pool2d_output(tiles, spec=spec)
    if not return_indices:
        return y
    return with_places(tiles, y, spec, rows.reshape(-1, 1) * x.shape[3] + columns.reshape(-1))


def _adaptive_size(op: str, x: Array, output_size: Any) -> Pair:
    """Check the arguments of an adaptive pooling, and return the size of its output as a pair."""
    check_arrays(op, x=x)
    size: Pair = geometry(op, pair, (output_size, "output_size", 1))
    if x.ndim != 4 or 0 in x.shape[2:]:
        raise ValueError(f"{op}: x: expected shape (N, C, H, W) with H, W >= 1, got {x.shape}")
    checks.held(f"{op}: output_size", (*x.shape[:2], *size))
    return size


def _windows(length: int, count: int) -> tuple[NDArray, NDArray]:
    """Return where each of some windows that divide an axis begins and ends, as columns."""
    index = np.arange(count)[:, None]
    return index * length // count, -((index + 1) * -length // count)


def _window_means(length: int, count: int, dtype: np.dtype[Any]) -> NDArray:
    """Return the matrix (windows, length) that takes the means along one axis."""
    start, stop = _windows(length, count)
    position = np.arange(length)
    is_covered = (position >= start) & (position < stop)
    return (is_covered / is_covered.sum(axis=1, keepdims=True)).astype(dtype)


def _window_places(length: int, count: int) -> NDArray:
    """Return the positions in each window along one axis; those of a smaller window repeat its last one."""
    start, stop = _windows(length, count)
    return np.minimum(start + np.arange((stop - start).max()), stop - 1)


def global_avg_pool2d(x: NDArray | Out) -> Out:
    """Mean of each channel over space.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
        The images.

    Returns
    -------
    ndarray or Tensor, (N, C)

    Raises
    ------
    ValueError
        If ``x`` has not four axes.

    Examples
    --------
    >>> global_avg_pool2d(np.ones((2, 3, 4, 4))).shape
    (2, 3)
    """
    check_arrays("global_avg_pool2d", x=x)
    if x.ndim != 4:
        raise ValueError(f"global_avg_pool2d: x: expected shape (N, C, H, W), got {x.shape}")
    return mean(x, (2, 3))
