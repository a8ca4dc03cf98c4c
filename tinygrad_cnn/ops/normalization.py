"""Normalisation by statistics of the data itself.

Batch normalisation is a primitive, because its composition from means and products costs more than twice as
much. With ``r = 1 / sqrt(var + eps)`` and ``x^ = (x - mean) * r`` per channel:

- `batch_norm` is ``weight * x^ + bias``;
- `batch_norm_weight`, its adjoint in the weight, is ``sum(y * x^)``;
- `batch_norm_input`, its adjoint in ``x``, is ``weight * Q(y)``, where
  ``Q(y) = r * (y - mean(y) - x^ * mean(y * x^))`` (Ioffe & Szegedy 2015, section 3). It is linear and
  self-adjoint in ``y``.

The rules of the latter two are these three again, and one composition.
"""

from __future__ import annotations

import math

import numpy as np

from .. import checks
from ..kernels import normalization as kernel
from ..tape import constant_for, in_single, primitive
from ..types import Array, NDArray, Out, Shape
from .conv import check_arrays
from .elementary import sqrt
from .reductions import mean, sum, var
from .shaping import reshape

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm"]

AFFINE = ("weight", "bias")


def batch_norm(
    x: NDArray | Out,
    weight: NDArray | Out | None = None,
    bias: NDArray | Out | None = None,
    *,
    eps: float = 1e-5,
) -> Out:
    """Normalise each channel by its mean and variance over the batch and space, then scale and shift.

    ``y = weight * (x - mean) / sqrt(var + eps) + bias``, with the biased variance, in two passes.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, ...)
        The samples, of a floating dtype.
    weight, bias : ndarray or Tensor, (C,), optional
        The scale and the shift of each channel, of the dtype of ``x``; by default 1 and 0.
    eps : float
        What is added to the variance, inside the root.

    Returns
    -------
    ndarray or Tensor, (N, C, ...)

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> batch_norm(np.array([[1.0], [3.0]]), np.array([2.0]), np.array([5.0]), eps=0.0)
    array([[3.],
           [7.]])
    """
    check_arrays("batch_norm", kinds="f", optional=AFFINE, x=x, weight=weight, bias=bias)
    if x.ndim < 2:
        raise ValueError(f"batch_norm: x: expected shape (N, C, ...), got {x.shape}")
    weight, bias = _affine("batch_norm", x, weight, bias)
    return _batch_norm(x, weight, bias, eps=eps)


@primitive
def _batch_norm(
    x: NDArray | Out,
    weight: NDArray | Out,
    bias: NDArray | Out,
    *,
    eps: float,
) -> Out:
    return kernel.batch_norm(x, weight, bias, eps)


@primitive
def batch_norm_input(
    y: NDArray | Out,  # (N, C, ...)
    x: NDArray | Out,  # (N, C, ...)
    weight: NDArray | Out,  # (C,)
    *,
    eps: float,
) -> Out:
    """The adjoint of batch normalisation in its input: ``weight * Q(y)``, see the module.

    Examples
    --------
    >>> x, y = np.array([[1.0], [3.0]]), np.array([[1.0], [5.0]])
    >>> batch_norm_input(y, x, np.ones(1), eps=0.0)  # two samples are always normalised to -1 and 1
    array([[0.],
           [0.]])
    """
    return kernel.batch_norm_input_gradient(y, x, weight, eps)


@primitive
def batch_norm_weight(
    y: NDArray | Out,  # (N, C, ...)
    x: NDArray | Out,  # (N, C, ...)
    *,
    eps: float,
) -> Out:
    """The adjoint of batch normalisation in its weight: ``sum(y * x^)`` per channel, see the module.

    Examples
    --------
    >>> batch_norm_weight(np.array([[1.0], [5.0]]), np.array([[1.0], [3.0]]), eps=0.0)
    array([4.])
    """
    return kernel.batch_norm_weight_gradient(y, x, eps)


def _axes(x: Array) -> tuple[int, ...]:
    """Return all axes but the channel's."""
    return (0, *range(2, x.ndim))


def _standardised(x: Array, eps: float, weight: Array = None) -> Array:
    """Return ``x`` with mean 0 and variance 1 in each channel, times ``weight`` if there is one."""
    zeros = constant_for(x, np.zeros, x.shape[1], x.dtype)
    return _batch_norm(x, _ones(x) if weight is None else weight, zeros, eps=eps)


def _ones(x: Array) -> NDArray:
    """Return a scale of each channel that changes nothing."""
    ones: NDArray = constant_for(x, np.ones, x.shape[1], x.dtype)
    return ones


@in_single
def _input_rule_of_x(g: Array, y: Array, x: Array, weight: Array, eps: float) -> Array:
    """Return ``-weight * r * (x^ mean(g Q(y)) + Q(g) mean(y x^) + Q(y) mean(g x^))``.

    It follows from ``<g, Q(y)>`` written out, with ``dr/dx = -r**2 x^ / n`` and ``d<g, x^>/dx = Q(g)``.
    """
    axes = _axes(x)
    if 0 in x.shape:
        return g  # it is as empty as x, and the mean of nothing would warn

    def channel_mean(a: Array) -> Array:
        return mean(a, axes, keepdims=True)

    ones = _ones(x)
    hat = _standardised(x, eps)
    q_g, q_y = (batch_norm_input(a, x, ones, eps=eps) for a in (g, y))
    scale = reshape(weight, (1, -1) + (1,) * (x.ndim - 2)) / sqrt(var(x, axes, keepdims=True) + eps)
    return -scale * (hat * channel_mean(g * q_y) + q_g * channel_mean(y * hat) + q_y * channel_mean(g * hat))


@in_single
def _input_rule_of_weight(g: Array, y: Array, x: Array, eps: float) -> Array:
    """Return ``sum(g * Q(y))`` per channel."""
    return sum(g * batch_norm_input(y, x, _ones(x), eps=eps), _axes(x))


_batch_norm.defvjp(
    x=lambda g, x, weight, eps: batch_norm_input(g, x, weight, eps=eps),
    weight=lambda g, x, eps: batch_norm_weight(g, x, eps=eps),
    bias=lambda g: sum(g, _axes(g)),
)
batch_norm_input.defvjp(
    y=lambda g, x, weight, eps: batch_norm_input(g, x, weight, eps=eps),
    x=_input_rule_of_x,
    weight=_input_rule_of_weight,
)
batch_norm_weight.defvjp(
    y=lambda g, x, eps: _standardised(x, eps, weight=g),
    x=lambda g, y, x, eps: batch_norm_input(y, x, g, eps=eps),
)


def layer_norm(
    x: NDArray | Out,
    weight: NDArray | Out | None = None,
    bias: NDArray | Out | None = None,
    *,
    eps: float = 1e-5,
) -> Out:
    """Normalise each sample over the last axes, then scale and shift (Ba, Kiros & Hinton 2016).

    Parameters
    ----------
    x : ndarray or Tensor, (..., S)
        The samples, of a floating dtype.
    weight, bias : ndarray or Tensor, S, optional
        The scale and the shift of each element, of the dtype of ``x``; by default 1 and 0. Their shape says
        how many of the last axes are normalised; without both it is the last one.
    eps : float
        What is added to the variance, inside the root.

    Returns
    -------
    ndarray or Tensor, (..., S)

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> layer_norm(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), eps=0.0)
    array([[-1.,  1.]])
    """
    check_arrays("layer_norm", kinds="f", optional=AFFINE, x=x, weight=weight, bias=bias)
    shape = next((given.shape for given in (weight, bias) if given is not None), x.shape[-1:])
    weight, bias = _filled(x, weight, bias, shape)
    if not shape or x.shape[-len(shape) :] != shape or bias.shape != shape:
        raise ValueError(
            f"layer_norm: expected weight and bias of the shape of the last axes of x {x.shape}, "
            f"got {weight.shape} and {bias.shape}"
        )
    samples = math.prod(x.shape[: x.ndim - len(shape)])
    return _rescaled(x, weight, bias, (1, samples, math.prod(shape)), eps)


def group_norm(
    x: NDArray | Out,
    groups: int,
    weight: NDArray | Out | None = None,
    bias: NDArray | Out | None = None,
    *,
    eps: float = 1e-5,
) -> Out:
    """Normalise groups of channels of each sample over space, then scale and shift (Wu & He 2018).

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, ...)
        The samples, of a floating dtype.
    groups : int
        The number of groups, which divides C.
    weight, bias : ndarray or Tensor, (C,), optional
        The scale and the shift of each channel, of the dtype of ``x``; by default 1 and 0.
    eps : float
        What is added to the variance, inside the root.

    Returns
    -------
    ndarray or Tensor, (N, C, ...)

    Raises
    ------
    ValueError
        If shapes do not fit or ``groups`` does not divide the channels.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> group_norm(np.array([[[1.0], [3.0]]]), 1, np.ones(2), np.zeros(2), eps=0.0)
    array([[[-1.],
            [ 1.]]])
    """
    check_arrays("group_norm", kinds="f", optional=AFFINE, x=x, weight=weight, bias=bias)
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise ValueError(
            f"group_norm: x: expected (N, C, ...) with C a multiple of groups={groups}, got {x.shape}"
        )
    channels = x.shape[1]
    weight, bias = _affine("group_norm", x, weight, bias)
    per_group = channels // groups * math.prod(x.shape[2:])
    aligned = (1, channels) + (1,) * (x.ndim - 2)
    rows = (1, x.shape[0] * groups, per_group)
    return _rescaled(x, reshape(weight, aligned), reshape(bias, aligned), rows, eps)


def instance_norm(
    x: NDArray | Out,
    weight: NDArray | Out | None = None,
    bias: NDArray | Out | None = None,
    *,
    eps: float = 1e-5,
) -> Out:
    """Normalise each channel of each sample over space, then scale and shift (Ulyanov et al. 2016).

    It is `group_norm` with as many groups as channels.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, ...)
        The samples, of a floating dtype.
    weight, bias : ndarray or Tensor, (C,), optional
        The scale and the shift of each channel, of the dtype of ``x``; by default 1 and 0.
    eps : float
        What is added to the variance, inside the root.

    Returns
    -------
    ndarray or Tensor, (N, C, ...)

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If dtypes differ.

    Examples
    --------
    >>> instance_norm(np.array([[[1.0, 3.0]]]), eps=0.0)
    array([[[-1.,  1.]]])
    """
    check_arrays("instance_norm", kinds="f", optional=AFFINE, x=x, weight=weight, bias=bias)
    if x.ndim < 3:
        raise ValueError(f"instance_norm: x: expected shape (N, C, ...) with axes in space, got {x.shape}")
    n, channels, *space = x.shape
    weight, bias = _affine("instance_norm", x, weight, bias)
    aligned = (1, channels) + (1,) * len(space)
    rows = (1, n * channels, math.prod(space))
    return _rescaled(x, reshape(weight, aligned), reshape(bias, aligned), rows, eps)


def _affine(op: str, x: Array, weight: Array | None, bias: Array | None) -> tuple[Array, Array]:
    """Check the scale and the shift of the channels, and fill in what is not given."""
    for name, given in (("weight", weight), ("bias", bias)):
        if given is not None:
            checks.shape(op, name, given.shape, x.shape[1:2])
    return _filled(x, weight, bias, x.shape[1:2])


def _filled(x: Array, weight: Array | None, bias: Array | None, shape: Shape) -> tuple[Array, Array]:
    return (
        constant_for(x, np.ones, shape, x.dtype) if weight is None else weight,
        constant_for(x, np.zeros, shape, x.dtype) if bias is None else bias,
    )


@in_single
def _rescaled(x: Array, weight: Array, bias: Array, rows: tuple[int, int, int], eps: float) -> Array:
    """Standardise over the last axis of rows (1, M, D), as a batch of M channels; then scale and shift."""
    return reshape(_standardised(reshape(x, rows), eps), x.shape) * weight + bias
