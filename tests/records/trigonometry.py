"""The tangent, the inverse trigonometric and hyperbolic functions, degrees and radians."""

import functools
import math

import numpy as np
from hypothesis import strategies as st
from references import each

from tinygrad_cnn import ops
from tinygrad_cnn.ops import trigonometry

from .draws import arrays, broadcastable
from .million import X, Y, Z, slope
from .record import DO_NOT_BROADCAST, ByHand, Singular, part, record

INSIDE = Z / 4  # within -1 and 1
off_zero = functools.partial(arrays, away_from=[0.0], gap=0.25)


def angles_by_hand(y, x, g):
    square_sum = x * x + y * y
    return np.arctan2(y, x), g * (x / square_sum), g * (-y / square_sum)


RECORDS = [
    record(
        "tan",
        operands=arrays(low=-1.25, high=1.25),
        reference=each(math.tan),
        by_hand=[slope(np.tan, lambda x, out: 1 + out * out, INSIDE)],
        singular={"tan": Singular(ops.tan, (-np.inf, np.inf))},
    ),
    part(
        "tan_derivative",
        trigonometry._tan_derivative,
        elementwise=True,
        operands=arrays(low=-1.25, high=1.25),
        params={"order": st.integers(1, 3)},
    ),
    record(
        "arcsin",
        operands=arrays(low=-0.75, high=0.75),
        reference=each(math.asin),
        by_hand=[slope(np.arcsin, lambda x, out: 1 / np.sqrt(1 - x * x), INSIDE)],
        singular={"arcsin": Singular(lambda x: ops.arcsin(x / 2), (-2.0, 2.0, 4.0, np.inf))},
    ),
    record(
        "arccos",
        operands=arrays(low=-0.75, high=0.75),
        reference=each(math.acos),
        by_hand=[slope(np.arccos, lambda x, out: -1 / np.sqrt(1 - x * x), INSIDE)],
        singular={"arccos": Singular(lambda x: ops.arccos(x / 2), (-2.0, 2.0, 4.0, np.inf))},
    ),
    part(
        "power_of_one_minus_square",
        trigonometry._power_of_one_minus_square,
        elementwise=True,
        operands=arrays(low=-0.75, high=0.75),
        params={"order": st.integers(1, 4)},
        reference=lambda x, order: (1 - x * x) ** (-order / 2),
    ),
    record(
        "arctan2",
        operands=broadcastable(each=off_zero),
        reference=np.vectorize(math.atan2, otypes=[float]),
        errors=DO_NOT_BROADCAST,
        ties=True,
        by_hand=[ByHand((X, Y), angles_by_hand)],
        singular={
            "arctan2 at the origin": Singular(lambda x: ops.arctan2(x, x), (0.0, np.nan)),
            "arctan2 of infinity": Singular(lambda x: ops.arctan2(x, 1.0), (np.inf,)),
        },
    ),
    part(
        "arctan2_derivative",
        trigonometry._arctan2_derivative,
        elementwise=True,
        operands=broadcastable(each=off_zero),
        params={"by_y": st.just(1), "by_x": st.just(0)},
        reference=lambda y, x, by_y, by_x: x / (x * x + y * y),
    ),
    record(
        "arcsinh",
        operands=arrays(),
        reference=each(math.asinh),
        by_hand=[slope(np.arcsinh, lambda x, out: 1 / np.hypot(x, np.float32(1)), Z)],
        singular={"arcsinh": Singular(ops.arcsinh, (-np.inf, np.inf))},
    ),
    part(
        "arcsinh_derivative",
        trigonometry._arcsinh_derivative,
        elementwise=True,
        operands=arrays(),
        params={"order": st.integers(1, 3)},
    ),
    record(
        "arccosh",
        operands=arrays(low=1.25),
        reference=each(math.acosh),
        by_hand=[slope(np.arccosh, lambda x, out: 1 / np.sqrt((x - 1) * (x + 1)), X + 1)],
        singular={"arccosh": Singular(lambda x: ops.arccosh(2 * x), (0.5, 0.0, np.inf))},
    ),
    part(
        "arccosh_slope",
        trigonometry._arccosh_slope,
        elementwise=True,
        operands=arrays(low=1.25),
        reference=lambda x: (x * x - 1) ** -0.5,
    ),
    record(
        "arctanh",
        operands=arrays(low=-0.75, high=0.75),
        reference=each(math.atanh),
        by_hand=[slope(np.arctanh, lambda x, out: 1 / (1 - x * x), INSIDE)],
        singular={"arctanh": Singular(lambda x: ops.arctanh(x / 2), (-2.0, 2.0, 4.0, np.inf))},
    ),
    record(
        "deg2rad",
        operands=arrays(),
        reference=each(math.radians),
        by_hand=[slope(np.deg2rad, lambda x, out: np.float32(math.pi / 180))],
    ),
    record(
        "rad2deg",
        operands=arrays(),
        reference=each(math.degrees),
        by_hand=[slope(np.rad2deg, lambda x, out: np.float32(180 / math.pi))],
    ),
]
