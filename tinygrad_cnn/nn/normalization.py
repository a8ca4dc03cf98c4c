"""The layers that normalise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks, ops
from ..kernels.normalization import moments
from ..ops.conv import check_arrays
from ..stand_in import in_one_line
from ..tape import raw
from ..types import DTypeLike
from .layer import Arrays, Layer

__all__ = ["BatchNorm2d", "GroupNorm", "InstanceNorm2d", "LayerNorm"]


_STATISTICS = {"running_mean", "running_var"}


def _scale_and_shift(shape: int | tuple[int, ...], dtype: DTypeLike) -> Arrays:
    """Make the parameters of a normalisation, which change nothing at first."""
    return {"weight": np.ones(shape, dtype), "bias": np.zeros(shape, dtype)}


@dataclass(frozen=True)
class BatchNorm2d(Layer):
    """Batch normalisation of each channel over (N, H, W); see `tinygrad_cnn.batch_norm`.

    In training it normalises by the statistics of the batch, and moves the running statistics towards them:
    ``running = (1 - momentum) * running + momentum * batch``, with the unbiased variance, or the biased one
    of a single element. At inference it normalises by the running ones. These are constants to the tape.

    Parameters
    ----------
    channels : int
        The number of channels.
    eps : float
        A number that is added to the variance, so that nothing is divided by 0; not negative.
    momentum : float
        The weight of the newest batch, in ``[0, 1]``.

    Examples
    --------
    >>> layer = BatchNorm2d(2)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> x = np.arange(8, dtype=np.float32).reshape(2, 2, 2, 1)
    >>> y, state = layer(params, state, x, train=True)
    >>> state["running_mean"]
    array([0.25      , 0.45000002], dtype=float32)
    """

    channels: int
    eps: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        checks.sizes("BatchNorm2d", channels=self.channels)
        checks.within("BatchNorm2d", "eps", self.eps, "[0, inf]")
        checks.within("BatchNorm2d", "momentum", self.momentum, "[0, 1]")

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Make a ``weight`` of ones and a ``bias`` of zeros, a running mean of 0 and variance of 1."""
        checks.initial("BatchNorm2d", rng, dtype)
        state = {
            "running_mean": np.zeros(self.channels, dtype),
            "running_var": np.ones(self.channels, dtype),
        }
        return _scale_and_shift(self.channels, dtype), state

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Normalise; see `Layer.__call__`."""
        check_arrays("BatchNorm2d", optional=(), x=x, weight=params["weight"], bias=params["bias"])
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"BatchNorm2d: x: expected shape (N, {self.channels}, H, W), got {x.shape}")
        if not (state and state.keys() == _STATISTICS):
            raise ValueError(
                f"BatchNorm2d: state: expected a dict of running_mean and running_var, got {state!r:.60}: "
                "pass the state that init or the last call returned"
            )
        if train:
            y = ops.batch_norm(x, params["weight"], params["bias"], eps=self.eps)
            return y, self._moved(state, raw(x))
        scale = params["weight"] / np.sqrt(state["running_var"] + float(self.eps))
        shift = params["bias"] - state["running_mean"] * scale
        return x * ops.reshape(scale, (1, -1, 1, 1)) + ops.reshape(shift, (1, -1, 1, 1)), state

    def _moved(self, state: Arrays, x: np.ndarray) -> Arrays:
        """Move the running statistics towards those of a batch."""
        n = x.size // self.channels
        if n == 0:
            return state  # an empty batch has no statistics
        mean, var = in_one_line(moments, x, (0, 2, 3))
        batch = {"running_mean": mean, "running_var": var * (n / (n - 1)) if n > 1 else var}
        return {
            name: ((1 - self.momentum) * old + self.momentum * batch[name]).astype(old.dtype)
            for name, old in state.items()
        }


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Normalisation of each sample over the last axes; see `tinygrad_cnn.layer_norm`.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of the last axes, over which the mean and the variance are taken.
    eps : float
        A number that is added to the variance, so that nothing is divided by 0; not negative.

    Examples
    --------
    >>> layer = LayerNorm(3)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> layer(params, state, np.ones((2, 3), np.float32))[0]
    array([[0., 0., 0.],
           [0., 0., 0.]], dtype=float32)
    """

    shape: int | tuple[int, ...]
    eps: float = 1e-5

    def __post_init__(self) -> None:
        checks.sizes("LayerNorm", shape=self.shape)
        checks.within("LayerNorm", "eps", self.eps, "[0, inf]")

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Make a ``weight`` of ones and a ``bias`` of zeros."""
        checks.initial("LayerNorm", rng, dtype)
        return _scale_and_shift(self.shape, dtype), {}

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Normalise; see `Layer.__call__`."""
        return ops.layer_norm(x, params["weight"], params["bias"], eps=self.eps), {}


@dataclass(frozen=True)
class GroupNorm(Layer):
    """Normalisation of groups of channels of each sample; see `tinygrad_cnn.group_norm`.

    Parameters
    ----------
    groups, channels : int
        The number of groups, which divides the number of channels.
    eps : float
        A number that is added to the variance, so that nothing is divided by 0; not negative.

    Examples
    --------
    >>> layer = GroupNorm(2, 4)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> layer(params, state, np.ones((1, 4, 2, 2), np.float32))[0].sum().item()
    0.0
    """

    groups: int
    channels: int
    eps: float = 1e-5

    def __post_init__(self) -> None:
        checks.sizes("GroupNorm", groups=self.groups, channels=self.channels)
        checks.within("GroupNorm", "eps", self.eps, "[0, inf]")
        if self.channels % self.groups:
            raise ValueError(f"GroupNorm: groups={self.groups} must divide channels={self.channels}")

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Make a ``weight`` of ones and a ``bias`` of zeros."""
        checks.initial("GroupNorm", rng, dtype)
        return _scale_and_shift(self.channels, dtype), {}

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Normalise; see `Layer.__call__`."""
        return ops.group_norm(x, self.groups, params["weight"], params["bias"], eps=self.eps), {}


@dataclass(frozen=True)
class InstanceNorm2d(Layer):
    """Normalisation of each channel of each image; see `tinygrad_cnn.instance_norm`.

    Parameters
    ----------
    channels : int
        The number of channels.
    eps : float
        A number that is added to the variance, so that nothing is divided by 0; not negative.
    affine : bool
        Whether each channel has a scale and a shift, which are learnt.

    Examples
    --------
    >>> layer = InstanceNorm2d(2)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> layer(params, state, np.ones((1, 2, 2, 2), np.float32))[0].sum().item()
    0.0
    """

    channels: int
    eps: float = 1e-5
    affine: bool = False

    def __post_init__(self) -> None:
        checks.sizes("InstanceNorm2d", channels=self.channels)
        checks.within("InstanceNorm2d", "eps", self.eps, "[0, inf]")
        checks.flag("InstanceNorm2d: affine", self.affine)

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Make a ``weight`` of ones and a ``bias`` of zeros, if there are any."""
        checks.initial("InstanceNorm2d", rng, dtype)
        return _scale_and_shift(self.channels, dtype) if self.affine else {}, {}

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Normalise; see `Layer.__call__`."""
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"InstanceNorm2d: x: expected shape (N, {self.channels}, H, W), got {x.shape}")
        return ops.instance_norm(x, params.get("weight"), params.get("bias"), eps=self.eps), {}
