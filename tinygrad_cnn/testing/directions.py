"""The directions in which a check moves an operand, and the numbers that it draws for them.

A dense random direction shows one wrong element among thousands. A direction along a single element shows one
that is far smaller than the others, and finds the place of what a dense one has noticed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

_PICKED = 4  # elements of each operand and output that are looked at alone
_SCANNED = 256  # elements of a large array among which the worst is looked for


def small_integers(like: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw small integers as floats, of which products and sums of thousands are exact."""
    return rng.integers(-4, 5, like.shape).astype(np.float64)


def signed(low: float, high: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw numbers of either sign, whose sizes are between two bounds."""
    numbers: np.ndarray = rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)
    return numbers


def picked_elements(size: int, rng: np.random.Generator) -> list[int]:
    """Pick both corners of an array and some other elements, since errors like to sit at the ends."""
    if size <= _PICKED:
        return list(range(size))
    return [0, size - 1, *rng.integers(1, size - 1, _PICKED - 2).tolist()]


def element_lengths(x: np.ndarray) -> np.ndarray:
    """Return how far each element may move: by its own size, but not less than a sixteenth of the typical."""
    root_mean_square = math.sqrt(np.mean(np.square(x))) if x.size else 0.0
    return np.maximum(np.abs(x), root_mean_square / 16) if root_mean_square else np.ones_like(x)


def random_directions(x: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield directions along the picked elements; before them a dense one, unless these are all elements."""
    lengths = element_lengths(x)
    if x.size > _PICKED:
        yield lengths * signed(0.5, 1.0, x.shape, rng)
    for index in picked_elements(x.size, rng):
        yield _along_element(lengths, index)


def integer_directions(x: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw a dense direction of small integers, and unit directions along the picked elements."""
    dense, ones = small_integers(x, rng), np.ones(x.shape)
    return [dense, *(_along_element(ones, index) for index in picked_elements(x.size, rng))]


def single_elements(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the direction along every single element; of a large array along a sample of them."""
    size = lengths.size
    for index in range(size) if size <= _SCANNED else np.linspace(0, size - 1, _SCANNED).astype(int):
        yield _along_element(lengths, int(index))


def _along_element(lengths: np.ndarray, index: int) -> np.ndarray:
    direction = np.zeros(lengths.shape)
    direction.reshape(-1)[index] = lengths.reshape(-1)[index]
    return direction
