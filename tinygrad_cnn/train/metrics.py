"""Scores that say how good a classifier is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from ..checks import indices
from ..data import batches
from ..ops import cross_entropy
from ..types import ArrayLike, NDArray
from .finite import NonFiniteLossError, cause

__all__ = ["Score", "accuracy", "confusion_matrix", "evaluate", "score"]

BATCH = 250
"""The number of images scored at a time, which bounds the memory for a data set of any size."""


class Score(NamedTuple):
    """The result of `evaluate`.

    Parameters
    ----------
    loss : float
        The mean cross-entropy.
    accuracy : float
        The fraction of the samples that are classified correctly, from 0 to 1.
    """

    loss: float
    accuracy: float


def accuracy(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the fraction of the samples whose largest logit is that of their label.

    Parameters
    ----------
    logits : array_like, shape (N, C)
        A score for each sample and class.
    labels : array_like, shape (N,) of int or (N, C)
        The right classes, or rows of probabilities (one-hot, say), of which the largest counts.

    Returns
    -------
    float
        The fraction, from 0 to 1.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or there is no sample.

    Examples
    --------
    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    scores, classes = np.asarray(logits), np.asarray(labels)
    if classes.ndim == 2 and classes.shape == scores.shape:
        classes = classes.argmax(1)
    if scores.ndim != 2 or classes.shape != scores.shape[:1]:
        raise ValueError(
            f"accuracy: expected logits (N, C) and labels (N,), got {scores.shape}, {classes.shape}"
        )
    if not len(scores):
        raise ValueError("accuracy: expected at least one sample, got none")
    return float((scores.argmax(1) == classes).mean())


def score(logits: ArrayLike, labels: ArrayLike) -> Score:
    """Return the mean cross-entropy and the accuracy of logits.

    Parameters
    ----------
    logits : array_like, shape (N, C)
        A score for each sample and class.
    labels : array_like, shape (N,) of int or (N, C)
        The right classes, or rows of probabilities.

    Returns
    -------
    Score

    Examples
    --------
    >>> score(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1])).accuracy
    0.5
    """
    scores, classes = np.asarray(logits), np.asarray(labels)
    return Score(float(cross_entropy(scores, classes)), accuracy(scores, classes))


def confusion_matrix(predicted: ArrayLike, labels: ArrayLike, classes: int) -> NDArray:
    """Count for each class what its samples were taken for.

    Parameters
    ----------
    predicted, labels : array_like of int, shape (N,)
        What each sample was taken for, and what it is.
    classes : int
        The number of classes.

    Returns
    -------
    ndarray of int, shape (classes, classes)
        A row for each class, a column for each that it was taken for.

    Raises
    ------
    ValueError
        If a class is out of range.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1], [0, 0, 1], 2)
    array([[1, 1],
           [0, 1]])
    """
    rows = indices("confusion_matrix", "labels", labels, classes)
    columns = indices("confusion_matrix", "predicted", predicted, classes)
    return np.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes)


def evaluate(model: nn.Layer, params: Any, state: Any, dataset: tuple[ArrayLike, ArrayLike]) -> Score:
    """Score a model on a data set, in inference mode.

    Parameters
    ----------
    model : Layer
        The model, which maps images to logits of shape (N, C).
    params, state : tree of ndarray
        The parameters and the state of the model.
    dataset : Dataset or (images, labels)
        The samples to score, at least one.

    Returns
    -------
    Score
        The mean loss and the accuracy over all samples.

    Raises
    ------
    NonFiniteLossError
        If the loss is infinite or not a number; it says where that came from.
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
        # The error below tells of an overflow, so the warnings are not needed as well.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            logits, _ = model(params, state, x)
            mean = float(cross_entropy(logits, labels))
        if not math.isfinite(mean):
            reason = cause({"params": params, "state": state}, x)
            raise NonFiniteLossError(
                f"evaluate: the loss of samples {n} to {n + len(x) - 1} is {mean}: {reason}"
            )
        loss += mean * len(labels)
        correct += accuracy(logits, labels) * len(labels)
        n += len(labels)
    if n == 0:
        raise ValueError("evaluate: expected at least one sample, got none")
    return Score(loss / n, correct / n)
