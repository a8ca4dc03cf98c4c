"""Losses with all their options, and the primitives of the mean over labels."""

import math

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn.ops import losses
from tinygrad_cnn.testing import Call, strategies

from .draws import arrays
from .million import LABELS, Z
from .record import ByHand, part, record
from .written import ops

reductions = st.sampled_from(["mean", "sum", "none"])
rows = strategies.shapes(min_dims=2, max_dims=4, min_side=1, max_side=3)


def labels_of(x):
    """Draw a label for each row, or for each pixel."""
    shape = (*x.shape[:1], *x.shape[2:])
    n = math.prod(shape)
    labels = st.lists(st.integers(0, x.shape[1] - 1), min_size=n, max_size=n)
    return labels.map(lambda drawn: np.array(drawn).reshape(shape))


@st.composite
def labelled(draw, *, smoothed):
    """Draw rows and labels, with a weight for each class or none, and a label that does not count."""
    x = draw(arrays(rows))
    labels = draw(labels_of(x))
    params = {"reduction": draw(reductions)}
    if draw(st.booleans()):
        params["weight"] = draw(arrays((x.shape[1],), low=0.5, high=2.0))
    ignored = draw(st.sampled_from([None, -100, 0]))
    if ignored is not None and not (params["reduction"] == "mean" and (labels == ignored).all()):
        params["ignore_index"] = ignored  # the mean of nothing is NaN
    if smoothed:
        params["label_smoothing"] = draw(st.sampled_from([0.0, 0.25]))
    return Call((x,), {"labels": labels, **params})


@st.composite
def against_rows(draw):
    """Draw rows, and a row of probabilities for each."""
    x = draw(arrays(rows))
    p = draw(arrays(x.shape, low=0.5, high=2.0))
    params = {"reduction": draw(reductions), "label_smoothing": draw(st.sampled_from([0.0, 0.25]))}
    if draw(st.booleans()):
        params["weight"] = draw(arrays((x.shape[1],), low=0.5, high=2.0))
    return Call((x,), {"labels": p / p.sum(1, keepdims=True), **params})


def cross_entropy(x, labels, **options):
    """Name the targets as the labels of `nll_loss` are."""
    return ops.cross_entropy(x, labels, **options)


def in_rows(x):
    """Put the pixels of (N, C, ...) below each other, as rows (M, C)."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def plain_nll(x, *, labels, reduction, **options):
    found, weights = references.nll_loss(in_rows(x), labels.reshape(-1), **options)
    return references.reduced(found.reshape(labels.shape), weights, reduction)


def plain_cross_entropy(x, *, labels, reduction, weight=None, label_smoothing=0.0, ignore_index=None):
    log_p = np.log(references.softmax(x, 1))
    if labels.ndim < x.ndim:
        options = {"weight": weight, "label_smoothing": label_smoothing, "ignore_index": ignore_index}
        return plain_nll(log_p, labels=labels, reduction=reduction, **options)
    p = (1 - label_smoothing) * labels + label_smoothing / x.shape[1]
    p = p if weight is None else p * weight.reshape(-1, *(1 for _ in x.shape[2:]))
    found = -np.sum(p * log_p, 1)
    return references.reduced(found, np.ones(found.size), reduction)


def in_torch(name):
    def theirs(torch, x, labels, ignore_index=None, **params):
        if ignore_index is not None:
            params["ignore_index"] = ignore_index
        return getattr(torch.nn.functional, name)(x, labels, **params)

    return theirs


def mean_cross_entropy(x, g):
    shifted = x - x.max(1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(1, keepdims=True)
    rows = np.arange(len(x))
    out = (np.log(total[:, 0]) - shifted[rows, LABELS]).mean()
    dx = e / total
    dx[rows, LABELS] -= 1
    return out, dx * (g / np.float32(len(x)))


def mean_nll(x, g):
    rows = np.arange(len(x))
    dx = np.zeros_like(x)
    dx[rows, LABELS] = -g / np.float32(len(x))
    return -x[rows, LABELS].mean(), dx


RECORDS = [
    record(
        "cross_entropy",
        cross_entropy,
        operands=labelled(smoothed=True) | against_rows(),
        reference=plain_cross_entropy,
        skip={"size 0": "the mean of nothing is not a number"},
        torch=in_torch("cross_entropy"),
        by_hand=[ByHand((Z,), mean_cross_entropy, lambda x: ops.cross_entropy(x, LABELS))],
    ),
    record(
        "nll_loss",
        operands=labelled(smoothed=False),
        reference=plain_nll,
        skip={"size 0": "the mean of nothing is not a number"},
        torch=in_torch("nll_loss"),
        by_hand=[ByHand((Z,), mean_nll, lambda x: ops.nll_loss(x, LABELS))],
    ),
    part(
        "mean_nll",
        losses._mean_nll,
        operands=arrays(rows),
        params=lambda log_p: {"labels": labels_of(log_p)},
        reference=lambda log_p, labels: plain_nll(log_p, labels=labels, reduction="mean"),
        skip={"size 0": "the mean of nothing is not a number"},
    ),
    part(
        "to_labels",
        losses._to_labels,
        operands=arrays(()),
        params={"labels": st.just(np.array([2, 0])), "shape": st.just((2, 3))},
        reference=lambda x, labels, shape: -x / 2 * np.array([[0, 0, 1], [1, 0, 0]]),
        linear_in=("x",),
        skip={"size 0": "one number is spread"},
    ),
]
