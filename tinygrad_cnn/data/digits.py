"""Handwritten-like digits, which the package generates: a data set that needs no download.

One image is one skeleton of `strokes`, which is deformed, fitted into the frame as MNIST does, and drawn with
a pen. Each of the three steps works on a block of images at once. Lengths are in sides of the sheet before
the fit and in pixels after it.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .dataset import Dataset
from .splines import Skeletons, stack_skeletons
from .strokes import SKELETONS

__all__ = ["digits"]

_SIDE = 28  # pixels
_BOX = 20.0  # MNIST fits every digit into a box of 20 x 20 pixels inside its 28 x 28.
_BLOCK = 512  # images drawn at a time, which bounds the brush profiles to some 20 MB for any size

# These say how much writers differ. They were chosen by eye beside MNIST, and by how well a network that was
# trained on generated digits reads real ones. With more the classes overlap (a 9 without its loop is a 7);
# with less some styles stay unseen.
_POINT_JITTER = 0.035  # standard deviation of the displacement of each point on its own
_WAVES = 3  # number of smooth displacement fields that bend the whole sheet
_WAVE_JITTER = 0.05  # standard deviation of the amplitude of a wave, in x and in y
_WAVE_NUMBER = 6.0  # standard deviation, in radians a side: about one wave over a digit on average
_TURN = 0.12  # standard deviation of the rotation, in radians: 7 degrees
_SLANT_MEAN, _SLANT = 0.1, 0.25  # sideways shift by height; MNIST leans to the right by 0.08 on average
_STRETCH = 0.25  # standard deviation of the logarithm of width over height

# These describe the pen, in pixels.
_RADIUS, _RADIUS_SPREAD = 1.3, 0.33  # median of half the line width, standard deviation of its logarithm
_MOST_INK = 0.5  # share of the box that a line may cover, so that no pen fills the loops of an 8
_EDGE = (0.6, 1.2)  # width over which a line fades out, which is anti-aliasing and blur in one
_BRUSH = 0.9  # standard deviation of the Gaussian that measures distance; it exceeds the length of a segment
_PRESSURE = (0.9, 1.1)  # ink at the middle of a line before it saturates at 1; some images stay paler
_NOISE = 0.02  # standard deviation, on inked pixels only, since the background of MNIST is exactly 0


class _Segments(NamedTuple):
    """The two ends of the K segments of each of n digits, shape (n, K, 2); the last axis is (x, y)."""

    starts: NDArray[np.float32]
    ends: NDArray[np.float32]

    @property
    def middles(self) -> NDArray[np.float32]:
        return (self.starts + self.ends) * np.float32(0.5)  # (n, K, 2)

    @property
    def lengths(self) -> NDArray[np.float32]:
        squares = np.square(self.ends - self.starts).sum(-1, keepdims=True)
        lengths: NDArray[np.float32] = np.sqrt(squares)  # (n, K, 1)
        return lengths


def digits(n_train: int = 10_000, n_test: int = 2_000, *, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Generate images of handwritten-like digits in the format of MNIST.

    Hand-drawn skeletons are deformed at random (each point, smooth waves, rotation, slant, width), fitted
    into a box of 20 x 20 pixels, moved so that their centre of mass is at (14, 14), and drawn with a pen of
    random width. A small network trained on the default 10,000 images reads about 95 % of the real MNIST test
    set.

    Parameters
    ----------
    n_train, n_test : int
        The numbers of images, which may be 0. In each set the counts of the ten classes differ by at most
        one.
    seed : int
        The seed that decides every image. The two sets come from independent streams, so changing one size
        leaves the other set as it is.

    Returns
    -------
    train, test : Dataset
        Images of float32 in [0, 1], shape (N, 1, 28, 28), and labels of int64, shape (N,), in random order.

    Raises
    ------
    ValueError
        If ``n_train`` or ``n_test`` is negative.

    Examples
    --------
    >>> train, test = digits(100, 20, seed=1)
    >>> train.images.shape, train.images.dtype
    ((100, 1, 28, 28), dtype('float32'))
    >>> np.bincount(test.labels).tolist()
    [2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    """
    for name, n in (("n_train", n_train), ("n_test", n_test)):
        if n < 0:
            raise ValueError(f"digits: expected {name} >= 0, got {n}")
    for_train, for_test = np.random.SeedSequence(seed).spawn(2)
    return (
        _generate(n_train, np.random.default_rng(for_train)),
        _generate(n_test, np.random.default_rng(for_test)),
    )


def _generate(n: int, rng: np.random.Generator) -> Dataset:
    labels = rng.permutation(np.arange(n) % len(SKELETONS))
    images = np.empty((n, 1, _SIDE, _SIDE), np.float32)
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        segments = _write(labels[block], rng)
        radius = _RADIUS * np.exp(rng.normal(0, _RADIUS_SPREAD, (len(segments.starts), 1, 1)))
        images[block, 0] = _ink(*_fit(segments, radius.astype(np.float32)), rng)
    return Dataset(images, labels)


@cache
def _skeletons() -> Skeletons:
    """Prepare the skeletons of all digits at the first use, so that the import stays quick."""
    return stack_skeletons([text for ways in SKELETONS for text in ways])


def _write(labels: NDArray[np.int64], rng: np.random.Generator) -> _Segments:
    """Choose one way of writing each label, and deform it."""
    counts = np.array([len(ways) for ways in SKELETONS])
    first = np.cumsum(counts) - counts  # the skeletons of a digit stand one after the other
    chosen = first[labels] + rng.integers(counts[labels])
    skeletons = _skeletons()
    points = _deform(skeletons.points[chosen], rng)  # (n, P, 2)
    return _Segments(skeletons.starts[chosen] @ points, skeletons.ends[chosen] @ points)


def _deform(points: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Move the points of each digit, shape (n, P, 2), as if another hand had written it."""
    n = len(points)
    moved = points + rng.normal(0, _POINT_JITTER, points.shape)
    for _ in range(_WAVES):
        wave = rng.normal(0, _WAVE_NUMBER, (n, 2, 1))
        phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
        moved = moved + rng.normal(0, _WAVE_JITTER, (n, 1, 2)) * np.sin(moved @ wave + phase)
    turn, slant, stretch = rng.normal((0, _SLANT_MEAN, 0), (_TURN, _SLANT, _STRETCH), (n, 3)).T
    width, zero, one = np.exp(stretch), np.zeros(n), np.ones(n)
    # Since y grows downward, a digit that leans to the right has larger x at smaller y.
    lean = np.array([[width, -slant], [zero, one]])  # (2, 2, n)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])  # (2, 2, n)
    deformed: NDArray[np.float64] = np.einsum("abn,bcn,npc->npa", rotation, lean, moved, optimize=True)
    return deformed.astype(np.float32)


def _fit(segments: _Segments, radius: NDArray[np.float32]) -> tuple[_Segments, NDArray[np.float32]]:
    """Scale each digit to the box and centre its mass; return its segments and the pen's radius in pixels.

    As in MNIST the larger side, pen included, fills the box, and the centre of mass is at (14, 14).
    """
    length = segments.lengths
    total = length.sum(1, keepdims=True)  # (n, 1, 1)
    centre = (segments.middles * length).sum(1, keepdims=True) / total  # (n, 1, 2)
    size = np.ptp(np.concatenate(segments, axis=1), axis=1).max(-1)[:, None, None]  # (n, 1, 1)
    # Nobody writes an 8 with a pen that fills its loops, while a 1 may be fat: longer lines get a finer pen.
    radius = np.minimum(radius, _MOST_INK * _BOX / (2 * total / size))
    scale = (_BOX - 2 * radius) / size
    return _Segments(*((ends - centre) * scale + _SIDE / 2 for ends in segments)), radius


def _ink(segments: _Segments, radius: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw each digit; the images have shape (n, 28, 28).

    The integral of a Gaussian along a straight line depends only on the distance d to the line: normalised,
    it is ``exp(-d**2 / (2 * _BRUSH**2))``. So the Gaussian summed over the segments and solved for d gives a
    smooth distance to the whole stroke. As the Gaussian is a function of x times a function of y, the sum
    over segments is a matrix product.
    """
    n = len(radius)
    pixels = np.arange(_SIDE, dtype=np.float32)
    brush = np.exp(-((segments.middles[..., None] - pixels) ** 2) / (2 * _BRUSH**2))  # (n, K, 2, 28)
    across, down = brush[:, :, 0], brush[:, :, 1]
    weight = segments.lengths / np.float32(_BRUSH * np.sqrt(2 * np.pi))
    density = np.swapaxes(down * weight, 1, 2) @ across  # (n, 28, 28)
    # Where lines cross, the density exceeds 1, and the distance is 0 there; far from all lines it underflows.
    density = np.clip(density, np.finfo(np.float32).tiny, 1)
    distance = np.float32(_BRUSH) * np.sqrt(-2 * np.log(density))
    edge = rng.uniform(*_EDGE, (n, 1, 1))
    ink = rng.uniform(*_PRESSURE, (n, 1, 1)) * np.clip(0.5 + (radius - distance) / edge, 0, 1)
    ink += _NOISE * (ink > 0) * rng.standard_normal(ink.shape)
    inked: NDArray[np.float64] = np.clip(ink, 0, 1)
    return inked.astype(np.float32)
