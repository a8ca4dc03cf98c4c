"""How good a classifier is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import nn
from ..data import batches
from ..ops import cross_entropy

__all__ = ["Score", "accuracy", "evaluate"]

BATCH = 250
"""Images scored at a time: memory is bounded, whatever the size of the data set."""


class Score(NamedTuple):
    """What `evaluate` finds.

    Parameters
    ----------
    loss : float
        Mean cross-entropy.
    accuracy : float
        Fraction classified correctly, from 0 to 1.
    """

    loss: float
    accuracy: float


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of the samples whose largest logit is that of their label.

    Parameters
    ----------
    logits : ndarray, (N, C)
    labels : ndarray of int, (N,)

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is no sample.

    Examples
    --------
    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"accuracy: expected logits (N, C) and labels (N,), got {logits.shape}, {labels.shape}"
        )
    if not len(labels):
        raise ValueError("accuracy: expected at least one sample, got none")
    return float((logits.argmax(1) == labels).mean())


def evaluate(model: nn.Layer, params: Any, state: Any, dataset: tuple[np.ndarray, np.ndarray]) -> Score:
    """Score a model on a data set, in inference mode.

    Parameters
    ----------
    model : Layer
        Maps images to logits (N, C).
    params, state : tree of ndarray
    dataset : Dataset, or (images, labels)
        Not empty.

    Returns
    -------
    Score

    Raises
    ------
    ValueError
        If the data set is empty, or a label is out of range.

    Examples
    --------
    >>> from tinygrad_cnn import nn
    >>> x, labels = np.array([[2.0, 0.0], [0.0, 3.0]]), np.array([0, 0])
    >>> score = evaluate(nn.Sequential(), {}, {}, (x, labels))
    >>> round(score.loss, 4), score.accuracy
    (1.5878, 0.5)
    """
    loss, correct, n = 0.0, 0.0, 0
    for x, labels in batches(dataset, BATCH):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the loss of the score tells
            logits, _ = model(params, state, x)
            loss += float(cross_entropy(logits, labels)) * len(labels)
        correct += accuracy(logits, labels) * len(labels)
        n += len(labels)
    if n == 0:
        raise ValueError("evaluate: expected at least one sample, got none")
    return Score(loss / n, correct / n)
