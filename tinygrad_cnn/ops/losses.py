"""Losses, each ending in a reduction over the batch.

They are compositions, so that the tape derives their gradients; only the mean of the losses of labels, the
commonest, is a primitive.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..tape import Box, astype, primitive, raw
from ..types import Array, Operand, Out, Shape
from .activations import log_softmax, softplus
from .elementwise import square, where
from .indexing import getitem
from .reductions import mean, sum

__all__ = ["binary_cross_entropy_with_logits", "cross_entropy", "mse_loss", "nll_loss"]

Reduction: TypeAlias = Literal["mean", "sum", "none"]


def cross_entropy(
    logits: Operand[Out],
    targets: Operand[Out],
    *,
    weight: Operand[Any] | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Out:
    """Cross-entropy of logits against labels or probabilities: ``-log_softmax(logits)[label]``.

    Stable for logits of any finite size. The gradient to the logits, ``(softmax(logits) - p) / N``, falls out
    of the tape.

    Parameters
    ----------
    logits : array_like, (N, C)
        Unnormalised scores.
    targets : array_like, (N,) of int or (N, C)
        Class labels in ``0..C-1``, or a row of probabilities (one-hot, say) for each sample.
    weight : array_like, (C,), optional
        Of the classes, constants to the tape; the mean over labels divides by the sum of their weights.
    label_smoothing : float
        In ``[0, 1)``: the share of each target that is spread evenly over all classes.
    ignore_index : int, optional
        Samples of this label do not count.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar or Tensor
        Of the dtype of ``logits``; (N,) for ``reduction="none"``.

    Raises
    ------
    TypeError
        If labels are not integers.
    ValueError
        If shapes do not fit, a label is out of range, or an option is unknown.

    Examples
    --------
    >>> round(float(cross_entropy(np.array([[0.0, 0.0], [1e4, 0.0]]), np.array([0, 0]))), 4)
    0.3466
    """
    shape = _rows("cross_entropy", "logits", logits)
    if not 0 <= label_smoothing < 1:
        raise ValueError(
            f"cross_entropy: label_smoothing: expected a number in [0, 1), got {label_smoothing}"
        )
    label_smoothing = float(label_smoothing)  # a NumPy scalar is not weak
    log_p = log_softmax(logits, 1)
    if np.ndim(raw(targets)) == 2:
        return _against_probabilities(log_p, targets, weight, label_smoothing, ignore_index, reduction)
    if label_smoothing == 0:
        return _nll("cross_entropy", log_p, targets, weight, ignore_index, reduction)
    labels, counted = _labels("cross_entropy", targets, shape, ignore_index)
    class_weights = _class_weights("cross_entropy", weight, log_p)
    share = label_smoothing / shape[1]
    losses = -(1 - label_smoothing) * _picked(log_p, labels) * class_weights[labels]
    losses = losses - share * sum(log_p * class_weights, 1)
    return _reduced("cross_entropy", losses, reduction, counted, class_weights[labels])


def _against_probabilities(
    log_p: Array,
    p: Array,
    weight: Operand[Any] | None,
    label_smoothing: float,
    ignore_index: int | None,
    reduction: Reduction,
) -> Array:
    if np.shape(raw(p)) != log_p.shape:
        raise ValueError(
            f"cross_entropy: targets: expected probability rows {log_p.shape}, got {np.shape(raw(p))}"
        )
    if ignore_index is not None:
        raise ValueError("cross_entropy: ignore_index: goes with labels, not with probability rows")
    p = astype(p, log_p.dtype)
    if label_smoothing:
        p = (1 - label_smoothing) * p + label_smoothing / p.shape[1]
    if weight is not None:
        p = p * _class_weights("cross_entropy", weight, log_p)
    # a class of probability 0 takes no part where its logit is minus infinity, and 0 * -inf would be NaN
    masked = (raw(p) == 0) & np.isneginf(raw(log_p))
    losses = -sum((where(masked, 0.0, log_p) if masked.any() else log_p) * p, 1)
    return _reduced("cross_entropy", losses, reduction)


def nll_loss(
    log_probabilities: Operand[Out],
    labels: Operand[Any],
    *,
    weight: Operand[Any] | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Out:
    """Negative log-likelihood of labels: ``-log_probabilities[label]``.

    Parameters
    ----------
    log_probabilities : array_like, (N, C)
    labels : array_like, (N,) of int
        In ``0..C-1``.
    weight : array_like, (C,), optional
        Of the classes, constants to the tape; the mean divides by the sum of the labels' weights.
    ignore_index : int, optional
        Samples of this label do not count.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar or Tensor
        (N,) for ``reduction="none"``.

    Raises
    ------
    TypeError
        If labels are not integers.
    ValueError
        If shapes do not fit, a label is out of range, or an option is unknown.

    Examples
    --------
    >>> float(nll_loss(np.array([[-1.0, -2.0], [-3.0, -4.0]]), np.array([0, 1])))
    2.5
    """
    _rows("nll_loss", "log_probabilities", log_probabilities)
    return _nll("nll_loss", log_probabilities, labels, weight, ignore_index, reduction)


def _nll(
    op: str,
    log_p: Array,
    labels: Array,
    weight: Operand[Any] | None,
    ignore_index: int | None,
    reduction: Reduction,
) -> Array:
    labels, counted = _labels(op, labels, log_p.shape, ignore_index)
    if weight is None and counted is None and reduction == "mean":
        return _mean_nll(log_p, labels)
    losses = -_picked(log_p, labels)
    if weight is None:
        return _reduced(op, losses, reduction, counted)
    weights = _class_weights(op, weight, log_p)[labels]
    return _reduced(op, losses * weights, reduction, counted, weights)


@primitive
def _mean_nll(log_p: Operand[Out], labels: Array) -> Out:
    # one node: those of its parts would cost a thirtieth of the smallest steps
    return mean(-_picked(log_p, labels))


@primitive
def _to_labels(x: Operand[Out], labels: Array, *, shape: Shape) -> Out:
    """The adjoint of `_mean_nll`: ``-x / N`` at each label."""
    n = len(labels)
    out = np.zeros(shape, x.dtype)
    out[np.arange(n), labels] = x * (-1.0 / (n or 1))
    return out


_mean_nll.defvjp(log_p=lambda g, log_p_shape, labels: _to_labels(g, labels, shape=log_p_shape))
_to_labels.defvjp(x=lambda g, labels: _mean_nll(g, labels))


def mse_loss(x: Operand[Out], target: Operand[Out], *, reduction: Reduction = "mean") -> Out:
    """Squared error: ``(x - target)**2``.

    Parameters
    ----------
    x, target : array_like
        Of equal shapes: a broadcast between predictions and targets is nearly always a mistake. The target
        is taken in the dtype of ``x``.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes differ or the reduction is unknown.

    Examples
    --------
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    if np.shape(raw(x)) != np.shape(raw(target)):
        raise ValueError(f"mse_loss: target: expected shape {np.shape(raw(x))}, got {np.shape(raw(target))}")
    dtype = np.asarray(raw(x)).dtype
    if np.asarray(raw(target)).dtype != dtype:  # a target of integers would make float32 float64
        target = astype(target, dtype)
    return _reduced("mse_loss", square(x - target), reduction)


def binary_cross_entropy_with_logits(
    logits: Operand[Out], targets: Operand[Out], *, reduction: Reduction = "mean"
) -> Out:
    """Cross-entropy of yes-or-no choices: ``-t log p - (1 - t) log(1 - p)`` with ``p = sigmoid(logits)``.

    Stable for logits of any size, infinite ones included.

    Parameters
    ----------
    logits : array_like
    targets : array_like
        Probabilities, of the shape of ``logits``; taken in its dtype.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes differ, a target lies outside ``[0, 1]``, or the reduction is unknown.

    Examples
    --------
    >>> float(binary_cross_entropy_with_logits(np.array([1e4, -1e4]), np.array([1.0, 1.0])))
    5000.0
    """
    op = "binary_cross_entropy_with_logits"
    values, dtype = np.asarray(raw(targets)), np.asarray(raw(logits)).dtype
    if np.shape(raw(logits)) != values.shape:
        raise ValueError(f"{op}: targets: expected shape {np.shape(raw(logits))}, got {values.shape}")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"{op}: targets: expected probabilities in [0, 1], got {values.min()} to {values.max()}"
        )
    t = astype(targets, dtype)
    if not isinstance(targets, Box) and np.all(t * (1 - t) == 0):
        return _reduced(op, softplus(logits * (1 - 2 * t)), reduction)  # one logarithm each: all are certain
    # a choice of probability 0 takes no part where its loss is infinite, and 0 * inf would be NaN
    yes, no = softplus(-logits), softplus(logits)
    yes = where((values == 0) & np.isinf(raw(yes)), 0.0, yes) * t
    no = where((values == 1) & np.isinf(raw(no)), 0.0, no) * (1 - t)
    return _reduced(op, yes + no, reduction)


# --- what the losses share --------------------------------------------------------------------------------


def _rows(op: str, name: str, x: Array) -> Shape:
    shape = np.shape(raw(x))
    if len(shape) != 2:
        raise ValueError(f"{op}: {name}: expected shape (N, C), got {shape}")
    if raw(x).dtype.kind != "f":
        raise TypeError(f"{op}: {name}: expected a floating array, got {raw(x).dtype}")
    return shape


def _labels(
    op: str, labels: Operand[Any], shape: Shape, ignore_index: int | None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Labels in range, and which of them count (None: all do); one that does not is replaced by 0."""
    labels = np.asarray(raw(labels))
    n, classes = shape
    if labels.shape != (n,):
        raise ValueError(f"{op}: labels: expected shape ({n},) for logits {shape}, got {labels.shape}")
    if ignore_index is None:
        return checks.indices(op, "labels", labels, classes), None
    counted = labels != ignore_index
    return checks.indices(op, "labels", np.where(counted, labels, 0), classes), counted


def _picked(log_p: Array, labels: NDArray[Any]) -> Array:
    return getitem(log_p, (np.arange(len(labels)), labels))


def _class_weights(op: str, weight: Operand[Any] | None, log_p: Array) -> NDArray[Any]:
    """The weight of each class, in the dtype of the logits."""
    classes = np.shape(raw(log_p))[1]
    if weight is None:
        return np.ones(classes, log_p.dtype)
    weight = np.asarray(raw(weight), log_p.dtype)
    if weight.shape != (classes,):
        raise ValueError(f"{op}: weight: expected shape ({classes},), got {weight.shape}")
    return weight


def _reduced(
    op: str,
    losses: Array,
    reduction: Reduction,
    counted: NDArray[Any] | None = None,
    weights: NDArray[Any] | None = None,
) -> Array:
    """The losses reduced: those that do not count are 0, the mean divides by the weights of the others."""
    if counted is not None:
        losses = where(counted, losses, 0.0)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return sum(losses)
    if reduction != "mean":
        raise ValueError(f"{op}: reduction: expected mean, sum or none, got {reduction!r}")
    if counted is None and weights is None:
        return mean(losses)
    total = np.sum(
        np.ones(losses.shape) if weights is None else weights, where=True if counted is None else counted
    )
    return sum(losses) / float(total)  # NaN where none counts, as the mean of nothing
