"""Exponentials and logarithms of other kinds than ``exp`` and ``log``."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn import ops
from tinygrad_cnn.ops import logarithms

from .draws import broadcastable
from .million import X, Y
from .record import DO_NOT_BROADCAST, ByHand, Singular, part, record

INFINITIES = (-np.inf, np.inf)

RECORDS = [
    record(
        "logaddexp",
        operands=broadcastable(),
        reference=lambda a, b: np.log(np.exp(a) + np.exp(b)),
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (out := np.logaddexp(x, y), g * np.exp(x - out), g * np.exp(y - out)),
            )
        ],
        singular={
            "logaddexp of x twice": Singular(lambda x: ops.logaddexp(x, x), (*INFINITIES, np.nan)),
        },
    ),
    part(
        "share",
        logarithms._share,
        operands=broadcastable(),
        params={"base": st.sampled_from([2.0, np.e])},
        reference=lambda a, b, base: base**a / (base**a + base**b),
    ),
]
