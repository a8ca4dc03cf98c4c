"""Operations that compare the elements of one array with one another."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import distinct_arrays, flat_when_none, one_axis
from .million import DISTINCT, X, flat
from .record import WRAPPED, ByHand, record
from .written import ops


def sort(x, g):
    order = np.argsort(x, 1, kind="stable")
    dx = np.zeros_like(x)
    np.put_along_axis(dx, order, g, 1)
    return np.take_along_axis(x, order, 1), dx


def sort_in_torch(torch, x, axis=-1):
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return torch.sort(x, dim=axis, stable=True).values


def halves_of(partition):
    """Sort both sides of an element that is in its place: between themselves their order is undefined."""

    def in_order(x, kth, axis):
        parted = partition(x, kth, axis)
        place = kth % parted.shape[axis]
        cut = [place, place + 1]
        return ops.concatenate([ops.sort(part, axis) for part in ops.array_split(parted, cut, axis)], axis)

    return in_order


def largest(x, k, axis, largest):
    ordered = np.sort(x, axis)
    return np.take(np.flip(ordered, axis) if largest else ordered, range(k), axis)


@st.composite
def some_of_an_axis(draw):
    x = draw(distinct_arrays(strategies.shapes(min_dims=1)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    k = draw(st.integers(0, x.shape[axis]))
    return Call((x,), {"k": k, "axis": axis, "largest": draw(st.booleans())})


def upper_half(x, g):
    order = np.argsort(x, 1)[:, :499:-1]
    dx = np.zeros_like(x)
    np.put_along_axis(dx, order, g, 1)
    return np.take_along_axis(x, order, 1), dx


def place_of(name):
    theirs = getattr(np, name)
    return record(
        name,
        operands=distinct_arrays(strategies.shapes(min_side=1)),
        params=one_axis,
        reference=theirs,
        skip={
            "size 0": "the largest of nothing has no place",
            **dict.fromkeys(["float32", "order 1", "order 2", "jvp", "errors"], "places have no derivative"),
        },
        torch=flat_when_none(name),
        ties=True,
        by_hand=[flat(lambda x: theirs(x, 1), call=lambda x: getattr(ops, name)(x, 1))],
    )


RECORDS = [
    place_of("argmax"),
    place_of("argmin"),
    record(
        "sort",
        operands=distinct_arrays(strategies.shapes(min_dims=1)),
        params=one_axis,
        reference=np.sort,
        torch=sort_in_torch,
        ties=True,
        by_hand=[ByHand((X,), sort, lambda x: ops.sort(x, 1))],
    ),
    record(
        "argsort",
        operands=distinct_arrays(strategies.shapes(min_dims=1)),
        params=one_axis,
        reference=np.argsort,
        numpy=lambda x, axis: np.argsort(x, axis, kind="stable"),
        skip=dict.fromkeys(["float32", "order 1", "order 2", "jvp", "errors"], "places have no derivative"),
        torch=flat_when_none("argsort", stable=True),
        ties=True,
        by_hand=[flat(lambda x: np.argsort(x, 1, kind="stable"), call=lambda x: ops.argsort(x, 1))],
    ),
    record(
        "partition",
        halves_of(ops.partition),
        operands=distinct_arrays(strategies.shapes(min_dims=1, min_side=1)),
        params=lambda x: {"kth": st.integers(-1, min(x.shape) - 1), "axis": st.integers(-x.ndim, x.ndim - 1)},
        reference=halves_of(np.partition),
        numpy=halves_of(np.partition),
        skip={"size 0": "there is no element in place of the first", **WRAPPED},
        torch=lambda torch, x, kth, axis: torch.sort(x, axis).values,
        by_hand=[ByHand((DISTINCT,), sort, lambda x: ops.sort(ops.partition(x, 500, 1), 1))],
    ),
    record(
        "topk",
        lambda x, **params: ops.topk(x, **params).values,
        skip=WRAPPED,
        operands=some_of_an_axis(),
        reference=largest,
        numpy=largest,
        errors=[ErrorCase((np.ones((2, 3)),), ValueError, {"k": 4}, says=("at most 3", "got 4"))],
        torch=lambda torch, x, k, axis, largest: torch.topk(x, k, axis, largest).values,
        by_hand=[ByHand((DISTINCT,), upper_half, lambda x: ops.topk(x, 500).values)],
    ),
]
