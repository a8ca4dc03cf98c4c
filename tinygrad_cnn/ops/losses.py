"""Losses: compositions, each a mean over the batch."""

import numpy as np

from ..tape import astype, raw
from .activations import log_softmax
from .elementwise import where
from .reductions import mean, sum
from .shaping import getitem

__all__ = ["cross_entropy"]


def cross_entropy(logits, targets):
    """Mean cross-entropy of logits against labels or probabilities: ``-mean(log_softmax(logits)[label])``.

    Stable for logits of any finite size. The gradient to the logits, ``(softmax(logits) - p) / N``, falls out
    of the tape.

    Parameters
    ----------
    logits : array_like, (N, C)
        Unnormalised scores.
    targets : array_like, (N,) of int or (N, C) of float
        Class labels in ``0..C-1``, or a probability row (one-hot, say) for each sample, which is cast to the
        dtype of ``logits``.

    Returns
    -------
    scalar or Tensor
        0-d, of the dtype of ``logits``.

    Raises
    ------
    TypeError
        If labels are not integers, or probability rows not floating.
    ValueError
        If shapes do not fit or a label is out of range.

    Examples
    --------
    >>> round(float(cross_entropy(np.array([[0.0, 0.0], [1e4, 0.0]]), np.array([0, 0]))), 4)
    0.3466
    """
    shape = np.shape(raw(logits))
    if len(shape) != 2:
        raise ValueError(f"cross_entropy: logits: expected shape (N, C), got {shape}")
    log_p = log_softmax(logits, 1)
    if np.ndim(raw(targets)) == 2:
        return _soft_cross_entropy(log_p, targets)
    labels = check_labels("cross_entropy", raw(targets), shape)
    return -mean(getitem(log_p, (np.arange(len(labels)), labels)))


def _soft_cross_entropy(log_p, probabilities):
    shape, dtype = np.shape(raw(probabilities)), np.asarray(raw(probabilities)).dtype
    if shape != log_p.shape:
        raise ValueError(f"cross_entropy: targets: expected probability rows {log_p.shape}, got {shape}")
    if dtype.kind != "f":
        raise TypeError(f"cross_entropy: targets: expected floating probability rows, got {dtype}")
    if dtype != log_p.dtype:
        probabilities = astype(probabilities, log_p.dtype)
    # a class of probability 0 takes no part, also where its logit is minus infinity
    terms = where(raw(probabilities) == 0, 0.0, log_p) * probabilities
    return -mean(sum(terms, 1))


def check_labels(op, labels, shape):
    """Class labels as an array that fits logits of a shape, or an error that names the operation.

    Parameters
    ----------
    op : str
        For the message.
    labels : array_like of int, (N,)
    shape : (N, C)

    Returns
    -------
    ndarray of int, (N,)

    Examples
    --------
    >>> check_labels("nll", [0, 2], (2, 3))
    array([0, 2])
    """
    labels = np.asarray(labels)
    n, classes = shape
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{op}: labels: expected integers, got {labels.dtype}")
    if labels.shape != (n,):
        raise ValueError(f"{op}: labels: expected shape ({n},) for logits {shape}, got {labels.shape}")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        wrong = labels[(labels < 0) | (labels >= classes)][0]
        raise ValueError(f"{op}: labels: expected values in 0..{classes - 1}, got {wrong}")
    return labels
