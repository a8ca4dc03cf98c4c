"""The pooling layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import ops
from ..kernels.geometry import Padding, Pair, PoolSpec
from ..ops.conv import geometry
from .layer import Parameterless

__all__ = ["AvgPool2d", "GlobalAvgPool2d", "MaxPool2d"]


@dataclass(frozen=True)
class MaxPool2d(Parameterless):
    """Maximum over windows; see `tinygrad_cnn.max_pool2d`."""

    kernel_size: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair | Padding = 0
    dilation: int | Pair = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        geometry(
            "MaxPool2d",
            PoolSpec.check,
            (),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
        )

    def apply(self, x: Any) -> Any:
        """Return the maximum of each window."""
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

    kernel_size: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair | Padding = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def __post_init__(self) -> None:
        geometry(
            "AvgPool2d",
            PoolSpec.check,
            (),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            ceil_mode=self.ceil_mode,
        )

    def apply(self, x: Any) -> Any:
        """Return the mean of each window."""
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

    def apply(self, x: Any) -> Any:
        """Return the mean over H and W."""
        return ops.global_avg_pool2d(x)
