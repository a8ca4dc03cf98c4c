"""The way back from maximum pooling: values at the places of its winners, and zeros elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import checks
from ..kernels.geometry import Pair
from ..kernels.options import Triple
from ..stand_in import as_array, in_one_line
from ..tape import primitive, raw
from ..types import Array, NDArray, Operand, Out, Shape
from .conv import check_arrays, geometry
from .shaping import reshape

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def max_unpool1d(
    x: NDArray | Out,
    indices: Operand[Any],
    kernel_size: int,
    *,
    stride: int | None = None,
    padding: int = 0,
    output_size: Shape | None = None,
) -> Out:
    """Put the maxima of `max_pool1d` back where they were, and zeros elsewhere; see `max_unpool2d`.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, L)
        A value for each window.
    indices : array_like of int, (N, C, L)
        Where it belongs, as ``max_pool1d(..., return_indices=True)`` says.
    kernel_size : int
        The length of a window of that pooling.
    stride, padding : int, optional
        Its other options.
    output_size : tuple of int, optional
        The length of what it pooled, or its shape.

    Returns
    -------
    ndarray or Tensor, (N, C, OL)

    Raises
    ------
    ValueError
        If sizes do not fit, or an index is out of range.
    TypeError
        If the indices are not integers.

    Examples
    --------
    >>> max_unpool1d(np.array([[[3.0, 2.0]]]), np.array([[[1, 2]]]), 2)
    array([[[0., 3., 2., 0.]]])
    """
    return _unpooled("max_unpool1d", x, indices, (kernel_size, stride, padding), output_size, 1)


def max_unpool2d(
    x: NDArray | Out,
    indices: Operand[Any],
    kernel_size: int | Pair,
    *,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    output_size: Shape | None = None,
) -> Out:
    """Put the maxima of `max_pool2d` back where they were, and zeros elsewhere.

    Where windows overlap, several values may have one place. The last one stays, and alone has a gradient.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
        A value for each window.
    indices : array_like of int, (N, C, H, W)
        Where it belongs in the plane (OH, OW), counted row by row, as
        ``max_pool2d(..., return_indices=True)`` says.
    kernel_size : int or (int, int)
        The size of a window of that pooling; a pair is (height, width).
    stride, padding : int or (int, int), optional
        Its other options.
    output_size : tuple of int, optional
        The size (OH, OW) of what it pooled, or its shape. By default the smallest: several sizes may lead to
        one number of windows.

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)
        By default ``OH = (H - 1) * stride - 2 * padding + kernel_size``.

    Raises
    ------
    ValueError
        If sizes do not fit, or an index is out of range.
    TypeError
        If the indices are not integers.

    Examples
    --------
    >>> max_unpool2d(np.array([[[[4.0]]]]), np.array([[[[1]]]]), 2)[0, 0]
    array([[0., 4.],
           [0., 0.]])
    """
    return _unpooled("max_unpool2d", x, indices, (kernel_size, stride, padding), output_size, 2)


def max_unpool3d(
    x: NDArray | Out,
    indices: Operand[Any],
    kernel_size: int | Triple,
    *,
    stride: int | Triple | None = None,
    padding: int | Triple = 0,
    output_size: Shape | None = None,
) -> Out:
    """Put the maxima of `max_pool3d` back where they were, and zeros elsewhere; see `max_unpool2d`.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, D, H, W)
        A value for each window.
    indices : array_like of int, (N, C, D, H, W)
        Where it belongs in the volume (OD, OH, OW), as ``max_pool3d(..., return_indices=True)`` says.
    kernel_size : int or (int, int, int)
        The size of a window of that pooling; a triple is (depth, height, width).
    stride, padding : int or (int, int, int), optional
        Its other options.
    output_size : tuple of int, optional
        The size (OD, OH, OW) of what it pooled, or its shape.

    Returns
    -------
    ndarray or Tensor, (N, C, OD, OH, OW)

    Raises
    ------
    ValueError
        If sizes do not fit, or an index is out of range.
    TypeError
        If the indices are not integers.

    Examples
    --------
    >>> max_unpool3d(np.full((1, 1, 1, 1, 1), 4.0), np.full((1, 1, 1, 1, 1), 5), (1, 2, 3)).ravel()
    array([0., 0., 0., 0., 0., 4.])
    """
    return _unpooled("max_unpool3d", x, indices, (kernel_size, stride, padding), output_size, 3)


def _unpooled(
    op: str, x: Array, indices: Any, options: tuple[Any, Any, Any], output_size: Any, axes: int
) -> Array:
    check_arrays(op, x=x)
    indices = as_array(raw(indices))
    if x.ndim != axes + 2:
        raise ValueError(f"{op}: x: expected {axes + 2} axes, got shape {x.shape}")
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{op}: indices: expected integers, got {indices.dtype}")
    checks.shape(op, "indices", indices.shape, x.shape)
    size = geometry(op, _size, (x.shape, *options, output_size))
    lead = x.shape[:2]
    checks.held(f"{op}: output", (*lead, *size))
    places = in_one_line(_checked_places, reshape(indices, (*lead, math.prod(x.shape[2:]))), op, size)
    return reshape(put_in_rows(reshape(x, places.shape), places, length=math.prod(size)), (*lead, *size))


@primitive
def put_in_rows(x: Operand[Out], places: NDArray, *, length: int) -> Out:
    """Put values at places of rows of zeros; of several for one place the last one stays.

    Examples
    --------
    >>> put_in_rows(np.array([[[3.0, 2.0]]]), np.array([[[2, 0]]]), length=4)
    array([[[2., 0., 3., 0.]]])
    """
    rows = np.zeros((*x.shape[:2], length), x.dtype)
    np.put_along_axis(rows, places, x, 2)
    return rows


@primitive
def read_from_rows(rows: Operand[Out], places: NDArray) -> Out:
    """Read what `put_in_rows` has put, and 0 for a value that did not stay: its adjoint.

    Examples
    --------
    >>> read_from_rows(np.array([[[5.0, 6.0]]]), np.array([[[1, 1]]]))
    array([[[0., 6.]]])
    """
    values = np.take_along_axis(rows, places, 2)
    is_taken = np.zeros(rows.shape, bool)
    np.put_along_axis(is_taken, places, True, 2)
    if np.count_nonzero(is_taken) < places.size:
        order, last = np.arange(places.shape[2]), np.zeros(rows.shape, int)
        np.put_along_axis(last, places, np.broadcast_to(order, places.shape), 2)
        values[np.take_along_axis(last, places, 2) != order] = 0
    return values


put_in_rows.defvjp(x=lambda g, places: read_from_rows(g, places))
read_from_rows.defvjp(rows=lambda g, places, rows_shape: put_in_rows(g, places, length=rows_shape[2]))


def _size(x_shape: Shape, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Shape:
    """Return the size of what was pooled, the given one if the windows fit into it."""
    axes = len(x_shape) - 2
    kernel, pads = _each("kernel_size", kernel_size, axes, 1), _each("padding", padding, axes, 0)
    steps = kernel if stride is None else _each("stride", stride, axes, 1)
    least = tuple(
        (n - 1) * s - 2 * p + k for n, s, p, k in zip(x_shape[2:], steps, pads, kernel, strict=True)
    )
    if output_size is None and min(least) > 0:
        return least
    size = () if output_size is None else tuple(int(n) for n in output_size)[-axes:]
    if not len(size) == axes or not all(
        n - s < m < n + s for n, m, s in zip(least, size, steps, strict=True)
    ):
        raise ValueError(
            f"output_size: expected {axes} lengths, each nearer than the stride {steps} to {least}, got "
            f"{output_size}"
        )
    return size


def _each(name: str, value: Any, axes: int, least: int) -> Shape:
    """Return an option as one number for each axis."""
    values = value if isinstance(value, tuple) else (value,) * axes
    if len(values) != axes:
        raise ValueError(f"{name}: expected an integer or {axes} of them, got {value!r}")
    return tuple(checks.integer(name, n, least) for n in values)


def _checked_places(indices: NDArray, op: str, size: Shape) -> NDArray:
    """Return indices that all lie in an output of a size."""
    outside = (indices < 0) | (indices >= math.prod(size))
    if outside.any():
        found = indices[outside][0]
        raise ValueError(f"{op}: indices: expected places in an output of size {size}, got {found}")
    return indices
