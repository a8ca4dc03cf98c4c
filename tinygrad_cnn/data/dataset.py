"""What a labelled set of images is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Dataset(NamedTuple):
    """Labelled greyscale images.

    A named tuple: it unpacks like ``images, labels = dataset``, and a part of it is a slice of each field.

    Parameters
    ----------
    images : ndarray of float32, shape (N, 1, 28, 28)
        Pixels in [0, 1]: 0 is the background, 1 is full ink.
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
