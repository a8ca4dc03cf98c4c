"""Arrays that are stretched to one common shape, with NumPy's names."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .. import checks
from ..tape import broadcast_to, raw
from ..types import Array, Operand
from .operands import of_numbers
from .shaping import ravel, reshape

__all__ = ["broadcast_arrays", "meshgrid"]


@of_numbers
def broadcast_arrays(*arrays: Operand[Any]) -> tuple[Array, ...]:
    """Stretch arrays to the shape that they broadcast to.

    Parameters
    ----------
    *arrays : array_like

    Returns
    -------
    tuple of ndarray or Tensor
        Views.

    Examples
    --------
    >>> [x.tolist() for x in broadcast_arrays(np.array([1.0, 2.0]), 3.0)]
    [[1.0, 2.0], [3.0, 3.0]]
    """
    shape = np.broadcast_shapes(*(np.shape(raw(x)) for x in arrays))
    return tuple(broadcast_to(x, shape) for x in arrays)


@of_numbers
def meshgrid(
    *coordinates: Operand[Any], indexing: Literal["xy", "ij"] = "xy", sparse: bool = False
) -> tuple[Array, ...]:
    """Make the coordinates of the points of a grid from those along each of its axes.

    Parameters
    ----------
    *coordinates : array_like, 1-d or 0-d
    indexing : "xy" or "ij"
        Whether the first coordinate runs along the second axis of the grid, as in a plot, or along the first.
    sparse : bool
        Leave the other axes of each at length 1, so that they broadcast.

    Returns
    -------
    tuple of ndarray or Tensor
        One for each of the coordinates.

    Examples
    --------
    >>> x, y = meshgrid(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> x
    array([[1., 2.],
           [1., 2.]])
    >>> y
    array([[3., 3.],
           [4., 4.]])
    """
    checks.one_of("meshgrid", "indexing", indexing, ("xy", "ij"))
    ndim = len(coordinates)
    order = [1, 0, *range(2, ndim)] if indexing == "xy" and ndim > 1 else range(ndim)
    placed = tuple(
        reshape(ravel(x), tuple(-1 if i == place else 1 for i in range(ndim)))
        for x, place in zip(coordinates, order, strict=True)
    )
    return placed if sparse else broadcast_arrays(*placed)
