"""Losses of numbers, probabilities, and answers of yes or no."""

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn.ops import losses_of_values
from tinygrad_cnn.testing import Call, strategies

from .draws import arrays, distinct_arrays
from .losses import reductions
from .million import HALF, MASK, X, Y, Z, sigmoid
from .record import ByHand, part, record
from .written import ops

NOTHING = {"size 0": "the mean of nothing is not a number"}
FEW = np.float32(1e-6)  # what an element has in a mean of a million


def pairs_of_one_shape(**options):
    shapes = strategies.shapes(min_side=1)
    return shapes.flatmap(lambda shape: st.tuples(arrays(shape), arrays(shape, **options)))


def mean_of(losses):
    """Reduce plain losses, each with the same weight."""
    return lambda x, t, *, reduction: references.reduced(losses(x, t), np.ones(x.shape), reduction)


def untied_pairs_of_one_shape():
    """Draw pairs in which no element equals one of the other: all are multiples of 1/4, but for an eighth."""
    shapes = strategies.shapes(min_side=1)
    pairs = shapes.flatmap(lambda shape: st.tuples(*[distinct_arrays(shape, gap=0.25)] * 2))
    return pairs.map(lambda pair: (pair[0], pair[1] + 0.125))


def weighted(pairs):
    """Draw predictions and targets, perhaps with a weight that broadcasts to them."""

    @st.composite
    def calls(draw):
        x, t = draw(pairs)
        params = {"reduction": draw(reductions)}
        if draw(st.booleans()):
            params["weight"] = draw(arrays(x.shape[x.ndim // 2 :], low=0.5, high=2.0))
        return Call((x, t), params)

    return calls()


def plain_huber(x, t, delta):
    error = np.abs(x - t)
    return np.where(error <= delta, error**2 / 2, delta * (error - delta / 2))


def plain_smooth_l1(x, t, beta):
    return plain_huber(x, t, beta) / beta if beta else np.abs(x - t)


def plain_kl_div(x, t, *, log_target, reduction):
    found = np.exp(t) * (t - x) if log_target else t * (np.log(t) - x)
    return (
        np.sum(found) / len(x)
        if reduction == "batchmean"
        else references.reduced(found, np.ones(x.shape), reduction)
    )


def torch_kl_div(torch, x, t, *, log_target, reduction):
    """Take PyTorch's mean of the elements, which it warns of in "mean"."""
    own = "none" if reduction == "mean" else reduction
    found = torch.nn.functional.kl_div(x, t, log_target=log_target, reduction=own)
    return found.mean() if reduction == "mean" else found


def with_option(losses):
    """Reduce plain losses that have an option."""
    return lambda x, t, *, reduction, **option: references.reduced(
        losses(x, t, **option), np.ones(x.shape), reduction
    )


def plain_binary(x, t, *, reduction, weight=1.0):
    found = -weight * (t * np.log(x) + (1 - t) * np.log(1 - x))
    return references.reduced(found, np.ones(x.shape), reduction)


def plain_cosine(x, y, *, axis):
    lengths = [np.sqrt(np.sum(v * v, axis)) for v in (x, y)]
    return np.sum(x * y, axis) / (lengths[0] * lengths[1])


def cosine(x, y, g):
    r, s = (1 / np.sqrt((v * v).sum(1)) for v in (x, y))
    out = (x * y).sum(1) * r * s
    one, other = x * r[:, None], y * s[:, None]
    return (
        out,
        (other - out[:, None] * one) * (g * r)[:, None],
        (one - out[:, None] * other) * (g * s)[:, None],
    )


def huber(x, g):
    error = x - Y
    size = np.abs(error)
    inside = size <= 1
    return np.where(inside, HALF * error * error, size - HALF).mean(), np.clip(error, -1, 1) * (g * FEW)


def kl_div(x, g):
    return (Y * (np.log(Y) - x)).mean(), Y * (-g * FEW)


def binary(x, g):
    out = (np.maximum(x, 0) - x * MASK + np.log1p(np.exp(-np.abs(x)))).mean()
    return out, (sigmoid(x) - MASK) * (g * np.float32(1e-6))


def binary_of_probabilities(x, g):
    out = -np.where(MASK, np.log(x), np.log1p(-x)).mean()
    return out, (x - MASK) / (x * (1 - x)) * (g * FEW)


P = sigmoid(Z)
filled = strategies.shapes(min_dims=1, min_side=1)

RECORDS = [
    record(
        "mse_loss",
        operands=pairs_of_one_shape(),
        params={"reduction": reductions},
        reference=mean_of(lambda x, t: (x - t) ** 2),
        skip={"size 0": "the mean of nothing is not a number"},
        by_hand=[
            ByHand(
                (X,),
                lambda x, g: (np.square(x - Y).mean(), (x - Y) * (g * np.float32(2e-6))),
                lambda x: ops.mse_loss(x, Y),
            )
        ],
    ),
    record(
        "l1_loss",
        operands=untied_pairs_of_one_shape(),
        params={"reduction": reductions},
        reference=mean_of(lambda x, t: np.abs(x - t)),
        skip=NOTHING,
        by_hand=[
            ByHand(
                (X,),
                lambda x, g: (np.abs(x - Y).mean(), np.sign(x - Y) * (g * FEW)),
                lambda x: ops.l1_loss(x, Y),
            )
        ],
    ),
    record(
        "huber_loss",
        operands=pairs_of_one_shape(),
        params={"reduction": reductions, "delta": st.sampled_from([0.515625, 1.015625])},
        reference=with_option(plain_huber),
        skip=NOTHING,
        by_hand=[ByHand((X,), huber, lambda x: ops.huber_loss(x, Y))],
    ),
    record(
        "smooth_l1_loss",
        operands=pairs_of_one_shape(),
        params={"reduction": reductions, "beta": st.sampled_from([0.515625, 1.015625])},
        reference=with_option(plain_smooth_l1),
        skip=NOTHING,
        by_hand=[ByHand((X,), huber, lambda x: ops.smooth_l1_loss(x, Y))],
    ),
    record(
        "kl_div",
        operands=filled.flatmap(lambda shape: st.tuples(arrays(shape), arrays(shape, low=0.25))),
        params={
            "reduction": st.sampled_from(["mean", "batchmean", "sum", "none"]),
            "log_target": st.booleans(),
        },
        reference=plain_kl_div,
        torch=torch_kl_div,
        skip=NOTHING,
        by_hand=[ByHand((X,), kl_div, lambda x: ops.kl_div(x, Y))],
    ),
    record(
        "binary_cross_entropy",
        operands=weighted(
            filled.flatmap(lambda shape: st.tuples(*[arrays(shape, low=0.125, high=0.875)] * 2))
        ),
        reference=plain_binary,
        torch="nn.functional.binary_cross_entropy",
        skip=NOTHING,
        by_hand=[
            ByHand((P,), binary_of_probabilities, lambda x: ops.binary_cross_entropy(x, MASK)),
        ],
    ),
    record(
        "cosine_similarity",
        operands=filled.flatmap(lambda shape: st.tuples(*[arrays(shape, low=0.25)] * 2)),
        params=lambda x, y: {"axis": st.integers(-x.ndim, x.ndim - 1)},
        reference=plain_cosine,
        torch=lambda torch, x, y, axis: torch.nn.functional.cosine_similarity(x, y, dim=axis),
        by_hand=[ByHand((X, Y), cosine)],
    ),
    record(
        "binary_cross_entropy_with_logits",
        operands=pairs_of_one_shape(low=0.125, high=0.875),
        params={"reduction": reductions},
        reference=mean_of(lambda x, t: np.log(1 + np.exp(x)) - t * x),
        torch="nn.functional.binary_cross_entropy_with_logits",
        skip={"size 0": "the mean of nothing is not a number"},
        by_hand=[ByHand((Z,), binary, lambda x: ops.binary_cross_entropy_with_logits(x, MASK))],
    ),
    part(
        "parabola_then_line",
        losses_of_values._parabola_then_line,
        elementwise=True,
        operands=arrays(away_from=[-1.0, 1.0]),
        params={"end": st.just(1.0), "bend": st.sampled_from([0.5, 1.0])},
        reference=lambda error, end, bend: (
            bend * np.where(np.abs(error) <= end, error * error / 2, end * (np.abs(error) - end / 2))
        ),
    ),
    part(
        "against_constants",
        losses_of_values._against_constants,
        operands=arrays(),
        params=lambda x: {
            "t": st.sampled_from([0.0, 1.0, 0.25]).map(lambda t: np.full(x.shape, t, np.float16))
        },
        reference=lambda x, t: np.log(1 + np.exp(x)) - t * x,
        elementwise=True,
    ),
]
