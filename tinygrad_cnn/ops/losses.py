"""Losses of class labels, whose scores (N, C, ...) have the classes along axis 1.

They are compositions, so that the tape derives their gradients; only the mean of the losses of labels, the
commonest, is a primitive.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import checks
from ..stand_in import as_array, in_one_line, may_hold
from ..tape import astype, constant_for, in_single, primitive, raw
from ..types import Array, NDArray, Operand, Out, Shape
from .activations import log_softmax
from .elementwise import where
from .indexing import getitem
from .loss_reductions import Reduction, reduced
from .operands import of_numbers
from .reductions import mean, sum

__all__ = ["cross_entropy", "nll_loss"]


@of_numbers
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
    logits : array_like, (N, C, ...)
        Unnormalised scores: of samples (N, C), or of the pixels of images, (N, C, H, W).
    targets : array_like, (N, ...) of int or (N, C, ...)
        Class labels in ``0..C-1``, or probabilities of the classes (one-hot, say) in the shape of ``logits``.
    weight : array_like, (C,), optional
        The weights of the classes, constants to the tape. The mean over labels divides by their weights' sum.
    label_smoothing : float
        The share of each target, in ``[0, 1)``, that goes evenly to all classes.
    ignore_index : int, optional
        The label of what does not count.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar or Tensor
        It has the dtype of ``logits``, and shape (N, ...) for ``reduction="none"``.

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
    op = "cross_entropy"
    shape = _classes(op, "logits", logits)
    checks.within(op, "label_smoothing", label_smoothing, "[0, 1)")
    label_smoothing = float(label_smoothing)  # a NumPy scalar would widen float32
    log_p = log_softmax(logits, 1)
    if np.ndim(raw(targets)) == len(shape):
        return _against_probabilities(log_p, targets, weight, label_smoothing, ignore_index, reduction)
    if label_smoothing == 0:
        return _nll(op, log_p, targets, weight, ignore_index, reduction)
    labels, counted = _labels(op, targets, log_p, ignore_index)
    class_weights = _class_weights(op, weight, log_p)
    share = label_smoothing / shape[1]
    weights = getitem(class_weights, labels)
    losses = -(1 - label_smoothing) * _picked(log_p, labels) * weights
    losses = losses - share * sum(log_p * _along_classes(class_weights, log_p), 1)
    return reduced(op, losses, reduction, counted, weights)


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
            f"cross_entropy: targets: expected probability rows {log_p.shape}, got {np.shape(raw(p))}; "
            f"labels have the shape {(*log_p.shape[:1], *log_p.shape[2:])}"
        )
    if ignore_index is not None:
        raise ValueError("cross_entropy: ignore_index: goes with labels, not with probabilities")
    p = astype(p, log_p.dtype)
    if label_smoothing:
        p = (1 - label_smoothing) * p + label_smoothing / p.shape[1]
    if weight is not None:
        p = p * _along_classes(_class_weights("cross_entropy", weight, log_p), log_p)
    # A class of probability 0 takes no part where its logit is minus infinity; 0 * -inf would be NaN.
    masked = (raw(p) == 0) & np.isneginf(raw(log_p))
    losses = -sum((where(masked, 0.0, log_p) if may_hold(masked) else log_p) * p, 1)
    return reduced("cross_entropy", losses, reduction)


@of_numbers
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
    log_probabilities : array_like, (N, C, ...)
    labels : array_like, (N, ...) of int
        The class of each sample, or of each pixel, in ``0..C-1``.
    weight : array_like, (C,), optional
        The weights of the classes, constants to the tape. The mean divides by the sum of the labels' weights.
    ignore_index : int, optional
        The label of what does not count.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar or Tensor
        It has shape (N, ...) for ``reduction="none"``.

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
    _classes("nll_loss", "log_probabilities", log_probabilities)
    return _nll("nll_loss", log_probabilities, labels, weight, ignore_index, reduction)


def _nll(
    op: str,
    log_p: Array,
    labels: Array,
    weight: Operand[Any] | None,
    ignore_index: int | None,
    reduction: Reduction,
) -> Array:
    labels, counted = _labels(op, labels, log_p, ignore_index)
    if weight is None and counted is None and reduction == "mean":
        return _mean_nll(log_p, labels)
    losses = -_picked(log_p, labels)
    if weight is None:
        return reduced(op, losses, reduction, counted)
    weights = getitem(_class_weights(op, weight, log_p), labels)
    return reduced(op, losses * weights, reduction, counted, weights)


@primitive
def _mean_nll(log_p: Operand[Out], labels: Array) -> Out:
    # one node instead of four, which would cost a thirtieth of the smallest training steps
    return mean(-log_p[_places(labels)])


@primitive
def _to_labels(x: Operand[Out], labels: Array, *, shape: Shape) -> Out:
    """Put ``-x`` divided by the number of labels at each label: the adjoint of `_mean_nll`."""
    out = np.zeros(shape, x.dtype)
    out[_places(labels)] = x * (-1.0 / (labels.size or 1))
    return out


_mean_nll.defvjp(log_p=lambda g, log_p_shape, labels: _to_labels(g, labels, shape=log_p_shape))
_to_labels.defvjp(x=lambda g, labels: _mean_nll(g, labels))


def _classes(op: str, name: str, x: Array) -> Shape:
    """Return the shape of scores (N, C, ...)."""
    checks.no_pair(op, name, x)
    shape = np.shape(raw(x))
    if len(shape) < 2:
        raise ValueError(f"{op}: {name}: expected shape (N, C, ...), got {shape}")
    checks.floating(op, name, raw(x))
    return shape


def _labels(
    op: str, labels: Operand[Any], log_p: Array, ignore_index: int | None
) -> tuple[NDArray, NDArray | None]:
    """Return labels in range, 0 for those that do not count, and a mask of those that do (None for all)."""
    labels = as_array(raw(labels), like=raw(log_p))
    shape = log_p.shape
    samples = (*shape[:1], *shape[2:])
    if labels.shape != samples:
        raise ValueError(f"{op}: labels: expected shape {samples} for logits {shape}, got {labels.shape}")
    if labels.dtype.kind not in "iu":
        way = f"; probabilities of the classes have the shape {shape}" if op == "cross_entropy" else ""
        raise TypeError(
            f"{op}: labels: expected integers, got {labels.dtype}: cast numbers of classes by "
            f".astype(int){way}"
        )
    if ignore_index is None:
        return checks.indices(op, "labels", labels, shape[1]), None
    counted = labels != ignore_index
    return checks.indices(op, "labels", np.where(counted, labels, 0), shape[1]), counted


def _places(labels: NDArray) -> tuple[NDArray, ...]:
    """Return the index of each label's element in an array (N, C, ...)."""
    if labels.ndim == 1:
        return np.arange(len(labels)), labels
    samples, *rest = np.indices(labels.shape, sparse=True)
    return (samples, labels, *rest)


def _picked(log_p: Array, labels: NDArray) -> Array:
    return getitem(log_p, in_one_line(_places, labels))


def _class_weights(op: str, weight: Operand[Any] | None, log_p: Array) -> NDArray:
    """Return the weight of each class, in the dtype of the logits."""
    classes = np.shape(raw(log_p))[1]
    if weight is None:
        return constant_for(log_p, np.ones, classes, log_p.dtype)
    weight = as_array(raw(weight), log_p.dtype, like=raw(log_p))
    checks.shape(op, "weight", weight.shape, (classes,))
    return weight


def _along_classes(weight: NDArray, log_p: Array) -> NDArray:
    """Return weights of classes (C,) in a shape that broadcasts to (N, C, ...)."""
    return weight.reshape(1, -1, *(1 for _ in log_p.shape[2:]))
