"""The orders of axes that libraries keep images and weights in, as functions over trees of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from ..tape import raw
from ..types import NDArray

__all__ = ["channels_first", "channels_last", "from_hwio", "rows_from_hwc", "rows_to_hwc", "to_hwio"]


def __dir__() -> list[str]:
    return __all__


def _moved(arrays: Any, source: Any, destination: Any) -> Any:
    """Move axes of all arrays of a tree, into new arrays in C order."""

    def moved(x: Any) -> NDArray:
        return np.array(np.moveaxis(np.asarray(raw(x)), source, destination), order="C")

    return tree.map(moved, arrays)


def channels_last(images: Any) -> Any:
    """Return images (N, C, ...) as (N, ..., C), the order of Keras and Flax.

    Parameters
    ----------
    images : tree of (ndarray or Tensor), (N, C, ...)
        The images.

    Returns
    -------
    tree of ndarray

    Examples
    --------
    >>> channels_last(np.zeros((8, 3, 32, 32))).shape
    (8, 32, 32, 3)
    """
    return _moved(images, 1, -1)


def channels_first(images: Any) -> Any:
    """Return images (N, ..., C) as (N, C, ...), our order and that of PyTorch.

    Parameters
    ----------
    images : tree of (ndarray or Tensor), (N, ..., C)
        The images.

    Returns
    -------
    tree of ndarray

    Examples
    --------
    >>> channels_first(np.zeros((8, 32, 32, 3))).shape
    (8, 3, 32, 32)
    """
    return _moved(images, -1, 1)


def to_hwio(weights: Any) -> Any:
    """Return the kernels of convolutions (O, I, H, W) as (H, W, I, O), for any number of axes.

    Parameters
    ----------
    weights : tree of (ndarray or Tensor), (O, I, ...)
        The kernels.

    Returns
    -------
    tree of ndarray

    Examples
    --------
    >>> to_hwio(np.zeros((16, 8, 3, 5))).shape
    (3, 5, 8, 16)
    """
    return _moved(weights, (1, 0), (-2, -1))


def from_hwio(weights: Any) -> Any:
    """Return the kernels of convolutions (H, W, I, O) as (O, I, H, W), for any number of axes.

    Parameters
    ----------
    weights : tree of (ndarray or Tensor), (..., I, O)
        The kernels.

    Returns
    -------
    tree of ndarray

    Examples
    --------
    >>> from_hwio(np.zeros((3, 5, 8, 16))).shape
    (16, 8, 3, 5)
    """
    return _moved(weights, (-1, -2), (0, 1))


def rows_to_hwc(weight: Any, shape: tuple[int, int, int]) -> NDArray:
    """Return the weight of a dense layer, for images that are flattened with their channels last.

    Parameters
    ----------
    weight : ndarray or Tensor, (C * H * W, out)
        The weight of a layer after images that were flattened in our order.
    shape : (int, int, int)
        The channels, rows and columns of what is flattened.

    Returns
    -------
    ndarray, (H * W * C, out)

    Examples
    --------
    >>> rows_to_hwc(np.arange(4).reshape(4, 1), (2, 1, 2))[:, 0]
    array([0, 2, 1, 3])
    """
    array = np.asarray(raw(weight))
    return np.array(np.moveaxis(array.reshape(*shape, -1), 0, 2).reshape(array.shape), order="C")


def rows_from_hwc(weight: Any, shape: tuple[int, int, int]) -> NDArray:
    """Undo `rows_to_hwc`.

    Parameters
    ----------
    weight : ndarray or Tensor, (H * W * C, out)
        The weight of a layer after images that were flattened with their channels last.
    shape : (int, int, int)
        The channels, rows and columns of what is flattened.

    Returns
    -------
    ndarray, (C * H * W, out)

    Examples
    --------
    >>> rows_from_hwc(np.array([[0], [2], [1], [3]]), (2, 1, 2))[:, 0]
    array([0, 1, 2, 3])
    """
    array = np.asarray(raw(weight))
    c, h, w = shape
    return np.array(np.moveaxis(array.reshape(h, w, c, -1), 2, 0).reshape(array.shape), order="C")
