"""Choices between operands, and between an element and what stands for it."""

import functools

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn import ops

from .draws import arrays, broadcastable, untied_pairs
from .million import Y, Z, slope
from .record import DO_NOT_BROADCAST, ByHand, Singular, record

off_zero = functools.partial(arrays, away_from=[0.0], gap=0.25)
replacements = st.none() | st.floats(-8, 8)

RECORDS = [
    record(
        "fmax",
        operands=untied_pairs(),
        reference=np.maximum,
        errors=DO_NOT_BROADCAST,
        by_hand=[ByHand((Z, Y), lambda x, y, g: (np.fmax(x, y), g * (x > y), g * (y > x)))],
    ),
    record(
        "fmin",
        operands=untied_pairs(),
        reference=np.minimum,
        errors=DO_NOT_BROADCAST,
        by_hand=[ByHand((Z, Y), lambda x, y, g: (np.fmin(x, y), g * (x < y), g * (y < x)))],
    ),
    record(
        "copysign",
        operands=broadcastable(each=off_zero),
        reference=lambda a, b: np.abs(a) * np.sign(b),
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[
            ByHand(
                (Z, Y),
                lambda a, b, g: (o := np.copysign(a, b), g * np.sign(a) * np.sign(o), np.zeros_like(g)),
            )
        ],
        singular={"copysign of NaN": Singular(lambda x: ops.copysign(x, 1.0), (np.nan,))},
    ),
    record(
        "heaviside",
        operands=broadcastable(each=off_zero),
        reference=lambda x, at_zero: (x > 0) + 0 * at_zero,
        errors=DO_NOT_BROADCAST,
        torch=lambda torch, x, at_zero: torch.where(x == 0, at_zero, (x > 0).to(x.dtype)) + 0 * x,
        ties=True,
        by_hand=[ByHand((Z, Y), lambda x, y, g: (np.heaviside(x, y), np.zeros_like(g), g * (x == 0)))],
    ),
    record(
        "nan_to_num",
        elementwise=True,
        operands=arrays(),
        params={"nan": st.floats(-8, 8), "posinf": replacements, "neginf": replacements},
        reference=lambda x, nan, posinf, neginf: x,
        by_hand=[slope(np.nan_to_num, lambda x, out: np.isfinite(x))],
    ),
]
