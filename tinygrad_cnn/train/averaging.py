"""A moving average of what a training moves, which mostly scores better than the last values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from ..checks import within

__all__ = ["MovingAverage"]


class MovingAverage:
    """The exponential moving average of the arrays of a tree: ``a = decay * a + (1 - decay) * x``.

    The first updates use the smaller decay ``(1 + n) / (10 + n)`` after n of them, so that the random start
    is soon forgotten. Arrays of integers are not averaged, the last ones are taken.

    Parameters
    ----------
    decay : float
        The share of the average that an update keeps, in ``[0, 1)``.
    values : tree of ndarray
        The start of the average.

    Attributes
    ----------
    values : tree of ndarray
        The average.
    updates : int
        The number of updates so far.

    Raises
    ------
    ValueError
        If ``decay`` is out of range.

    Examples
    --------
    >>> average = MovingAverage(0.9, {"w": np.array([1.0])})
    >>> average.update({"w": np.array([11.0])})
    >>> average.values
    {'w': array([9.18181818])}
    """

    def __init__(self, decay: float, values: Any) -> None:
        self.decay = within("MovingAverage", "decay", decay, "[0, 1)")
        self.values = tree.map(np.copy, values)
        self.updates = 0

    def __repr__(self) -> str:
        return f"<average of decay {self.decay:g} after {self.updates} updates>"

    def copy(self) -> dict[str, Any]:
        """Return the average and the number of updates, in copies that later updates leave alone.

        Returns
        -------
        dict
        """
        return {"values": tree.map(np.copy, self.values), "updates": self.updates}

    def update(self, values: Any) -> None:
        """Take the values after a step into the average.

        Parameters
        ----------
        values : tree of ndarray
            Arrays in the structure and the shapes of the average.
        """
        self.updates += 1
        share = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        for average, value in zip(tree.leaves(self.values), tree.leaves(values), strict=True):
            if average.dtype.kind == "f":
                average += share * (value - average)
            else:
                average[...] = value
