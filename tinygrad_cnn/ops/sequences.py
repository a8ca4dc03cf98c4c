"""Convolution and pooling of sequences, (N, C, L): those of images of height 1."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..kernels.geometry import ConvSpec, Pair, PoolSpec
from ..kernels.options import padding_of_row, pair_of_row
from ..types import Array, NDArray, Out
from .conv import check_arrays, conv2d_input, conv2d_output, geometry, transposed_geometry, with_border
from .pool import MaxPooled, avg_pool2d_output, max_pool2d_output, with_places
from .shaping import expand_dims, reshape, squeeze

__all__ = ["avg_pool1d", "conv1d", "conv_transpose1d", "max_pool1d"]


def conv1d(
    x: NDArray | Out,
    weight: NDArray | Out,
    bias: NDArray | Out | None = None,
    *,
    stride: int = 1,
    padding: int | Pair | str = 0,
    dilation: int = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Out:
    """One-dimensional convolution (cross-correlation): `conv2d` of arrays of height 1.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, L)
        The sequences.
    weight : ndarray or Tensor, (O, C / groups, K)
        The kernels, of the dtype of ``x``.
    bias : ndarray or Tensor, (O,), optional
        What is added to each output channel, of the dtype of ``x``.
    stride, dilation : int
        The steps between windows, and between the elements of a window.
    padding : int, (before, after), "same" or "valid"
        The zeros around the input.
    groups : int
        The number of groups, which divides C and O.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What the padding is made of, as for `conv2d`.

    Returns
    -------
    ndarray or Tensor, (N, O, OL)

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> import numpy as np
    >>> conv1d(np.array([[[1.0, 2.0, 4.0]]]), np.array([[[-1.0, 1.0]]]))
    array([[[1., 2.]]])
    """
    check_arrays("conv1d", x=x, weight=weight, bias=bias)
    x, weight = _rows("conv1d", x=(x, "(N, C, L)"), weight=(weight, "(O, C / groups, K)"))
    spec = geometry(
        "conv1d",
        ConvSpec.of,
        (x.shape, weight.shape),
        stride=pair_of_row(1, stride),
        padding=padding_of_row(padding),
        dilation=pair_of_row(1, dilation),
        groups=groups,
    )
    if bias is not None:
        checks.shape("conv1d", "bias", bias.shape, weight.shape[:1])
    if padding_mode != "zeros":
        x, spec = with_border("conv1d", x, spec.padding, padding_mode), spec.of_padded
    return squeeze(conv2d_output(x, weight, bias, spec=spec), 2)


def conv_transpose1d(
    x: NDArray | Out,
    weight: NDArray | Out,
    bias: NDArray | Out | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Out:
    """Transposed convolution of sequences: the adjoint of the `conv1d` that has the same weight and options.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, L)
        The sequences, which are outputs of that convolution.
    weight : ndarray or Tensor, (C, O / groups, K)
        The kernels, of the dtype of ``x``.
    bias : ndarray or Tensor, (O,), optional
        What is added to each output channel, of the dtype of ``x``.
    stride, padding, dilation : int
        The options of the convolution that it is the adjoint of.
    output_padding : int
        The elements added at the end, fewer than ``stride`` or ``dilation``.
    groups : int
        The number of groups, which divides C and O.

    Returns
    -------
    ndarray or Tensor, (N, O, OL)
        ``OL = (L - 1) * stride - 2 * padding + dilation * (K - 1) + output_padding + 1``.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose1d(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0]]]))
    array([[[ 1., 12., 20.]]])
    """
    check_arrays("conv_transpose1d", x=x, weight=weight, bias=bias)
    x, weight = _rows("conv_transpose1d", x=(x, "(N, C, L)"), weight=(weight, "(C, O / groups, K)"))
    spec = geometry(
        "conv_transpose1d",
        transposed_geometry,
        (x.shape, weight.shape),
        stride=pair_of_row(1, stride),
        padding=pair_of_row(0, padding),
        output_padding=pair_of_row(0, output_padding),
        dilation=pair_of_row(1, dilation),
        groups=groups,
    )
    y = squeeze(conv2d_input(x, weight, spec=spec), 2)
    if bias is None:
        return y
    checks.shape("conv_transpose1d", "bias", bias.shape, y.shape[1:2])
    return y + reshape(bias, (1, -1, 1))


def max_pool1d(
    x: NDArray | Out,
    kernel_size: int,
    *,
    stride: int | None = None,
    padding: int | Pair | str = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Out:
    """Maximum over windows of sequences; where elements tie, the first of the window gets the gradient.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, L)
        The sequences; NaN propagates.
    kernel_size : int
        The length of a window.
    stride : int, optional
        The step between windows, which is the kernel size by default.
    padding : int, (before, after), "same" or "valid"
        What is added around the input, at most half the kernel. It never wins.
    dilation : int
        The step between the elements of a window.
    ceil_mode : bool
        Whether a last window may reach past the padded input.
    return_indices : bool
        Whether to return also where the maxima are, which `max_unpool1d` takes.

    Returns
    -------
    ndarray or Tensor, (N, C, OL)
        With ``return_indices`` it is the first of a pair, as for `max_pool2d`.

    Raises
    ------
    ValueError
        If sizes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> max_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2)
    array([[[3., 2.]]])
    """
    x, spec = _pooling("max_pool1d", x, kernel_size, stride, padding, dilation, ceil_mode)
    y = max_pool2d_output(x, spec=spec)
    if not return_indices:
        return squeeze(y, 2)
    return MaxPooled(*(squeeze(found, 2) for found in with_places(x, y, spec)))


def avg_pool1d(
    x: NDArray | Out,
    kernel_size: int,
    *,
    stride: int | None = None,
    padding: int | Pair | str = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Out:
    """Mean over windows of sequences.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, L)
        The sequences.
    kernel_size : int
        The length of a window.
    stride : int, optional
        The step between windows, which is the kernel size by default.
    padding : int, (before, after), "same" or "valid"
        The zeros around the input, at most half the kernel.
    ceil_mode : bool
        Whether a last window may reach past the padded input; what lies beyond is not counted.
    count_include_pad : bool
        Whether the padding counts in the divisor.

    Returns
    -------
    ndarray or Tensor, (N, C, OL)

    Raises
    ------
    ValueError
        If sizes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2)
    array([[[2., 1.]]])
    """
    x, spec = _pooling("avg_pool1d", x, kernel_size, stride, padding, 1, ceil_mode)
    return squeeze(avg_pool2d_output(x, spec=spec, count_include_pad=count_include_pad), 2)


def _rows(op: str, **given: tuple[Array, str]) -> list[Array]:
    """Return arrays of three axes as images, or kernels, of height 1; each is given with what is expected."""
    if any(x.ndim != 3 for x, _ in given.values()):
        expected = " and ".join(f"{name} {axes}" for name, (_, axes) in given.items())
        found = " and ".join(str(x.shape) for x, _ in given.values())
        raise ValueError(f"{op}: expected {expected}, got {found}")
    return [expand_dims(x, 2) for x, _ in given.values()]


def _pooling(
    op: str, x: Array, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Array, PoolSpec]:
    """Return sequences as images of height 1, and the geometry of their pooling."""
    check_arrays(op, x=x)
    (x,) = _rows(op, x=(x, "(N, C, L)"))
    spec = geometry(
        op,
        PoolSpec.of,
        (x.shape,),
        kernel_size=pair_of_row(1, kernel_size),
        stride=pair_of_row(1, stride),
        padding=padding_of_row(padding),
        dilation=pair_of_row(1, dilation),
        ceil_mode=ceil_mode,
    )
    return x, spec
