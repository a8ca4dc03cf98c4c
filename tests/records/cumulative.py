"""Cumulative products and differences."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import Call, ErrorCase

from .draws import arrays, flat_when_none, one_axis, shaped
from .million import ByHand, X, numbers
from .record import record
from .written import ops


@st.composite
def differences(draw):
    """Draw an array, how often to take differences, and what stands before and after it, if anything.

    That is in halves, so that it does not change the dtype.
    """
    x = draw(shaped())
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    edge = tuple(2 if i == axis % x.ndim else n for i, n in enumerate(x.shape))
    params = {"n": draw(st.integers(0, 3)), "axis": axis}
    for name in ("prepend", "append"):
        if draw(st.booleans()):
            params[name] = draw(st.sampled_from([np.float16(0.5), draw(arrays(edge)).astype(np.float16)]))
    return Call((x,), params)


def prefix(x, g):
    out = np.cumprod(x, 1)
    return out, np.cumsum((g * out)[:, ::-1], 1)[:, ::-1] / x


def difference(x, g):
    return np.diff(x), np.pad(g, ((0, 0), (1, 0))) - np.pad(g, ((0, 0), (0, 1)))


def diff_in_torch(torch, x, n, axis, **edges):
    def edge(value):
        lengths = [1 if i == axis % x.ndim else m for i, m in enumerate(x.shape)]
        return value if isinstance(value, torch.Tensor) and value.ndim else x.new_full(lengths, value)

    return torch.diff(x, n, axis, **{name: edge(value).to(x.dtype) for name, value in edges.items()})


RECORDS = [
    record(
        "cumprod",
        operands=arrays(),
        params=one_axis,
        reference=np.cumprod,
        torch=flat_when_none("cumprod"),
        ties=True,
        by_hand=[ByHand((numbers(1000, 1000, low=0.9, high=1.1),), prefix, lambda x: ops.cumprod(x, 1))],
    ),
    record(
        "diff",
        operands=differences(),
        reference=np.diff,
        linear_in=("x",),
        errors=[ErrorCase((np.ones(3), -1), ValueError, says=("n: expected at least 0",))],
        torch=diff_in_torch,
        by_hand=[ByHand((X,), difference)],
    ),
]
