"""Activations made of pieces, drawn away from their kinks."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.ops import piecewise
from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays, distinct_arrays
from .million import Z, slope
from .record import ByHand, part, record
from .written import ops

ONE = np.float32(1)
calls = strategies.calls


def away_from(*kinks):
    """Draw arrays away from kinks, on both sides of them."""
    return arrays(low=-8.0, high=8.0, away_from=kinks)


@st.composite
def with_slopes(draw):
    """Draw samples, and a slope for all of them or for each channel."""
    shape = draw(strategies.shapes())
    weight = draw(st.sampled_from([(), (1,), shape[1:2] or (1,)]))
    return Call((draw(distinct_arrays(shape)) + 1 / 64, draw(arrays(weight))), {})


def sloped(x, weight):
    return x * (weight.reshape(() if weight.size == 1 else (-1, *(1 for _ in x.shape[2:]))))


def prelu(x, weight, g):
    below = x <= 0
    return np.where(below, weight * x, x), np.where(below, weight * g, g), (g * x * below).sum(0)


def pieces(name, kinks, reference, by_hand, derivative, torch=None, params=None, **options):
    """Make the record of an activation by its pieces."""
    return record(
        name,
        elementwise=True,
        operands=away_from(*kinks),
        params=params,
        reference=reference,
        torch=torch or f"nn.functional.{name}",
        ties=True,
        by_hand=[slope(by_hand, derivative, Z, **options)],
    )


def hardswish_slope(x, out):
    return np.where(np.abs(x) < 3, (2 * x + 3) / 6, (x >= 3).astype(np.float32))


HALVES = {"lambd": st.sampled_from([0.25, 0.75])}

RECORDS = [
    pieces(
        "relu6",
        (0.0, 6.0),
        lambda x: np.where(x < 0, 0, np.where(x > 6, 6, x)),
        lambda x: np.clip(x, 0, 6),
        lambda x, out: (x > 0) & (x < 6),
    ),
    pieces(
        "hardtanh",
        (-2.0, -1.0, 1.5, 3.0),
        lambda x, min_val, max_val: np.where(x < min_val, min_val, np.where(x > max_val, max_val, x)),
        lambda x: np.clip(x, -1, 1),
        lambda x, out: np.abs(x) < 1,
        params={"min_val": st.sampled_from([-2.0, -1.0]), "max_val": st.sampled_from([1.5, 3.0])},
    ),
    part(
        "limited",
        piecewise._limited,
        elementwise=True,
        operands=away_from(-1.0, 2.0),
        params={"low": st.just(-1.0), "high": st.just(2.0)},
        reference=lambda x, low, high: np.where(x < low, low, np.where(x > high, high, x)),
    ),
    pieces(
        "hardsigmoid",
        (-3.0, 3.0),
        lambda x: np.where(x < -3, 0, np.where(x > 3, 1, x / 6 + 0.5)),
        lambda x: np.clip(x + 3, 0, 6) / 6,
        lambda x, out: (np.abs(x) < 3) / np.float32(6),
        torch=lambda torch, x: torch.nn.functional.relu6(x + 3) / 6,  # whose own slope is a sixth in float32
    ),
    pieces(
        "hardswish",
        (-3.0, 3.0),
        lambda x: np.where(x < -3, 0, np.where(x > 3, x, x * (x + 3) / 6)),
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        hardswish_slope,
    ),
    pieces(
        "hardshrink",
        (-0.75, -0.25, 0.25, 0.75),
        lambda x, lambd: np.where(np.abs(x) > lambd, x, 0),
        lambda x: np.where(np.abs(x) > 0.5, x, 0),
        lambda x, out: np.abs(x) > 0.5,
        params=HALVES,
    ),
    pieces(
        "softshrink",
        (-0.75, -0.25, 0.25, 0.75),
        lambda x, lambd: np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, 0)),
        lambda x: x - np.clip(x, -0.5, 0.5),
        lambda x, out: np.abs(x) > 0.5,
        params=HALVES,
    ),
    pieces(
        "threshold",
        (0.5,),
        lambda x, threshold, value: np.where(x > threshold, x, value),
        lambda x: np.where(x > 0.5, x, np.float32(3)),
        lambda x, out: x > 0.5,
        params={"threshold": st.just(0.5), "value": st.sampled_from([-1.0, 3.0])},
        call=lambda x: ops.threshold(x, 0.5, 3.0),
    ),
    record(
        "prelu",
        operands=with_slopes(),
        reference=lambda x, weight: np.where(x > 0, x, sloped(x, weight)),
        errors=[ErrorCase((np.ones((2, 3)), np.ones(2)), ValueError)],
        by_hand=[ByHand((Z, np.full(1000, 0.25, np.float32)), prelu)],
    ),
]
