"""How often each class was taken for each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from ..types import ArrayLike
from .picture import WIDTH, picture

__all__ = ["confusion_matrix"]

_WITH_NUMBERS = 12  # classes, whose counts can be read at this width


def confusion_matrix(counts: ArrayLike, classes: Sequence[str] | None = None) -> Figure:
    """Draw a confusion matrix: a row for each class, a column for what its samples were taken for.

    Parameters
    ----------
    counts : array_like of int, shape (K, K)
        What `train.confusion_matrix` returns.
    classes : sequence of str, optional
        The names of the classes; by default their numbers.

    Returns
    -------
    matplotlib.figure.Figure
        The colour is the share of a class, on a scale that tells small shares apart; for up to twelve classes
        the counts stand in the cells.

    Raises
    ------
    ValueError
        If the counts are no square, or there is another number of names.

    Examples
    --------
    >>> figure = confusion_matrix([[9, 1], [0, 5]], ["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['9', '1', '0', '5']
    """
    matrix = np.asarray(counts)
    names = [str(i) for i in range(len(matrix))] if classes is None else list(classes)
    if matrix.shape != (len(names), len(names)):
        raise ValueError(
            f"confusion_matrix: expected counts of shape {(len(names),) * 2}, got {matrix.shape}"
        )
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    figure = picture(WIDTH)
    axes = figure.subplots()
    image = axes.imshow(shares, norm=PowerNorm(0.4, 0, 1))
    axes.set_xlabel("taken for")
    axes.set_ylabel("class")
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    turned = max(map(len, names)) * len(names) > 40  # or the names would run into each other
    axes.set_xticks(range(len(names)), names, rotation=90 if turned else 0)
    axes.set_yticks(range(len(names)), names)
    if len(names) <= _WITH_NUMBERS:
        for (row, column), count in np.ndenumerate(matrix):
            colour = "black" if _is_light(image.to_rgba(shares[row, column])) else "white"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize="small")
    return figure


def _is_light(colour: ArrayLike) -> bool:
    """Whether black can be read on a colour better than white, by the luminance of Rec. 709."""
    return bool(np.dot(np.asarray(colour)[:3], (0.2126, 0.7152, 0.0722)) > 0.45)
