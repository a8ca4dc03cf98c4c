"""Rounding, and division with a remainder."""

import functools

import numpy as np
from hypothesis import strategies as st
from references import each

from tinygrad_cnn import ops

from .draws import arrays, broadcastable
from .million import X, Y, Z, flat
from .record import DO_NOT_BROADCAST, ByHand, Singular, record


@st.composite
def between_jumps(draw):
    """Draw broadcastable pairs whose quotients, and divisors, keep away from whole numbers."""
    quotient, b = draw(broadcastable(each=functools.partial(arrays, away_from=range(-3, 4))))
    return quotient * b, b


RECORDS = [
    record(
        "ceil",
        operands=arrays(away_from=range(-3, 4)),
        reference=lambda x: -np.floor(-x),
        ties=True,
        by_hand=[flat(np.ceil)],
    ),
    record(
        "trunc",
        operands=arrays(away_from=range(-3, 4)),
        reference=lambda x: np.sign(x) * np.floor(np.abs(x)),
        ties=True,
        by_hand=[flat(np.trunc)],
    ),
    record(
        "round",
        elementwise=True,
        operands=arrays(away_from=[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]),
        params={"decimals": st.sampled_from([-1, 0])},
        reference=lambda x, decimals: each(lambda v: round(float(v), decimals))(x),
        ties=True,
        by_hand=[flat(np.round)],
    ),
    record(
        "floor_divide",
        operands=between_jumps(),
        reference=lambda a, b: np.floor(a / b),
        torch=lambda torch, a, b: torch.floor_divide(a.detach(), b.detach()),  # its own has no gradient
        errors=DO_NOT_BROADCAST,
        by_hand=[ByHand((Z, Y), lambda a, b, g: (np.floor_divide(a, b), np.zeros_like(a), np.zeros_like(b)))],
    ),
    record(
        "remainder",
        operands=between_jumps(),
        reference=lambda a, b: a - b * np.floor(a / b),
        errors=DO_NOT_BROADCAST,
        by_hand=[ByHand((Z, Y), lambda a, b, g: (np.remainder(a, b), g.copy(), g * -np.floor_divide(a, b)))],
        singular={"remainder by zero": Singular(lambda x: ops.remainder(1.0, x), (0.0, np.nan))},
    ),
    record(
        "fmod",
        operands=between_jumps(),
        reference=lambda a, b: a - b * np.trunc(a / b),
        errors=DO_NOT_BROADCAST,
        by_hand=[ByHand((X, Y), lambda a, b, g: (np.fmod(a, b), g.copy(), g * -np.floor_divide(a, b)))],
        singular={"fmod by zero": Singular(lambda x: ops.fmod(1.0, x), (0.0, np.nan))},
    ),
]
