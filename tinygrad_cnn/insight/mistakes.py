"""The samples that a classifier gets wrong."""

from __future__ import annotations

import numpy as np

from .. import checks
from ..ops import cross_entropy
from ..types import ArrayLike, NDArray

__all__ = ["worst_mistakes"]


def worst_mistakes(logits: ArrayLike, labels: ArrayLike, count: int = 12) -> NDArray:
    """Find the samples that are wrong with the most confidence: those of the largest cross-entropy.

    Parameters
    ----------
    logits : array_like, shape (N, K)
        A score for each sample and class.
    labels : array_like of int, shape (N,)
        The right classes.
    count : int
        The most samples to return.

    Returns
    -------
    ndarray of int
        The positions of samples whose largest logit is not that of their label, the worst one first.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a label is out of range.

    Examples
    --------
    >>> worst_mistakes([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1, 1, 1])
    array([0, 1])
    """
    checks.integer("worst_mistakes: count", count, 1)
    scores, classes = np.asarray(logits), np.asarray(labels)
    losses = cross_entropy(scores, classes, reduction="none")
    wrong = np.flatnonzero(scores.argmax(1) != classes)
    return wrong[np.argsort(-losses[wrong], kind="stable")][:count]
