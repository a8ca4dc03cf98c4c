"""Strategies for what selects elements of an array: the axes of a reduction, and indices."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from .values import shapes

__all__ = ["axes", "indices"]


@functools.lru_cache
def axes(ndim: int) -> st.SearchStrategy[Any]:
    """Draw the axes of a reduction: None, an int of either sign, a tuple, or the empty tuple.

    Parameters
    ----------
    ndim : int
        The number of dimensions of the array.

    Returns
    -------
    strategy of None, int or tuple of int
        The strategy of the axes.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(axes(2), lambda axis: isinstance(axis, int) and axis < 0)
    -1
    """
    if ndim == 0:
        return st.none() | st.just(())
    one = st.integers(-ndim, ndim - 1)
    # With equal shares, None and () would be most of what is drawn, so the others take two shares each.
    several = [hnp.valid_tuple_axes(ndim, min_size=size) for size in range(min(ndim, 2) + 1)]
    return st.one_of(st.none(), one, one, *several)


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Draw indices that are valid for a shape: basic, advanced and boolean ones, and mixtures of them.

    Parameters
    ----------
    shape : tuple of int
        The shape of the array.

    Returns
    -------
    strategy of index
        The strategy of what may stand in ``x[...]``. Integer arrays repeat elements.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(indices((3,)), lambda key: isinstance(key, slice) and key.step == -1).step
    -1
    """
    basic = hnp.basic_indices(shape, allow_newaxis=True, max_dims=5)
    kinds: list[st.SearchStrategy[Any]] = [basic]
    if shape and shape[0]:
        kinds += [st.integers(-shape[0], shape[0] - 1), _slices(shape[0])]
    if shape and all(shape):
        # Mixtures count twice, as they are of many kinds.
        kinds += [_advanced(shape), _mixed(shape), _mixed(shape)]
    if shape:
        kinds.append(_mask(shape))
    return draw(st.one_of(kinds))


@functools.lru_cache
def _slices(length: int) -> st.SearchStrategy[slice]:
    """Draw slices; half are reversals, since most others with a negative step select nothing."""
    return st.slices(length) | st.just(slice(None, None, -1))


@st.composite
def _positions(draw: st.DrawFn, length: int, result_shape: tuple[int, ...]) -> np.ndarray:
    dtype = draw(st.sampled_from([np.intp, np.int32]))
    return draw(hnp.arrays(dtype, result_shape, elements=st.integers(-length, length - 1)))


@st.composite
def _advanced(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Draw an integer array for the first axis, sometimes as a list, or several for the first axes."""
    result_shape = draw(shapes(min_dims=1, max_dims=2, max_side=3))
    count = draw(st.integers(1, len(shape)))
    key = tuple(draw(_positions(n, result_shape)) for n in shape[:count])
    if count == 1 and draw(st.booleans()):
        return key[0].tolist() if key[0].ndim == 1 and key[0].size else key[0]
    return key


@st.composite
def _mask(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    """Draw a boolean array over the first axes."""
    count = draw(st.integers(1, len(shape)))
    return draw(hnp.arrays(np.bool_, shape[:count]))


@st.composite
def _mixed(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Draw an index of arrays, integers and slices, with a new axis or an ellipsis somewhere or not."""
    result_shape = draw(shapes(min_dims=1, max_dims=1, min_side=1, max_side=3))
    kinds = [draw(st.sampled_from(["slice", "integer", "array"])) for _ in shape]
    if len(shape) > 2 and draw(st.booleans()):
        # The arrays stand apart here, which makes NumPy move their axes to the front.
        kinds[:2], kinds[-1] = ["array", "slice"], "array"
    key: list[Any] = []
    for n, kind in zip(shape, kinds, strict=True):
        if kind == "array":
            key.append(draw(_positions(n, result_shape)))
        elif kind == "slice":
            key.append(draw(_slices(n)))
        else:
            key.append(draw(st.integers(-n, n - 1)))
    where = draw(st.integers(0, len(key)))
    inserted: list[Any] = draw(st.sampled_from([[], [None], [Ellipsis]]))
    return tuple(key[:where] + inserted + key[where:])
