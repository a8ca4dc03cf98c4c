"""Choices between operands, and between an element and what stands for it."""

import functools

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn import ops
from tinygrad_cnn.testing import ErrorCase

from .draws import arrays, broadcastable, untied_pairs
from .million import Y, Z, slope
from .record import DO_NOT_BROADCAST, ByHand, Singular, record

off_zero = functools.partial(arrays, away_from=[0.0], gap=0.25)
replacements = st.none() | st.floats(-8, 8)


@st.composite
def chosen(draw):
    """Draw conditions, as many choices, and what stands where none holds; all broadcast."""
    choices = draw(st.integers(1, 3).flatmap(lambda n: broadcastable(count=n + 1)))
    conditions = [draw(arrays(x.shape)) > 0 for x in choices[1:]]
    return conditions, list(choices[1:]), choices[0]


def select_in_torch(torch, condlist, choicelist, default):
    out = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        out = torch.where(torch.as_tensor(condition), choice, out)
    return out


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
    record(
        "select",
        operands=chosen(),
        reference=np.select,
        linear_in=("choicelist", "default"),
        errors=[
            ErrorCase(([np.ones(2, bool)], []), ValueError, says=("1 conditions and 0 choices",)),
            ErrorCase(([np.ones(2)], [np.ones(2)]), TypeError, says=("bool", "float64")),
        ],
        torch=select_in_torch,
        by_hand=[
            ByHand(
                (Z, Y),
                lambda x, y, g: (np.select([x < 0, x < 1], [x, y]), g * (x < 0), g * ((x >= 0) & (x < 1))),
                lambda x, y: ops.select([x < 0, x < 1], [x, y]),
            )
        ],
    ),
]
