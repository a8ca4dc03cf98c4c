"""Elementary functions of one number, and the hypotenuse."""

import functools
import math

import numpy as np
import references
from hypothesis import strategies as st
from references import each

from tinygrad_cnn.ops import elementary

from .draws import arrays, broadcastable
from .million import HALF, X, Y, Z, erf, slope
from .record import DO_NOT_BROADCAST, ByHand, Singular, part, record
from .written import ops


def erf_slope(x, out):
    return np.float32(1.1283792) * np.exp(-x * x)


def sinc_slope(x, out):
    """Be right at 0, as `numpy.sinc` is; near it the difference of two numbers close to 1 loses digits."""
    is_zero = x == 0
    return np.where(is_zero, 0, (np.cos(np.float32(np.pi) * x) - out) / np.where(is_zero, 1, x))


orders = {"order": st.integers(1, 3)}

RECORDS = [
    record(
        "exp",
        operands=arrays(),
        reference=np.exp,
        by_hand=[slope(np.exp, lambda x, out: out)],
        singular={"exp": Singular(ops.exp, (1e4,))},
    ),
    record(
        "expm1",
        operands=arrays(),
        reference=each(math.expm1),
        by_hand=[slope(np.expm1, lambda x, out: np.exp(x))],
        singular={"expm1": Singular(ops.expm1, (1e4,))},
    ),
    record(
        "log",
        operands=arrays(low=0.25),
        reference=np.log,
        by_hand=[slope(np.log, lambda x, out: 1 / x)],
        singular={
            "log": Singular(ops.log, (0.0, -1.0)),
            "log of a product": Singular(lambda x: ops.log(x * x), (0.0,)),
            "log of a sigmoid": Singular(lambda x: ops.log(ops.sigmoid(x)), (-800.0,)),
        },
    ),
    record(
        "log1p",
        operands=arrays(low=-0.75),
        reference=each(math.log1p),
        by_hand=[slope(np.log1p, lambda x, out: 1 / (1 + x))],
        singular={"log1p": Singular(ops.log1p, (-1.0, -2.0))},
    ),
    record(
        "sqrt",
        operands=arrays(low=0.25),
        reference=np.sqrt,
        by_hand=[slope(np.sqrt, lambda x, out: HALF / out)],
        singular={
            "sqrt": Singular(ops.sqrt, (0.0, -1.0, np.inf)),
            "root of a root": Singular(lambda x: ops.sqrt(ops.sqrt(x)), (0.0,)),
            "root of a sum of squares": Singular(
                lambda x: ops.sqrt(ops.sum(ops.square(ops.stack([x, x])), 0)), (0.0,)
            ),
        },
    ),
    part(
        "sqrt_slope",
        elementary._sqrt_slope,
        elementwise=True,
        operands=arrays(low=0.25),
        reference=lambda x: 0.5 / np.sqrt(x),
    ),
    record(
        "sin",
        operands=arrays(),
        reference=np.sin,
        by_hand=[slope(np.sin, lambda x, out: np.cos(x))],
        singular={"sin": Singular(ops.sin, (-np.inf, np.inf))},
    ),
    record(
        "cos",
        operands=arrays(),
        reference=np.cos,
        by_hand=[slope(np.cos, lambda x, out: -np.sin(x))],
        singular={"cos": Singular(ops.cos, (-np.inf, np.inf))},
    ),
    record(
        "sinh",
        operands=arrays(),
        reference=each(math.sinh),
        by_hand=[slope(np.sinh, lambda x, out: np.cosh(x))],
        singular={"sinh": Singular(ops.sinh, (-1e4, 1e4))},
    ),
    record(
        "cosh",
        operands=arrays(),
        reference=each(math.cosh),
        by_hand=[slope(np.cosh, lambda x, out: np.sinh(x))],
        singular={"cosh": Singular(ops.cosh, (-1e4, 1e4))},
    ),
    record(
        "tanh",
        operands=arrays(),
        reference=np.tanh,
        by_hand=[slope(np.tanh, lambda x, out: 1 - out * out)],
    ),
    record(
        "arctan",
        operands=arrays(),
        reference=each(math.atan),
        by_hand=[slope(np.arctan, lambda x, out: 1 / (1 + x * x))],
    ),
    record(
        "erf",
        elementwise=True,
        operands=arrays(low=-7.0, high=7.0),
        reference=each(math.erf),
        by_hand=[slope(erf, erf_slope, Z)],
    ),
    record(
        "sinc",
        elementwise=True,
        operands=arrays(),
        reference=references.sinc,
        ties=True,
        by_hand=[slope(np.sinc, sinc_slope, Z)],
        singular={"sinc": Singular(ops.sinc, (-np.inf, np.inf))},
    ),
    part(
        "sinc_derivative",
        elementary._sinc,
        elementwise=True,
        operands=arrays(),
        params={"order": st.integers(0, 3)},
        reference=references.sinc,
    ),
    part("tanh_derivative", elementary._tanh_derivative, elementwise=True, operands=arrays(), params=orders),
    part(
        "arctan_derivative", elementary._arctan_derivative, elementwise=True, operands=arrays(), params=orders
    ),
    part("erf_derivative", elementary._erf_derivative, elementwise=True, operands=arrays(), params=orders),
    part(
        "cosine",
        elementary._cosine,
        elementwise=True,
        operands=broadcastable(each=functools.partial(arrays, away_from=[0.0], gap=0.25)),
        reference=lambda a, b: a / np.sqrt(a * a + b * b),
    ),
    part(
        "power_derivative",
        elementary._power_derivative,
        elementwise=True,
        operands=broadcastable(each=functools.partial(arrays, low=0.25)),
        params={"by_base": st.integers(0, 2), "by_exponent": st.integers(0, 2)},
    ),
    record(
        "hypot",
        operands=broadcastable(each=functools.partial(arrays, away_from=[0.0], gap=0.25)),
        reference=lambda a, b: np.sqrt(a * a + b * b),
        errors=DO_NOT_BROADCAST,
        by_hand=[ByHand((X, Y), lambda x, y, g: (h := np.hypot(x, y), g * (x / h), g * (y / h)))],
        singular={
            "hypot": Singular(lambda x: ops.hypot(x, 0.0), (0.0,)),
            "hypot of infinity": Singular(lambda x: ops.hypot(x, 1.0), (np.inf,)),
        },
    ),
]
