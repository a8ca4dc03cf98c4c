"""Operands and keywords that several families draw."""

import functools
import math

from hypothesis import strategies as st

from tinygrad_cnn.testing import Call, strategies

arrays, distinct_arrays, broadcastable = (
    strategies.arrays,
    strategies.distinct_arrays,
    strategies.broadcastable,
)


@st.composite
def untied_pairs(draw):
    """Draw broadcastable pairs in which no element equals one of the other."""
    a, b = draw(broadcastable(each=functools.partial(distinct_arrays, gap=0.25)))
    return a, b + 0.125


def axes_of(axis, ndim):
    """The axes that an argument ``axis`` names."""
    return tuple(range(ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def reduced(x, axis):
    """Count the elements that each result of a reduction is made of."""
    return math.prod(x.shape[a] for a in axes_of(axis, x.ndim))


def any_axes(x):
    """Draw the keywords of a reduction."""
    return {"axis": strategies.axes(x.ndim), "keepdims": st.booleans()}


def axes_of_something(x):
    """Draw axes over which there is at least one element: an empty mean or maximum has no value."""
    full = strategies.axes(x.ndim).filter(lambda axis: reduced(x, axis) > 0)
    return {"axis": full if 0 not in x.shape else st.just(()) | full, "keepdims": st.booleans()}


@st.composite
def with_degrees_of_freedom(draw, operands):
    """Draw a reduction with ``ddof`` below the number of elements."""
    x = draw(operands)
    params = {name: draw(strategy) for name, strategy in axes_of_something(x).items()}
    params["ddof"] = draw(st.integers(0, min(reduced(x, params["axis"]) - 1, 2)))
    return Call((x,), params)


def some_axes(x):
    """Draw an axis, or several but not none."""
    several = st.sets(st.integers(0, x.ndim - 1), min_size=1).map(tuple)
    return {"axis": st.integers(-x.ndim, x.ndim - 1) | several}


def one_axis(x):
    """Draw an axis, or None for the flattened array."""
    return {"axis": st.none() | st.integers(-x.ndim, x.ndim - 1) if x.ndim else st.none()}


def integer_axis(x):
    """Draw an axis of an array that has some."""
    return st.integers(-x.ndim, x.ndim - 1)


def shaped(min_dims=1, **options):
    """Draw arrays that have axes."""
    return arrays(strategies.shapes(min_dims=min_dims, **options))


# --- PyTorch's functions, called as NumPy's are -------------------------------------------------------------


def reduction(name, rename=None):
    """Call PyTorch's reduction with NumPy's keywords; without axes reduce an added one of length 1."""

    def theirs(torch, x, axis=None, keepdims=False, **params):
        function = functools.reduce(getattr, name.split("."), torch)
        params = {(rename or {}).get(key, key): value for key, value in params.items()}
        axes = axes_of(axis, x.ndim)
        if not axes:
            return function(x.unsqueeze(-1), dim=-1, keepdim=False, **params)
        return function(x, dim=axes, keepdim=keepdims, **params)

    return theirs


def flat_when_none(name, **options):
    """Call PyTorch's function along one dimension, on the flattened array for ``axis=None``."""

    def theirs(torch, x, axis=None):
        function = getattr(torch, name)
        return function(x.reshape(-1), dim=0, **options) if axis is None else function(x, dim=axis, **options)

    return theirs
