"""Convolution and pooling of volumes, (N, C, D, H, W).

`conv3d` has the three primitives of `conv2d`, each the derivative of another, which add up two-dimensional
convolutions. Pooling is done plane by plane, and then along the depth. Also where elements tie, the winner is
the first of its window: the first plane with the maximum is chosen, and the first element with it there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import checks
from ..kernels import volume as kernel
from ..kernels.geometry import PoolSpec
from ..kernels.options import Triple, VolumePadding, padding_of_volume, parts_of_triple
from ..kernels.volume import VolumeSpec
from ..tape import in_single, primitive
from ..types import Array, NDArray, Out
from .conv import check_arrays, geometry, with_border
from .pool import avg_pool2d_output, max_pool2d_output
from .reductions import sum
from .shaping import reshape

__all__ = ["avg_pool3d", "conv3d", "max_pool3d"]


def conv3d(
    x: NDArray | Out,
    weight: NDArray | Out,
    bias: NDArray | Out | None = None,
    *,
    stride: int | Triple = 1,
    padding: int | Triple | VolumePadding | str = 0,
    dilation: int | Triple = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Out:
    """Three-dimensional convolution (cross-correlation) of volumes.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, D, H, W)
        The volumes.
    weight : ndarray or Tensor, (O, C / groups, KD, KH, KW)
        The kernels, of the dtype of ``x``.
    bias : ndarray or Tensor, (O,), optional
        What is added to each output channel, of the dtype of ``x``.
    stride, dilation : int or (int, int, int)
        The steps between windows, and between the elements of a window; a triple is (depth, height, width).
    padding : int, (int, int, int), ((front, back), (top, bottom), (left, right)), "same" or "valid"
        The zeros around the input, as for `conv2d`.
    groups : int
        The number of groups, which divides C and O.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What the padding is made of, as for `conv2d`.

    Returns
    -------
    ndarray or Tensor, (N, O, OD, OH, OW)

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> import numpy as np
    >>> conv3d(np.ones((1, 1, 2, 3, 3)), np.ones((1, 1, 2, 2, 2)))[0, 0]
    array([[[8., 8.],
            [8., 8.]]])
    """
    check_arrays("conv3d", x=x, weight=weight, bias=bias)
    spec = geometry(
        "conv3d",
        VolumeSpec.of,
        (x.shape, weight.shape),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    if bias is not None:
        checks.shape("conv3d", "bias", bias.shape, weight.shape[:1])
    if padding_mode != "zeros":
        sides = (spec.depth.padding[1], *spec.plane.padding)
        x, spec = with_border("conv3d", x, sides, padding_mode), spec.of_padded
    return conv3d_output(x, weight, bias, spec=spec)


@primitive
@in_single
def conv3d_output(
    x: NDArray | Out,  # (N, C, D, H, W)
    weight: NDArray | Out,  # (O, C / groups, KD, KH, KW)
    bias: NDArray | Out | None = None,  # (O,)
    *,
    spec: VolumeSpec,
) -> Out:
    """The convolution of a validated geometry, (N, O, OD, OH, OW); `conv3d` is its public form.

    Examples
    --------
    >>> import numpy as np
    >>> x = weight = np.ones((1, 1, 2, 2, 2))
    >>> conv3d_output(x, weight, spec=VolumeSpec.of(x.shape, weight.shape)).item()
    8.0
    """
    return kernel.forward(x, weight, bias, spec)


@primitive
@in_single
def conv3d_input(
    y: NDArray | Out,  # (N, O, OD, OH, OW)
    weight: NDArray | Out,  # (O, C / groups, KD, KH, KW)
    *,
    spec: VolumeSpec,
) -> Out:
    """The adjoint of the convolution in its input, (N, C, D, H, W).

    Examples
    --------
    >>> import numpy as np
    >>> y, weight = np.ones((1, 1, 1, 1, 1)), np.ones((1, 1, 2, 2, 2))
    >>> conv3d_input(y, weight, spec=VolumeSpec.of(weight.shape, weight.shape)).sum()
    np.float64(8.0)
    """
    return kernel.input_gradient(y, weight, spec)


@primitive
@in_single
def conv3d_weight(
    x: NDArray | Out,  # (N, C, D, H, W)
    y: NDArray | Out,  # (N, O, OD, OH, OW)
    *,
    spec: VolumeSpec,
) -> Out:
    """The adjoint of the convolution in its weight, (O, C / groups, KD, KH, KW).

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.ones((1, 1, 2, 2, 2)), np.ones((1, 1, 1, 1, 1))
    >>> conv3d_weight(x, y, spec=VolumeSpec.of(x.shape, x.shape)).sum()
    np.float64(8.0)
    """
    return kernel.weight_gradient(x, y, spec)


conv3d_output.defvjp(
    x=lambda g, weight, spec: conv3d_input(g, weight, spec=spec),
    weight=lambda g, x, spec: conv3d_weight(x, g, spec=spec),
    bias=lambda g: sum(g, (0, 2, 3, 4)),
)
conv3d_input.defvjp(
    y=lambda g, weight, spec: conv3d_output(g, weight, spec=spec),
    weight=lambda g, y, spec: conv3d_weight(g, y, spec=spec),
)
conv3d_weight.defvjp(
    x=lambda g, y, spec: conv3d_input(y, g, spec=spec),
    y=lambda g, x, spec: conv3d_output(x, g, spec=spec),
)


def max_pool3d(
    x: NDArray | Out,
    kernel_size: int | Triple,
    *,
    stride: int | Triple | None = None,
    padding: int | Triple | VolumePadding | str = 0,
    dilation: int | Triple = 1,
    ceil_mode: bool = False,
) -> Out:
    """Maximum over windows of volumes; where elements tie, the first in scan order gets the gradient.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, D, H, W)
        The volumes; NaN propagates.
    kernel_size : int or (int, int, int)
        The size of a window; a triple is (depth, height, width).
    stride : int or (int, int, int), optional
        The step between windows, which is the kernel size by default.
    padding : int, (int, int, int), ((front, back), (top, bottom), (left, right)), "same" or "valid"
        What is added around the input, at most half the kernel. It never wins.
    dilation : int or (int, int, int)
        The step between the elements of a window.
    ceil_mode : bool
        Whether a last window may reach past the padded input.

    Returns
    -------
    ndarray or Tensor, (N, C, OD, OH, OW)

    Raises
    ------
    ValueError
        If sizes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> max_pool3d(np.arange(16.0).reshape(1, 1, 2, 2, 4), 2)
    array([[[[[13., 15.]]]]])
    """
    check_arrays("max_pool3d", x=x)
    return _pooled(
        "max_pool3d", max_pool2d_output, x, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode
    )


@in_single
def avg_pool3d(
    x: NDArray | Out,
    kernel_size: int | Triple,
    *,
    stride: int | Triple | None = None,
    padding: int | Triple | VolumePadding | str = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Out:
    """Mean over windows of volumes.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, D, H, W)
        The volumes.
    kernel_size : int or (int, int, int)
        The size of a window; a triple is (depth, height, width).
    stride : int or (int, int, int), optional
        The step between windows, which is the kernel size by default.
    padding : int, (int, int, int), ((front, back), (top, bottom), (left, right)), "same" or "valid"
        The zeros around the input, at most half the kernel.
    ceil_mode : bool
        Whether a last window may reach past the padded input; what lies beyond is not counted.
    count_include_pad : bool
        Whether the padding counts in the divisor.

    Returns
    -------
    ndarray or Tensor, (N, C, OD, OH, OW)

    Raises
    ------
    ValueError
        If sizes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool3d(np.arange(16.0).reshape(1, 1, 2, 2, 4), 2)
    array([[[[[6.5, 8.5]]]]])
    """
    check_arrays("avg_pool3d", x=x)

    def average(images: Array, spec: PoolSpec) -> Array:
        return avg_pool2d_output(images, spec=spec, count_include_pad=count_include_pad)

    return _pooled("avg_pool3d", average, x, kernel_size, stride, padding, 1, ceil_mode=ceil_mode)


def _pooled(
    op: str,
    pool: Callable[..., Array],
    x: Array,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    *,
    ceil_mode: bool,
) -> Array:
    """Pool the planes as images of C * D channels, and then the depth as the height of images."""
    if x.ndim != 5:
        raise ValueError(f"{op}: x: expected shape (N, C, D, H, W), got {x.shape}")
    n, channels, depth, *size = x.shape
    given = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    parts = {name: geometry(op, parts_of_triple, (name, value)) for name, value in given.items()}
    ends, sides = geometry(op, padding_of_volume, (padding,))
    planes = geometry(
        op,
        PoolSpec.of,
        ((n, channels, *size),),
        padding=sides,
        ceil_mode=ceil_mode,
        **{name: plane for name, (_, plane) in parts.items()},
    )
    columns = math.prod(planes.output_size)
    along = geometry(
        op,
        PoolSpec.of,
        ((n, channels, depth, columns),),
        padding=ends if isinstance(ends, str) else ends[::-1],
        ceil_mode=ceil_mode,
        **{name: part and (part, 1) for name, (part, _) in parts.items()},
    )
    y = pool(reshape(x, (n, channels * depth, *size)), spec=planes)
    y = pool(reshape(y, (n, channels, depth, columns)), spec=along)
    return reshape(y, (n, channels, along.output_size[0], *planes.output_size))
