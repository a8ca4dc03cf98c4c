"""Handwritten-like digits, generated: a data set that needs no download.

One image is one skeleton of `strokes`: deformed, fitted into the frame as MNIST does, and drawn with a pen.
All three steps work on a block of images at once. Lengths are in sides of the sheet before the fit, in pixels
after it.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.data.dataset import Dataset
from tinygrad_cnn.data.splines import Skeletons, stack_skeletons
from tinygrad_cnn.data.strokes import SKELETONS

SIDE = 28  # pixels
BOX = 20.0  # MNIST fits every digit into a box of 20 x 20 pixels inside its 28 x 28
BLOCK = 512  # images drawn at a time: some 20 MB of brush profiles, however large the data set

# How much writers differ: chosen by eye beside MNIST, and by how well a network trained on generated digits
# reads real ones. More makes the classes overlap (a 9 without its loop is a 7), less leaves styles unseen.
POINT_JITTER = 0.035  # standard deviation of every point on its own
WAVES = 3  # smooth displacement fields that bend the whole sheet
WAVE_JITTER = 0.05  # standard deviation of the amplitude of a wave, in x and in y
WAVE_NUMBER = 6.0  # standard deviation, radians a side: on average about one wave over a digit
TURN = 0.12  # standard deviation of the rotation, radians: 7 degrees
SLANT_MEAN, SLANT = 0.1, 0.25  # sideways shift by height: MNIST leans to the right by 0.08 on average
STRETCH = 0.25  # standard deviation of the logarithm of width over height

# The pen, in pixels.
RADIUS, RADIUS_SPREAD = 1.3, 0.33  # median of half the line width, standard deviation of its logarithm
MOST_INK = 0.5  # of the box: nobody writes an 8 with a pen that fills its loops, but a 1 may be fat
EDGE = (0.6, 1.2)  # width over which a line fades out: anti-aliasing and blur in one
BRUSH = 0.9  # standard deviation of the Gaussian that measures distance, above the spacing of segments
PRESSURE = (0.9, 1.1)  # ink at the middle of a line before it saturates at 1, so that some images stay paler
NOISE = 0.02  # standard deviation, on inked pixels only: the background of MNIST is exactly 0


class _Segments(NamedTuple):
    """The ends of the K segments of each of n digits, both of shape (n, K, 2), last axis (x, y)."""

    starts: NDArray[np.float32]
    ends: NDArray[np.float32]

    @property
    def middles(self) -> NDArray[np.float32]:
        return (self.starts + self.ends) * np.float32(0.5)  # (n, K, 2)

    @property
    def lengths(self) -> NDArray[np.float32]:
        return np.sqrt(np.square(self.ends - self.starts).sum(-1, keepdims=True))  # (n, K, 1)


def digits(n_train: int = 10_000, n_test: int = 2_000, *, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Generate images of handwritten-like digits in the format of MNIST.

    Hand-drawn skeletons are deformed at random (each point, smooth waves, rotation, slant, width), fitted
    into a box of 20 x 20 pixels, centred by their centre of mass at (14, 14), and drawn with a pen of random
    width.
    A small network trained on the default 10,000 images reads about 95 % of the real MNIST test set.

    Parameters
    ----------
    n_train, n_test : int
        Numbers of images, 0 allowed. In each set the counts of the ten classes differ by at most one.
    seed : int
        Decides every image. The two sets come from independent streams: changing one size leaves the other
        set as it is.

    Returns
    -------
    train, test : Dataset
        Images of float32 in [0, 1], shape (N, 1, 28, 28), and labels of int64, shape (N,), in random order.

    Raises
    ------
    ValueError
        `n_train` or `n_test` is negative.

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
    images = np.empty((n, 1, SIDE, SIDE), np.float32)
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        segments = _write(labels[block], rng)
        radius = RADIUS * np.exp(rng.normal(0, RADIUS_SPREAD, (len(segments.starts), 1, 1)))
        images[block, 0] = _ink(*_fit(segments, radius.astype(np.float32)), rng)
    return Dataset(images, labels)


@cache
def _skeletons() -> Skeletons:
    """Prepare every skeleton, digit by digit, at the first use and not at import."""
    return stack_skeletons([text for ways in SKELETONS for text in ways])


def _write(labels: NDArray[np.int64], rng: np.random.Generator) -> _Segments:
    """Choose one way of writing each label, and deform it."""
    ways = np.array([len(ways) for ways in SKELETONS])
    first = np.cumsum(ways) - ways  # the skeletons of a digit are neighbours
    chosen = first[labels] + rng.integers(ways[labels])
    skeletons = _skeletons()
    points = _deform(skeletons.points[chosen], rng)  # (n, P, 2)
    return _Segments(skeletons.starts[chosen] @ points, skeletons.ends[chosen] @ points)


def _deform(points: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    n = len(points)
    moved = points + rng.normal(0, POINT_JITTER, points.shape)
    for _ in range(WAVES):
        wave = rng.normal(0, WAVE_NUMBER, (n, 2, 1))
        phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
        moved = moved + rng.normal(0, WAVE_JITTER, (n, 1, 2)) * np.sin(moved @ wave + phase)
    turn, slant, stretch = rng.normal((0, SLANT_MEAN, 0), (TURN, SLANT, STRETCH), (n, 3)).T
    width, zero, one = np.exp(stretch), np.zeros(n), np.ones(n)
    # y grows downward: a digit that leans to the right has larger x at smaller y.
    lean = np.array([[width, -slant], [zero, one]])  # (2, 2, n)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])  # (2, 2, n)
    return np.einsum("abn,bcn,npc->npa", rotation, lean, moved, optimize=True).astype(np.float32)


def _fit(segments: _Segments, radius: NDArray[np.float32]) -> tuple[_Segments, NDArray[np.float32]]:
    """Scale each digit to the box and centre its mass; give its segments and the pen's radius in pixels.

    As in MNIST the larger side fills the box, the pen included, and the centre of mass is at (14, 14).
    """
    length = segments.lengths
    total = length.sum(1, keepdims=True)  # (n, 1, 1)
    centre = (segments.middles * length).sum(1, keepdims=True) / total  # (n, 1, 2)
    size = np.ptp(np.concatenate(segments, axis=1), axis=1).max(-1)[:, None, None]  # (n, 1, 1)
    # A line of this length and width covers at most the share MOST_INK of the box.
    radius = np.minimum(radius, MOST_INK * BOX / (2 * total / size))
    scale = (BOX - 2 * radius) / size
    return _Segments(*((ends - centre) * scale + SIDE / 2 for ends in segments)), radius


def _ink(segments: _Segments, radius: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw each digit, shape (n, 28, 28).

    The integral of a Gaussian along a straight line depends on the distance d to the line alone: normalised,
    it is ``exp(-d**2 / (2 * BRUSH**2))``. Summing the Gaussian over the segments and solving for d therefore
    gives a smooth distance to the whole stroke; and as the Gaussian is a function of x times one of y, the
    sum over segments is a matrix product.
    """
    n = len(radius)
    pixels = np.arange(SIDE, dtype=np.float32)
    brush = np.exp(-((segments.middles[..., None] - pixels) ** 2) / (2 * BRUSH**2))  # (n, K, 2, 28)
    across, down = brush[:, :, 0], brush[:, :, 1]
    weight = segments.lengths / np.float32(BRUSH * np.sqrt(2 * np.pi))
    density = np.swapaxes(down * weight, 1, 2) @ across  # (n, 28, 28)
    # Where lines cross the density exceeds 1 (a distance of 0), far from all it underflows (a large one).
    density = np.clip(density, np.finfo(np.float32).tiny, 1)
    distance = np.float32(BRUSH) * np.sqrt(-2 * np.log(density))
    edge = rng.uniform(*EDGE, (n, 1, 1))
    ink = rng.uniform(*PRESSURE, (n, 1, 1)) * np.clip(0.5 + (radius - distance) / edge, 0, 1)
    ink += NOISE * (ink > 0) * rng.standard_normal(ink.shape)
    return np.clip(ink, 0, 1).astype(np.float32)
