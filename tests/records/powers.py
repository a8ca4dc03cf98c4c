"""Powers with one fixed exponent that have names of their own."""

import functools

import numpy as np

from tinygrad_cnn import ops
from tinygrad_cnn.ops import powers

from .draws import arrays
from .million import slope
from .record import Singular, part, record

off_zero = functools.partial(arrays, away_from=[0.0], gap=0.25)

RECORDS = [
    record(
        "reciprocal",
        operands=off_zero(),
        reference=lambda x: 1 / x,
        by_hand=[slope(np.reciprocal, lambda x, out: -out * out)],
        singular={"reciprocal": Singular(ops.reciprocal, (0.0,))},
    ),
    record(
        "cbrt",
        operands=off_zero(),
        reference=lambda x: np.sign(x) * np.abs(x) ** (1 / 3),
        torch=lambda torch, x: x.sign() * x.abs() ** (1 / 3),
        by_hand=[slope(np.cbrt, lambda x, out: out / x / 3)],
        singular={"cbrt": Singular(ops.cbrt, (0.0, -np.inf, np.inf))},
    ),
    part(
        "cbrt_slope",
        powers._cbrt_slope,
        elementwise=True,
        operands=off_zero().map(lambda x: (x, np.cbrt(x))),
        reference=lambda x, root: (2 * root / x + root**-2) / 9,
        constant=("root",),
    ),
]
