"""Functions that are known at sampled points."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays, broadcastable
from .million import ROW, X
from .record import ByHand, Without, record
from .written import ops


@st.composite
def samples(draw):
    """Draw values, and along one axis of them nothing, a step or the coordinates."""
    x = draw(arrays(strategies.shapes(min_dims=1, min_side=3)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    places = np.cumsum(1 + np.arange(x.shape[axis]) % 3) / 2
    return x, axis, draw(st.sampled_from([None, 0.5, places]))


@st.composite
def slopes(draw):
    x, axis, spacing = draw(samples())
    operands = (x,) if spacing is None else (x, spacing)
    return Call(operands, {"axis": axis, "edge_order": draw(st.sampled_from([1, 2]))})


@st.composite
def areas(draw):
    x, axis, spacing = draw(samples())
    if np.ndim(spacing) == 0:
        return Call((x,), {"axis": axis, "dx": spacing or 1.0})
    return Call((x, spacing), {"axis": axis})


def slope(x, g):
    left, right = g[:, 1:-1] / 2, g[:, 1:-1] / 2
    dx = np.pad(right, ((0, 0), (2, 0))) - np.pad(left, ((0, 0), (0, 2)))
    dx[:, :2] += g[:, :1] * np.float32([-1, 1])
    dx[:, -2:] += g[:, -1:] * np.float32([-1, 1])
    return np.gradient(x, axis=1), dx


def area(x, g):
    weight = np.ones(x.shape[1], x.dtype)
    weight[[0, -1]] = 0.5
    return np.trapezoid(x), g[:, None] * weight


def line(start, stop, g):
    share = np.linspace(0, 1, 1000, dtype=np.float32)[:, None]
    return np.linspace(start, stop, 1000, dtype=np.float32), (g * (1 - share)).sum(0), (g * share).sum(0)


RECORDS = [
    record(
        "gradient",
        operands=slopes(),
        reference=np.gradient,
        numpy=Without("small integers are often equal, and such coordinates have no slope between them"),
        errors=[
            ErrorCase((np.ones(2),), ValueError, {"edge_order": 2}, says=("expected more than 2 samples",)),
            ErrorCase((np.ones(3), np.ones(2)), ValueError, says=("expected 3 coordinates",)),
        ],
        torch=Without("torch.gradient has no derivative to the spacing"),
        by_hand=[ByHand((X,), slope, lambda x: ops.gradient(x, axis=1))],
    ),
    record(
        "linspace",
        operands=broadcastable(),
        params=lambda *_: {"num": st.integers(0, 4), "endpoint": st.booleans()},
        reference=np.linspace,
        torch=Without("torch.linspace takes numbers, or tensors of no axes"),
        by_hand=[ByHand((ROW, ROW), line, lambda x, y: ops.linspace(x, y, 1000))],
    ),
    record(
        "trapezoid",
        operands=areas(),
        reference=np.trapezoid,
        torch=lambda torch, y, *x, axis=-1, **step: torch.trapezoid(y, *x, dim=axis, **step),
        by_hand=[ByHand((X,), area)],
    ),
]
