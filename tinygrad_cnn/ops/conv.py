"""Convolution: three primitives, each the derivative of another.

A convolution is a trilinear form in input, weight and output cotangent. Fixing two of them and solving for
the third gives `conv2d_output`, `conv2d_input` and `conv2d_weight`; the six gradient rules are again these
three, so every order of derivative comes for free, and no other convolution calculus exists.
"""

from dataclasses import replace

import numpy as np

from ..kernels import conv as kernel
from ..kernels.geometry import ConvSpec
from ..tape import primitive, raw
from .reductions import sum
from .shaping import expand_dims, reshape, squeeze

__all__ = ["conv1d", "conv2d", "conv_transpose2d"]


def conv2d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """Two-dimensional convolution, as deep learning means it: cross-correlation, the kernel is not flipped.

    Parameters
    ----------
    x : array_like, (N, C, H, W)
    weight : array_like, (O, C / groups, KH, KW)
        Of the dtype of ``x``.
    bias : array_like, (O,), optional
        Of the dtype of ``x``.
    stride, dilation : int or (int, int)
        At least 1; a pair is (height, width).
    padding : int, (int, int), ((top, bottom), (left, right)), "same" or "valid"
        Zeros around the input. ``"same"`` gives ``ceil(in / stride)`` outputs, the odd zero at the end.
    groups : int
        Divides C and O; each group of outputs sees its own group of channels.

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
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"conv2d: bias: expected shape {weight.shape[:1]}, got {bias.shape}")
    return conv2d_output(x, weight, bias, spec=spec)


def conv1d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """One-dimensional convolution (cross-correlation): `conv2d` of arrays of height 1.

    Parameters
    ----------
    x : array_like, (N, C, L)
    weight : array_like, (O, C / groups, K)
        Of the dtype of ``x``.
    bias : array_like, (O,), optional
    stride, dilation : int
    padding : int, (before, after), "same" or "valid"
    groups : int
        Divides C and O.

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
    >>> conv1d(np.array([[[1.0, 2.0, 4.0]]]), np.array([[[-1.0, 1.0]]]))
    array([[[1., 2.]]])
    """
    check_arrays("conv1d", x=x, weight=weight, bias=bias)
    if x.ndim != 3 or weight.ndim != 3:
        raise ValueError(
            f"conv1d: expected x (N, C, L) and weight (O, C / groups, K), got {x.shape}, {weight.shape}"
        )
    if not isinstance(padding, str):
        padding = ((0, 0), padding if isinstance(padding, tuple) else (padding, padding))
    y = conv2d(
        expand_dims(x, 2),  # (N, C, 1, L)
        expand_dims(weight, 2),
        bias,
        stride=(1, stride),
        padding=padding,
        dilation=(1, dilation),
        groups=groups,
    )
    return squeeze(y, 2)


def conv_transpose2d(x, weight, bias=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    """Transposed convolution: the adjoint of the `conv2d` that has the same weight and options.

    Parameters
    ----------
    x : array_like, (N, C, H, W)
    weight : array_like, (C, O / groups, KH, KW)
        Of the dtype of ``x``.
    bias : array_like, (O,), optional
    stride, padding, dilation : int or (int, int)
        Of the convolution it is the adjoint of.
    output_padding : int or (int, int)
        Rows and columns added at the end: several sizes of input give a strided convolution the same size of
        output. Below ``stride`` or ``dilation``.
    groups : int
        Divides C and O.

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
    if x.ndim != 4 or weight.ndim != 4:
        raise ValueError(
            "conv_transpose2d: expected x (N, C, H, W) and weight (C, O / groups, KH, KW), "
            f"got {x.shape} and {weight.shape}"
        )
    if x.shape[1] != weight.shape[0]:
        raise ValueError(
            f"conv_transpose2d: weight: expected C = {x.shape[1]} first for x {x.shape}, got {weight.shape}"
        )
    if isinstance(padding, str):
        raise ValueError(f"conv_transpose2d: padding: expected an integer or a pair, got {padding!r}")
    steps, pads, gaps, extra = (_pair(v) for v in (stride, padding, dilation, output_padding))
    if not all(0 <= e < max(s, d) for e, s, d in zip(extra, steps, gaps, strict=True)):
        raise ValueError(
            f"conv_transpose2d: output_padding: expected in [0, stride or dilation), got {output_padding}"
        )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(x.shape[2:], steps, pads, gaps, weight.shape[2:], extra, strict=True)
    )
    if min(size) < 1:
        raise ValueError(
            f"conv_transpose2d: padding {pads} leaves an output of size {size} for x {x.shape[2:]} "
            f"and kernel {weight.shape[2:]}"
        )
    outputs = weight.shape[1] * groups
    shapes = (x.shape[0], outputs, *size), weight.shape
    spec = geometry(
        "conv_transpose2d", ConvSpec.of, shapes, stride=steps, padding=pads, dilation=gaps, groups=groups
    )
    if spec.output_size != x.shape[2:]:  # the output padding has room for windows of its own
        spec = replace(spec, padding=tuple((p, p - e) for p, e in zip(pads, extra, strict=True)))
    y = conv2d_input(x, weight, spec=spec)
    if bias is None:
        return y
    if bias.shape != (outputs,):
        raise ValueError(f"conv_transpose2d: bias: expected shape ({outputs},), got {bias.shape}")
    return y + reshape(bias, (1, outputs, 1, 1))


def _pair(value):
    return value if isinstance(value, tuple) else (value, value)


def check_arrays(op, *, optional=("bias",), kinds="fiu", **operands) -> None:
    """Check that operands are arrays of one real dtype.

    Parameters
    ----------
    op : str
        For the message.
    optional : tuple of str
        The operands that may be left out, as None.
    kinds : str
        The kinds of dtype that the operation can work with, as NumPy's letters.
    **operands : ndarray, Tensor or None
        By name.

    Raises
    ------
    TypeError
        If one is no array, of no such kind, or the dtypes differ.

    Examples
    --------
    >>> check_arrays("conv2d", x=np.ones(1), bias=None)
    """
    dtype = None
    for name, operand in operands.items():
        array = raw(operand)
        if not isinstance(array, np.ndarray):
            if operand is None and name in optional:
                continue
            raise TypeError(f"{op}: {name}: expected an array, got {type(operand).__name__}")
        if array.dtype is dtype:
            continue
        if array.dtype.kind not in kinds:
            wanted = "floating" if kinds == "f" else "real"
            raise TypeError(f"{op}: {name}: expected a {wanted} dtype, got {array.dtype}")
        if dtype is not None and array.dtype != dtype:
            found = ", ".join(f"{n} is {raw(x).dtype}" for n, x in operands.items() if x is not None)
            raise TypeError(f"{op}: expected operands of one dtype, got: {found}")
        dtype = array.dtype


def geometry(op, of, arguments, **options):
    """Build the geometry of an operation; an error names the operation.

    Parameters
    ----------
    op : str
        For the message.
    of : callable
        `ConvSpec.of` or `PoolSpec.of`.
    arguments : tuple
        The shapes.
    **options : object
        Stride, padding and so on.

    Returns
    -------
    ConvSpec or PoolSpec

    Raises
    ------
    ValueError, TypeError
        If sizes do not fit, or an option is not made of integers and tuples.

    Examples
    --------
    >>> geometry("conv2d", ConvSpec.of, ((1, 1, 5, 5), (1, 1, 3, 3)), stride=2).output_size
    (2, 2)
    """
    try:
        return of(*arguments, **options)
    except (TypeError, ValueError) as error:
        for name, value in options.items():
            if isinstance(value, list):  # not hashable, and the cache of `of` would say no more than that
                raise TypeError(f"{op}: {name}: expected integers or tuples, got the list {value}") from None
        raise type(error)(f"{op}: {error}") from None


@primitive
def conv2d_output(x, weight, bias=None, *, spec):
    """The convolution of a validated geometry; `conv2d` is its public form.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
    weight : ndarray or Tensor, (O, C / groups, KH, KW)
    bias : ndarray or Tensor, (O,), optional
    spec : ConvSpec

    Returns
    -------
    ndarray or Tensor, (N, O, OH, OW)

    Examples
    --------
    >>> x, weight = np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2))
    >>> conv2d_output(x, weight, spec=ConvSpec.of(x.shape, weight.shape))
    array([[[[4.]]]])
    """
    return kernel.forward(x, weight, bias, spec)


@primitive
def conv2d_input(y, weight, *, spec):
    """The adjoint of the convolution in its input: a transposed convolution.

    Parameters
    ----------
    y : ndarray or Tensor, (N, O, OH, OW)
    weight : ndarray or Tensor, (O, C / groups, KH, KW)
    spec : ConvSpec
        Of the forward convolution.

    Returns
    -------
    ndarray or Tensor, (N, C, H, W)

    Examples
    --------
    >>> y, weight = np.ones((1, 1, 1, 1)), np.ones((1, 1, 2, 2))
    >>> conv2d_input(y, weight, spec=ConvSpec.of((1, 1, 2, 2), weight.shape))[0, 0]
    array([[1., 1.],
           [1., 1.]])
    """
    return kernel.input_gradient(y, weight, spec)


@primitive
def conv2d_weight(x, y, *, spec):
    """The adjoint of the convolution in its weight.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, H, W)
    y : ndarray or Tensor, (N, O, OH, OW)
    spec : ConvSpec
        Of the forward convolution.

    Returns
    -------
    ndarray or Tensor, (O, C / groups, KH, KW)

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
