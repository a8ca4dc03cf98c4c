"""The convolution layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks, ops
from ..kernels.geometry import ConvSpec, Padding, Pair
from ..kernels.options import (
    Triple,
    VolumePadding,
    padding_of_row,
    padding_of_volume,
    pair_of_row,
    parts_of_triple,
)
from ..ops.conv import PADDING_MODES, geometry
from ..types import DTypeLike
from . import init as initializers
from .init import Initializer
from .layer import Arrays, Layer

__all__ = ["Conv1d", "Conv2d", "Conv3d"]


class _Convolution(Layer):
    """What the convolutions of sequences, images and volumes share."""

    out_channels: int
    stride: Any
    padding: Any
    dilation: Any
    groups: int
    bias: bool
    weight_init: Initializer
    padding_mode: str
    _convolve: Callable[..., Any]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weight."""
        raise NotImplementedError

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Draw ``weight`` of `weight_shape` and a zero ``bias`` (O,); see `Layer.init`."""
        checks.initial(type(self).__name__, rng, dtype)
        params = {"weight": self.weight_init(rng, self.weight_shape).astype(dtype)}
        if self.bias:
            params["bias"] = np.zeros(self.out_channels, dtype)
        return params, {}

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Convolve; see `Layer.__call__`."""
        y = self._convolve(
            x,
            params["weight"],
            params.get("bias"),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            padding_mode=self.padding_mode,
        )
        return y, {}


@dataclass(frozen=True)
class Conv2d(_Convolution):
    """Two-dimensional convolution; see `tinygrad_cnn.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
        The numbers of channels of the input and of the output.
    kernel_size, stride, dilation : int or (int, int)
        The size of the kernel, the step between windows, and the step between the taps of a window.
    padding : int, (int, int), ((top, bottom), (left, right)), "same" or "valid"
        What is added around the image, by default zeros.
    groups : int
        The number of groups of channels that are convolved apart from each other.
    bias : bool
        Whether to add a bias, which starts at 0.
    weight_init : callable
        A function ``(rng, shape) -> ndarray``, by default ``N(0, 1) * sqrt(2 / (C * KH * KW))``.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What the padding is made of.

    Examples
    --------
    >>> layer = Conv2d(1, 8, 3, padding=1)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> params["weight"].shape, layer(params, state, np.zeros((2, 1, 28, 28), np.float32))[0].shape
    ((8, 1, 3, 3), (2, 8, 28, 28))
    """

    in_channels: int
    out_channels: int
    kernel_size: int | Pair
    stride: int | Pair = 1
    padding: int | Pair | Padding | str = 0
    dilation: int | Pair = 1
    groups: int = 1
    bias: bool = True
    weight_init: Initializer = initializers.he_normal
    padding_mode: str = "zeros"

    _convolve = staticmethod(ops.conv2d)

    def __post_init__(self) -> None:
        _check(
            self,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape (O, C / groups, KH, KW) of the weight."""
        kernel = self.kernel_size if isinstance(self.kernel_size, tuple) else (self.kernel_size,) * 2
        return (self.out_channels, self.in_channels // self.groups, *kernel)


@dataclass(frozen=True)
class Conv1d(_Convolution):
    """One-dimensional convolution; see `tinygrad_cnn.conv1d`.

    Parameters
    ----------
    in_channels, out_channels : int
        The numbers of channels of the input and of the output.
    kernel_size, stride, dilation : int
        The length of the kernel, the step between windows, and the step between the taps of a window.
    padding : int, (before, after), "same" or "valid"
        What is added around the sequence, by default zeros.
    groups : int
        The number of groups of channels that are convolved apart from each other.
    bias : bool
        Whether to add a bias, which starts at 0.
    weight_init : callable
        A function ``(rng, shape) -> ndarray``, by default ``N(0, 1) * sqrt(2 / (C * K))``.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What the padding is made of.

    Examples
    --------
    >>> layer = Conv1d(1, 8, 3, padding=1)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> params["weight"].shape, layer(params, state, np.zeros((2, 1, 28), np.float32))[0].shape
    ((8, 1, 3), (2, 8, 28))
    """

    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int = 1
    padding: int | Pair | str = 0
    dilation: int = 1
    groups: int = 1
    bias: bool = True
    weight_init: Initializer = initializers.he_normal
    padding_mode: str = "zeros"

    _convolve = staticmethod(ops.conv1d)

    def __post_init__(self) -> None:
        _check(
            self,
            kernel_size=pair_of_row(1, self.kernel_size),
            stride=pair_of_row(1, self.stride),
            padding=padding_of_row(self.padding),
            dilation=pair_of_row(1, self.dilation),
        )

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape (O, C / groups, K) of the weight."""
        return self.out_channels, self.in_channels // self.groups, self.kernel_size


@dataclass(frozen=True)
class Conv3d(_Convolution):
    """Three-dimensional convolution; see `tinygrad_cnn.conv3d`.

    Parameters
    ----------
    in_channels, out_channels : int
        The numbers of channels of the input and of the output.
    kernel_size, stride, dilation : int or (int, int, int)
        The size of the kernel, the step between windows, and the step between the taps of a window.
    padding : int, (int, int, int), ((front, back), (top, bottom), (left, right)), "same" or "valid"
        What is added around the volume, by default zeros.
    groups : int
        The number of groups of channels that are convolved apart from each other.
    bias : bool
        Whether to add a bias, which starts at 0.
    weight_init : callable
        A function ``(rng, shape) -> ndarray``, by default ``N(0, 1) * sqrt(2 / (C * KD * KH * KW))``.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What the padding is made of.

    Examples
    --------
    >>> layer = Conv3d(1, 8, 3, padding=1)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> params["weight"].shape, layer(params, state, np.zeros((2, 1, 4, 5, 6), np.float32))[0].shape
    ((8, 1, 3, 3, 3), (2, 8, 4, 5, 6))
    """

    in_channels: int
    out_channels: int
    kernel_size: int | Triple
    stride: int | Triple = 1
    padding: int | Triple | VolumePadding | str = 0
    dilation: int | Triple = 1
    groups: int = 1
    bias: bool = True
    weight_init: Initializer = initializers.he_normal
    padding_mode: str = "zeros"

    _convolve = staticmethod(ops.conv3d)

    def __post_init__(self) -> None:
        given = {"kernel_size": self.kernel_size, "stride": self.stride, "dilation": self.dilation}
        parts = {name: geometry("Conv3d", parts_of_triple, (name, value)) for name, value in given.items()}
        ends, sides = geometry("Conv3d", padding_of_volume, (self.padding,))
        depth = {name: pair_of_row(1, part) for name, (part, _) in parts.items()}
        geometry("Conv3d", ConvSpec.check, (), padding=ends, **depth)
        _check(self, padding=sides, **{name: part for name, (_, part) in parts.items()})

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape (O, C / groups, KD, KH, KW) of the weight."""
        kernel = self.kernel_size if isinstance(self.kernel_size, tuple) else (self.kernel_size,) * 3
        return (self.out_channels, self.in_channels // self.groups, *kernel)


def _check(layer: Conv1d | Conv2d | Conv3d, **window: Any) -> None:
    """Check the options of a convolution; those of the window are given as they are for images."""
    owner = type(layer).__name__
    checks.flag(f"{owner}: bias", layer.bias)
    checks.function(owner, "weight_init", layer.weight_init)
    checks.one_of(owner, "padding_mode", layer.padding_mode, tuple(PADDING_MODES))
    checks.sizes(owner, in_channels=layer.in_channels, out_channels=layer.out_channels, groups=layer.groups)
    if layer.in_channels % layer.groups or layer.out_channels % layer.groups:
        raise ValueError(
            f"{owner}: groups={layer.groups} must divide in_channels={layer.in_channels} "
            f"and out_channels={layer.out_channels}"
        )
    geometry(owner, ConvSpec.check, (), groups=layer.groups, **window)
    checks.held(f"{owner}: weight", layer.weight_shape)
