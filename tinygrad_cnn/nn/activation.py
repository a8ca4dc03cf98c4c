"""The activations, and the softmax at the end of a network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks, ops
from ..ops.activations import GELU_FORMS
from ..types import DTypeLike
from .layer import Arrays, Layer, Parameterless

__all__ = ["GELU", "LogSoftmax", "PReLU", "ReLU", "Sigmoid", "Softmax", "Tanh"]


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


@dataclass(frozen=True)
class PReLU(Layer):
    """Rectified linear unit with a slope below 0 that is learnt; see `tinygrad_cnn.prelu`.

    Parameters
    ----------
    channels : int
        The number of slopes: 1, or that of channels.
    start : float
        What the slopes are at first.

    Examples
    --------
    >>> layer = PReLU()
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> layer(params, state, np.array([-2.0, 2.0]))[0]
    array([-0.5,  2. ])
    """

    channels: int = 1
    start: float = 0.25

    def __post_init__(self) -> None:
        checks.sizes("PReLU", channels=self.channels)
        checks.within("PReLU", "start", self.start, "(-inf, inf)")

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Make a ``weight`` of slopes (channels,)."""
        checks.initial("PReLU", rng, dtype)
        return {"weight": np.full(self.channels, self.start, dtype)}, {}

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Apply the slopes; see `Layer.__call__`."""
        return ops.prelu(x, params["weight"]), {}
