"""Unpoolings: the values of windows put back at the places of their winners."""

import math

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.ops import unpooling
from tinygrad_cnn.testing import Call, ErrorCase

from .draws import arrays
from .million import numbers
from .record import ByHand, part, record
from .written import ops


def per_axis(value, axes):
    return value if isinstance(value, tuple) else (value,) * axes


@st.composite
def unpoolings(draw, axes):
    """Draw values with places of their own, as those of windows that do not overlap are."""
    size = draw(st.tuples(*[st.integers(1, 3)] * axes))
    kernel, step = (draw(st.tuples(*[st.integers(1, 2)] * axes)) for _ in range(2))
    lead = (draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 2)))
    length = math.prod((n - 1) * s + k for n, s, k in zip(size, step, kernel, strict=True))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    places = rng.permuted(np.broadcast_to(np.arange(length), (*lead, length)), axis=2)
    places = places[..., : math.prod(size)].reshape(*lead, *size)
    x = draw(arrays(places.shape, from_one_seed=True))
    options = {"kernel_size": kernel, "stride": step}
    return Call((x, places), {n: v[0] if axes == 1 else v for n, v in options.items()})


def plain(x, indices, *, kernel_size, stride):
    """Put one value after the other."""
    options = (per_axis(value, x.ndim - 2) for value in (stride, kernel_size))
    size = [(n - 1) * s + k for n, s, k in zip(x.shape[2:], *options, strict=True)]
    out = np.zeros((*x.shape[:2], math.prod(size)))
    for place in np.ndindex(x.shape):
        out[(*place[:2], indices[place])] = x[place]
    return out.reshape(*x.shape[:2], *size)


@st.composite
def rows(draw, *, of_output):
    """Draw values and places, some of which are named twice."""
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 4)))
    length = draw(st.integers(1, 5))
    places = np.random.default_rng(draw(st.integers(0, 99))).integers(0, length, shape)
    x = draw(arrays((*shape[:2], length) if of_output else shape, from_one_seed=True))
    return Call((x, places), {} if of_output else {"length": length})


def put(x, places, *, length):
    out = np.zeros((*x.shape[:2], length))
    for place in np.ndindex(x.shape):
        out[(*place[:2], places[place])] = x[place]
    return out


def by_hand(axes, size, kernel):
    """Unpool tiles of which another element wins in each."""
    x = numbers(*size)
    tiles = np.ravel_multi_index(np.indices(size[2:]) * kernel, [n * kernel for n in size[2:]])
    places = np.ascontiguousarray(np.broadcast_to(tiles + np.arange(size[-1]) % kernel, size))

    def unpool(x, g):
        out = np.zeros((*size[:2], math.prod(size[2:]) * kernel**axes), np.float32)
        flat = places.reshape(*size[:2], -1)
        np.put_along_axis(out, flat, x.reshape(flat.shape), 2)
        return out.reshape(g.shape), np.take_along_axis(g.reshape(out.shape), flat, 2).reshape(size)

    name = f"max_unpool{axes}d"
    return [ByHand((x,), unpool, lambda x: getattr(ops, name)(x, places, kernel))]


def unpooling_of(axes, size):
    name = f"max_unpool{axes}d"
    ones = np.ones((1, 1) + (1,) * axes)
    return record(
        name,
        operands=unpoolings(axes),
        reference=plain,
        linear_in=("x",),
        errors=[
            ErrorCase((ones, ones.astype(int) + 7, 2), ValueError),
            ErrorCase((ones, ones, 2), TypeError),
        ],
        torch=f"nn.functional.{name}",
        shared=unpoolings(axes).filter(lambda call: len(call.operands[0])),
        by_hand=by_hand(axes, size, 2),
    )


RECORDS = [
    part(
        "put_in_rows",
        unpooling.put_in_rows,
        operands=rows(of_output=False),
        reference=put,
        linear_in=("x",),
    ),
    part(
        "read_from_rows",
        unpooling.read_from_rows,
        operands=rows(of_output=True),
        linear_in=("rows",),
    ),
    unpooling_of(1, (20, 8, 3120)),
    unpooling_of(2, (20, 8, 39, 39)),
    unpooling_of(3, (4, 8, 15, 15, 15)),
]
