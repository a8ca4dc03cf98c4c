"""Learning rates that change: each is a function ``step -> rate``, usable wherever an ``lr`` is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Constant", "Cosine", "OneCycle", "Step", "WarmUp"]


def _require_steps(schedule: str, name: str, steps: int) -> None:
    if steps < 1:
        raise ValueError(f"{schedule}: {name}: expected at least 1, got {steps}")


@dataclass(frozen=True)
class Constant:
    """The same rate at every step.

    Parameters
    ----------
    lr : float

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    lr: float

    def __call__(self, step: int) -> float:
        """The rate at a step; see the class."""
        return self.lr


@dataclass(frozen=True)
class Step:
    """Multiply the rate by a factor every so many steps: ``lr * factor**(step // every)``.

    Parameters
    ----------
    lr : float
        At step 0.
    every : int
        At least 1.
    factor : float

    Raises
    ------
    ValueError
        If ``every`` is below 1.

    Examples
    --------
    >>> rate = Step(1.0, every=10, factor=0.5)
    >>> [rate(step) for step in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self):
        _require_steps("Step", "every", self.every)

    def __call__(self, step: int) -> float:
        """The rate at a step; see the class."""
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True)
class Cosine:
    """Fall from a rate to another along half a cosine.

    ``end + (lr - end) * (1 + cos(pi * step / steps)) / 2`` (Loshchilov & Hutter 2017, eq. 5, without
    restarts); ``end`` from step ``steps`` on.

    Parameters
    ----------
    lr : float
        At step 0.
    steps : int
        How many steps the fall takes; at least 1.
    end : float

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
    end: float = 0.0

    def __post_init__(self):
        _require_steps("Cosine", "steps", self.steps)

    def __call__(self, step: int) -> float:
        """The rate at a step; see the class."""
        progress = min(step / self.steps, 1.0)
        return self.end + (self.lr - self.end) * (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True)
class WarmUp:
    """Grow linearly to the first rate of another schedule, then follow it: ``(step + 1) / steps`` of it.

    Parameters
    ----------
    schedule : callable
        Starts at its step 0 when the warm-up is over.
    steps : int
        Of the warm-up; at least 1.

    Raises
    ------
    ValueError
        If ``steps`` is below 1.

    Examples
    --------
    >>> rate = WarmUp(Constant(1.0), steps=4)
    >>> [rate(step) for step in (0, 1, 3, 4, 100)]
    [0.25, 0.5, 1.0, 1.0, 1.0]
    """

    schedule: Callable[[int], float]
    steps: int

    def __post_init__(self):
        _require_steps("WarmUp", "steps", self.steps)

    def __call__(self, step: int) -> float:
        """The rate at a step; see the class."""
        if step < self.steps:
            return self.schedule(0) * (step + 1) / self.steps
        return self.schedule(step - self.steps)


@dataclass(frozen=True)
class OneCycle:
    """Rise to a rate and fall again, both along half a cosine (Smith & Topin 2018), as PyTorch's OneCycleLR.

    From ``lr / start`` to ``lr`` over the share ``rise`` of the steps, then to ``lr / start / end``.

    Parameters
    ----------
    lr : float
        At the top.
    steps : int
        Of the whole cycle; at least 2.
    rise : float
        In ``(0, 1)``.
    start, end : float
        What the rate is divided by at the start, and that once more at the end.

    Raises
    ------
    ValueError
        If ``steps`` is below 2 or ``rise`` is out of range.

    Examples
    --------
    >>> rate = OneCycle(1.0, steps=11, rise=0.5)
    >>> [round(rate(step), 4) for step in (0, 4, 10)]
    [0.04, 0.9711, 0.0]
    """

    lr: float
    steps: int
    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self):
        if self.steps < 2:
            raise ValueError(f"OneCycle: steps: expected at least 2, got {self.steps}")
        if not 0 < self.rise < 1:
            raise ValueError(f"OneCycle: rise: expected a share in (0, 1), got {self.rise}")

    def __call__(self, step: int) -> float:
        """The rate at a step; see the class."""
        low, top = self.lr / self.start, self.rise * self.steps - 1
        if step <= top:
            return _half_cosine(low, self.lr, step / top if top else 1.0)
        progress = min((step - top) / (self.steps - 1 - top), 1.0)
        return _half_cosine(self.lr, low / self.end, progress)


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
