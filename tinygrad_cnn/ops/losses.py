"""Losses, each ending in a reduction over the batch.

They are compositions, so that the tape derives their gradients; only the mean of the losses of labels, the
commonest, is a primitive.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from .. import checks
from ..tape import Box, astype, in_single, primitive, raw
from ..types import Array, NDArray, Operand, Out, Shape
from .activations import log_softmax, softplus
from .elementwise import square, where
from .indexing import getitem
from .reductions import mean, sum

__all__ = ["binary_cross_entropy_with_logits", "cross_entropy", "mse_loss", "nll_loss"]

Reduction: TypeAlias = Literal["mean", "sum", "none"]


@in_single
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
        The weights of the classes, constants to the tape. The mean over labels divides by their weights' sum.
    label_smoothing : float
        The share of each target, in ``[0, 1)``, that goes evenly to all classes.
    ignore_index : int, optional
        The label of the samples that do not count.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar or Tensor
        It has the dtype of ``logits``, and shape (N,) for ``reduction="none"``.

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
    checks.within("cross_entropy", "label_smoothing", label_smoothing, "[0, 1)")
    label_smoothing = float(label_smoothing)  # a NumPy scalar would widen float32
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
    # A class of probability 0 takes no part where its logit is minus infinity; 0 * -inf would be NaN.
    masked = (raw(p) == 0) & np.isneginf(raw(log_p))
    losses = -sum((where(masked, 0.0, log_p) if masked.any() else log_p) * p, 1)
    return _reduced("cross_entropy", losses, reduction)


@in_single
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
        The class of each sample, in ``0..C-1``.
    weight : array_like, (C,), optional
        The weights of the classes, constants to the tape. The mean divides by the sum of the labels' weights.
    ignore_index : int, optional
        The label of the samples that do not count.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar or Tensor
        It has shape (N,) for ``reduction="none"``.

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
    # one node instead of four, which would cost a thirtieth of the smallest training steps
    return mean(-_picked(log_p, labels))


@primitive
def _to_labels(x: Operand[Out], labels: Array, *, shape: Shape) -> Out:
    """Put ``-x / N`` at each label: the adjoint of `_mean_nll`."""
    n = len(labels)
    out = np.zeros(shape, x.dtype)
    out[np.arange(n), labels] = x * (-1.0 / (n or 1))
    return out


_mean_nll.defvjp(log_p=lambda g, log_p_shape, labels: _to_labels(g, labels, shape=log_p_shape))
_to_labels.defvjp(x=lambda g, labels: _mean_nll(g, labels))


@in_single
def mse_loss(x: Operand[Out], target: Operand[Out], *, reduction: Reduction = "mean") -> Out:
    """Squared error: ``(x - target)**2``.

    Parameters
    ----------
    x, target : array_like
        Arrays of equal shapes: a broadcast between predictions and targets is nearly always a mistake. The
        target is cast to the dtype of ``x``.
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
    checks.no_pair("mse_loss", "x", x)
    checks.shape("mse_loss", "target", np.shape(raw(target)), np.shape(raw(x)))
    dtype = np.asarray(raw(x)).dtype
    if np.asarray(raw(target)).dtype != dtype:  # integers would widen float32 to float64
        target = astype(target, dtype)
    return _reduced("mse_loss", square(x - target), reduction)


@in_single
def binary_cross_entropy_with_logits(
    logits: Operand[Out],
    targets: Operand[Out],
    *,
    weight: Operand[Any] | None = None,
    pos_weight: Operand[Any] | None = None,
    reduction: Reduction = "mean",
) -> Out:
    """Cross-entropy of yes-or-no choices: ``-t log p - (1 - t) log(1 - p)`` with ``p = sigmoid(logits)``.

    Stable for logits of any size, infinite ones included.

    Parameters
    ----------
    logits : array_like
    targets : array_like
        Probabilities in the shape of ``logits``; they are cast to its dtype.
    weight : array_like, optional
        The weight of each choice, which broadcasts to ``logits``, a constant to the tape. The mean divides by
        the number of choices, as PyTorch's does.
    pos_weight : array_like, optional
        The weight of the first term, that of the answer yes; as ``weight``.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes do not fit, a target lies outside ``[0, 1]``, or the reduction is unknown.

    Examples
    --------
    >>> float(binary_cross_entropy_with_logits(np.array([1e4, -1e4]), np.array([1.0, 1.0])))
    5000.0
    """
    op = "binary_cross_entropy_with_logits"
    checks.no_pair(op, "logits", logits)
    values, dtype = np.asarray(raw(targets)), np.asarray(raw(logits)).dtype
    checks.shape(op, "targets", values.shape, np.shape(raw(logits)))
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"{op}: targets: expected probabilities in [0, 1], got {values.min()} to {values.max()}"
        )
    t = astype(targets, dtype)
    weight, pos_weight = (
        _broadcast(op, name, w, values.shape, dtype)
        for name, w in (("weight", weight), ("pos_weight", pos_weight))
    )
    if pos_weight is None and not isinstance(targets, Box) and np.all(t * (1 - t) == 0):
        losses = softplus(logits * (1 - 2 * t))  # certain targets need one logarithm
        return _reduced(op, losses if weight is None else losses * weight, reduction)
    # A choice of probability 0 takes no part where its loss is infinite; 0 * inf would be NaN.
    yes, no = softplus(-logits), softplus(logits)
    yes = where((values == 0) & np.isinf(raw(yes)), 0.0, yes) * t
    no = where((values == 1) & np.isinf(raw(no)), 0.0, no) * (1 - t)
    losses = (yes if pos_weight is None else yes * pos_weight) + no
    return _reduced(op, losses if weight is None else losses * weight, reduction)


def _broadcast(
    op: str, name: str, weight: Operand[Any] | None, shape: Shape, dtype: np.dtype[Any]
) -> NDArray | None:
    """Return the weight of each element, in the dtype of the logits; None stands for equal weights."""
    if weight is None:
        return None
    weight = np.asarray(raw(weight), dtype)
    try:
        return np.broadcast_to(weight, shape)
    except ValueError:
        raise ValueError(
            f"{op}: {name}: expected a shape that broadcasts to {shape}, got {weight.shape}"
        ) from None


# --- what the losses share --------------------------------------------------------------------------------


def _rows(op: str, name: str, x: Array) -> Shape:
    checks.no_pair(op, name, x)
    shape = np.shape(raw(x))
    if len(shape) != 2:
        raise ValueError(f"{op}: {name}: expected shape (N, C), got {shape}")
    checks.floating(op, name, raw(x))
    return shape


def _labels(
    op: str, labels: Operand[Any], shape: Shape, ignore_index: int | None
) -> tuple[NDArray, NDArray | None]:
    """Return labels in range, 0 for those that do not count, and a mask of those that do (None for all)."""
    labels = np.asarray(raw(labels))
    n, classes = shape
    if labels.shape != (n,):
        raise ValueError(f"{op}: labels: expected shape ({n},) for logits {shape}, got {labels.shape}")
    if ignore_index is None:
        return checks.indices(op, "labels", labels, classes), None
    counted = labels != ignore_index
    return checks.indices(op, "labels", np.where(counted, labels, 0), classes), counted


def _picked(log_p: Array, labels: NDArray) -> Array:
    return getitem(log_p, (np.arange(len(labels)), labels))


def _class_weights(op: str, weight: Operand[Any] | None, log_p: Array) -> NDArray:
    """Return the weight of each class, in the dtype of the logits."""
    classes = np.shape(raw(log_p))[1]
    if weight is None:
        return np.ones(classes, log_p.dtype)
    weight = np.asarray(raw(weight), log_p.dtype)
    checks.shape(op, "weight", weight.shape, (classes,))
    return weight


def _reduced(
    op: str,
    losses: Array,
    reduction: Reduction,
    counted: NDArray | None = None,
    weights: NDArray | None = None,
) -> Array:
    """Reduce the losses. Those that do not count are 0, and the mean divides by the weights of the others."""
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
    weights = np.ones(losses.shape) if weights is None else weights
    # NumPy adds one by one where it is given a mask, and would lose what it adds to a long float32 sum
    total = np.sum(weights if counted is None else np.where(counted, weights, 0), dtype=np.float64)
    return sum(losses) / float(total)  # where none counts it is NaN, as the mean of nothing is
