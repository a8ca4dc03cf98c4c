"""Convolution: three primitives, each the derivative of another.

A convolution is a trilinear form in input, weight and output cotangent. Fixing two of them and solving for
the third gives `conv2d_output`, `conv2d_input` and `conv2d_weight`; the six gradient rules are again these
three, so every order of derivative comes for free, and no other convolution calculus exists.
"""

import numpy as np

from ..kernels import conv as kernel
from ..kernels.geometry import ConvSpec
from ..tape import primitive, raw
from .reductions import sum

__all__ = ["conv2d", "conv2d_input", "conv2d_output", "conv2d_weight"]


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


def check_arrays(op, *, optional=("bias",), **operands):
    """Check that operands are arrays of one dtype.

    Parameters
    ----------
    op : str
        For the message.
    optional : tuple of str
        The operands that may be left out, as None.
    **operands : ndarray, Tensor or None
        By name.

    Raises
    ------
    TypeError
        If one is no array, or the dtypes differ.

    Examples
    --------
    >>> check_arrays("conv2d", x=np.ones(1), bias=None)
    """
    dtype = None
    for name, operand in operands.items():
        if operand is None and name in optional:
            continue
        array = raw(operand)
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{op}: {name}: expected an array, got {type(operand).__name__}")
        if array.dtype is not dtype and dtype is not None and array.dtype != dtype:
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
