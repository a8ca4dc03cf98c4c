"""The bends between layers, and dropout."""

import math

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn.ops import activations
from tinygrad_cnn.testing import ErrorCase, strategies

from .draws import arrays, some_axes
from .million import HALF, IMAGE, X, Z, erf, sigmoid, slope
from .record import ByHand, Singular, Without, part, record
from .written import ops

ONE = np.float32(1)


def drop_channels(x, rate, seed):
    return ops.dropout2d(x, rate, rng=np.random.default_rng(seed))


def dropped_channels(x, rate, seed):
    kept = np.random.default_rng(seed).random(x.shape[:2], dtype=np.float32) >= rate
    return np.where(kept[:, :, None, None], x / (1 - rate), 0.0)


@st.composite
def gated(draw):
    """Draw pairs (x, y) of one shape."""
    y = draw(arrays())
    return draw(arrays(y.shape, from_one_seed=True)), y


def softmax(x, g):
    e = np.exp(x - x.max(1, keepdims=True))
    out = e / e.sum(1, keepdims=True)
    return out, out * (g - (g * out).sum(1, keepdims=True))


def log_softmax(x, g):
    shifted = x - x.max(1, keepdims=True)
    out = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return out, g - np.exp(out) * g.sum(1, keepdims=True)


ROOT = np.float32(np.sqrt(2 / np.pi))


def gelu_by_tanh(x, g):
    u = ROOT * (x + np.float32(0.044715) * x * x * x)
    t = np.tanh(u)
    derivative = HALF * (1 + t) + HALF * x * (1 - t * t) * ROOT * (1 + np.float32(0.134145) * x * x)
    return HALF * x * (1 + t), g * derivative


def gelu(x, g):
    cdf = HALF * (1 + erf(x * np.float32(np.sqrt(0.5))))
    return x * cdf, g * (cdf + x * np.exp(-HALF * x * x) * np.float32(1 / np.sqrt(2 * np.pi)))


def dropout(x, g):
    mask = (np.random.default_rng(0).random(x.shape, np.float32) >= 0.5) * np.float32(2)
    return x * mask, g * mask


def drop_channels_by_hand(x, g):
    kept = np.random.default_rng(0).random(x.shape[:2], np.float32) >= 0.5
    mask = (kept * np.float32(2))[:, :, None, None]
    return x * mask, g * mask


def drop(x, rate, seed):
    """Draw the same mask in every call, which makes dropout a function like others."""
    return ops.dropout(x, rate, rng=np.random.default_rng(seed))


def dropped(x, rate, seed):
    kept = np.random.default_rng(seed).random(x.shape, dtype=np.float32) >= rate
    return np.where(kept, x / (1 - rate), 0.0)


def over_several(name):
    """Call PyTorch's softmax over one dimension, to which the axes are flattened."""

    def theirs(torch, x, axis):
        axes = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
        order = [a for a in range(x.ndim) if a not in axes] + axes
        moved = torch.permute(x, order)
        flat = moved.reshape(*moved.shape[: x.ndim - len(axes)], math.prod(x.shape[a] for a in axes))
        out = getattr(torch, name)(flat, -1).reshape(moved.shape)
        return torch.permute(out, [order.index(a) for a in range(x.ndim)])

    return theirs


def glu(x, g):
    a, s = x[:, :500], sigmoid(x[:, 500:])
    return a * s, np.concatenate([g * s, g * a * s * (1 - s)], 1)


SCALE, ALPHA = np.float32(1.0507009873554805), np.float32(1.6732632423543772)
calls = strategies.calls
wide = arrays(low=-30.0, high=30.0)
approximations = st.sampled_from(["none", "tanh"])
orders = {"order": st.integers(0, 3)}

RECORDS = [
    record(
        "relu",
        elementwise=True,
        operands=arrays(away_from=[0.0]),
        reference=lambda x: np.where(x > 0, x, 0.0),
        ties=True,
        by_hand=[slope(lambda x: np.maximum(x, 0), lambda x, out: x > 0, Z)],
    ),
    part(
        "relu_gradient",
        activations.relu_gradient,
        elementwise=True,
        operands=gated(),
        reference=lambda x, y: np.where(y > 0, x, 0.0),
        linear_in=("x",),
        constant=("y",),
    ),
    record(
        "leaky_relu",
        elementwise=True,
        operands=arrays(away_from=[0.0]),
        params={"negative_slope": st.sampled_from([0.01, 0.25, 0.5])},
        reference=lambda x, *, negative_slope: np.where(x > 0, x, negative_slope * x),
        torch="nn.functional.leaky_relu",
        ties=True,
        by_hand=[
            slope(
                lambda x: np.where(x > 0, x, np.float32(0.01) * x),
                lambda x, out: np.where(x > 0, ONE, np.float32(0.01)),
                Z,
            )
        ],
    ),
    record(
        "celu",
        elementwise=True,
        operands=arrays(away_from=[0.0]),
        params={"alpha": st.sampled_from([0.5, 1.0, 2.0])},
        reference=lambda x, *, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
        torch="nn.functional.celu",
        errors=[ErrorCase((np.ones(2),), ValueError, {"alpha": 0.0}, says=("alpha", "(0, inf)"))],
        by_hand=[
            slope(
                lambda x: np.where(x > 0, x, HALF * np.expm1(np.minimum(x, 0) / HALF)),
                lambda x, out: np.where(x > 0, ONE, np.exp(np.minimum(x, 0) / HALF)),
                Z,
                call=lambda x: ops.celu(x, alpha=0.5),
            )
        ],
    ),
    part(
        "celu_derivative",
        activations._celu,
        elementwise=True,
        operands=arrays(away_from=[0.0]),
        params={"alpha": st.sampled_from([0.5, 2.0]), **orders},
    ),
    record(
        "elu",
        elementwise=True,
        operands=arrays(away_from=[0.0]),
        params={"alpha": st.sampled_from([0.5, 1.0, 2.0])},
        reference=lambda x, *, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
        torch="nn.functional.elu",
        ties=True,
        by_hand=[
            slope(
                lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
                lambda x, out: np.where(x > 0, ONE, np.exp(np.minimum(x, 0))),
                Z,
            )
        ],
    ),
    record(
        "sigmoid",
        elementwise=True,
        operands=arrays(),
        reference=lambda x: 1 / (1 + np.exp(-x)),
        shared=calls(wide),
        by_hand=[slope(sigmoid, lambda x, out: out * (1 - out), Z)],
    ),
    record(
        "log_sigmoid",
        elementwise=True,
        operands=arrays(),
        reference=lambda x: -np.log(1 + np.exp(-x)),
        torch="nn.functional.logsigmoid",
        shared=calls(wide),
        by_hand=[slope(lambda x: -np.logaddexp(-x, 0), lambda x, out: sigmoid(-x), Z)],
    ),
    record(
        "softplus",
        elementwise=True,
        operands=arrays(),
        reference=lambda x: np.log(1 + np.exp(x)),
        torch=lambda torch, x: torch.nn.functional.softplus(x, threshold=1e3),
        shared=calls(arrays(low=-9.0, high=9.0)),
        by_hand=[slope(lambda x: np.logaddexp(x, 0), lambda x, out: sigmoid(x), Z)],
    ),
    record(
        "silu",
        elementwise=True,
        operands=arrays(),
        reference=lambda x: x / (1 + np.exp(-x)),
        shared=calls(wide),
        by_hand=[slope(lambda x: x * sigmoid(x), lambda x, out: (s := sigmoid(x)) * (1 + x * (1 - s)), Z)],
    ),
    record(
        "gelu",
        elementwise=True,
        operands=arrays(),
        params={"approximate": approximations},
        reference=references.gelu,
        errors=[ErrorCase((np.ones(2),), ValueError, {"approximate": "sigmoid"}, says=("'sigmoid'",))],
        shared=calls(arrays(low=-7.0, high=7.0), {"approximate": approximations}),
        by_hand=[
            ByHand((Z,), gelu),
            ByHand((Z,), gelu_by_tanh, lambda x: ops.gelu(x, approximate="tanh"), "tanh"),
        ],
    ),
    record(
        "selu",
        elementwise=True,
        operands=arrays(away_from=[0.0]),
        reference=lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1)),
        by_hand=[
            slope(
                lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0))),
                lambda x, out: SCALE * np.where(x > 0, ONE, ALPHA * np.exp(np.minimum(x, 0))),
                Z,
            )
        ],
    ),
    record(
        "mish",
        elementwise=True,
        operands=arrays(),
        reference=lambda x: x * np.tanh(np.log(1 + np.exp(x))),
        torch="nn.functional.mish",
        shared=calls(wide),
        by_hand=[
            slope(
                lambda x: x * np.tanh(np.log1p(np.exp(x))),
                lambda x, out: (t := np.tanh(np.log1p(np.exp(x)))) + x * sigmoid(x) * (1 - t * t),
                Z,
            )
        ],
    ),
    part(
        "mish_derivative",
        activations._mish,
        elementwise=True,
        operands=arrays(),
        params=orders,
    ),
    record(
        "softsign",
        elementwise=True,
        operands=arrays(away_from=[0.0]),  # where the second derivative jumps
        reference=lambda x: x / (1 + np.abs(x)),
        torch="nn.functional.softsign",
        shared=calls(wide),
        by_hand=[slope(lambda x: x / (1 + np.abs(x)), lambda x, out: (1 + np.abs(x)) ** -2, Z)],
    ),
    part(
        "softsign_derivative",
        activations._softsign_derivative,
        elementwise=True,
        operands=arrays(away_from=[0.0]),
        params={"order": st.integers(1, 3)},
    ),
    record(
        "tanhshrink",
        elementwise=True,
        operands=arrays(),
        reference=lambda x: x - np.tanh(x),
        torch="nn.functional.tanhshrink",
        shared=calls(wide),
        by_hand=[slope(lambda x: x - np.tanh(x), lambda x, out: np.tanh(x) ** 2, Z)],
    ),
    record(
        "glu",
        operands=strategies.shapes(min_dims=1)
        .map(lambda shape: (*shape[:-1], 2 * shape[-1]))
        .flatmap(arrays),
        reference=lambda x: np.split(x, 2, -1)[0] / (1 + np.exp(-np.split(x, 2, -1)[1])),
        torch="nn.functional.glu",
        by_hand=[ByHand((Z,), glu)],
    ),
    part(
        "sigmoid_derivative",
        activations._sigmoid_derivative,
        elementwise=True,
        operands=arrays(),
        params=orders,
    ),
    part(
        "tanh_squared",
        activations._tanh_squared,
        elementwise=True,
        operands=arrays(),
        params={"order": st.just(1)},
    ),
    part("silu_derivative", activations._silu, elementwise=True, operands=arrays(), params=orders),
    part("gelu_derivative", activations._gelu, elementwise=True, operands=arrays(), params=orders),
    part("gelu_tanh_derivative", activations._gelu_tanh, elementwise=True, operands=arrays(), params=orders),
    record(
        "softmax",
        operands=arrays(strategies.shapes(min_dims=1)),
        params=some_axes,
        reference=references.softmax,
        torch=over_several("softmax"),
        by_hand=[ByHand((Z,), softmax)],
    ),
    record(
        "log_softmax",
        operands=arrays(strategies.shapes(min_dims=1)),
        params=some_axes,
        reference=lambda x, axis: x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True)),
        torch=over_several("log_softmax"),
        by_hand=[ByHand((Z,), log_softmax)],
        singular={
            "log_softmax": Singular(
                lambda x: ops.log_softmax(ops.stack([x, np.ones(x.shape, x.dtype)]), 0)[0], (-np.inf,)
            )
        },
    ),
    record(
        "dropout",
        drop,
        elementwise=True,
        operands=arrays(),
        params={"rate": st.sampled_from([0.0, 0.25, 0.5]), "seed": st.integers(0, 2**16)},
        reference=dropped,
        torch=Without("each library draws a mask of its own"),
        by_hand=[ByHand((X,), dropout, lambda x: ops.dropout(x, 0.5, rng=np.random.default_rng(0)))],
    ),
    record(
        "dropout2d",
        drop_channels,
        elementwise=True,
        operands=arrays(strategies.shapes(min_dims=4, max_dims=4, max_side=3)),
        params={"rate": st.sampled_from([0.0, 0.5]), "seed": st.integers(0, 2**16)},
        reference=dropped_channels,
        errors=[ErrorCase((np.ones((2, 3)), 0.5, 0), ValueError, says=("(N, C, H, W)", "(2, 3)"))],
        torch=Without("each library draws a mask of its own"),
        by_hand=[
            ByHand(
                (IMAGE,),
                drop_channels_by_hand,
                lambda x: ops.dropout2d(x, 0.5, rng=np.random.default_rng(0)),
            )
        ],
    ),
]
