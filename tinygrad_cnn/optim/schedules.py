"""Learning rates that change: each is a function ``step -> rate``, usable wherever an ``lr`` is."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Cosine"]


@dataclass(frozen=True)
class Cosine:
    """Fall from a rate to zero along half a cosine: ``lr * (1 + cos(pi * step / steps)) / 2``.

    (Loshchilov & Hutter 2017, eq. 5, without restarts.) Zero from step ``steps`` on.

    Parameters
    ----------
    lr : float
        At step 0.
    steps : int
        How many steps the fall takes; at least 1.

    Raises
    ------
    ValueError
        If ``steps`` is below 1.

    Examples
    --------
    >>> rate = Cosine(0.1, steps=100)
    >>> [round(rate(step), 4) for step in (0, 50, 100)]
    [0.1, 0.05, 0.0]
    """

    lr: float
    steps: int

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"Cosine: steps: expected at least 1, got {self.steps}")

    def __call__(self, step: int) -> float:
        """The rate at a step; see the class."""
        progress = min(step / self.steps, 1.0)
        return self.lr * (1 + math.cos(math.pi * progress)) / 2
