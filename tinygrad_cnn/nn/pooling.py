"""The pooling layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import checks, ops
from ..kernels.geometry import Pair, PoolSpec
from ..kernels.options import padding_of_row, padding_of_volume, pair, pair_of_row, parts_of_triple
from ..ops.conv import geometry
from .layer import Parameterless

__all__ = [
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "GlobalAvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
]

Sizes = int | tuple[int, ...]


@dataclass(frozen=True)
class _MaxPool(Parameterless):
    kernel_size: Sizes
    stride: Sizes | None = None
    padding: int | tuple[Any, ...] | str = 0
    dilation: Sizes = 1
    ceil_mode: bool = False

    _axes: ClassVar[int]
    _pool: ClassVar[Callable[..., Any]]

    def __post_init__(self) -> None:
        _check(self, self._axes, self.dilation)

    def apply(self, x: Any) -> Any:
        """Return the maximum of each window."""
        return self._pool(
            x,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
        )


@dataclass(frozen=True)
class _AvgPool(Parameterless):
    kernel_size: Sizes
    stride: Sizes | None = None
    padding: int | tuple[Any, ...] | str = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    _axes: ClassVar[int]
    _pool: ClassVar[Callable[..., Any]]

    def __post_init__(self) -> None:
        _check(self, self._axes, 1)
        checks.flag(f"{type(self).__name__}: count_include_pad", self.count_include_pad)

    def apply(self, x: Any) -> Any:
        """Return the mean of each window."""
        return self._pool(
            x,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
        )


def _check(layer: _MaxPool | _AvgPool, axes: int, dilation: Any) -> None:
    """Check the options of a pooling; those of sequences and volumes as options of images."""
    owner = type(layer).__name__
    window = {"kernel_size": layer.kernel_size, "stride": layer.stride, "dilation": dilation}
    images = [(window, layer.padding)]
    if axes == 1:
        row = {name: pair_of_row(1, value) for name, value in window.items()}
        images = [(row, padding_of_row(layer.padding))]
    elif axes == 3:
        parts = {name: geometry(owner, parts_of_triple, (name, value)) for name, value in window.items()}
        ends, sides = geometry(owner, padding_of_volume, (layer.padding,))
        depth = {name: pair_of_row(1, part) for name, (part, _) in parts.items()}
        images = [(depth, ends), ({name: part for name, (_, part) in parts.items()}, sides)]
    for options, padding in images:
        geometry(owner, PoolSpec.check, (), padding=padding, ceil_mode=layer.ceil_mode, **options)


@dataclass(frozen=True)
class MaxPool1d(_MaxPool):
    """Maximum over windows of sequences; see `tinygrad_cnn.max_pool1d`.

    Parameters
    ----------
    kernel_size, stride, dilation : int
        The length of a window, the step between windows (by default the length), and the step between the
        taps of a window.
    padding : int or (before, after)
        What is added around the sequence, at most half the window. It never wins a maximum.
    ceil_mode : bool
        Whether a last window may reach past the padded sequence.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool1d(2)({}, {}, np.arange(4.0).reshape(1, 1, 4))[0]
    array([[[1., 3.]]])
    """

    _axes = 1
    _pool = staticmethod(ops.max_pool1d)


@dataclass(frozen=True)
class MaxPool2d(_MaxPool):
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

    _axes = 2
    _pool = staticmethod(ops.max_pool2d)


@dataclass(frozen=True)
class MaxPool3d(_MaxPool):
    """Maximum over windows of volumes; see `tinygrad_cnn.max_pool3d`.

    Parameters
    ----------
    kernel_size, stride, dilation : int or (int, int, int)
        The size of a window, the step between windows (by default the size), and the step between the taps of
        a window.
    padding : int, (int, int, int) or ((front, back), (top, bottom), (left, right))
        What is added around the volume, at most half the window. It never wins a maximum.
    ceil_mode : bool
        Whether a last window may reach past the padded volume.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool3d(2)({}, {}, np.arange(16.0).reshape(1, 1, 2, 2, 4))[0]
    array([[[[[13., 15.]]]]])
    """

    _axes = 3
    _pool = staticmethod(ops.max_pool3d)


@dataclass(frozen=True)
class AvgPool1d(_AvgPool):
    """Mean over windows of sequences; see `tinygrad_cnn.avg_pool1d`.

    Parameters
    ----------
    kernel_size, stride : int
        The length of a window, and the step between windows (by default the length).
    padding : int or (before, after)
        The zeros around the sequence, at most half the window.
    ceil_mode : bool
        Whether a last window may reach past the padded sequence.
    count_include_pad : bool
        Whether the zeros of the padding count in a mean.

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool1d(2)({}, {}, np.arange(4.0).reshape(1, 1, 4))[0]
    array([[[0.5, 2.5]]])
    """

    _axes = 1
    _pool = staticmethod(ops.avg_pool1d)


@dataclass(frozen=True)
class AvgPool2d(_AvgPool):
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

    _axes = 2
    _pool = staticmethod(ops.avg_pool2d)


@dataclass(frozen=True)
class AvgPool3d(_AvgPool):
    """Mean over windows of volumes; see `tinygrad_cnn.avg_pool3d`.

    Parameters
    ----------
    kernel_size, stride : int or (int, int, int)
        The size of a window, and the step between windows (by default the size).
    padding : int, (int, int, int) or ((front, back), (top, bottom), (left, right))
        The zeros around the volume, at most half the window.
    ceil_mode : bool
        Whether a last window may reach past the padded volume.
    count_include_pad : bool
        Whether the zeros of the padding count in a mean.

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool3d(2)({}, {}, np.arange(16.0).reshape(1, 1, 2, 2, 4))[0]
    array([[[[[6.5, 8.5]]]]])
    """

    _axes = 3
    _pool = staticmethod(ops.avg_pool3d)


@dataclass(frozen=True)
class AdaptiveAvgPool2d(Parameterless):
    """Mean over windows that divide the image evenly; see `tinygrad_cnn.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size : int or (int, int)
        The number of windows.

    Examples
    --------
    >>> import numpy as np
    >>> AdaptiveAvgPool2d((1, 2))({}, {}, np.arange(8.0).reshape(1, 1, 2, 4))[0]
    array([[[[2.5, 4.5]]]])
    """

    output_size: int | Pair

    def __post_init__(self) -> None:
        geometry("AdaptiveAvgPool2d", pair, (self.output_size, "output_size", 1))

    def apply(self, x: Any) -> Any:
        """Return the mean of each window."""
        return ops.adaptive_avg_pool2d(x, self.output_size)


@dataclass(frozen=True)
class AdaptiveMaxPool2d(Parameterless):
    """Maximum over windows that divide the image evenly; see `tinygrad_cnn.adaptive_max_pool2d`.

    Parameters
    ----------
    output_size : int or (int, int)
        The number of windows.

    Examples
    --------
    >>> import numpy as np
    >>> AdaptiveMaxPool2d((1, 2))({}, {}, np.arange(8.0).reshape(1, 1, 2, 4))[0]
    array([[[[5., 7.]]]])
    """

    output_size: int | Pair

    def __post_init__(self) -> None:
        geometry("AdaptiveMaxPool2d", pair, (self.output_size, "output_size", 1))

    def apply(self, x: Any) -> Any:
        """Return the maximum of each window."""
        return ops.adaptive_max_pool2d(x, self.output_size)


@dataclass(frozen=True)
class GlobalAvgPool2d(Parameterless):
    """Mean of each channel over space, (N, C, H, W) to (N, C); see `tinygrad_cnn.global_avg_pool2d`."""

    def apply(self, x: Any) -> Any:
        """Return the mean over H and W."""
        return ops.global_avg_pool2d(x)
