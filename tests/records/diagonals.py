"""Diagonals of matrices and triangles."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import ErrorCase, strategies

from .draws import arrays, shaped
from .million import ROW, X, moved
from .record import ByHand, record
from .written import ops

OFFSETS = st.integers(-3, 3)
PLACES = np.arange(1000)


@st.composite
def of_two_axes(draw):
    """Draw an array and a diagonal of two of its axes."""
    x = draw(shaped(min_dims=2))
    first, second = draw(st.permutations(range(x.ndim)))[:2]
    return x, draw(OFFSETS), first - x.ndim * draw(st.integers(0, 1)), second


def diagonal_in_torch(torch, x, offset, axis1, axis2):
    return torch.diagonal(x, offset, axis1, axis2)


def trace_in_torch(torch, x, offset, axis1, axis2):
    return torch.diagonal(x, offset, axis1, axis2).sum(-1)


def triangle_in_torch(name):
    """PyTorch takes no vector, of which NumPy makes the rows of a square."""

    def theirs(torch, x, k):
        return getattr(torch, name)(x.expand(len(x), -1) if x.ndim == 1 else x, k)

    return theirs


def filled(g):
    out = np.zeros_like(X)
    out[PLACES, PLACES] = g
    return out


RECORDS = [
    record(
        "diagonal",
        operands=of_two_axes(),
        reference=np.diagonal,
        linear_in=("x",),
        errors=[ErrorCase((np.ones(3),), ValueError, says=("diagonal",))],
        torch=diagonal_in_torch,
        by_hand=[ByHand((X,), lambda x, g: (np.diagonal(x).copy(), filled(g)))],
    ),
    record(
        "trace",
        operands=of_two_axes(),
        reference=np.trace,
        linear_in=("x",),
        torch=trace_in_torch,
        by_hand=[ByHand((X,), lambda x, g: (np.trace(x), filled(g)))],
    ),
    record(
        "diag",
        operands=arrays(strategies.shapes(min_dims=1, max_dims=2)),
        params={"k": OFFSETS},
        reference=np.diag,
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 2, 2)),), ValueError)],
        torch=lambda torch, x, k: torch.diag(x, k),
        by_hand=[
            ByHand((ROW,), lambda x, g: (np.diag(x), np.diag(g).copy())),
        ],
    ),
    *(
        record(
            name,
            operands=shaped(),
            params={"k": OFFSETS},
            reference=getattr(np, name),
            linear_in=("x",),
            torch=triangle_in_torch(name),
            by_hand=[moved(getattr(np, name), getattr(np, name), getattr(ops, name))],
        )
        for name in ("tril", "triu")
    ),
]
