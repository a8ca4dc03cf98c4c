"""Changed copies of images to train on, of a whole batch at once.

Each is a function ``(images, rng)``. Where an image moves, the background that comes in is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..checks import integer, within
from ..types import NDArray

__all__ = ["Crop", "Elastic", "Flip", "InTurn", "Rotate", "Shift"]


@dataclass(frozen=True)
class InTurn:
    """Apply several functions one after the other.

    Parameters
    ----------
    steps : tuple of callable
        The functions ``(images, rng)``, the first one first.

    Examples
    --------
    >>> images = np.arange(4.0, dtype=np.float32).reshape(1, 1, 2, 2)
    >>> InTurn((Shift(1), Flip()))(images, np.random.default_rng(0)).shape
    (1, 1, 2, 2)
    """

    steps: tuple[Callable[[NDArray, np.random.Generator], NDArray], ...]

    def __call__(self, images: NDArray, rng: np.random.Generator) -> NDArray:
        """Return a changed copy of images, shape (N, C, H, W)."""
        for step in self.steps:
            images = step(images, rng)
        return images


@dataclass(frozen=True)
class Crop:
    """Cut each image out of a larger one at a random place: it moves by whole pixels, in both directions.

    Parameters
    ----------
    padding : int
        The width of the border of zeros around the larger image, which is the farthest that an image moves.

    Raises
    ------
    ValueError
        If the padding is below 1.

    Examples
    --------
    >>> images = np.ones((1, 1, 2, 2), np.float32)
    >>> Crop(1)(images, np.random.default_rng(2))
    array([[[[0., 1.],
             [0., 0.]]]], dtype=float32)
    """

    padding: int = 4

    def __post_init__(self) -> None:
        integer("Crop: padding", self.padding, 1)

    def __call__(self, images: NDArray, rng: np.random.Generator) -> NDArray:
        """Return a changed copy of images, shape (N, C, H, W)."""
        n, _, height, width = images.shape
        p = self.padding
        padded = np.pad(images, ((0, 0), (0, 0), (p, p), (p, p)))
        top, left = rng.integers(0, 2 * p + 1, (2, n))
        rows = (top[:, None] + np.arange(height))[:, :, None]  # (N, H, 1)
        columns = (left[:, None] + np.arange(width))[:, None, :]  # (N, 1, W)
        cut = padded[np.arange(n)[:, None, None], :, rows, columns]  # (N, H, W, C)
        return np.ascontiguousarray(np.moveaxis(cut, -1, 1))


@dataclass(frozen=True)
class Flip:
    """Mirror half of the images, left to right.

    Examples
    --------
    >>> images = np.array([[[[1.0, 2.0]]]] * 3, np.float32)
    >>> Flip()(images, np.random.default_rng(0))[:, 0, 0]
    array([[1., 2.],
           [2., 1.],
           [2., 1.]], dtype=float32)
    """

    def __call__(self, images: NDArray, rng: np.random.Generator) -> NDArray:
        """Return a changed copy of images, shape (N, C, H, W)."""
        mirrored = rng.random(len(images)) < 0.5
        return np.where(mirrored[:, None, None, None], images[..., ::-1], images)


@dataclass(frozen=True)
class Shift:
    """Move each image by a random distance, which need not be whole pixels, in both directions.

    Parameters
    ----------
    pixels : float
        The farthest that an image moves along each axis.

    Raises
    ------
    ValueError
        If it is not above 0.

    Examples
    --------
    >>> images = np.ones((1, 1, 2, 2), np.float32)
    >>> Shift(1)(images, np.random.default_rng(0)).round(2)
    array([[[[0.73, 0.39],
             [1.  , 0.54]]]], dtype=float32)
    """

    pixels: float = 2.0

    def __post_init__(self) -> None:
        within("Shift", "pixels", self.pixels, "(0, inf)")

    def __call__(self, images: NDArray, rng: np.random.Generator) -> NDArray:
        """Return a changed copy of images, shape (N, C, H, W)."""
        rows, columns = _grid(images)
        down, right = rng.uniform(-self.pixels, self.pixels, (2, len(images), 1, 1))
        return _sample(images, rows - down, columns - right)


@dataclass(frozen=True)
class Rotate:
    """Turn each image about its centre by a random angle.

    Parameters
    ----------
    degrees : float
        The largest angle, to either side.

    Raises
    ------
    ValueError
        If it is not in ``(0, 180]``.

    Examples
    --------
    >>> images = np.ones((1, 1, 3, 3), np.float32)
    >>> float(Rotate(45)(images, np.random.default_rng(0))[0, 0, 1, 1])
    1.0
    """

    degrees: float = 10.0

    def __post_init__(self) -> None:
        within("Rotate", "degrees", self.degrees, "(0, 180]")

    def __call__(self, images: NDArray, rng: np.random.Generator) -> NDArray:
        """Return a changed copy of images, shape (N, C, H, W)."""
        rows, columns = _grid(images)
        middle_row, middle_column = ((size - 1) / 2 for size in images.shape[2:])
        angle = np.radians(rng.uniform(-self.degrees, self.degrees, (len(images), 1, 1)))
        y, x = rows - middle_row, columns - middle_column
        cos, sin = np.cos(angle), np.sin(angle)
        return _sample(images, middle_row + cos * y - sin * x, middle_column + sin * y + cos * x)


@dataclass(frozen=True)
class Elastic:
    """Bend each image by a smooth random field of displacements (Simard, Steinkraus & Platt 2003).

    Parameters
    ----------
    strength : float
        The standard deviation of the displacements, in pixels.
    smoothness : float
        The standard deviation of the Gaussian that smooths the field, in pixels.

    Raises
    ------
    ValueError
        If one of them is not above 0.

    Examples
    --------
    >>> images = np.ones((1, 1, 28, 28), np.float32)
    >>> bool((Elastic(1.0)(images, np.random.default_rng(0))[..., 5:-5, 5:-5] > 0.999).all())
    True
    """

    strength: float = 1.0
    smoothness: float = 4.0

    def __post_init__(self) -> None:
        within("Elastic", "strength", self.strength, "(0, inf)")
        within("Elastic", "smoothness", self.smoothness, "(0, inf)")

    def __call__(self, images: NDArray, rng: np.random.Generator) -> NDArray:
        """Return a changed copy of images, shape (N, C, H, W)."""
        n, _, height, width = images.shape
        noise = rng.standard_normal((2, n, height, width), np.float32)
        field = _blur(height, self.smoothness) @ noise @ _blur(width, self.smoothness).T
        rows, columns = _grid(images)
        down, right = np.float32(self.strength) * field
        return _sample(images, rows - down, columns - right)


def _blur(size: int, deviation: float) -> NDArray:
    """Return the matrix that blurs a line by a Gaussian, and keeps white noise at a deviation of 1."""
    places = np.arange(size, dtype=np.float32)
    weights = np.exp(-((places[:, None] - places) ** 2) / (2 * deviation**2))
    weights /= np.sqrt((weights**2).sum(1, keepdims=True))
    return weights.astype(np.float32)


def _grid(images: NDArray) -> tuple[NDArray, NDArray]:
    """Return the rows (H, 1) and the columns (1, W) of the pixels of images."""
    height, width = images.shape[2:]
    return np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]


def _sample(images: NDArray, rows: NDArray, columns: NDArray) -> NDArray:
    """Read images between their pixels, by bilinear interpolation; outside of an image there is 0.

    The images have shape (N, C, H, W); the rows and the columns to read at have shape (N, H', W'), also by
    broadcasting. A border of two zeros makes every place outside one that can be read.
    """
    n, channels, height, width = images.shape
    rows, columns = np.broadcast_arrays(
        np.clip(rows, -1, height).astype(np.float32), np.clip(columns, -1, width).astype(np.float32)
    )
    padded = np.pad(images, ((0, 0), (0, 0), (1, 2), (1, 2))).reshape(n, channels, -1)
    top, left = np.floor(rows), np.floor(columns)
    lower, righter = (rows - top)[:, None], (columns - left)[:, None]  # (N, 1, H', W')
    stride = width + 3
    first = ((top + 1) * stride + left + 1).astype(np.intp).reshape(n, 1, -1)

    def at(offset: int) -> NDArray:
        return np.take_along_axis(padded, first + offset, 2).reshape(n, channels, *rows.shape[1:])

    above = at(0) * (1 - righter) + at(1) * righter
    below = at(stride) * (1 - righter) + at(stride + 1) * righter
    return (above * (1 - lower) + below * lower).astype(images.dtype, copy=False)
