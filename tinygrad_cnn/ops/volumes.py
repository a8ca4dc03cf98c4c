"""Convolution and pooling of volumes, (N, C, D, H, W).

`conv3d` has the three primitives of `conv2d`, each the derivative of another, which add up two-dimensional
convolutions. Pooling is done plane by plane, and then along the depth. Also where elements tie, the winner is
the first of its window: the first plane with the maximum is chosen, and the first element with it there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..kernels import volume as kernel
from ..kernels.geometry import PoolSpec
from ..kernels.options import Triple, VolumePadding, padding_of_volume, pair_of_row, parts_of_triple
from ..kernels.pool import max_gather
from ..kernels.volume import VolumeSpec
from ..stand_in import in_one_line
from ..tape import in_single, primitive, raw
from ..types import Array, NDArray, Out
from .conv import check_arrays, geometry, transposed_geometry, with_border
from .pool import MaxPooled, avg_pool2d_output, max_pool2d_output
from .reductions import sum
from .shaping import reshape

__all__ = ["avg_pool3d", "conv3d", "conv_transpose3d", "max_pool3d"]


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


def conv_transpose3d(
    x: NDArray | Out,
    weight: NDArray | Out,
    bias: NDArray | Out | None = None,
    *,
    stride: int | Triple = 1,
    padding: int | Triple = 0,
    output_padding: int | Triple = 0,
    dilation: int | Triple = 1,
    groups: int = 1,
) -> Out:
    """Transposed convolution of volumes: the adjoint of the `conv3d` that has the same weight and options.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, D, H, W)
        The volumes, which are outputs of that convolution.
    weight : ndarray or Tensor, (C, O / groups, KD, KH, KW)
        The kernels, of the dtype of ``x``.
    bias : ndarray or Tensor, (O,), optional
        What is added to each output channel, of the dtype of ``x``.
    stride, padding, dilation : int or (int, int, int)
        The options of the convolution that it is the adjoint of; a triple is (depth, height, width).
    output_padding : int or (int, int, int)
        The elements added at the end of an axis, fewer than its ``stride`` or its ``dilation``.
    groups : int
        The number of groups, which divides C and O.

    Returns
    -------
    ndarray or Tensor, (N, O, OD, OH, OW)
        Each axis has the length ``(n - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1``.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose3d(np.ones((1, 1, 2, 1, 1)), np.ones((1, 1, 2, 1, 1))).ravel()
    array([1., 2., 1.])
    """
    check_arrays("conv_transpose3d", x=x, weight=weight, bias=bias)
    if x.ndim != 5 or weight.ndim != 5:
        raise ValueError(
            "conv_transpose3d: expected x (N, C, D, H, W) and weight (C, O / groups, KD, KH, KW), got "
            f"{x.shape} and {weight.shape}"
        )
    given = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    parts = {name: geometry("conv_transpose3d", parts_of_triple, (name, given[name])) for name in given}
    along = geometry(
        "conv_transpose3d",
        transposed_geometry,
        tuple((*of.shape[:2], 1, of.shape[2]) for of in (x, weight)),
        groups=groups,
        **{n: pair_of_row(int(n in ("stride", "dilation")), depth) for n, (depth, _) in parts.items()},
    )
    plane = geometry(
        "conv_transpose3d",
        transposed_geometry,
        tuple((*of.shape[:2], *of.shape[3:]) for of in (x, weight)),
        groups=groups,
        **{name: sides for name, (_, sides) in parts.items()},
    )
    y = conv3d_input(x, weight, spec=VolumeSpec(along, plane))
    if bias is None:
        return y
    checks.shape("conv_transpose3d", "bias", bias.shape, y.shape[1:2])
    return y + reshape(bias, (1, -1, 1, 1, 1))


def max_pool3d(
    x: NDArray | Out,
    kernel_size: int | Triple,
    *,
    stride: int | Triple | None = None,
    padding: int | Triple | VolumePadding | str = 0,
    dilation: int | Triple = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
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
    return_indices : bool
        Whether to return also where the maxima are, which `max_unpool3d` takes.

    Returns
    -------
    ndarray or Tensor, (N, C, OD, OH, OW)
        With ``return_indices`` it is the first of a pair, as for `max_pool2d`.

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
    planes, along = _geometries("max_pool3d", x, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)
    rows, y = _pooled(max_pool2d_output, x, planes, along)
    shape = (*x.shape[:2], along.output_size[0], *planes.output_size)
    if not return_indices:
        return reshape(y, shape)
    places = in_one_line(_places_of_volumes, raw(x), raw(rows), raw(y), planes, along)
    return MaxPooled(reshape(y, shape), reshape(places, shape))


def _places_of_volumes(x: NDArray, rows: NDArray, y: NDArray, planes: PoolSpec, along: PoolSpec) -> NDArray:
    """Return where the maxima are, which were found in each plane first, and then along the depth."""
    n, channels, depth, *size = x.shape
    images = (n, channels * depth, *size)
    places = np.broadcast_to(np.arange(math.prod(x.shape[2:])).reshape(x.shape[2:]), x.shape).reshape(images)
    maxima = rows.reshape(*images[:2], *planes.output_size)
    of_planes = max_gather(places, x.reshape(images), planes, maxima)
    return max_gather(of_planes.reshape(rows.shape), rows, along, y)


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

    planes, along = _geometries("avg_pool3d", x, kernel_size, stride, padding, 1, ceil_mode=ceil_mode)
    _, y = _pooled(average, x, planes, along)
    return reshape(y, (*x.shape[:2], along.output_size[0], *planes.output_size))


def _geometries(
    op: str, x: Array, kernel_size: Any, stride: Any, padding: Any, dilation: Any, *, ceil_mode: bool
) -> tuple[PoolSpec, PoolSpec]:
    """Return the geometry of pooling the planes, as images of C * D channels, and that of pooling the depth.

    The depth is the height of images, whose rows are the pooled planes.
    """
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
    along = geometry(
        op,
        PoolSpec.of,
        ((n, channels, depth, math.prod(planes.output_size)),),
        padding=ends if isinstance(ends, str) else ends[::-1],
        ceil_mode=ceil_mode,
        **{name: part and (part, 1) for name, (part, _) in parts.items()},
    )
    return planes, along


def _pooled(pool: Callable[..., Array], x: Array, planes: PoolSpec, along: PoolSpec) -> tuple[Array, Array]:
    """Pool the planes, and what that gives, as rows, along the depth; return both."""
    n, channels, depth, *size = x.shape
    y = pool(reshape(x, (n, channels * depth, *size)), spec=planes)
    rows = reshape(y, (n, channels, depth, math.prod(planes.output_size)))
    return rows, pool(rows, spec=along)
