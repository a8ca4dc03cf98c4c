"""Reductions that leave out NaN, with NumPy's names and semantics; see ``reductions``.

They are made of operations, and so need no rules: what is left out gets no gradient from `where`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tape import raw
from ..types import Axes, Operand, Out
from .elementwise import multiply, where
from .operands import of_numbers
from .reductions import max, mean, min, sum
from .shaping import as_array

__all__ = ["nanmax", "nanmean", "nanmin", "nansum"]


def _filled(x: Any, value: float) -> tuple[Any, Any]:
    """Return ``x`` with a value in the place of each NaN, and where that is."""
    x = as_array(x)
    hole = np.isnan(raw(x))
    return (where(hole, np.asarray(value, x.dtype), x) if np.any(hole) else x), hole


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
    if not np.any(hole):
        return average
    counts = np.sum(~hole, axis=axis, keepdims=keepdims)
    if not np.all(counts):
        warnings.warn("nanmean: mean of a slice of NaN alone", RuntimeWarning, stacklevel=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(hole.size / np.size(counts) / counts, filled.dtype)
        return multiply(average, np.where(counts == 0, np.nan, share).astype(filled.dtype))


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
    filled, hole = _filled(x, loser) if np.asarray(raw(x)).dtype.kind == "f" else (x, np.False_)
    found = reduce(filled, axis, keepdims=keepdims)
    if not np.any(hole):
        return found
    nothing = np.all(hole, axis=axis, keepdims=keepdims)
    if not np.any(nothing):
        return found
    warnings.warn(f"{name}: a slice of NaN alone", RuntimeWarning, stacklevel=3)
    return where(nothing, np.asarray(np.nan, found.dtype), found)
