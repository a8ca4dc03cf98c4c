"""The same values in every memory layout that NumPy can give an array.

They are needed because a kernel that is wrong for all but C-contiguous arrays passes every test that feeds it
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

__all__ = ["LAYOUTS", "broadcasts", "relaid"]


def _negative(array: np.ndarray) -> np.ndarray:
    backwards = (slice(None, None, -1),) * array.ndim
    return np.array(array[backwards], order="C")[backwards]


def _strided(array: np.ndarray) -> np.ndarray:
    every_second = (slice(None, None, 2),) * array.ndim
    spaced = np.full(tuple(2 * n for n in array.shape), np.nan).astype(array.dtype)
    spaced[every_second] = array
    return spaced[every_second]


def _rotated(array: np.ndarray) -> np.ndarray:
    if array.ndim < 2:
        return array.copy()
    return np.moveaxis(np.array(np.moveaxis(array, 0, -1), order="C"), -1, 0)


def _readonly(array: np.ndarray) -> np.ndarray:
    frozen = np.array(array, order="C")
    frozen.flags.writeable = False
    return frozen


_MAKERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C order": lambda a: np.array(a, order="C"),
    "Fortran order": lambda a: np.array(a, order="F"),
    "transposed": _rotated,
    "negative strides": _negative,
    "gaps between elements": _strided,
    "read-only": _readonly,
}
LAYOUTS = tuple(_MAKERS)
"""The names that `relaid` knows."""


def relaid(array: np.ndarray, layout: str) -> np.ndarray:
    """Copy an array into another memory layout.

    Parameters
    ----------
    array : ndarray
        The array to copy.
    layout : str
        One of the names in `LAYOUTS`.

    Returns
    -------
    ndarray
        An array with the same values, shape and dtype.

    Examples
    --------
    >>> relaid(np.array([1.0, 2.0]), "negative strides").strides
    (-8,)
    """
    return _MAKERS[layout](np.asarray(array))


def broadcasts(array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield views with zero strides of some of an array's values, as a sum hands them back as a cotangent.

    Parameters
    ----------
    array : ndarray
        The array to take values of.

    Yields
    ------
    name : str
        A description of the view.
    view : ndarray
        A read-only view of the same shape and dtype.

    Examples
    --------
    >>> [view.strides for _, view in broadcasts(np.ones((2, 3)))]
    [(0, 0), (0, 8), (8, 0)]
    """
    if array.size == 0:
        return
    yield "one value broadcast", np.broadcast_to(array.reshape(-1)[0], array.shape)
    for axis in {0, array.ndim - 1} if array.ndim > 1 else ():
        first = np.take(array, [0], axis=axis)
        yield f"broadcast along axis {axis}", np.broadcast_to(first, array.shape)
