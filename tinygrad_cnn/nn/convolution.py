"""The convolution layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks, ops
from ..kernels.geometry import ConvSpec, Padding, Pair
from ..ops.conv import geometry
from ..types import DTypeLike
from . import init as initializers
from .init import Initializer
from .layer import Arrays, Layer

__all__ = ["Conv2d"]


@dataclass(frozen=True)
class Conv2d(Layer):
    """Two-dimensional convolution; see `tinygrad_cnn.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
        The numbers of channels of the input and of the output.
    kernel_size, stride, dilation : int or (int, int)
        The size of the kernel, the step between windows, and the step between the taps of a window.
    padding : int, (int, int), ((top, bottom), (left, right)), "same" or "valid"
        The zeros around the image.
    groups : int
        The number of groups of channels that are convolved apart from each other.
    bias : bool
        Whether to add a bias, which starts at 0.
    weight_init : callable
        A function ``(rng, shape) -> ndarray``, by default ``N(0, 1) * sqrt(2 / (C * KH * KW))``.

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

    def __post_init__(self) -> None:
        checks.flag("Conv2d: bias", self.bias)
        checks.function("Conv2d", "weight_init", self.weight_init)
        checks.sizes(
            "Conv2d", in_channels=self.in_channels, out_channels=self.out_channels, groups=self.groups
        )
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"Conv2d: groups={self.groups} must divide in_channels={self.in_channels} "
                f"and out_channels={self.out_channels}"
            )
        geometry(
            "Conv2d",
            ConvSpec.check,
            (),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        checks.held("Conv2d: weight", self.weight_shape)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape (O, C / groups, KH, KW) of the weight."""
        kernel = self.kernel_size if isinstance(self.kernel_size, tuple) else (self.kernel_size,) * 2
        return (self.out_channels, self.in_channels // self.groups, *kernel)

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Draw ``weight`` (O, C / groups, KH, KW) and a zero ``bias`` (O,); see `Layer.init`."""
        checks.initial("Conv2d", rng, dtype)
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

    def multiply_adds(self, output_shape: tuple[int, ...]) -> int:
        """Count one for each weight that an output element uses; see `Layer.multiply_adds`."""
        return math.prod(output_shape[1:]) * math.prod(self.weight_shape[1:])
