"""Losses of labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import ops
from ....tape import constant_for, raw
from ..registry import operator


def _nll(log_p: Any, labels: Any, weight: Any, ignore_index: int | None, reduction: str) -> Any:
    """Return minus the log-probability of each label, by its weight, and reduced."""
    labels = raw(labels)
    is_counted = labels != (-1 if ignore_index is None else ignore_index)
    taken = labels * is_counted
    key = [_axis(log_p, n, i, labels.ndim) for i, n in enumerate(labels.shape)]
    losses = -ops.getitem(log_p, (key[0], taken, *key[1:]))
    share = is_counted.astype(log_p.dtype)
    if weight is not None:
        share = share * ops.take(weight, taken, 0)
    losses = losses * share
    if reduction == "none":
        return losses
    return ops.sum(losses) / ops.sum(share) if reduction == "mean" else ops.sum(losses)


def _axis(like: Any, n: int, axis: int, ndim: int) -> Any:
    """Return ``0, 1, ...`` along an axis."""
    return constant_for(like, np.arange, n).reshape(tuple(-1 if i == axis else 1 for i in range(ndim)))


@operator("NegativeLogLikelihoodLoss")
def negative_log_likelihood(
    log_p: Any, labels: Any, weight: Any = None, *, ignore_index: int | None = None, reduction: str = "mean"
) -> Any:
    """Return minus the log-probabilities of labels; labels stand along axis 1."""
    return _nll(log_p, labels, weight, ignore_index, reduction)


@operator("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy(
    scores: Any,
    labels: Any,
    weight: Any = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
    count: int,
) -> Any:
    """Return the loss of scores, and their log-probabilities if they are wanted."""
    log_p = ops.log_softmax(scores, 1)
    return (_nll(log_p, labels, weight, ignore_index, reduction), log_p)[:count]
