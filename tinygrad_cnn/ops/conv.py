"""Convolution: three primitives, each the derivative of another.

A convolution is a trilinear form in input, weight and output cotangent. Fixing two of them and solving for
the third gives `conv2d_output`, `conv2d_input` and `conv2d_weight`; the six gradient rules are again these
three, so every order of derivative comes for free, and no other convolution calculus exists.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .. import checks
from ..kernels import conv as kernel
from ..kernels.geometry import ConvSpec, Padding, Pair
from ..kernels.options import Window, check_plane, pair
from ..stand_in import StandIn
from ..tape import in_single, primitive, raw
from ..types import Array, NDArray, Out, Shape
from .joining import pad
from .reductions import sum
from .shaping import reshape

__all__ = ["conv2d", "conv_transpose2d"]

Spec = TypeVar("Spec")


def conv2d(
    x: NDArray | Out,
    weight: NDArray | Out,
    bias: NDArray | Out | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair | Padding | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Out:
    """Two-dimensional convolution, as deep learning means it: cross-correlation, the kernel is not flipped.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
        The images.
    weight : ndarray or Tensor, (O, C / groups, KH, KW)
        The kernels, of the dtype of ``x``.
    bias : ndarray or Tensor, (O,), optional
        What is added to each output channel, of the dtype of ``x``.
    stride : int or (int, int)
        The step between windows, at least 1; a pair is (height, width).
    padding : int, (int, int), ((top, bottom), (left, right)), "same" or "valid"
        The zeros around the input. ``"same"`` gives ``ceil(in / stride)`` outputs, an odd zero at the end.
    dilation : int or (int, int)
        The step between the elements of a window, at least 1.
    groups : int
        The number of groups, which divides C and O; each group of outputs sees its own group of channels.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What the padding is made of: the others take elements of ``x``, by the modes "reflect", "edge" and
        "wrap" of `pad`.

    Returns
    -------
    ndarray or Tensor, (N, O, OH, OW)
        ``OH = floor((H + pads - dilation * (KH - 1) - 1) / stride) + 1``, and so for OW.

    Raises
    ------
    ValueError
        If shapes do not fit, the kernel is larger than the padded input, or ``groups`` does not divide.
    TypeError
        If dtypes differ: a silent promotion would double the cost of every layer that follows.

    Examples
    --------
    >>> conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), padding="same")[0, 0]
    array([[4., 4., 2.],
           [4., 4., 2.],
           [2., 2., 1.]])
    """
    check_arrays("conv2d", x=x, weight=weight, bias=bias)
    spec = geometry(
        "conv2d",
        ConvSpec.of,
        (x.shape, weight.shape),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    if bias is not None:
        checks.shape("conv2d", "bias", bias.shape, weight.shape[:1])
    if padding_mode != "zeros":
        x, spec = with_border("conv2d", x, spec.padding, padding_mode), spec.of_padded
    return conv2d_output(x, weight, bias, spec=spec)


def conv_transpose2d(
    x: NDArray | Out,
    weight: NDArray | Out,
    bias: NDArray | Out | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Out:
    """Transposed convolution: the adjoint of the `conv2d` that has the same weight and options.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
        The images, which are outputs of that convolution.
    weight : ndarray or Tensor, (C, O / groups, KH, KW)
        The kernels, of the dtype of ``x``.
    bias : ndarray or Tensor, (O,), optional
        What is added to each output channel, of the dtype of ``x``.
    stride, padding, dilation : int or (int, int)
        The options of the convolution that it is the adjoint of.
    output_padding : int or (int, int)
        The rows and columns added at the end, fewer than ``stride`` or ``dilation``: several sizes of input
        give a strided convolution the same size of output.
    groups : int
        The number of groups, which divides C and O.

    Returns
    -------
    ndarray or Tensor, (N, O, OH, OW)
        ``OH = (H - 1) * stride - 2 * padding + dilation * (KH - 1) + output_padding + 1``, and so for OW.

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> conv_transpose2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), stride=2)[0, 0].shape
    (4, 4)
    """
    check_arrays("conv_transpose2d", x=x, weight=weight, bias=bias)
    spec = geometry(
        "conv_transpose2d",
        transposed_geometry,
        (x.shape, weight.shape),
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )
    y = conv2d_input(x, weight, spec=spec)
    if bias is None:
        return y
    checks.shape("conv_transpose2d", "bias", bias.shape, y.shape[1:2])
    return y + reshape(bias, (1, -1, 1, 1))


def transposed_geometry(
    x_shape: Shape,
    weight_shape: Shape,
    *,
    stride: int | Pair,
    padding: int | Pair,
    output_padding: int | Pair,
    dilation: int | Pair,
    groups: int,
) -> ConvSpec:
    """Return the geometry of the convolution whose output has the shape of ``x``.

    Examples
    --------
    >>> options = {"padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
    >>> transposed_geometry((1, 1, 2, 2), (1, 1, 2, 2), stride=2, **options).input_size
    (4, 4)
    """
    if len(x_shape) != 4 or len(weight_shape) != 4:
        raise ValueError(
            f"expected x (N, C, H, W) and weight (C, O / groups, KH, KW), got {x_shape} and {weight_shape}"
        )
    if x_shape[1] != weight_shape[0]:
        raise ValueError(f"weight: expected C = {x_shape[1]} first for x {x_shape}, got {weight_shape}")
    if isinstance(padding, str):
        raise ValueError(f"padding: expected an integer or a pair, got {padding!r}")
    kernel_size, steps, gaps = Window.of(weight_shape[2:], stride, dilation, "kernel size of weight")
    pads, extra = pair(padding, "padding", 0), pair(output_padding, "output_padding", -math.inf)
    if not all(0 <= e < max(s, d) for e, s, d in zip(extra, steps, gaps, strict=True)):
        raise ValueError(f"output_padding: expected in [0, stride or dilation), got {output_padding}")
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(x_shape[2:], steps, pads, gaps, kernel_size, extra, strict=True)
    )
    if min(size) < 1:
        raise ValueError(
            f"padding {pads} leaves an output of size {size} for x {x_shape[2:]} and kernel {kernel_size}"
        )
    check_plane(f"stride {steps} and dilation {gaps}", size)
    y_shape = (*x_shape[:1], weight_shape[1] * groups, *size)
    spec = ConvSpec.of(y_shape, weight_shape, stride=steps, padding=pads, dilation=gaps, groups=groups)
    if spec.output_size == x_shape[2:]:
        return spec
    # the output padding has room for windows of its own, which a smaller padding at the end takes away
    top, left = ((p, p - e) for p, e in zip(pads, extra, strict=True))
    return spec.replace(padding=(top, left))


def check_arrays(
    op: str, *, optional: tuple[str, ...] = ("bias",), kinds: str = "fiu", **operands: Array
) -> None:
    """Raise a TypeError unless all operands are arrays of one dtype, of these kinds; some may be None.

    Examples
    --------
    >>> check_arrays("conv2d", x=np.ones(1), bias=None)
    """
    dtype = None
    for name, operand in operands.items():
        array = raw(operand)
        if not isinstance(array, np.ndarray | StandIn):
            if operand is None and name in optional:
                continue
            raise TypeError(f"{op}: {name}: expected an array, got {type(operand).__name__}")
        if array.dtype is dtype:
            continue
        if array.dtype.kind not in kinds:
            wanted = "floating" if kinds == "f" else "real"
            raise TypeError(f"{op}: {name}: expected a {wanted} dtype, got {array.dtype}")
        if dtype is not None and array.dtype != dtype:
            raise TypeError(f"{op}: expected operands of one dtype, got: {_dtypes(operands)}")
        dtype = array.dtype


def _dtypes(operands: dict[str, Array]) -> str:
    """Say the dtypes of operands that differ, and how to cast the first that differs from the weight."""
    found = {name: raw(x).dtype for name, x in operands.items() if x is not None}
    floating = [
        dtype for dtype in (found.get("weight"), *found.values()) if dtype is not None and dtype.kind == "f"
    ]
    said = ", ".join(f"{name} is {dtype}" for name, dtype in found.items())
    if not floating:
        return said
    cast = next(name for name, dtype in found.items() if dtype != floating[0])
    return f"{said}; cast {cast} by {cast}.astype(np.{floating[0]})"


def geometry(op: str, of: Callable[..., Spec], arguments: tuple[Any, ...], **options: Any) -> Spec:
    """Return ``of(*arguments, **options)``, such as `ConvSpec.of` builds; an error names the operation.

    Examples
    --------
    >>> geometry("conv2d", ConvSpec.of, ((1, 1, 5, 5), (1, 1, 3, 3)), stride=2).output_size
    (2, 2)
    """
    try:
        return of(*arguments, **options)
    except (TypeError, ValueError) as error:
        for name, value in options.items():
            if type(value).__hash__ is None:  # the cache of `of` would only say that it is not hashable
                found = f"the {type(value).__name__} {value}"
                raise TypeError(f"{op}: {name}: expected integers or tuples, got {found}") from None
        raise type(error)(f"{op}: {error}") from None


PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def with_border(op: str, x: Array, sides: tuple[Pair, ...], padding_mode: str) -> Array:
    """Pad ``x`` (N, C, ...) by elements of its own, in a mode that is named as PyTorch does.

    Examples
    --------
    >>> with_border("conv1d", np.array([[[1.0, 2.0, 3.0]]]), ((0, 2),), "circular")
    array([[[1., 2., 3., 1., 2.]]])
    """
    checks.one_of(op, "padding_mode", padding_mode, tuple(PADDING_MODES))
    return pad(x, ((0, 0), (0, 0), *sides), mode=PADDING_MODES[padding_mode])


@primitive
@in_single
def conv2d_output(
    x: NDArray | Out,  # (N, C, H, W)
    weight: NDArray | Out,  # (O, C / groups, KH, KW)
    bias: NDArray | Out | None = None,  # (O,)
    *,
    spec: ConvSpec,
) -> Out:
    """The convolution of a validated geometry, (N, O, OH, OW); `conv2d` is its public form.

    Examples
    --------
    >>> x, weight = np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2))
    >>> conv2d_output(x, weight, spec=ConvSpec.of(x.shape, weight.shape))
    array([[[[4.]]]])
    """
    return kernel.forward(x, weight, bias, spec)


@primitive
@in_single
def conv2d_input(
    y: NDArray | Out,  # (N, O, OH, OW)
    weight: NDArray | Out,  # (O, C / groups, KH, KW)
    *,
    spec: ConvSpec,
) -> Out:
    """The adjoint of the convolution in its input, (N, C, H, W): a transposed convolution.

    Examples
    --------
    >>> y, weight = np.ones((1, 1, 1, 1)), np.ones((1, 1, 2, 2))
    >>> conv2d_input(y, weight, spec=ConvSpec.of((1, 1, 2, 2), weight.shape))[0, 0]
    array([[1., 1.],
           [1., 1.]])
    """
    return kernel.input_gradient(y, weight, spec)


@primitive
@in_single
def conv2d_weight(
    x: NDArray | Out,  # (N, C, H, W)
    y: NDArray | Out,  # (N, O, OH, OW)
    *,
    spec: ConvSpec,
) -> Out:
    """The adjoint of the convolution in its weight, (O, C / groups, KH, KW).

    Examples
    --------
    >>> x, y = np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1))
    >>> conv2d_weight(x, y, spec=ConvSpec.of(x.shape, (1, 1, 2, 2)))[0, 0]
    array([[1., 1.],
           [1., 1.]])
    """
    return kernel.weight_gradient(x, y, spec)


conv2d_output.defvjp(
    x=lambda g, weight, spec: conv2d_input(g, weight, spec=spec),
    weight=lambda g, x, spec: conv2d_weight(x, g, spec=spec),
    bias=lambda g: sum(g, (0, 2, 3)),
)
conv2d_input.defvjp(
    y=lambda g, weight, spec: conv2d_output(g, weight, spec=spec),
    weight=lambda g, y, spec: conv2d_weight(g, y, spec=spec),
)
conv2d_weight.defvjp(
    x=lambda g, y, spec: conv2d_input(y, g, spec=spec),
    y=lambda g, x, spec: conv2d_output(x, g, spec=spec),
)
