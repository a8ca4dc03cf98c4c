"""The layers: each a composition of operations, without gradient code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import ops
from ..kernels.geometry import ConvSpec, PoolSpec
from ..kernels.normalization import moments
from ..ops.conv import check_arrays, geometry
from ..tape import raw
from . import init as initializers
from .layer import Layer, Parameterless, require_sizes, require_within

__all__ = [
    "GELU",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "LayerNorm",
    "LogSoftmax",
    "MaxPool2d",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
]

Pair = int | tuple[int, int]

# an image that any kernel fits in: the options of a layer are checked before it sees one
VAST = (2**40, 2**40)


@dataclass(frozen=True)
class Conv2d(Layer):
    """Two-dimensional convolution; see `tinygrad_cnn.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, dilation : int or (int, int)
    padding : int, (int, int), ((top, bottom), (left, right)), "same" or "valid"
    groups : int
    bias : bool
        Whether to add one; it starts at 0.
    weight_init : callable
        ``(rng, shape) -> ndarray``; by default ``N(0, 1) * sqrt(2 / (C * KH * KW))``.

    Examples
    --------
    >>> layer = Conv2d(1, 8, 3, padding=1)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> params["weight"].shape, layer(params, state, np.zeros((2, 1, 28, 28), np.float32))[0].shape
    ((8, 1, 3, 3), (2, 8, 28, 28))
    """

    in_channels: int
    out_channels: int
    kernel_size: Pair
    stride: Pair = 1
    padding: Pair | tuple[tuple[int, int], tuple[int, int]] | str = 0
    dilation: Pair = 1
    groups: int = 1
    bias: bool = True
    weight_init: Callable = initializers.he_normal

    def __post_init__(self):
        require_sizes(
            "Conv2d",
            in_channels=self.in_channels,
            out_channels=self.out_channels,
            kernel_size=self.kernel_size,
            groups=self.groups,
        )
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"Conv2d: groups={self.groups} must divide in_channels={self.in_channels} "
                f"and out_channels={self.out_channels}"
            )
        if len(self.weight_shape) != 4:
            raise ValueError(f"Conv2d: kernel_size: expected an integer or a pair, got {self.kernel_size}")
        geometry(
            "Conv2d",
            ConvSpec.of,
            ((1, self.in_channels, *VAST), self.weight_shape),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape (O, C / groups, KH, KW) of the weight."""
        kernel = self.kernel_size if isinstance(self.kernel_size, tuple) else (self.kernel_size,) * 2
        return (self.out_channels, self.in_channels // self.groups, *kernel)

    def init(self, rng, *, dtype=np.float32):
        """Draw ``weight`` (O, C / groups, KH, KW) and a zero ``bias`` (O,); see `Layer.init`."""
        params = {"weight": self.weight_init(rng, self.weight_shape).astype(dtype)}
        if self.bias:
            params["bias"] = np.zeros(self.out_channels, dtype)
        return params, {}

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Convolve; see `Layer.__call__`."""
        y = ops.conv2d(
            x,
            params["weight"],
            params.get("bias"),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return y, {}


@dataclass(frozen=True)
class Dense(Layer):
    """Affine map of the last axis: ``y = x @ weight + bias``.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
        Whether to add one; it starts at 0.
    weight_init : callable
        ``(rng, shape) -> ndarray``; by default ``N(0, 1) * sqrt(2 / in)``.

    Examples
    --------
    >>> layer = Dense(3, 2)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> layer(params, state, np.zeros((5, 3), np.float32))[0].shape
    (5, 2)
    """

    in_features: int
    out_features: int
    bias: bool = True
    weight_init: Callable = initializers.he_normal

    def __post_init__(self):
        require_sizes("Dense", in_features=self.in_features, out_features=self.out_features)

    def init(self, rng, *, dtype=np.float32):
        """Draw ``weight`` (in, out) and a zero ``bias`` (out,); see `Layer.init`."""
        params = {"weight": self.weight_init(rng, (self.in_features, self.out_features)).astype(dtype)}
        if self.bias:
            params["bias"] = np.zeros(self.out_features, dtype)
        return params, {}

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Multiply and add; see `Layer.__call__`."""
        if x.ndim < 1 or x.shape[-1] != self.in_features:
            raise ValueError(f"Dense: x: expected shape (..., {self.in_features}), got {x.shape}")
        check_arrays("Dense", x=x, weight=params["weight"], bias=params.get("bias"))
        y = x @ params["weight"]
        return (y + params["bias"] if self.bias else y), {}


@dataclass(frozen=True)
class BatchNorm2d(Layer):
    """Batch normalisation of each channel over (N, H, W); see `tinygrad_cnn.batch_norm`.

    In training it normalises by the statistics of the batch, and moves the running ones towards them:
    ``running = (1 - momentum) * running + momentum * batch``, with the unbiased variance (the biased one for
    a single element). Otherwise it normalises by the running statistics. These are constants to the
    tape.

    Parameters
    ----------
    channels : int
    eps : float
        Inside the root.
    momentum : float
        The weight of the newest batch.

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

    def __post_init__(self):
        require_sizes("BatchNorm2d", channels=self.channels)
        require_within("BatchNorm2d", "eps", self.eps, 0, math.inf)
        require_within("BatchNorm2d", "momentum", self.momentum, 0, 1)

    def init(self, rng, *, dtype=np.float32):
        """Make ``weight`` ones, ``bias`` zeros; running mean 0 and variance 1; see `Layer.init`."""
        params = {"weight": np.ones(self.channels, dtype), "bias": np.zeros(self.channels, dtype)}
        state = {
            "running_mean": np.zeros(self.channels, dtype),
            "running_var": np.ones(self.channels, dtype),
        }
        return params, state

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Normalise; see `Layer.__call__`."""
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"BatchNorm2d: x: expected shape (N, {self.channels}, H, W), got {x.shape}")
        check_arrays("BatchNorm2d", optional=(), x=x, weight=params["weight"], bias=params["bias"])
        if train:
            y = ops.batch_norm(x, params["weight"], params["bias"], eps=self.eps)
            return y, self._moved(state, raw(x))
        scale = params["weight"] / np.sqrt(state["running_var"] + float(self.eps))
        shift = params["bias"] - state["running_mean"] * scale
        return x * ops.reshape(scale, (1, -1, 1, 1)) + ops.reshape(shift, (1, -1, 1, 1)), state

    def _moved(self, state, x):
        n = x.size // self.channels
        if n == 0:
            return state  # nothing was seen
        mean, var = moments(x, (0, 2, 3))
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
        Of these axes.
    eps : float
        Inside the root.

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

    def __post_init__(self):
        require_sizes("LayerNorm", shape=self.shape)
        require_within("LayerNorm", "eps", self.eps, 0, math.inf)

    def init(self, rng, *, dtype=np.float32):
        """Make ``weight`` ones and ``bias`` zeros; see `Layer.init`."""
        return {"weight": np.ones(self.shape, dtype), "bias": np.zeros(self.shape, dtype)}, {}

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Normalise; see `Layer.__call__`."""
        return ops.layer_norm(x, params["weight"], params["bias"], eps=self.eps), {}


@dataclass(frozen=True)
class GroupNorm(Layer):
    """Normalisation of groups of channels of each sample; see `tinygrad_cnn.group_norm`.

    Parameters
    ----------
    groups, channels : int
        ``groups`` divides ``channels``.
    eps : float
        Inside the root.

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

    def __post_init__(self):
        require_sizes("GroupNorm", groups=self.groups, channels=self.channels)
        require_within("GroupNorm", "eps", self.eps, 0, math.inf)
        if self.channels % self.groups:
            raise ValueError(f"GroupNorm: groups={self.groups} must divide channels={self.channels}")

    def init(self, rng, *, dtype=np.float32):
        """Make ``weight`` ones and ``bias`` zeros; see `Layer.init`."""
        return {"weight": np.ones(self.channels, dtype), "bias": np.zeros(self.channels, dtype)}, {}

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Normalise; see `Layer.__call__`."""
        return ops.group_norm(x, self.groups, params["weight"], params["bias"], eps=self.eps), {}


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout, in training only; see `tinygrad_cnn.dropout`.

    Parameters
    ----------
    rate : float
        The probability of a zero, in ``[0, 1)``.

    Examples
    --------
    >>> Dropout(0.5)({}, {}, np.ones(3))[0]
    array([1., 1., 1.])
    """

    rate: float = 0.5

    def __post_init__(self):
        if not 0 <= self.rate < 1:
            raise ValueError(f"Dropout: rate: expected a probability in [0, 1), got {self.rate}")

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Drop elements when training; see `Layer.__call__`."""
        if not train or self.rate == 0:
            return x, {}
        if rng is None:
            raise ValueError(
                "Dropout: training needs an explicit Generator: pass rng=np.random.default_rng(seed)"
            )
        return ops.dropout(x, self.rate, rng=rng), {}


@dataclass(frozen=True)
class ReLU(Parameterless):
    """Rectified linear unit; see `tinygrad_cnn.relu`."""

    def apply(self, x):
        """``max(x, 0)``."""
        return ops.relu(x)


@dataclass(frozen=True)
class GELU(Parameterless):
    """Gaussian error linear unit; see `tinygrad_cnn.gelu`."""

    approximate: str = "none"

    def apply(self, x):
        """``x * P(Z < x)``."""
        return ops.gelu(x, approximate=self.approximate)


@dataclass(frozen=True)
class Sigmoid(Parameterless):
    """Logistic function; see `tinygrad_cnn.sigmoid`."""

    def apply(self, x):
        """``1 / (1 + exp(-x))``."""
        return ops.sigmoid(x)


@dataclass(frozen=True)
class Tanh(Parameterless):
    """Hyperbolic tangent; see `tinygrad_cnn.tanh`."""

    def apply(self, x):
        """``tanh(x)``."""
        return ops.tanh(x)


@dataclass(frozen=True)
class Softmax(Parameterless):
    """Softmax along an axis; see `tinygrad_cnn.softmax`."""

    axis: int = -1

    def apply(self, x):
        """``exp(x) / sum(exp(x))``."""
        return ops.softmax(x, self.axis)


@dataclass(frozen=True)
class LogSoftmax(Parameterless):
    """Logarithm of the softmax along an axis; see `tinygrad_cnn.log_softmax`."""

    axis: int = -1

    def apply(self, x):
        """``x - log(sum(exp(x)))``."""
        return ops.log_softmax(x, self.axis)


@dataclass(frozen=True)
class MaxPool2d(Parameterless):
    """Maximum over windows; see `tinygrad_cnn.max_pool2d`."""

    kernel_size: Pair
    stride: Pair | None = None
    padding: Pair = 0
    dilation: Pair = 1
    ceil_mode: bool = False

    def __post_init__(self):
        geometry(
            "MaxPool2d",
            PoolSpec.of,
            ((1, 1, *VAST),),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
        )

    def apply(self, x):
        """The maximum of each window."""
        return ops.max_pool2d(
            x,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
        )


@dataclass(frozen=True)
class AvgPool2d(Parameterless):
    """Mean over windows; see `tinygrad_cnn.avg_pool2d`."""

    kernel_size: Pair
    stride: Pair | None = None
    padding: Pair = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def __post_init__(self):
        geometry(
            "AvgPool2d",
            PoolSpec.of,
            ((1, 1, *VAST),),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            ceil_mode=self.ceil_mode,
        )

    def apply(self, x):
        """The mean of each window."""
        return ops.avg_pool2d(
            x,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
        )


@dataclass(frozen=True)
class GlobalAvgPool2d(Parameterless):
    """Mean of each channel over space, (N, C, H, W) to (N, C); see `tinygrad_cnn.global_avg_pool2d`."""

    def apply(self, x):
        """The mean over H and W."""
        return ops.global_avg_pool2d(x)


@dataclass(frozen=True)
class Flatten(Parameterless):
    """Join all axes but the first: (N, C, H, W) to (N, C * H * W)."""

    def apply(self, x):
        """``x.reshape(N, -1)``, also for N = 0."""
        if x.ndim == 0:
            raise ValueError("Flatten: x: expected shape (N, ...), got ()")
        return ops.reshape(x, (x.shape[0], math.prod(x.shape[1:])))
