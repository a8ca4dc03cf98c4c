"""The activations, and the softmax at the end of a network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import checks, ops
from ..ops.activations import GELU_FORMS
from .layer import Parameterless

__all__ = ["GELU", "LogSoftmax", "ReLU", "Sigmoid", "Softmax", "Tanh"]


@dataclass(frozen=True)
class ReLU(Parameterless):
    """Rectified linear unit; see `tinygrad_cnn.relu`."""

    def apply(self, x: Any) -> Any:
        """Return ``max(x, 0)``."""
        return ops.relu(x)


@dataclass(frozen=True)
class GELU(Parameterless):
    """Gaussian error linear unit; see `tinygrad_cnn.gelu`.

    Parameters
    ----------
    approximate : "none" or "tanh"
        Whether to compute with the error function or with the hyperbolic tangent.
    """

    approximate: str = "none"

    def __post_init__(self) -> None:
        checks.one_of("GELU", "approximate", self.approximate, GELU_FORMS)

    def apply(self, x: Any) -> Any:
        """Return ``x * P(Z < x)`` for a standard normal ``Z``."""
        return ops.gelu(x, approximate=self.approximate)


@dataclass(frozen=True)
class Sigmoid(Parameterless):
    """Logistic function; see `tinygrad_cnn.sigmoid`."""

    def apply(self, x: Any) -> Any:
        """Return ``1 / (1 + exp(-x))``."""
        return ops.sigmoid(x)


@dataclass(frozen=True)
class Tanh(Parameterless):
    """Hyperbolic tangent; see `tinygrad_cnn.tanh`."""

    def apply(self, x: Any) -> Any:
        """Return ``tanh(x)``."""
        return ops.tanh(x)


@dataclass(frozen=True)
class Softmax(Parameterless):
    """Softmax along an axis; see `tinygrad_cnn.softmax`.

    Parameters
    ----------
    axis : int
        The axis along which the result sums to 1.
    """

    axis: int = -1

    def __post_init__(self) -> None:
        checks.integer("Softmax: axis", self.axis, -math.inf)

    def apply(self, x: Any) -> Any:
        """Return ``exp(x) / sum(exp(x))``."""
        return ops.softmax(x, self.axis)


@dataclass(frozen=True)
class LogSoftmax(Parameterless):
    """Logarithm of the softmax along an axis; see `tinygrad_cnn.log_softmax`.

    Parameters
    ----------
    axis : int
        The axis along which the exponentials of the result sum to 1.
    """

    axis: int = -1

    def __post_init__(self) -> None:
        checks.integer("LogSoftmax: axis", self.axis, -math.inf)

    def apply(self, x: Any) -> Any:
        """Return ``x - log(sum(exp(x)))``."""
        return ops.log_softmax(x, self.axis)
