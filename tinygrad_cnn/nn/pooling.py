"""The pooling layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import checks, ops
from ..kernels.geometry import Padding, Pair, PoolSpec
from ..ops.conv import geometry
from .layer import Parameterless

__all__ = ["AvgPool2d", "GlobalAvgPool2d", "MaxPool2d"]


@dataclass(frozen=True)
class MaxPool2d(Parameterless):
    """Maximum over windows; see `tinygrad_cnn.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, dilation : int or (int, int)
        The size of a window, the step between windows (by default the size), and the step between the taps of
        a window.
    padding : int, (int, int) or ((top, bottom), (left, right))
        What is added around the image, at most half the window. It never wins a maximum.
    ceil_mode : bool
        Whether a last window may reach past the padded image.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool2d(2)({}, {}, np.arange(8.0).reshape(1, 1, 2, 4))[0]
    array([[[[5., 7.]]]])
    """

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
    """Mean over windows; see `tinygrad_cnn.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride : int or (int, int)
        The size of a window, and the step between windows (by default the size).
    padding : int, (int, int) or ((top, bottom), (left, right))
        The zeros around the image, at most half the window.
    ceil_mode : bool
        Whether a last window may reach past the padded image.
    count_include_pad : bool
        Whether the zeros of the padding count in a mean.

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool2d(2)({}, {}, np.arange(8.0).reshape(1, 1, 2, 4))[0]
    array([[[[2.5, 4.5]]]])
    """

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
        checks.flag("AvgPool2d: count_include_pad", self.count_include_pad)

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
