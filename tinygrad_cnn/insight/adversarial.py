"""Adversarial examples: images that a small change makes a network take for something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..autodiff import grad
from ..types import ArrayLike, NDArray

__all__ = ["fgsm"]


def fgsm(
    loss: Callable[[Any], Any],
    images: ArrayLike,
    epsilon: float,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> NDArray:
    """Move every pixel by ``epsilon`` so that the loss grows (Goodfellow et al. 2014, section 4).

    The result is ``clip(x + epsilon * sign(d loss / d x))``, the fast gradient sign method.

    Parameters
    ----------
    loss : callable
        A function from images to a scalar, made of operations: ``lambda x: cross_entropy(f(x), labels)``.
    images : array_like of float
        The images.
    epsilon : float
        How far each pixel is moved; a pixel whose gradient is zero stays.
    bounds : (float, float)
        The lowest and the highest value that a pixel can have.

    Returns
    -------
    ndarray
        The changed images, of the same shape and dtype.

    Raises
    ------
    ValueError
        If ``epsilon`` is negative.

    Examples
    --------
    >>> fgsm(lambda x: (x * np.array([1.0, -2.0, 0.0])).sum(), np.array([0.5, 0.5, 0.5]), 0.1)
    array([0.6, 0.4, 0.5])
    """
    checks.within("fgsm", "epsilon", epsilon, "[0, inf)")
    images = np.asarray(images)
    moved = images + epsilon * np.sign(grad(loss)(images))
    return np.clip(moved, *bounds).astype(images.dtype)
