"""Slopes and areas of functions that are known at sampled points, and such points, with NumPy's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import checks
from ..tape import astype, constant_for, in_single, raw
from ..types import Array, Axes, NDArray, Operand, Out
from .cumulative import diff
from .joining import concatenate
from .operands import of_numbers
from .reductions import reduced_axes, sum
from .shaping import as_array, moveaxis, reshape

__all__ = ["gradient", "linspace", "trapezoid"]


@of_numbers
def linspace(
    start: Operand[Out], stop: Operand[Out], num: int = 50, endpoint: bool = True, *, axis: int = 0
) -> Out:
    """Evenly spaced numbers from ``start`` to ``stop``; both may be differentiated.

    Parameters
    ----------
    start, stop : array_like
        They broadcast.
    num : int
        How many numbers.
    endpoint : bool
        Whether ``stop`` is the last of them, or the one after the last.
    axis : int
        The axis of the result along which they lie.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> linspace(1.0, 2.0, 5)
    array([1.  , 1.25, 1.5 , 1.75, 2.  ])
    """
    start, stop = as_array(start, like=stop), as_array(stop, like=start)
    kind = np.result_type(start.dtype, stop.dtype, 0.0)
    ndim = len(np.broadcast_shapes(start.shape, stop.shape))
    share = constant_for(start, _shares, num, endpoint, kind).reshape(-1, *(1,) * ndim)
    return moveaxis(start * (1 - share) + stop * share, 0, axis)


def _shares(num: int, endpoint: bool, dtype: np.dtype[Any]) -> NDArray:
    """Return how far each of some evenly spaced numbers lies from the first to the last."""
    return np.linspace(0, 1, num, endpoint, dtype=dtype)


@of_numbers
def gradient(f: Operand[Out], *spacing: Operand[Any], axis: Axes = None, edge_order: int = 1) -> Any:
    """Slopes of sampled values: central differences inside, one-sided ones at both ends.

    Parameters
    ----------
    f : array_like, at least 1-d
        The values.
    *spacing : array_like
        The step between samples, 1 by default, or the coordinates of all samples. One serves all axes; or
        there is one for each.
    axis : int, tuple of int or None
        The axes along which to take slopes; None stands for all of them.
    edge_order : int
        1 or 2, whether two samples or three give the slope at an end.

    Returns
    -------
    ndarray or Tensor, or a tuple of one for each of several axes
        Each has the shape of ``f``, and its dtype if that is floating, otherwise float64.

    Raises
    ------
    TypeError
        If the values or the coordinates are booleans.
    ValueError
        If an axis has not more than ``edge_order`` samples, or the numbers of spacings or coordinates do not
        fit.

    Examples
    --------
    >>> gradient(np.array([1.0, 2.0, 4.0, 7.0]))
    array([1. , 1.5, 2.5, 3. ])
    >>> gradient(np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 3.0]))
    array([1., 1., 1.])
    """
    f = _floating("f", f)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order: expected 1 or 2, got {edge_order!r}")
    axes = reduced_axes(f.ndim, axis)
    steps = spacing * len(axes) if len(spacing) == 1 else spacing or (1.0,) * len(axes)
    if len(steps) != len(axes):
        raise ValueError(
            f"gradient: spacing: expected one, or one for each of {len(axes)} axes, got {len(steps)}"
        )
    steps = tuple(as_array(step, like=f) if np.ndim(raw(step)) else step for step in steps)
    slopes = tuple(_slopes(f, step, along, edge_order) for along, step in zip(axes, steps, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _floating(name: str, x: Any) -> Array:
    """Return values whose differences are exact: those of integers would wrap around, booleans have none."""
    x = as_array(x)
    if x.dtype.kind == "b":
        raise TypeError(f"gradient: {name}: expected numbers, got bool: convert them, with astype(float)")
    return astype(x, np.float64) if x.dtype.kind in "iu" else x


@in_single
def _slopes(f: Array, spacing: Any, axis: int, edge_order: int) -> Array:
    """Take slopes along one axis, by the parabola through neighbours."""
    f = moveaxis(f, axis, 0)
    if len(f) <= edge_order:
        raise ValueError(
            f"gradient: f: expected more than {edge_order} samples along axis {axis}, got {len(f)}"
        )
    shape = np.shape(raw(spacing))
    if shape not in ((), (len(f),)):
        raise ValueError(f"gradient: spacing: expected {len(f)} coordinates, got shape {shape}")
    # a Python number leaves the dtype as it is
    steps = (
        diff(_floating("spacing", spacing))
        if shape
        else constant_for(f, np.ones, len(f) - 1, f.dtype) * spacing
    )
    steps = reshape(steps, (-1,) + (1,) * (f.ndim - 1))
    between = diff(f, axis=0) / steps
    before, after = steps[:-1], steps[1:]
    # the slope of the parabola changes linearly from one interval to the next
    change = (between[1:] - between[:-1]) / (before + after)
    first, last = between[:1], between[-1:]
    if edge_order == 2:
        first, last = first - steps[:1] * change[:1], last + steps[-1:] * change[-1:]
    slopes = moveaxis(concatenate([first, between[:-1] + before * change, last]), 0, axis)
    return slopes if slopes.dtype == f.dtype else astype(slopes, f.dtype)


@of_numbers
@in_single
def trapezoid(y: Operand[Out], x: Operand[Any] | None = None, dx: Operand[Any] = 1.0, axis: int = -1) -> Out:
    """Area below sampled values, by the trapezoidal rule.

    Parameters
    ----------
    y : array_like, at least 1-d
        The values.
    x : array_like, optional
        The coordinates of the samples: as many as ``y`` has along the axis, or an array that broadcasts.
    dx : array_like
        The step between samples, where there are no coordinates.
    axis : int

    Returns
    -------
    ndarray or Tensor
        It lacks the axis.

    Examples
    --------
    >>> float(trapezoid(np.array([1.0, 2.0, 4.0])))
    4.5
    """
    y = as_array(y)
    y = moveaxis(y, checks.axis("trapezoid", axis, y.ndim), 0)
    steps: Any = dx
    if x is not None:
        x = as_array(x, like=y)
        steps = diff(x) if x.ndim == 1 else diff(moveaxis(x, axis, 0), axis=0)
    if np.ndim(raw(steps)) == 1:
        steps = reshape(steps, (-1,) + (1,) * (y.ndim - 1))
    return sum(steps * (y[1:] + y[:-1]) / 2, 0)
