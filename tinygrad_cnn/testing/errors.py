"""The errors that `check_grads` raises."""

from __future__ import annotations

__all__ = ["GradientError", "KinkError"]


class GradientError(AssertionError):
    """A derivative that the tape computes is wrong."""


class KinkError(ValueError):
    """The function has no derivative at the given point, so there is nothing to compare with."""
