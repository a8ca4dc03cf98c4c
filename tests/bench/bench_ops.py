"""Every operation, forward and backward, against the NumPy expressions that one would write by hand.

Arrays of a million elements; the two take turns, so that whatever else the machine does meets both. Compared
are medians of the thread's own CPU time: page faults are included, the turns of other programs are not.
By hand too a gradient is an array of its own, and values are right wherever NumPy's own functions are.

    python tests/bench/bench_ops.py [--repeats 15] [--only sum max]

Fails when an operation takes more than twice the time of the expressions, or has no row.
"""

import argparse
import functools
import os
import sys
import time

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read once, when NumPy is loaded

import numpy as np  # noqa: E402

import tinygrad_cnn as tg  # noqa: E402
from tinygrad_cnn.kernels.memory import keep_heap  # noqa: E402

RNG = np.random.default_rng(0)


def numbers(*shape, low=0.25, high=1.75):
    """Random single-precision numbers, inside the domain of every function."""
    return RNG.uniform(low, high, shape).astype(np.float32)


X, Y, Z = numbers(1000, 1000), numbers(1000, 1000), numbers(1000, 1000, low=-3, high=3)
ROW, IMAGE = numbers(1000), numbers(20, 8, 79, 79, low=-3, high=3)
INDEX, LABELS = RNG.integers(0, 1000, 1000), RNG.integers(0, 1000, 1000)
MASK = Z > 0


LIMIT = 2.0  # times the expressions by hand


def unary(name, value, slope, x=X):
    """A record of an elementwise function, its value and its derivative of (x, value)."""
    function = getattr(tg, name)

    def by_hand(x, g):
        out = value(x)
        return out, g * slope(x, out)

    return name, function, (x,), by_hand


ERFC = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196]
ERFC = np.array([*ERFC, 1.00002368, -1.26551223], np.float32)


def erf_in_numpy(x):
    """NumPy has no erf: by the fit of Numerical Recipes (erfcc), of single precision."""
    size = np.abs(x)
    t = 1 / (1 + HALF * size)
    power = ERFC[0] * t
    for c in ERFC[1:-1]:
        power = (power + c) * t
    return np.copysign(1 - t * np.exp(power + ERFC[-1] - size * size), x)


def erf_by_hand(x, g):
    return erf_in_numpy(x), g * (np.float32(1.1283792) * np.exp(-x * x))


def sinc_by_hand(x, g):
    """Right at 0, as `numpy.sinc` is; near it the difference of two numbers close to 1 loses digits."""
    is_zero = x == 0
    out = np.sinc(x)
    return out, g * np.where(is_zero, 0, (np.cos(np.float32(np.pi) * x) - out) / np.where(is_zero, 1, x))


def constant(name, function, by_hand, x=Z):
    """A record of a piecewise constant function: its gradient is zeros."""
    return name, function, (x,), lambda x, g: (by_hand(x), np.zeros_like(x))


def moved(name, function, there, back):
    """A record of a function that moves elements, and how a cotangent moves back."""
    return name, function, (X,), lambda x, g: (there(x), back(g).copy())


def spread_by_hand(reduce, share):
    """A reduction over rows, and the gradient ``g * share(x, out)`` for each of their elements."""

    def by_hand(x, g):
        out = reduce(x)
        return out, share(x, out[:, None], g[:, None])

    return by_hand


def centred(x):
    return x - x.mean(1, keepdims=True)


def softmax_by_hand(x, g):
    e = np.exp(x - x.max(1, keepdims=True))
    out = e / e.sum(1, keepdims=True)
    return out, out * (g - (g * out).sum(1, keepdims=True))


def log_softmax_by_hand(x, g):
    shifted = x - x.max(1, keepdims=True)
    out = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return out, g - np.exp(out) * g.sum(1, keepdims=True)


def cross_entropy_by_hand(x, g):
    shifted = x - x.max(1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(1, keepdims=True)
    rows = np.arange(len(x))
    out = (np.log(total[:, 0]) - shifted[rows, LABELS]).mean()
    dx = e / total
    dx[rows, LABELS] -= 1
    return out, dx * (g / np.float32(len(x)))


def nll_by_hand(x, g):
    rows = np.arange(len(x))
    dx = np.zeros_like(x)
    dx[rows, LABELS] = -g / np.float32(len(x))
    return -x[rows, LABELS].mean(), dx


def layer_norm_by_hand(x, g):
    m = centred(x)
    r = 1 / np.sqrt((m * m).mean(1, keepdims=True) + np.float32(1e-5))
    hat = m * r
    out = hat * ROW + ROW
    h = g * ROW
    dx = r * (h - h.mean(1, keepdims=True) - hat * (h * hat).mean(1, keepdims=True))
    return out, dx, (g * hat).sum(0), g.sum(0)


def batch_norm_by_hand(x, g, weight, axes=(0, 2, 3)):
    m = x - x.mean(axes, keepdims=True)
    r = 1 / np.sqrt((m * m).mean(axes, keepdims=True) + np.float32(1e-5))
    hat, w = m * r, weight[:, None, None]
    h = g * w
    dx = r * (h - h.mean(axes, keepdims=True) - hat * (h * hat).mean(axes, keepdims=True))
    return hat * w + w, dx, (g * hat).sum(axes), g.sum(axes)


def group_norm_by_hand(x, g, weight):
    """Four groups of two channels."""
    n, c, h, w = x.shape
    grouped, axes = (n, 4, c // 4, h, w), (2, 3, 4)
    m = x.reshape(grouped)
    m = m - m.mean(axes, keepdims=True)
    r = 1 / np.sqrt((m * m).mean(axes, keepdims=True) + np.float32(1e-5))
    hat, w = m * r, weight[:, None, None]
    h = (g * w).reshape(grouped)
    dx = r * (h - h.mean(axes, keepdims=True) - hat * (h * hat).mean(axes, keepdims=True))
    hat = hat.reshape(x.shape)
    return hat * w + w, dx.reshape(x.shape), (g * hat).sum((0, 2, 3)), g.sum((0, 2, 3))


def getitem_by_hand(x, g):
    out = x[INDEX]
    dx = np.zeros_like(x)
    np.add.at(dx, INDEX, g)
    return out, dx


def one_hot_by_hand(g):
    out = np.zeros((1000, 1000), np.float32)
    out[np.arange(1000), INDEX] = 1
    return (out,)


def sort_by_hand(x, g):
    order = np.argsort(x, 1, kind="stable")
    dx = np.zeros_like(x)
    np.put_along_axis(dx, order, g, 1)
    return np.take_along_axis(x, order, 1), dx


def pad_by_hand(x, g):
    return np.pad(x, 3), g[3:-3, 3:-3].copy()


def folded_by_hand(mode):
    """Padding with elements of the array itself: each border's cotangent goes back to where it came from."""

    def by_hand(x, g):
        out = np.pad(x, 3, mode=mode)
        for _ in range(2):  # rows, then, transposed, columns
            inner = g[3:-3].copy()
            if mode == "edge":
                inner[0] += g[:3].sum(0)
                inner[-1] += g[-3:].sum(0)
            elif mode == "reflect":
                inner[1:4] += g[2::-1]
                inner[-4:-1] += g[:-4:-1]
            else:
                inner[-3:] += g[:3]
                inner[:3] += g[-3:]
            g = inner.T
        return out, g

    return by_hand


def mask_by_hand(x, g):
    dx = np.zeros_like(x)
    dx[MASK] = g
    return x[MASK], dx


def windows_by_hand(x):
    return x[:, :, :78, :78].reshape(20, 8, 39, 2, 39, 2)


def max_pool_by_hand(x, g):
    w = windows_by_hand(x)
    out = w.max((3, 5))
    dx = np.zeros_like(x)
    windows_by_hand_into(dx, (w == out[:, :, :, None, :, None]) * g[:, :, :, None, :, None])
    return out, dx


def avg_pool_by_hand(x, g):
    dx = np.zeros_like(x)
    windows_by_hand_into(dx, np.broadcast_to((g / 4)[:, :, :, None, :, None], (20, 8, 39, 2, 39, 2)))
    return windows_by_hand(x).mean((3, 5)), dx


def windows_by_hand_into(dx, w):
    dx[:, :, :78, :78] = w.reshape(20, 8, 78, 78)


ADAPTIVE = (7, 5)  # windows, which do not divide 79 x 79


def adaptive_by_hand(x, g):
    """Window by window: they overlap, and are of different sizes."""
    out, dx = np.empty_like(g), np.zeros_like(x)
    for i, j in np.ndindex(ADAPTIVE):
        (top, bottom), (left, right) = (
            (k * 79 // n, -(-(k + 1) * 79 // n)) for k, n in zip((i, j), ADAPTIVE, strict=True)
        )
        out[:, :, i, j] = x[:, :, top:bottom, left:right].mean((2, 3))
        size = np.float32((bottom - top) * (right - left))
        dx[:, :, top:bottom, left:right] += (g[:, :, i, j] / size)[:, :, None, None]
    return out, dx


def dropout_by_hand(x, g):
    mask = (np.random.default_rng(0).random(x.shape, np.float32) >= 0.5) * np.float32(2)
    return x * mask, g * mask


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


HALF, ROOT = np.float32(0.5), np.float32(np.sqrt(2 / np.pi))


def gelu_by_hand(x, g):
    u = ROOT * (x + np.float32(0.044715) * x * x * x)
    t = np.tanh(u)
    slope = HALF * (1 + t) + HALF * x * (1 - t * t) * ROOT * (1 + np.float32(0.134145) * x * x)
    return HALF * x * (1 + t), g * slope


def exact_gelu_by_hand(x, g):
    cdf = HALF * (1 + erf_in_numpy(x * np.float32(np.sqrt(0.5))))
    return x * cdf, g * (cdf + x * np.exp(-HALF * x * x) * np.float32(1 / np.sqrt(2 * np.pi)))


WEIGHT = numbers(8, 8, 3, 3, low=-1, high=1)
SIGNAL, TAPS = IMAGE.reshape(20, 8, 6241), numbers(8, 8, 3, low=-1, high=1)


def columns_by_hand(x):
    """Windows of 3x3 as a matrix (N * OH * OW, C * 9), by NumPy's view and a copy."""
    view = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    return np.ascontiguousarray(view.transpose(0, 2, 3, 1, 4, 5)).reshape(-1, 72)


def rows_by_hand(x):
    """Pixels as a matrix (N * H * W, C)."""
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def image_by_hand(rows, n, h, w):
    return rows.reshape(n, h, w, -1).transpose(0, 3, 1, 2)


def scattered_by_hand(columns, n, h, w):
    """The sum of overlapping windows, from columns: the adjoint of `columns_by_hand`."""
    columns = columns.reshape(n, h, w, 8, 3, 3)
    out = np.zeros((n, 8, h + 2, w + 2), np.float32)
    for i in range(3):
        for j in range(3):
            out[:, :, i : i + h, j : j + w] += columns[..., i, j].transpose(0, 3, 1, 2)
    return out


def conv_by_hand(x, weight, g):
    columns, rows, flat = columns_by_hand(x), rows_by_hand(g), weight.reshape(8, 72)
    out = image_by_hand(columns @ flat.T, 20, 77, 77)
    return out, scattered_by_hand(rows @ flat, 20, 77, 77), (rows.T @ columns).reshape(weight.shape)


def conv_transpose_by_hand(x, weight, g):
    columns, rows, flat = columns_by_hand(g), rows_by_hand(x), weight.reshape(8, 72)
    dx = image_by_hand(columns @ flat.T, 20, 79, 79)
    return scattered_by_hand(rows @ flat, 20, 79, 79), dx, (rows.T @ columns).reshape(weight.shape)


def conv1d_by_hand(x, weight, g):
    length = x.shape[2] - 2
    view = np.lib.stride_tricks.sliding_window_view(x, 3, 2)
    columns = np.ascontiguousarray(view.transpose(0, 2, 1, 3)).reshape(-1, 24)
    rows, flat = g.transpose(0, 2, 1).reshape(-1, 8), weight.reshape(8, 24)
    out = (columns @ flat.T).reshape(20, length, 8).transpose(0, 2, 1)
    back = (rows @ flat).reshape(20, length, 8, 3)
    dx = np.zeros_like(x)
    for i in range(3):
        dx[:, :, i : i + length] += back[..., i].transpose(0, 2, 1)
    return out, dx, (rows.T @ columns).reshape(weight.shape)


OPS = [
    unary("abs", np.abs, lambda x, out: np.sign(x), Z),
    unary("arctan", np.arctan, lambda x, out: 1 / (1 + x * x)),
    unary("cos", np.cos, lambda x, out: -np.sin(x)),
    unary("cosh", np.cosh, lambda x, out: np.sinh(x)),
    unary("exp", np.exp, lambda x, out: out),
    unary("expm1", np.expm1, lambda x, out: np.exp(x)),
    unary("log", np.log, lambda x, out: 1 / x),
    unary("log1p", np.log1p, lambda x, out: 1 / (1 + x)),
    unary("negative", np.negative, lambda x, out: np.float32(-1)),
    unary("sin", np.sin, lambda x, out: np.cos(x)),
    unary("sinh", np.sinh, lambda x, out: np.cosh(x)),
    unary("sqrt", np.sqrt, lambda x, out: HALF / out),
    unary("square", np.square, lambda x, out: 2 * x),
    unary("tanh", np.tanh, lambda x, out: 1 - out * out),
    unary("relu", lambda x: np.maximum(x, 0), lambda x, out: x > 0, Z),
    unary("sigmoid", sigmoid, lambda x, out: out * (1 - out), Z),
    unary("silu", lambda x: x * sigmoid(x), lambda x, out: (s := sigmoid(x)) * (1 + x * (1 - s)), Z),
    unary("softplus", lambda x: np.logaddexp(x, 0), lambda x, out: sigmoid(x), Z),
    unary("log_sigmoid", lambda x: -np.logaddexp(-x, 0), lambda x, out: sigmoid(-x), Z),
    ("sinc", tg.sinc, (Z,), sinc_by_hand),
    unary(
        "leaky_relu",
        lambda x: np.where(x > 0, x, np.float32(0.01) * x),
        lambda x, out: np.where(x > 0, np.float32(1), np.float32(0.01)),
        Z,
    ),
    unary(
        "elu",
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x, out: np.where(x > 0, np.float32(1), np.exp(np.minimum(x, 0))),
        Z,
    ),
    ("erf", tg.erf, (Z,), erf_by_hand),
    ("gelu", tg.gelu, (Z,), exact_gelu_by_hand),
    ("gelu (tanh)", lambda x: tg.gelu(x, approximate="tanh"), (Z,), gelu_by_hand),
    ("clip", lambda x: tg.clip(x, -1, 1), (Z,), lambda x, g: (np.clip(x, -1, 1), g * ((x >= -1) & (x <= 1)))),
    ("power 2", lambda x: x**2, (X,), lambda x, g: (x**2, g * 2 * x)),
    ("power 3", lambda x: x**3, (X,), lambda x, g: (x**3, g * (3 * x**2))),
    ("power 1.5", lambda x: x**1.5, (X,), lambda x, g: (x**1.5, g * (1.5 * x**0.5))),
    ("power", tg.power, (X, Y), lambda x, y, g: (p := x**y, g * (y * x ** (y - 1)), g * (p * np.log(x)))),
    ("add", tg.add, (X, Y), lambda x, y, g: (x + y, g.copy(), g.copy())),
    ("add a row", tg.add, (X, ROW), lambda x, y, g: (x + y, g.copy(), g.sum(0))),
    ("subtract", tg.subtract, (X, Y), lambda x, y, g: (x - y, g.copy(), -g)),
    ("multiply", tg.multiply, (X, Y), lambda x, y, g: (x * y, g * y, g * x)),
    ("divide", tg.divide, (X, Y), lambda x, y, g: (x / y, g / y, -g * x / (y * y))),
    ("hypot", tg.hypot, (X, Y), lambda x, y, g: (h := np.hypot(x, y), g * (x / h), g * (y / h))),
    ("maximum", tg.maximum, (Z, Y), lambda x, y, g: (np.maximum(x, y), g * (x > y), g * (y > x))),
    ("minimum", tg.minimum, (Z, Y), lambda x, y, g: (np.minimum(x, y), g * (x < y), g * (y < x))),
    (
        "where",
        lambda x, y: tg.where(MASK, x, y),
        (X, Y),
        lambda x, y, g: (np.where(MASK, x, y), np.where(MASK, g, 0), np.where(MASK, 0, g)),
    ),
    (
        "sum",
        lambda x: tg.sum(x, 1),
        (X,),
        spread_by_hand(lambda x: x.sum(1), lambda x, o, g: np.zeros_like(x) + g),
    ),
    (
        "mean",
        lambda x: tg.mean(x, 1),
        (X,),
        spread_by_hand(lambda x: x.mean(1), lambda x, o, g: np.zeros_like(x) + g / np.float32(1000)),
    ),
    (
        "var",
        lambda x: tg.var(x, 1),
        (X,),
        spread_by_hand(lambda x: x.var(1), lambda x, o, g: centred(x) * (g * np.float32(2 / 1000))),
    ),
    (
        "std",
        lambda x: tg.std(x, 1),
        (X,),
        spread_by_hand(lambda x: x.std(1), lambda x, o, g: centred(x) * (g / (o * 1000))),
    ),
    ("max", lambda x: tg.max(x, 1), (X,), spread_by_hand(lambda x: x.max(1), lambda x, o, g: (x == o) * g)),
    ("min", lambda x: tg.min(x, 1), (X,), spread_by_hand(lambda x: x.min(1), lambda x, o, g: (x == o) * g)),
    (
        "prod",
        lambda x: tg.prod(x, 1),
        (numbers(1000, 1000, low=0.9, high=1.1),),
        spread_by_hand(lambda x: x.prod(1), lambda x, o, g: g * o / x),
    ),
    (
        "logsumexp",
        lambda x: tg.logsumexp(x, 1),
        (X,),
        spread_by_hand(
            lambda x: np.log(np.exp(x - (m := x.max(1, keepdims=True))).sum(1)) + m[:, 0],
            lambda x, o, g: g * np.exp(x - o),
        ),
    ),
    (
        "norm",
        lambda x: tg.norm(x, 1),
        (X,),
        spread_by_hand(lambda x: np.sqrt((x * x).sum(1)), lambda x, o, g: x * (g / o)),
    ),
    (
        "cumsum",
        lambda x: tg.cumsum(x, 1),
        (X,),
        lambda x, g: (np.cumsum(x, 1), np.cumsum(g[:, ::-1], 1)[:, ::-1].copy()),
    ),
    ("sort", lambda x: tg.sort(x, 1), (X,), sort_by_hand),
    constant("argmax", lambda x: tg.argmax(x, 1), lambda x: np.argmax(x, 1)),
    constant("floor", tg.floor, np.floor),
    constant("sign", tg.sign, np.sign),
    ("one_hot", lambda: tg.one_hot(INDEX, 1000), (), one_hot_by_hand),
    (
        "astype",
        lambda x: tg.astype(x, np.float64),
        (X,),
        lambda x, g: (x.astype(np.float64), g.astype(np.float32)),
    ),
    (
        "broadcast_to",
        lambda x: tg.broadcast_to(x, (1000, 1000)),
        (ROW,),
        lambda x, g: (np.broadcast_to(x, (1000, 1000)), g.sum(0)),
    ),
    moved(
        "expand_dims",
        lambda x: tg.expand_dims(x, 1),
        lambda x: np.expand_dims(x, 1),
        lambda g: np.squeeze(g, 1),
    ),
    moved(
        "squeeze",
        lambda x: tg.squeeze(tg.expand_dims(x, 1), 1),
        lambda x: np.squeeze(np.expand_dims(x, 1), 1),
        lambda g: g,
    ),
    moved(
        "moveaxis",
        lambda x: tg.moveaxis(x, 0, 1),
        lambda x: np.moveaxis(x, 0, 1),
        lambda g: np.moveaxis(g, 1, 0),
    ),
    moved(
        "swapaxes",
        lambda x: tg.swapaxes(x, 0, 1),
        lambda x: np.swapaxes(x, 0, 1),
        lambda g: np.swapaxes(g, 0, 1),
    ),
    (
        "reshape",
        lambda x: tg.reshape(x, (-1,)),
        (X,),
        lambda x, g: (x.reshape(-1), g.reshape(x.shape).copy()),
    ),
    ("transpose", tg.transpose, (X,), lambda x, g: (x.T, g.T.copy())),
    (
        "concatenate",
        lambda x, y: tg.concatenate([x, y]),
        (X, Y),
        lambda x, y, g: (np.concatenate([x, y]), g[:1000].copy(), g[1000:].copy()),
    ),
    (
        "stack",
        lambda x, y: tg.stack([x, y]),
        (X, Y),
        lambda x, y, g: (np.stack([x, y]), g[0].copy(), g[1].copy()),
    ),
    ("pad", lambda x: tg.pad(x, 3), (X,), pad_by_hand),
    *(
        (f"pad, {mode}", functools.partial(tg.pad, pad_width=3, mode=mode), (X,), folded_by_hand(mode))
        for mode in ("edge", "reflect", "wrap")
    ),
    ("flip", lambda x: tg.flip(x, 1), (X,), lambda x, g: (np.flip(x, 1), np.flip(g, 1).copy())),
    ("roll", lambda x: tg.roll(x, 7, 1), (X,), lambda x, g: (np.roll(x, 7, 1), np.roll(g, -7, 1))),
    ("roll, flat", lambda x: tg.roll(x, 7), (X,), lambda x, g: (np.roll(x, 7), np.roll(g, -7))),
    ("tile", lambda x: tg.tile(x, (2, 1)), (X,), lambda x, g: (np.tile(x, (2, 1)), g[:1000] + g[1000:])),
    (
        "repeat",
        lambda x: tg.repeat(x, 2, 0),
        (X,),
        lambda x, g: (np.repeat(x, 2, 0), g.reshape(1000, 2, 1000).sum(1)),
    ),
    ("getitem, slice", lambda x: x[::2], (X,), lambda x, g: (x[::2], _placed(x, g))),
    ("getitem, mask", lambda x: tg.getitem(x, MASK), (X,), mask_by_hand),
    ("getitem, array", lambda x: tg.getitem(x, INDEX), (X,), getitem_by_hand),
    ("take", lambda x: tg.take(x, INDEX, 0), (X,), getitem_by_hand),
    ("embedding", lambda x: tg.embedding(x, INDEX), (X,), getitem_by_hand),
    ("matmul", tg.matmul, (X, Y), lambda x, y, g: (x @ y, g @ y.T, x.T @ g)),
    ("einsum", lambda x, y: tg.einsum("ij,kj->ik", x, y), (X, Y), lambda x, y, g: (x @ y.T, g @ y, g.T @ x)),
    (
        "tensordot",
        lambda x, y: tg.tensordot(x, y, ([0], [1])),
        (X, Y),
        lambda x, y, g: (x.T @ y.T, y.T @ g.T, g.T @ x.T),
    ),
    ("outer", tg.outer, (ROW, ROW), lambda x, y, g: (np.outer(x, y), g @ y, x @ g)),
    ("softmax", tg.softmax, (Z,), softmax_by_hand),
    ("log_softmax", tg.log_softmax, (Z,), log_softmax_by_hand),
    ("cross_entropy", lambda x: tg.cross_entropy(x, LABELS), (Z,), cross_entropy_by_hand),
    ("nll_loss", lambda x: tg.nll_loss(x, LABELS), (Z,), nll_by_hand),
    (
        "mse_loss",
        lambda x: tg.mse_loss(x, Y),
        (X,),
        lambda x, g: (np.square(x - Y).mean(), (x - Y) * (g * np.float32(2e-6))),
    ),
    (
        "binary_cross_entropy_with_logits",
        lambda x: tg.binary_cross_entropy_with_logits(x, MASK),
        (Z,),
        lambda x, g: (
            (np.maximum(x, 0) - x * MASK + np.log1p(np.exp(-np.abs(x)))).mean(),
            (sigmoid(x) - MASK) * (g * np.float32(1e-6)),
        ),
    ),
    ("layer_norm", tg.layer_norm, (Z, ROW, ROW), lambda x, w, b, g: layer_norm_by_hand(x, g)),
    (
        "batch_norm",
        tg.batch_norm,
        (IMAGE, np.ones(8, np.float32), np.ones(8, np.float32)),
        lambda x, w, b, g: batch_norm_by_hand(x, g, w),
    ),
    (
        "group_norm",
        lambda x, w, b: tg.group_norm(x, 4, w, b),
        (IMAGE, np.ones(8, np.float32), np.ones(8, np.float32)),
        lambda x, w, b, g: group_norm_by_hand(x, g, w),
    ),
    ("dropout", lambda x: tg.dropout(x, 0.5, rng=np.random.default_rng(0)), (X,), dropout_by_hand),
    ("max_pool2d", lambda x: tg.max_pool2d(x, 2), (IMAGE,), max_pool_by_hand),
    ("avg_pool2d", lambda x: tg.avg_pool2d(x, 2), (IMAGE,), avg_pool_by_hand),
    (
        "global_avg_pool2d",
        tg.global_avg_pool2d,
        (IMAGE,),
        lambda x, g: (x.mean((2, 3)), np.zeros_like(x) + (g / np.float32(79 * 79))[:, :, None, None]),
    ),
    ("adaptive_avg_pool2d", lambda x: tg.adaptive_avg_pool2d(x, ADAPTIVE), (IMAGE,), adaptive_by_hand),
    ("conv1d", tg.conv1d, (SIGNAL, TAPS), conv1d_by_hand),
    ("conv2d", tg.conv2d, (IMAGE, WEIGHT), conv_by_hand),
    ("conv_transpose2d", tg.conv_transpose2d, (IMAGE, WEIGHT), conv_transpose_by_hand),
]


def operation(name):
    """The operation that a row measures; it may have several rows, as "getitem, slice"."""
    return name.split()[0].rstrip(",")


def without_row():
    """The operations of the package that no row measures."""
    return sorted(set(tg.ops.__all__) - {operation(name) for name, *_ in OPS})


def _placed(x, g):
    dx = np.zeros_like(x)
    dx[::2] = g
    return dx


def seconds(function):
    """The CPU time of one call."""
    start = time.thread_time()
    function()
    return time.thread_time() - start


def compare(op, operands, by_hand, repeats):
    """Median milliseconds of the tape and of the expressions by hand, in alternating runs on warm code."""
    out, pullback = tg.vjp(op, *operands)
    dtype = np.asarray(out).dtype
    g = RNG.uniform(0.5, 1.5, np.shape(out)).astype(dtype if dtype.kind == "f" else np.float32)
    expected = by_hand(*operands, g)
    for ours, theirs in zip((out, *pullback(g)), expected, strict=True):
        scale = np.max(np.abs(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-3 * scale)  # the same is computed
    del out, pullback, expected

    def taped():
        tg.vjp(op, *operands)[1](g)

    for _ in range(3):  # until the heap is large enough
        taped()
        by_hand(*operands, g)
    times = [(seconds(taped), seconds(lambda: by_hand(*operands, g))) for _ in range(repeats)]
    return 1e3 * np.median(times, axis=0)


def main():
    """Print the table, the slowest last; fail on what is too slow or missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", nargs="+", help="names of operations")
    options = parser.parse_args()
    keep_heap()
    rows = []
    for name, op, operands, by_hand in OPS:
        if options.only is None or name in options.only:
            ours, theirs = compare(op, operands, by_hand, options.repeats)
            rows.append((ours / theirs, name, ours, theirs))
    print(f"numpy {np.__version__}, float32, 1e6 elements, 1 thread, {options.repeats} alternating runs")
    print(f"{'op':<34} {'tape ms':>9} {'hand ms':>9} {'ratio':>7}")
    for ratio, name, ours, theirs in sorted(rows):
        print(f"{name:<34} {ours:>9.2f} {theirs:>9.2f} {ratio:>7.2f}")
    if missing := without_row():
        sys.exit(f"operations without a row: {', '.join(missing)}")
    if slow := [name for ratio, name, *_ in rows if ratio > LIMIT]:
        sys.exit(f"more than {LIMIT} times the expressions by hand: {', '.join(slow)}")


if __name__ == "__main__":
    main()
