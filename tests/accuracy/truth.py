"""What elementwise operations and their derivatives are, by mpmath: a line for each, and where to look.

A reference is given numbers of mpmath in high precision, in which it must not lose them all: it is better to
write ``expm1(x)`` than ``exp(x) - 1``.
"""

import math
from typing import Any, NamedTuple

import mpmath as mp

from tinygrad_cnn import ops

INF = float("inf")
INSIDE = 1 - 2.0**-20  # the last place before 1 that float32 tells well from it


class Truth(NamedTuple):
    """The value and the derivatives of an operation, by their order, and the points at which to compare."""

    derivatives: dict[Any, Any]
    low: float = -INF
    high: float = INF
    near: tuple[float, ...] = ()  # points to look around: kinks, zeros, where a value saturates
    found: tuple[float, ...] = ()  # points at which a search has found other formulas wrong
    call: Any = None  # the operation as it is called, by default with the operands alone
    second: tuple[float, ...] = ()  # values of the second operand, for all magnitudes of the first
    limit: float = 4.0  # units in the last place

    def function(self, name):
        """Return the operation, of the operands alone."""
        return self.call or getattr(ops, name.split(":")[0])


def one(value, slope, curvature, *where, **options):
    """Describe an operation of one operand."""
    return Truth({0: value, 1: slope, 2: curvature}, *where, **options)


def two(value, by_x, by_y, by_xx, by_xy, by_yy, *where, **options):
    """Describe an operation of two operands."""
    derivatives = [value, by_x, by_y, by_xx, by_xy, by_yy]
    orders = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    return Truth(dict(zip(orders, derivatives, strict=True)), *where, **options)


def zero(*x):
    return mp.mpf(0)


def constant(c):
    return lambda *x: mp.mpf(c)


def sech2(x):
    return mp.sech(x) ** 2


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def bell(x):
    """Differentiate the logistic function."""
    return 1 / (2 * mp.cosh(x / 2)) ** 2


def bell_slope(x):
    return -bell(x) * mp.tanh(x / 2)


def softplus(x):
    return mp.log1p(mp.exp(-abs(x))) + max(x, 0)


def density(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def cubic(x):
    """Return twice the argument of tanh in the approximation of gelu, and two derivatives."""
    c, a = 2 * mp.sqrt(2 / mp.pi), mp.mpf(0.044715)
    return c * (x + a * x**3), c * (1 + 3 * a * x * x), 6 * c * a * x


def gelu_tanh(x):
    return x * sigmoid(cubic(x)[0])


def gelu_tanh_slope(x):
    v, dv, _ = cubic(x)
    return sigmoid(v) + x * bell(v) * dv


def gelu_tanh_curvature(x):
    v, dv, ddv = cubic(x)
    return 2 * bell(v) * dv + x * (bell_slope(v) * dv**2 + bell(v) * ddv)


def sinc(order):
    """Differentiate sin(pi x) / (pi x), near 0 by its series."""

    def derivative(x):
        if abs(x) < 0.25:
            terms = range((order + 1) // 2, 16)
            return mp.fsum(
                (-1) ** k
                * mp.pi ** (2 * k)
                * mp.ff(2 * k, order)
                / mp.factorial(2 * k + 1)
                * x ** (2 * k - order)
                for k in terms
            )
        value = mp.sincpi(x)
        slope = (mp.cospi(x) - value) / x
        return [value, slope, -(mp.pi**2) * value - 2 * slope / x][order]

    return derivative


def mish(order):
    """Differentiate x tanh(log(1 + e**x))."""

    def derivative(x):
        e = mp.exp(x)
        m = e * e + 2 * e + 2
        gate, slope = e * (e + 2) / m, 4 * e * (e + 1) / m**2
        bend = 4 * e * (2 + 2 * e - 3 * e**2 - 2 * e**3) / m**3
        return [x * gate, gate + x * slope, 2 * slope + x * bend][order]

    return derivative


def tanhshrink(x):
    """Take tanh away, near 0 by the power series of tanh."""
    if abs(x) > 0.25:
        return x - mp.tanh(x)
    terms = (
        4**n * (4**n - 1) * mp.bernoulli(2 * n) / mp.factorial(2 * n) * x ** (2 * n - 1) for n in range(2, 40)
    )
    return -mp.fsum(terms)


SELU = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")


def relu_slope(x):
    return mp.mpf(x > 0)


def power_by_exponent(x, y):
    return x**y * mp.log(x)


def logaddexp(base):
    """Return the logarithm of a sum of powers, and its derivatives.

    Beside -3 as the second operand, the powers sum to 1 at a place to look around.
    """

    def rate():  # in the precision of the call
        return mp.log(base)

    def share(x, y):
        return sigmoid((x - y) * rate())

    def bend(x, y):
        return bell((x - y) * rate()) * rate()

    return two(
        lambda x, y: max(x, y) + mp.log1p(mp.power(base, -abs(x - y))) / rate(),
        share, lambda x, y: share(y, x), bend, lambda x, y: -bend(x, y), bend,
        -700, 700, near=(math.log1p(-float(base) ** -3) / math.log(base),),
        second=(0.0, -3.0, -90.0, 650.0),
    )  # fmt: skip


def cbrt(x):
    return mp.sign(x) * mp.cbrt(abs(x))


# Rounding and choosing, and what moves no digit.
EXACT = {
    "astype", "atleast_1d", "ceil", "copysign", "deg2rad", "dropout", "dropout2d", "floor_divide", "fmax",
    "fmin", "fmod", "heaviside", "nan_to_num", "rad2deg", "remainder", "round", "trunc",
}  # fmt: skip

TRUTH = {
    "add": two(lambda x, y: x + y, constant(1), constant(1), zero, zero, zero, second=(0.0, -3.0, 1e30)),
    "subtract": two(
        lambda x, y: x - y, constant(1), constant(-1), zero, zero, zero, second=(0.0, -3.0, 1e30)
    ),
    "multiply": two(
        lambda x, y: x * y, lambda x, y: y, lambda x, y: x, zero, constant(1), zero, second=(0.1, -3.0, 1e30)
    ),
    "divide": two(
        lambda x, y: x / y,
        lambda x, y: 1 / y,
        lambda x, y: -x / y**2,
        zero,
        lambda x, y: -1 / y**2,
        lambda x, y: 2 * x / y**3,
        second=(0.1, -3.0, 1e30, 1e-30),
    ),
    "divide: 1 / x": one(
        lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, 5e-324, INF, call=lambda x: 1 / x
    ),
    "negative": one(lambda x: -x, constant(-1), zero),
    "square": one(lambda x: x * x, lambda x: 2 * x, constant(2)),
    "abs": one(abs, mp.sign, zero),
    "sign": one(mp.sign, zero, zero),
    "floor": one(mp.floor, zero, zero),
    "maximum": one(
        lambda x: max(x, 3), lambda x: mp.mpf(x > 3), zero, near=(3.5,), call=lambda x: ops.maximum(x, 3)
    ),
    "minimum": one(
        lambda x: min(x, 3), lambda x: mp.mpf(x < 3), zero, near=(3.5,), call=lambda x: ops.minimum(x, 3)
    ),
    "clip": one(
        lambda x: min(max(x, -1), 2), lambda x: mp.mpf(-1 <= x <= 2), zero, call=lambda x: ops.clip(x, -1, 2)
    ),
    "where": one(
        lambda x: max(x, 3 * x),
        lambda x: mp.mpf(3 if x > 0 else 1),
        zero,
        call=lambda x: ops.where(x > 0, 3 * x, x),
    ),
    "power": two(
        lambda x, y: x**y,
        lambda x, y: y * x ** (y - 1),
        power_by_exponent,
        lambda x, y: y * (y - 1) * x ** (y - 2),
        lambda x, y: x ** (y - 1) * (1 + y * mp.log(x)),
        lambda x, y: x**y * mp.log(x) ** 2,
        5e-324,
        INF,
        near=(1.0,),
        # the last two are so large that one less than them rounds to them, in float32 and in float64
        second=(0.1, 0.3, -0.1, 0.5, 1.5, 2.7, 3.0, -1.0, -2.3, 19267580.0, 3 * 2.0**53),
    ),
    "power: x**2": one(lambda x: x * x, lambda x: 2 * x, constant(2), call=lambda x: x**2),
    "power: x**3": one(lambda x: x**3, lambda x: 3 * x * x, lambda x: 6 * x, call=lambda x: x**3),
    "power: x**-1": one(
        lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, 5e-324, INF, call=lambda x: x**-1
    ),
    "power: x**0.5": one(
        mp.sqrt, lambda x: x**-0.5 / 2, lambda x: -(x**-1.5) / 4, 5e-324, INF, call=lambda x: x**0.5
    ),
    "exp": one(mp.exp, mp.exp, mp.exp, -750, 720),
    "expm1": one(mp.expm1, mp.exp, mp.exp, -750, 720),
    "log": one(mp.log, lambda x: 1 / x, lambda x: -1 / x**2, 5e-324, INF, near=(1.0,)),
    "log1p": one(
        mp.log1p, lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2, -1 + 2.0**-20, INF, near=(-0.75,)
    ),
    "sqrt": one(
        mp.sqrt, lambda x: x**-0.5 / 2, lambda x: -(x**-1.5) / 4, 5e-324, INF, found=(1.0210784827939443,)
    ),
    "sin": one(mp.sin, mp.cos, lambda x: -mp.sin(x), near=(1.5707963267948966, 3.141592653589793)),
    "cos": one(
        mp.cos, lambda x: -mp.sin(x), lambda x: -mp.cos(x), near=(1.5707963267948966, 3.141592653589793)
    ),
    "sinh": one(mp.sinh, mp.cosh, mp.sinh, -711, 711),
    "cosh": one(mp.cosh, mp.sinh, mp.cosh, -711, 711),
    "tanh": one(mp.tanh, sech2, lambda x: -2 * mp.tanh(x) * sech2(x), -375, 375, near=(0.0, 9.1)),
    "arctan": one(mp.atan, lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2, near=(0.0,)),
    "erf": one(
        mp.erf,
        lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
        lambda x: -4 * x / mp.sqrt(mp.pi) * mp.exp(-x * x),
        -28,
        28,
        near=(0.5, 1.0, 3.0),
    ),
    "sinc": one(
        *map(sinc, range(3)),
        -1e6,
        1e6,
        near=(0.0, 1.0, 1.4303, 2.4590, 0.6626),
        limit=8.0,
        found=(2.4712350368499756, 3.479477, 5.488288),
    ),
    "hypot": two(
        mp.hypot,
        lambda x, y: x / mp.hypot(x, y),
        lambda x, y: y / mp.hypot(x, y),
        lambda x, y: y * y / mp.hypot(x, y) ** 3,
        lambda x, y: -x * y / mp.hypot(x, y) ** 3,
        lambda x, y: x * x / mp.hypot(x, y) ** 3,
        second=(1.0, -3e-20, 7e25),
    ),
    "relu": one(lambda x: max(x, 0), relu_slope, zero),
    "leaky_relu": one(
        lambda x: max(x, x * 0.25),
        lambda x: mp.mpf(1 if x > 0 else 0.25),
        zero,
        call=lambda x: ops.leaky_relu(x, negative_slope=0.25),
    ),
    "elu": one(
        lambda x: x if x > 0 else 0.7 * mp.expm1(x),
        lambda x: mp.mpf(1) if x > 0 else 0.7 * mp.exp(x),
        lambda x: mp.mpf(0) if x > 0 else 0.7 * mp.exp(x),
        -750,
        10,
        near=(0.0,),
        call=lambda x: ops.elu(x, alpha=0.7),
    ),
    "celu": one(
        lambda x: x if x > 0 else 0.7 * mp.expm1(x / 0.7),
        lambda x: mp.mpf(1) if x > 0 else mp.exp(x / 0.7),
        lambda x: mp.mpf(0) if x > 0 else mp.exp(x / 0.7) / 0.7,
        -520,
        10,
        near=(0.0,),
        call=lambda x: ops.celu(x, alpha=0.7),
    ),
    "sigmoid": one(sigmoid, bell, bell_slope, -750, 750, near=(0.0,)),
    "log_sigmoid": one(
        lambda x: -softplus(-x), lambda x: sigmoid(-x), lambda x: -bell(x), -750, 750, near=(0.0,)
    ),
    "softplus": one(softplus, sigmoid, bell, -750, 750, near=(0.0,)),
    "silu": one(
        lambda x: x * sigmoid(x),
        lambda x: sigmoid(x) + x * bell(x),
        lambda x: bell(x) * (2 - x * mp.tanh(x / 2)),
        -760,
        760,
        near=(0.0, -1.278464542761074, 2.399357280515468, -2.399357280515468),
    ),
    "gelu": one(
        lambda x: x * cdf(x),
        lambda x: cdf(x) + x * density(x),
        lambda x: density(x) * (2 - x * x),
        -39,
        39,
        near=(0.0, -0.7517915246935645, 1.4142135623730951, -1.4142135623730951),
        limit=8.0,
    ),
    "gelu: tanh": one(
        gelu_tanh,
        gelu_tanh_slope,
        gelu_tanh_curvature,
        -25,
        25,
        near=(0.0, -0.7524614220710165, 1.4, -1.4),
        call=lambda x: ops.gelu(x, approximate="tanh"),
        limit=8.0,
    ),
    "relu6": one(lambda x: min(max(x, 0), 6), lambda x: mp.mpf(0 < x < 6), zero, near=(5.5,)),
    "hardtanh": one(
        lambda x: min(max(x, -3), 0.7),
        lambda x: mp.mpf(-3 < x < mp.mpf(0.7)),
        zero,
        near=(0.5, -2.5),
        call=lambda x: ops.hardtanh(x, min_val=-3, max_val=0.7),
    ),
    "hardsigmoid": one(
        lambda x: min(max(x + 3, 0), 6) / 6, lambda x: mp.mpf(-3 < x < 3) / 6, zero, near=(-2.5, 2.5)
    ),
    "hardswish": one(
        lambda x: x * min(max(x + 3, 0), 6) / 6,
        lambda x: (2 * x + 3) / 6 if -3 < x < 3 else mp.mpf(x >= 3),
        lambda x: mp.mpf(-3 < x < 3) / 3,
        near=(-2.5, -1.5, 0.0, 2.5),
    ),
    "hardshrink": one(lambda x: x if abs(x) > 0.5 else mp.mpf(0), lambda x: mp.mpf(abs(x) > 0.5), zero),
    "softshrink": one(
        lambda x: mp.sign(x) * max(abs(x) - 0.5, 0), lambda x: mp.mpf(abs(x) > 0.5), zero, near=(0.75,)
    ),
    "threshold": one(
        lambda x: x if x > 0.5 else mp.mpf(3),
        lambda x: mp.mpf(x > 0.5),
        zero,
        call=lambda x: ops.threshold(x, 0.5, 3.0),
    ),
    "softsign": one(
        lambda x: x / (1 + abs(x)),
        lambda x: 1 / (1 + abs(x)) ** 2,
        lambda x: -2 * mp.sign(x) / (1 + abs(x)) ** 3,
        near=(0.0,),
        found=(1.0035168866865216, 1.012121319770813, -1.0142097362292979),
    ),
    "selu": one(
        lambda x: SELU[0] * (x if x > 0 else SELU[1] * mp.expm1(x)),
        lambda x: SELU[0] * (1 if x > 0 else SELU[1] * mp.exp(x)),
        lambda x: mp.mpf(0) if x > 0 else SELU[0] * SELU[1] * mp.exp(x),
        -750,
        10,
        near=(0.0,),
    ),
    "tanhshrink": one(
        tanhshrink,
        lambda x: mp.tanh(x) ** 2,
        lambda x: 2 * mp.tanh(x) * sech2(x),
        near=(0.0, 1.0, 2.0),
    ),
    "mish": one(
        *map(mish, range(3)),
        -760,
        760,
        near=(0.0, -1.192409, -2.256374, 1.490525, -0.1563),
        found=(-6.7966830922899515, -3.345708024303389, -0.9999985818046457, 1.9518206541824603),
    ),
    "tan": one(
        mp.tan, lambda x: 1 + mp.tan(x) ** 2, lambda x: 2 * mp.tan(x) * (1 + mp.tan(x) ** 2), -1e3, 1e3
    ),
    "arcsin": one(
        mp.asin, lambda x: 1 / mp.sqrt(1 - x * x), lambda x: x / mp.sqrt(1 - x * x) ** 3, -INSIDE, INSIDE
    ),
    "arccos": one(
        mp.acos, lambda x: -1 / mp.sqrt(1 - x * x), lambda x: -x / mp.sqrt(1 - x * x) ** 3, -INSIDE, INSIDE
    ),
    "arcsinh": one(mp.asinh, lambda x: 1 / mp.hypot(1, x), lambda x: -x / mp.hypot(1, x) ** 3),
    "arccosh": one(
        mp.acosh,
        lambda x: 1 / mp.sqrt(x * x - 1),
        lambda x: -x / mp.sqrt(x * x - 1) ** 3,
        1 + 2.0**-20,
        INF,
        near=(1.5,),
    ),
    "arctanh": one(mp.atanh, lambda x: 1 / (1 - x * x), lambda x: 2 * x / (1 - x * x) ** 2, -INSIDE, INSIDE),
    "arctan2": two(
        mp.atan2,
        lambda x, y: y / (x * x + y * y),
        lambda x, y: -x / (x * x + y * y),
        lambda x, y: -2 * x * y / (x * x + y * y) ** 2,
        lambda x, y: (x - y) * (x + y) / (x * x + y * y) ** 2,
        lambda x, y: 2 * x * y / (x * x + y * y) ** 2,
        second=(1.0, -3e-20, 7e25, -0.053425),
    ),
    "exp2": one(lambda x: mp.mpf(2) ** x, lambda x: mp.ln2 * 2**x, lambda x: mp.ln2**2 * 2**x, -1080, 1030),
    "log2": one(
        lambda x: mp.log(x) / mp.ln2, lambda x: 1 / (x * mp.ln2), lambda x: -1 / (x * x * mp.ln2), 5e-324, INF
    ),
    "log10": one(
        mp.log10, lambda x: 1 / (x * mp.ln10), lambda x: -1 / (x * x * mp.ln10), 5e-324, INF, near=(1.0,)
    ),
    "logaddexp": logaddexp(mp.e),
    "logaddexp2": logaddexp(2),
    "reciprocal": one(lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3, 5e-324, INF),
    "cbrt": one(cbrt, lambda x: 1 / (3 * cbrt(x) ** 2), lambda x: -2 / (9 * cbrt(x) ** 5), 5e-324, INF),
}
TRUTH = {name: one for name, one in TRUTH.items() if hasattr(ops, name.split(":")[0])}
