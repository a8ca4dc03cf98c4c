"""Arithmetic and choices, element by element."""

import functools

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.ops import elementwise
from tinygrad_cnn.testing import ErrorCase, strategies

from .draws import arrays, broadcastable, distinct_arrays, untied_pairs
from .million import MASK, X, Y, Z, flat, slope
from .record import DO_NOT_BROADCAST, ByHand, Singular, part, record
from .written import ops


@st.composite
def between_bounds(draw, distance=0.125):
    """Draw broadcastable triples (x, low, high), one of the latter perhaps None; bounds keep off zero."""
    x, low, high = draw(broadcastable(3, each=functools.partial(distinct_arrays, gap=0.25)))
    kept = draw(st.sampled_from(["both", "low", "high"]))
    low, high = -np.abs(low) - distance, np.abs(high) + distance
    return x, low if kept != "high" else None, high if kept != "low" else None


def clip_in_torch(torch, x, a_min=None, a_max=None):
    """Broadcast first: ``torch.clamp`` fails for a 0-d tensor with one of shape (1,)."""
    if a_min is None and a_max is None:
        return x * 1
    given = [bound for bound in (a_min, a_max) if isinstance(bound, torch.Tensor)]
    x, *given = torch.broadcast_tensors(x, *given)
    bounds = iter(given)
    return torch.clamp(x, *(next(bounds) if isinstance(b, torch.Tensor) else b for b in (a_min, a_max)))


between_numbers = strategies.calls(
    arrays(away_from=[-1.0, 1.0, 2.0]),
    {"a_min": st.sampled_from([None, -1.0]), "a_max": st.sampled_from([None, 1.0, 2])},
)

RECORDS = [
    record(
        "subtract",
        operands=broadcastable(),
        reference=np.subtract,
        linear_in=("a", "b"),
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[ByHand((X, Y), lambda x, y, g: (x - y, g.copy(), -g))],
    ),
    record(
        "multiply",
        operands=broadcastable(),
        reference=np.multiply,
        linear_in=("a", "b"),
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[ByHand((X, Y), lambda x, y, g: (x * y, g * y, g * x))],
    ),
    record(
        "divide",
        operands=broadcastable(each=functools.partial(arrays, away_from=[0.0], gap=0.25)),
        reference=np.divide,
        errors=DO_NOT_BROADCAST,
        by_hand=[ByHand((X, Y), lambda x, y, g: (x / y, g / y, -g * x / (y * y)))],
        singular={
            "one divided by x": Singular(lambda x: 1.0 / x, (0.0,)),
            "zero divided by x": Singular(lambda x: 0.0 / x, (0.0,)),
            "x divided by zero": Singular(lambda x: x / 0.0, (0.0, 1.0)),
            "x times its reciprocal": Singular(lambda x: x * (1.0 / x), (0.0,)),
        },
    ),
    record(
        "negative",
        operands=arrays(),
        reference=np.negative,
        linear_in=("x",),
        by_hand=[slope(np.negative, lambda x, out: np.float32(-1))],
    ),
    record(
        "square",
        operands=arrays(),
        reference=lambda x: x * x,
        ties=True,
        by_hand=[slope(np.square, lambda x, out: 2 * x)],
        singular={"square": Singular(ops.square, (-np.inf,))},
    ),
    record(
        "abs",
        operands=arrays(away_from=[0.0]),
        reference=np.abs,
        ties=True,
        by_hand=[slope(np.abs, lambda x, out: np.sign(x), Z)],
    ),
    record(
        "sign",
        operands=arrays(away_from=[0.0]),
        reference=np.sign,
        ties=True,
        by_hand=[flat(np.sign)],
    ),
    record(
        "floor",
        operands=arrays(away_from=range(-3, 4)),
        reference=np.floor,
        ties=True,
        by_hand=[flat(np.floor)],
    ),
    record(
        "maximum",
        operands=untied_pairs(),
        reference=np.maximum,
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[ByHand((Z, Y), lambda x, y, g: (np.maximum(x, y), g * (x > y), g * (y > x)))],
    ),
    record(
        "minimum",
        operands=untied_pairs(),
        reference=np.minimum,
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[ByHand((Z, Y), lambda x, y, g: (np.minimum(x, y), g * (x < y), g * (y < x)))],
    ),
    record(
        "clip",
        elementwise=True,
        operands=between_bounds() | between_numbers,
        reference=lambda x, a_min, a_max: np.minimum(
            np.maximum(x, -np.inf if a_min is None else a_min), np.inf if a_max is None else a_max
        ),
        torch=clip_in_torch,
        ties=True,
        shared=strategies.calls(between_bounds(0.75)) | between_numbers,  # rounded, bounds still differ
        by_hand=[
            ByHand(
                (Z,),
                lambda x, g: (np.clip(x, -1, 1), g * ((x >= -1) & (x <= 1))),
                lambda x: ops.clip(x, -1, 1),
            )
        ],
    ),
    part("clip_to_bounds", elementwise._clip, elementwise=True, operands=between_bounds()),
    record(
        "where",
        elementwise=True,
        operands=broadcastable(3).map(lambda xs: (xs[0] > 0, *xs[1:])),
        reference=np.where,
        linear_in=("x", "y"),
        errors=[ErrorCase((np.ones(2, dtype=bool), np.ones(3), np.ones((2, 3))), ValueError)],
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (np.where(MASK, x, y), np.where(MASK, g, 0), np.where(MASK, 0, g)),
                lambda x, y: ops.where(MASK, x, y),
            )
        ],
    ),
    record(
        "power",
        operands=broadcastable(each=functools.partial(arrays, low=0.25))
        | strategies.calls(arrays(away_from=[0.0], gap=0.25), {"exponent": st.integers(-2, 4)}),
        reference=lambda x, exponent: np.power(x, exponent),
        errors=DO_NOT_BROADCAST,
        torch="pow",
        numpy=lambda x, exponent: x**exponent,
        shared=strategies.calls(broadcastable(each=functools.partial(arrays, low=0.25)))
        | strategies.calls(arrays(), {"exponent": st.sampled_from([0, 1, 2, 3, 2.0])}),
        by_hand=[
            ByHand((X, Y), lambda x, y, g: (p := x**y, g * (y * x ** (y - 1)), g * (p * np.log(x)))),
            slope(lambda x: x**2, lambda x, out: 2 * x, call=lambda x: x**2, label="2"),
            slope(lambda x: x**3, lambda x, out: 3 * x**2, call=lambda x: x**3, label="3"),
            slope(lambda x: x**1.5, lambda x, out: 1.5 * x**0.5, call=lambda x: x**1.5, label="1.5"),
        ],
        singular={
            "square root as a power": Singular(lambda x: x**0.5, (0.0, -1.0)),
            "inverse as a power": Singular(lambda x: x**-1, (0.0,)),
            "power with a fraction": Singular(lambda x: x**1.5, (0.0, -1.0)),
            "base and exponent": Singular(lambda x: ops.power(x, x), (0.0, -1.5)),
            "exponent of zero": Singular(lambda x: ops.power(np.array(0.0), x), (0.0, -1.0)),
            "exponent of a negative": Singular(lambda x: ops.power(np.array(-1.0), x), (0.5,)),
        },
    ),
]
