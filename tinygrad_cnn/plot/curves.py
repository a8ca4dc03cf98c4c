"""Numbers along a line: the epochs of a run, or the way from one tree of parameters to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..types import ArrayLike
from .picture import picture

__all__ = ["curves", "losses_between"]

_MARKERS = "os^Dvp"
_DASHES = ("-", "--", "-.", ":")


def curves(history: Any) -> Figure:
    """Draw the losses of a run over its epochs, and its scores below them.

    Parameters
    ----------
    history : History
        The rows of the run; see `train.History`.

    Returns
    -------
    matplotlib.figure.Figure
        Losses are what has a name that ends in ``loss``. Steps, rates and times are left out.

    Examples
    --------
    >>> from tinygrad_cnn.train import History
    >>> history = History([{"epoch": n, "loss": 1 / n, "accuracy": 1 - 1 / n} for n in (1, 2)])
    >>> [axes.get_ylabel() for axes in curves(history).axes]
    ['loss', 'accuracy']
    """
    drawn = [name for name in history.names if name not in {"epoch", "step", "lr"} and "second" not in name]
    losses = [name for name in drawn if name.endswith("loss")]
    parts = [part for part in (losses, [name for name in drawn if name not in losses]) if part]
    figure = picture(2.4 * max(len(parts), 1))
    for axes, names in zip(
        figure.subplots(len(parts) or 1, squeeze=False, sharex=True)[:, 0], parts, strict=False
    ):
        for i, name in enumerate(names):
            _draw(axes, i, history["epoch"], history[name], name.replace("_", " "))
        axes.set_ylabel(_common_end(names))
        axes.locator_params(axis="x", integer=True)
        axes.legend()
    if figure.axes:
        figure.axes[-1].set_xlabel("epoch")
    return figure


def losses_between(
    at: ArrayLike, losses: Mapping[str, ArrayLike], ends: tuple[str, str] = ("start", "end")
) -> Figure:
    """Draw the loss along the line between two trees of parameters.

    Parameters
    ----------
    at : array_like, shape (N,)
        The places: 0 and 1 are the two trees.
    losses : mapping of str to array_like, shape (N,)
        What `insight.losses_between` returns, by the names of the data, such as ``"train"``.
    ends : (str, str)
        What the two trees are called.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = losses_between([0, 0.5, 1], {"test": [2.0, 0.5, 0.1]}, ("untrained", "trained"))
    >>> figure.axes[0].get_xlabel()
    '0 = untrained, 1 = trained'
    """
    figure = picture(2.8)
    axes = figure.subplots()
    for i, (name, values) in enumerate(losses.items()):
        _draw(axes, i, at, values, name)
    for place in (0, 1):
        axes.axvline(place, linestyle=":", linewidth=1, color=axes.spines["left"].get_edgecolor())
    axes.set_xlabel(f"0 = {ends[0]}, 1 = {ends[1]}")
    axes.set_ylabel("loss")
    axes.legend()
    return figure


def _draw(axes: Any, i: int, x: ArrayLike, y: ArrayLike, label: str) -> None:
    """Draw the i-th line of a panel; marks and dashes tell it from others where colours do not."""
    marked = np.size(x) <= 30
    axes.plot(
        x, y, label=label, linestyle=_DASHES[i % 4], marker=_MARKERS[i % 6] if marked else None, markersize=5
    )


def _common_end(names: list[str]) -> str:
    """Name what the lines of a panel are by the last word of their names, if that is one."""
    ends = {name.rpartition("_")[2] for name in names}
    return ends.pop() if len(ends) == 1 else "score"
