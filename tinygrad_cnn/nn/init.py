"""Initial values of weights. Each is a function ``(rng, shape) -> float64 ndarray``.

The fan-in is the number of inputs that one output sums: ``in`` of a dense weight ``(in, out)``,
``C * KH * KW`` of a convolution weight ``(O, C, KH, KW)``. The draw is made in float64 and cast by the
caller, so that a seed gives the same network in every dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

__all__ = ["fans", "he_normal", "he_uniform", "xavier_normal", "xavier_uniform"]


def __dir__() -> list[str]:
    return __all__


Initializer = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Count the fan-in and the fan-out of a dense ``(in, out)`` or convolution ``(O, C, KH, KW)`` weight.

    Parameters
    ----------
    shape : tuple of int
        The shape of the weight.

    Returns
    -------
    (int, int)

    Raises
    ------
    ValueError
        If the shape has fewer than two axes.

    Examples
    --------
    >>> fans((784, 128)), fans((16, 8, 3, 3))
    ((784, 128), (72, 144))
    """
    if len(shape) < 2:
        raise ValueError(f"fans: expected a weight of two axes or more, got shape {shape}")
    if len(shape) == 2:
        return shape[0], shape[1]
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def he_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw from a normal distribution of variance ``2 / fan_in`` (He et al. 2015, eq. 10).

    This variance keeps the scale of the values through a relu.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of the random numbers.
    shape : tuple of int
        The shape of the weight.

    Returns
    -------
    ndarray of float64

    Examples
    --------
    >>> sample = he_normal(np.random.default_rng(0), (784, 128))
    >>> round(float(sample.std()), 3), round((2 / 784) ** 0.5, 3)
    (0.051, 0.051)
    """
    return rng.standard_normal(shape) * math.sqrt(2 / fans(shape)[0])


def he_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw uniformly with variance ``2 / fan_in``, from the interval ``±sqrt(6 / fan_in)`` (He et al. 2015).

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of the random numbers.
    shape : tuple of int
        The shape of the weight.

    Returns
    -------
    ndarray of float64

    Examples
    --------
    >>> bool(abs(he_uniform(np.random.default_rng(0), (6, 100))).max() <= 1.0)
    True
    """
    bound = math.sqrt(6 / fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


def xavier_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw from a normal distribution of variance ``2 / (fan_in + fan_out)`` (Glorot & Bengio 2010, eq. 12).

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of the random numbers.
    shape : tuple of int
        The shape of the weight.

    Returns
    -------
    ndarray of float64

    Examples
    --------
    >>> sample = xavier_normal(np.random.default_rng(0), (784, 128))
    >>> round(float(sample.std()), 3), round((2 / (784 + 128)) ** 0.5, 3)
    (0.047, 0.047)
    """
    return rng.standard_normal(shape) * math.sqrt(2 / sum(fans(shape)))


def xavier_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw uniformly from ``±sqrt(6 / (fan_in + fan_out))`` (Glorot & Bengio 2010, eq. 16).

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of the random numbers.
    shape : tuple of int
        The shape of the weight.

    Returns
    -------
    ndarray of float64

    Examples
    --------
    >>> bool(abs(xavier_uniform(np.random.default_rng(0), (3, 3))).max() <= 1.0)
    True
    """
    bound = math.sqrt(6 / sum(fans(shape)))
    return rng.uniform(-bound, bound, shape)
