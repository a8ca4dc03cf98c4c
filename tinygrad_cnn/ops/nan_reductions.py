"""Reductions that leave out NaN, with NumPy's names and semantics; see ``reductions``.

They are made of operations, and so need no rules: what is left out gets no gradient from `where`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..stand_in import in_one_line, may_hold
from ..tape import raw
from ..types import Axes, NDArray, Operand, Out
from .elementwise import multiply, where
from .operands import of_numbers
from .reductions import max, mean, min, sum
from .shaping import as_array, plain

__all__ = ["nanmax", "nanmean", "nanmin", "nansum"]


def _filled(x: Any, value: float) -> tuple[Any, Any]:
    """Return ``x`` with a value in the place of each NaN, and where that is."""
    x = as_array(x)
    hole = np.isnan(raw(x))
    return (where(hole, x.dtype.type(value), x) if may_hold(hole) else x), hole


@of_numbers
def nansum(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    """Sum over axes, of the elements that are no NaN.

    Parameters
    ----------
    x : array_like
        The gradient to a NaN is 0.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> nansum(np.array([1.0, np.nan, 4.0]))
    np.float64(5.0)
    """
    return sum(_filled(x, 0)[0], axis, keepdims=keepdims)


@of_numbers
def nanmean(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    """Mean over axes, of the elements that are no NaN.

    Parameters
    ----------
    x : array_like
        The gradient to a NaN is 0.
        The mean of a slice of NaN alone is NaN, with NumPy's warning.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> nanmean(np.array([1.0, np.nan, 4.0]))
    np.float64(2.5)
    """
    filled, hole = _filled(x, 0)
    average = mean(filled, axis, keepdims=keepdims)
    if not may_hold(hole):
        return average
    return multiply(average, in_one_line(_shares, hole, axis, keepdims, filled.dtype))


def _shares(hole: NDArray, axis: Axes, keepdims: bool, dtype: np.dtype[Any]) -> NDArray:
    """Return what a mean that counted each NaN as 0 has to be multiplied by."""
    counts = np.sum(~hole, axis=axis, keepdims=keepdims)
    if not np.all(counts):
        warnings.warn("nanmean: mean of a slice of NaN alone", RuntimeWarning, stacklevel=4)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(hole.size / np.size(counts) / counts, dtype)
        return np.where(counts == 0, np.nan, share).astype(dtype)


@of_numbers
def nanmax(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    """Maximum over axes, of the elements that are no NaN; tied maxima share the cotangent evenly.

    Parameters
    ----------
    x : array_like
        The gradient to a NaN is 0.
        The maximum of a slice of NaN alone is NaN, with NumPy's warning.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> nanmax(np.array([1.0, np.nan, 4.0]))
    np.float64(4.0)
    """
    return _extremum("nanmax", max, -math.inf, x, axis, keepdims)


@of_numbers
def nanmin(x: Operand[Out], axis: Axes = None, *, keepdims: bool = False) -> Out:
    """Minimum over axes, of the elements that are no NaN; tied minima share the cotangent evenly.

    Parameters
    ----------
    x : array_like
        The gradient to a NaN is 0.
        The minimum of a slice of NaN alone is NaN, with NumPy's warning.
    axis : int, tuple of int or None
        The axes to reduce; None stands for all of them.
    keepdims : bool
        Keep the reduced axes at length 1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> nanmin(np.array([1.0, np.nan, 4.0]))
    np.float64(1.0)
    """
    return _extremum("nanmin", min, math.inf, x, axis, keepdims)


def _extremum(name: str, reduce: Callable[..., Any], loser: float, x: Any, axis: Axes, keepdims: bool) -> Any:
    """Reduce with a value that never wins in the place of NaN."""
    x = as_array(x)
    if x.dtype.kind != "f":
        return reduce(x, axis, keepdims=keepdims)
    filled, hole = _filled(x, loser)
    found = reduce(filled, axis, keepdims=keepdims)
    if not may_hold(hole):
        return found
    nothing = in_one_line(_all_of, hole, name, axis, keepdims)
    return plain(where(nothing, found.dtype.type(np.nan), found)) if may_hold(nothing) else found


def _all_of(hole: NDArray, name: str, axis: Axes, keepdims: bool) -> NDArray:
    """Return where all that is reduced is NaN, with a warning if it is so anywhere."""
    nothing: NDArray = np.all(hole, axis=axis, keepdims=keepdims)
    if np.any(nothing):
        warnings.warn(f"{name}: a slice of NaN alone", RuntimeWarning, stacklevel=5)
    return nothing
