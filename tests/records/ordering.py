"""Operations that compare the elements of one array with one another."""

import numpy as np

from tinygrad_cnn.testing import strategies

from .draws import distinct_arrays, flat_when_none, one_axis
from .million import X, flat
from .record import ByHand, record
from .written import ops


def sort(x, g):
    order = np.argsort(x, 1, kind="stable")
    dx = np.zeros_like(x)
    np.put_along_axis(dx, order, g, 1)
    return np.take_along_axis(x, order, 1), dx


def sort_in_torch(torch, x, axis=-1):
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return torch.sort(x, dim=axis, stable=True).values


RECORDS = [
    record(
        "argmax",
        operands=distinct_arrays(strategies.shapes(min_side=1)),
        params=one_axis,
        reference=np.argmax,
        skip={
            "size 0": "the largest of nothing has no place",
            **dict.fromkeys(["float32", "order 1", "order 2", "jvp", "errors"], "places have no derivative"),
        },
        torch=flat_when_none("argmax"),
        ties=True,
        by_hand=[flat(lambda x: np.argmax(x, 1), call=lambda x: ops.argmax(x, 1))],
    ),
    record(
        "sort",
        operands=distinct_arrays(strategies.shapes(min_dims=1)),
        params=one_axis,
        reference=np.sort,
        torch=sort_in_torch,
        ties=True,
        by_hand=[ByHand((X,), sort, lambda x: ops.sort(x, 1))],
    ),
]
