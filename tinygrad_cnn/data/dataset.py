"""The record of a labelled set of images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dataset"]


class Dataset(NamedTuple):
    """A set of labelled images.

    It is a named tuple: ``images, labels = dataset`` unpacks it, and a slice of each field is a part of it.

    Parameters
    ----------
    images : ndarray of float32, shape (N, C, H, W)
        The pixels, in [0, 1]. In the MNIST family 0 is the background and 1 is full ink.
    labels : ndarray of int64, shape (N,)
        The class of each image.

    Examples
    --------
    >>> import numpy as np
    >>> dataset = Dataset(np.zeros((3, 1, 28, 28), np.float32), np.array([7, 1, 0]))
    >>> images, labels = dataset
    >>> labels.tolist()
    [7, 1, 0]
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
