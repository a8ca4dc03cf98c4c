"""Learning rates that change. Each is a function ``step -> rate``, which can stand wherever an ``lr`` can."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..checks import function, within

__all__ = ["Constant", "Cosine", "OneCycle", "Step", "WarmUp"]


@dataclass(frozen=True)
class Constant:
    """Keep the same rate at every step.

    Parameters
    ----------
    lr : float
        The rate.

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    lr: float

    def __post_init__(self) -> None:
        within("Constant", "lr", self.lr, "[0, inf)")

    def __call__(self, step: int) -> float:
        """Return the rate at a step; see the formula of the class."""
        return self.lr


@dataclass(frozen=True)
class Step:
    """Multiply the rate by a factor every so many steps: ``lr * factor**(step // every)``.

    Parameters
    ----------
    lr : float
        The rate at step 0.
    every : int
        The number of steps between two multiplications, at least 1.
    factor : float
        What the rate is multiplied by.

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

    def __post_init__(self) -> None:
        within("Step", "lr", self.lr, "[0, inf)")
        within("Step", "factor", self.factor, "[0, inf)")
        within("Step", "every", self.every, "[1, inf]")

    def __call__(self, step: int) -> float:
        """Return the rate at a step; see the formula of the class."""
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True)
class Cosine:
    """Fall from one rate to another along half a cosine.

    The rate is ``end + (lr - end) * (1 + cos(pi * step / steps)) / 2`` (Loshchilov & Hutter 2017, eq. 5,
    without restarts), and stays at ``end`` from step ``steps`` on.

    Parameters
    ----------
    lr : float
        The rate at step 0.
    steps : int
        The number of steps that the fall takes, at least 1.
    end : float
        The rate at the end of the fall.

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

    def __post_init__(self) -> None:
        within("Cosine", "lr", self.lr, "[0, inf)")
        within("Cosine", "end", self.end, "[0, inf)")
        within("Cosine", "steps", self.steps, "[1, inf]")

    def __call__(self, step: int) -> float:
        """Return the rate at a step; see the formula of the class."""
        return _half_cosine(self.lr, self.end, min(step / self.steps, 1.0))


@dataclass(frozen=True)
class WarmUp:
    """Grow linearly to the first rate of another schedule, then follow that schedule.

    The rate is ``schedule(0) * (step + 1) / steps`` in the warm-up and ``schedule(step - steps)`` after it.

    Parameters
    ----------
    schedule : callable
        The schedule to follow, which begins at its step 0 when the warm-up is over.
    steps : int
        The number of steps of the warm-up, at least 1.

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

    def __post_init__(self) -> None:
        function("WarmUp", "schedule", self.schedule)
        within("WarmUp", "steps", self.steps, "[1, inf]")

    def __call__(self, step: int) -> float:
        """Return the rate at a step; see the formula of the class."""
        if step < self.steps:
            return self.schedule(0) * (step + 1) / self.steps
        return self.schedule(step - self.steps)


@dataclass(frozen=True)
class OneCycle:
    """Rise to a rate and fall again, both along half a cosine (Smith & Topin 2018), as PyTorch's OneCycleLR.

    The rate goes from ``lr / start`` to ``lr`` over the share ``rise`` of the steps, then to
    ``lr / start / end``, where it stays.

    Parameters
    ----------
    lr : float
        The rate at the top.
    steps : int
        The number of steps of the whole cycle, at least 2.
    rise : float
        The share of the steps that the rise takes, in ``(0, 1)``.
    start : float
        What the rate at the top is divided by to give the first rate.
    end : float
        What the first rate is divided by to give the last one.

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

    def __post_init__(self) -> None:
        within("OneCycle", "lr", self.lr, "[0, inf)")
        within("OneCycle", "start", self.start, "(0, inf)")
        within("OneCycle", "end", self.end, "(0, inf)")
        within("OneCycle", "steps", self.steps, "[2, inf]")
        within("OneCycle", "rise", self.rise, "(0, 1)")

    def __call__(self, step: int) -> float:
        """Return the rate at a step; see the formula of the class."""
        low, top = self.lr / self.start, self.rise * self.steps - 1
        if step <= top:
            return _half_cosine(low, self.lr, step / top if top else 1.0)  # exactly lr at the top
        progress = min((step - top) / (self.steps - 1 - top), 1.0)
        return _half_cosine(self.lr, low / self.end, progress)


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
