"""Exponentials and logarithms of other kinds than ``exp`` and ``log``."""

import math

import numpy as np
from hypothesis import strategies as st
from references import each

from tinygrad_cnn import ops
from tinygrad_cnn.ops import logarithms

from .draws import arrays, broadcastable
from .million import X, Y, slope
from .record import DO_NOT_BROADCAST, ByHand, Singular, part, record

INFINITIES = (-np.inf, np.inf)

RECORDS = [
    record(
        "exp2",
        operands=arrays(),
        reference=lambda x: 2.0**x,
        by_hand=[slope(np.exp2, lambda x, out: np.float32(math.log(2)) * out)],
        singular={"exp2": Singular(ops.exp2, (1e5,))},
    ),
    record(
        "log2",
        operands=arrays(low=0.25),
        reference=each(math.log2),
        by_hand=[slope(np.log2, lambda x, out: np.float32(1 / math.log(2)) / x)],
        singular={"log2": Singular(ops.log2, (0.0, -1.0))},
    ),
    record(
        "log10",
        operands=arrays(low=0.25),
        reference=each(math.log10),
        by_hand=[slope(np.log10, lambda x, out: np.float32(1 / math.log(10)) / x)],
        singular={"log10": Singular(ops.log10, (0.0, -1.0))},
    ),
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
    record(
        "logaddexp2",
        operands=broadcastable(),
        reference=lambda a, b: np.log2(2.0**a + 2.0**b),
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (out := np.logaddexp2(x, y), g * np.exp2(x - out), g * np.exp2(y - out)),
            )
        ],
        singular={
            "logaddexp2 of x twice": Singular(lambda x: ops.logaddexp2(x, x), (*INFINITIES, np.nan)),
        },
    ),
    part(
        "share",
        logarithms._share,
        elementwise=True,
        operands=broadcastable(),
        params={"base": st.sampled_from([2.0, np.e]), "order": st.just(0)},
        reference=lambda a, b, base, order: base**a / (base**a + base**b),
    ),
]
