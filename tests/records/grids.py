"""Arrays stretched to one shape. They are stacked, since a case has one value."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays, broadcastable
from .million import ROW, X
from .record import WRAPPED, ByHand, record
from .written import ops


def stacked(function):
    return lambda *xs, **params: ops.stack(function(*xs, **params))


def flat(function):
    """Join the parts behind each other, since sparse ones have shapes of their own."""
    return lambda *xs, **params: ops.concatenate([ops.ravel(x) for x in function(*xs, **params)])


@st.composite
def coordinates(draw):
    vectors = st.lists(arrays(strategies.shapes(max_dims=1, max_side=3)), min_size=1, max_size=3)
    params = {"indexing": draw(st.sampled_from(["xy", "ij"])), "sparse": draw(st.booleans())}
    return Call(tuple(draw(vectors)), params)


def meshgrid_in_torch(torch, *xs, indexing, sparse):
    parts = torch.meshgrid(*(x.reshape(-1) for x in xs), indexing=indexing)
    if sparse:
        parts = [x.reshape(-1) for x in xs]
    return torch.cat([part.reshape(-1) for part in parts])


RECORDS = [
    record(
        "broadcast_arrays",
        stacked(ops.broadcast_arrays),
        skip=WRAPPED,
        operands=broadcastable(),
        reference=stacked(np.broadcast_arrays),
        numpy=stacked(np.broadcast_arrays),
        torch=lambda torch, *xs: torch.stack(torch.broadcast_tensors(*xs)),
        errors=[ErrorCase((np.ones(2), np.ones(3)), ValueError)],
        by_hand=[
            ByHand((X, ROW), lambda x, row, g: (np.stack(np.broadcast_arrays(x, row)), g[0], g[1].sum(0)))
        ],
    ),
    record(
        "meshgrid",
        flat(ops.meshgrid),
        skip=WRAPPED,
        operands=coordinates(),
        reference=flat(np.meshgrid),
        numpy=flat(np.meshgrid),
        torch=meshgrid_in_torch,
        by_hand=[
            ByHand(
                (ROW, ROW),
                lambda x, y, g: (
                    np.concatenate([part.ravel() for part in np.meshgrid(x, y)]),
                    g[:1000000].reshape(1000, 1000).sum(0),
                    g[1000000:].reshape(1000, 1000).sum(1),
                ),
            )
        ],
    ),
]
