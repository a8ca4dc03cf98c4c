"""Strategies for shapes and for arrays of values, with ties or without, in every memory layout."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ..layouts import LAYOUTS, relaid

__all__ = ["arrays", "broadcastable", "distinct_arrays", "shapes"]

SEEDS = st.integers(0, 2**16)
_GRID = 32
_DRAWN_ONE_BY_ONE = 64  # elements, enough for a default array; further ones come from one seed, to save time


@functools.lru_cache
def shapes(
    *, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4
) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw shapes.

    Parameters
    ----------
    min_dims, max_dims : int
        The bounds of the number of dimensions, inclusive.
    min_side, max_side : int
        The bounds of the length of an axis, inclusive.

    Returns
    -------
    strategy of tuple of int
        Where the bounds allow it, one shape in eight is 0-d and one in five has an axis of length 0.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (1, 1)
    """
    if max_dims == 0:
        return st.just(())
    filled = hnp.array_shapes(
        min_dims=max(min_dims, 1), max_dims=max_dims, min_side=max(min_side, 1), max_side=max_side
    )
    # Sides drawn from 0 would make half of the three-dimensional arrays empty, and numbers of dimensions
    # drawn from 0 would make a quarter of all arrays 0-d. Neither of them tests axes, or much else.
    chance = st.integers(0, 4) if min_side == 0 else st.just(0)
    with_axes = st.tuples(filled, chance, st.integers(0, max_dims - 1)).map(_with_an_axis_emptied)
    if min_dims > 0:
        return with_axes
    return st.integers(0, 7).flatmap(lambda kind: with_axes if kind else st.just(()))


def _with_an_axis_emptied(drawn: tuple[tuple[int, ...], int, int]) -> tuple[int, ...]:
    """Make one axis of length 0 in one case out of five."""
    shape, chance, axis = drawn
    if chance < 4:
        return shape
    emptied = list(shape)
    emptied[axis % len(shape)] = 0
    return tuple(emptied)


class _Grid(NamedTuple):
    """Values in rising order, numbered from the simplest: it has number 0, and the one below it number -1.

    Hypothesis shrinks numbers towards 0, and moves amounts from one to another so that their sum stays. Both
    simplify the values as long as equal steps of the number are equal steps of the value.
    """

    values: np.ndarray
    simplest: int

    @property
    def numbers(self) -> tuple[int, int]:
        """The lowest and the highest number."""
        return -self.simplest, len(self.values) - 1 - self.simplest

    def at(self, numbers: np.ndarray) -> np.ndarray:
        """Return the values that have the given numbers."""
        chosen: np.ndarray = self.values[numbers + self.simplest]
        return chosen


@functools.lru_cache
def _grid(low: float, high: float, away_from: Sequence[float], gap: float) -> _Grid:
    """Return the values between two bounds that keep a distance from some points."""
    values = np.arange(math.ceil(low * _GRID), math.floor(high * _GRID) + 1) / _GRID
    for point in away_from:
        values = values[np.abs(values - point) >= gap]
    if not values.size:
        raise ValueError(f"arrays: no value between {low} and {high} is {gap} away from {tuple(away_from)}")
    return _Grid(values, int(np.lexsort((values < 0, np.abs(values)))[0]))


# A strategy is checked when it is first drawn from: made anew for each draw that would be half of the time.

# A strategy is checked when it is first drawn from. If it were made anew for each draw, the checks would take
# half of the time.

_layout_of = functools.lru_cache(st.sampled_from)


@functools.lru_cache
def _integers(low: int, high: int, size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=size, max_size=size)


@functools.lru_cache
def _orders(size: int) -> st.SearchStrategy[list[int]]:
    return st.permutations(range(size))


def _numbered(
    draw: st.DrawFn, shape: tuple[int, ...], low: int, high: int, from_one_seed: bool
) -> np.ndarray:
    """Draw an array of integers between two bounds, inclusive, with 0 between them."""
    size = math.prod(shape)
    # The first ones are drawn singly in a large array too, so that they stay when the shape shrinks.
    singly = 0 if from_one_seed else min(size, _DRAWN_ONE_BY_ONE)
    numbers = np.empty(size, dtype=np.intp)
    numbers[:singly] = draw(_integers(low, high, singly))
    if singly < size:
        seed = draw(SEEDS)
        count = size - singly
        # A seed of 0 is where shrinking ends, and stands for the simplest numbers.
        simple = np.arange(count) % (high + 1)
        numbers[singly:] = np.random.default_rng(seed).integers(low, high + 1, count) if seed else simple
    return numbers.reshape(shape)


@st.composite
def arrays(
    draw: st.DrawFn,
    shape: Any = None,
    *,
    low: float = -3.0,
    high: float = 3.0,
    away_from: Sequence[float] = (),
    gap: float = 0.125,
    layouts: Sequence[str] = LAYOUTS,
    from_one_seed: bool = False,
) -> np.ndarray:
    """Draw float64 arrays of every memory layout, read-only ones among them.

    Parameters
    ----------
    shape : tuple of int or strategy, optional
        The shape, or a strategy that draws it; by default `shapes`.
    low, high : float
        The bounds of the values, inclusive.
    away_from : sequence of float
        The points, such as kinks and singularities, from which every value keeps a distance.
    gap : float
        The distance from those points.
    layouts : sequence of str
        The names of the layouts, out of `tinygrad_cnn.testing.layouts.LAYOUTS`.
    from_one_seed : bool
        Whether to draw all values from one seed. That is quicker, and the shape shrinks with less effort, but
        the values do not shrink one by one. The values of a large array, from its 65th on, always come from
        one seed.

    Returns
    -------
    strategy of ndarray
        The strategy, whose values lie on the grid of 1/32.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays((2,), away_from=[0.0]), lambda x: True)
    array([0.125, 0.125])
    """
    shape = draw(drawable(shapes() if shape is None else shape))
    grid = _grid(low, high, tuple(away_from), gap)
    return relaid(
        grid.at(_numbered(draw, shape, *grid.numbers, from_one_seed)), draw(_layout_of(tuple(layouts)))
    )


@st.composite
def distinct_arrays(
    draw: st.DrawFn,
    shape: Any = None,
    *,
    gap: float = 0.125,
    layouts: Sequence[str] = LAYOUTS,
    from_one_seed: bool = False,
) -> np.ndarray:
    """Draw float64 arrays without ties: any two elements differ by ``gap`` or more.

    Parameters
    ----------
    shape : tuple of int or strategy, optional
        The shape, or a strategy that draws it; by default `shapes`.
    gap : float
        The least difference of two elements.
    layouts : sequence of str
        The names of the layouts, as for `arrays`.
    from_one_seed : bool
        Whether to draw the order of all values from one seed, as for `arrays`.

    Returns
    -------
    strategy of ndarray
        The strategy, whose values are multiples of ``gap`` around 0.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(distinct_arrays((3,)), lambda x: True)
    array([-0.125,  0.   ,  0.125])
    """
    shape = draw(drawable(shapes() if shape is None else shape))
    size = math.prod(shape)
    if not from_one_seed and size <= _DRAWN_ONE_BY_ONE:
        order = np.array(draw(_orders(size)), dtype=np.intp)
    else:
        seed = draw(SEEDS)
        order = np.random.default_rng(seed).permutation(size) if seed else np.arange(size)
    return relaid(((order - size // 2) * gap).reshape(shape), draw(_layout_of(tuple(layouts))))


def drawable(value: Any) -> st.SearchStrategy[Any]:
    """Return a strategy as it is, and make one of a value that always draws the value."""
    return value if isinstance(value, st.SearchStrategy) else st.just(value)


@st.composite
def broadcast_shapes(draw: st.DrawFn, shape: tuple[int, ...], count: int) -> list[tuple[int, ...]]:
    """Draw shapes that broadcast to a shape: some lack its first axes, and each axis is 1 in one at most."""
    # For each axis this is the operand in which it is 1, counted from 1, and 0 for none.
    stretched = [draw(st.integers(0, count)) for _ in shape]
    found = []
    for operand in range(1, count + 1):
        first = draw(st.integers(0, 2 * len(shape)))
        kept = range(first if first <= len(shape) else 0, len(shape))
        found.append(tuple(1 if stretched[axis] == operand else shape[axis] for axis in kept))
    return found


@st.composite
def broadcastable(
    draw: st.DrawFn,
    count: int = 2,
    *,
    max_dims: int = 3,
    max_side: int = 3,
    min_side: int = 0,
    each: Callable[..., st.SearchStrategy[Any]] = arrays,
) -> tuple[np.ndarray, ...]:
    """Draw a tuple of arrays whose shapes broadcast together.

    Parameters
    ----------
    count : int
        The number of arrays.
    max_dims, max_side, min_side : int
        The bounds of the broadcast shape, as for `shapes`.
    each : callable
        A function from a shape to a strategy of arrays.

    Returns
    -------
    strategy of tuple of ndarray
        The strategy of the tuples.

    Examples
    --------
    >>> from tinygrad_cnn.testing.strategies import for_all
    >>> for_all("sums", broadcastable(), lambda operands, seed: operands[0] + operands[1])
    """
    shape = draw(shapes(max_dims=max_dims, max_side=max_side, min_side=min_side))
    return tuple(draw(each(one)) for one in draw(broadcast_shapes(shape, count)))
