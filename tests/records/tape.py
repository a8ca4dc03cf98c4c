"""The primitives that the tape itself is made of."""

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn import autodiff, ops, tape
from tinygrad_cnn.testing import ErrorCase, strategies

from .draws import arrays, broadcastable
from .million import ROW, X, Y
from .record import DO_NOT_BROADCAST, ByHand, Without, part, record


@st.composite
def summed_shapes(draw, x):
    """Draw a shape that broadcasts to that of ``x``."""
    kept = x.shape[draw(st.integers(0, x.ndim)) :]
    return tuple(draw(st.sampled_from([n, 1])) for n in kept)


@st.composite
def stretched_shapes(draw, x):
    """Draw a shape that ``x`` broadcasts to."""
    lead = draw(strategies.shapes(max_dims=2, max_side=2))
    return lead + tuple(draw(st.integers(0, 3)) if n == 1 else n for n in x.shape)


RECORDS = [
    record(
        "add",
        operands=broadcastable(),
        reference=np.add,
        linear_in=("a", "b"),
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[
            ByHand((X, Y), lambda x, y, g: (x + y, g.copy(), g.copy())),
            ByHand((X, ROW), lambda x, y, g: (x + y, g.copy(), g.sum(0)), label="a row"),
        ],
    ),
    record(
        "broadcast_to",
        operands=arrays(strategies.shapes(max_side=3)),
        params=lambda x: {"shape": stretched_shapes(x)},
        reference=lambda x, shape: np.zeros(shape) + x,
        linear_in=("x",),
        errors=[ErrorCase((np.ones(2),), ValueError, {"shape": (3,)}, says=("(2,)", "(3,)"))],
        torch=lambda torch, x, shape: torch.broadcast_to(x, shape),
        by_hand=[
            ByHand(
                (ROW,),
                lambda x, g: (np.broadcast_to(x, (1000, 1000)), g.sum(0)),
                lambda x: ops.broadcast_to(x, (1000, 1000)),
            ),
        ],
    ),
    record(
        "astype",
        elementwise=True,
        operands=arrays(),
        params={"dtype": st.sampled_from([np.float32, np.float64])},
        reference=lambda x, dtype: np.array(x, dtype=dtype),
        skip={"float32": "casting is what it does"},
        numpy=Without("NumPy's function of this name refuses scalars"),
        torch=lambda torch, x, dtype: x.to(getattr(torch, np.dtype(dtype).name)),
        by_hand=[
            ByHand(
                (X,),
                lambda x, g: (x.astype(np.float64), g.astype(np.float32)),
                lambda x: ops.astype(x, np.float64),
            ),
        ],
    ),
    part(
        "sum_to",
        tape.sum_to,
        operands=arrays(strategies.shapes(max_side=3)),
        params=lambda x: {"shape": summed_shapes(x)},
        reference=references.sum_to,
        linear_in=("x",),
    ),
    part(
        "identity",
        autodiff._identity,
        elementwise=True,
        operands=arrays(),
        reference=lambda x: x.copy(),
        linear_in=("x",),
    ),
]
