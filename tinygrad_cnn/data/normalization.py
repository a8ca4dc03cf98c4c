"""The normalisation of images, which a model has to be given in the same way ever after."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..types import ArrayLike, NDArray

__all__ = ["Normalization"]


class Normalization(NamedTuple):
    """Subtract the mean of each channel, and divide by its standard deviation.

    Parameters
    ----------
    mean, std : ndarray of float32, shape (C,)
        One number for each channel.

    Examples
    --------
    >>> images = np.array([[[[1.0]]], [[[3.0]]]], np.float32)  # two images of one pixel
    >>> normalization = Normalization.of(images)
    >>> normalization(images).ravel()
    array([-1.,  1.], dtype=float32)
    """

    mean: NDArray
    std: NDArray

    @classmethod
    def of(cls, images: ArrayLike) -> Normalization:
        """Measure the channels of images.

        Parameters
        ----------
        images : array_like, shape (N, C, H, W)
            The images to train on, at least one.

        Returns
        -------
        Normalization
            The mean and the standard deviation of each channel, 1 in the place of a deviation of 0.

        Raises
        ------
        ValueError
            If the shape is another, or there is no image.
        """
        pixels = np.asarray(images)
        if pixels.ndim != 4 or not pixels.size:
            raise ValueError(f"Normalization: images: expected shape (N, C, H, W), got {pixels.shape}")
        mean = pixels.mean((0, 2, 3), dtype=np.float64)
        std = pixels.std((0, 2, 3), dtype=np.float64)
        return cls(mean.astype(np.float32), np.where(std == 0, 1, std).astype(np.float32))

    @classmethod
    def none(cls, channels: int) -> Normalization:
        """Return the normalisation that leaves images as they are.

        Parameters
        ----------
        channels : int
            The number of channels.

        Returns
        -------
        Normalization
        """
        return cls(np.zeros(channels, np.float32), np.ones(channels, np.float32))

    def __call__(self, images: ArrayLike) -> NDArray:
        """Return normalised images.

        Parameters
        ----------
        images : array_like, shape (N, C, H, W)
            The images.

        Returns
        -------
        ndarray of float32, shape (N, C, H, W)
        """
        mean, std = (values[:, None, None] for values in self)
        normalised = np.subtract(images, mean, dtype=np.float32)
        normalised /= std
        return normalised
