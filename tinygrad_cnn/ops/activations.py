"""Activation functions, stable for every finite input.

To the softmax family minus infinity means that a choice is masked, and the others saturate there.
"""

from __future__ import annotations

import numpy as np

from .. import checks
from ..checks import one_of
from ..kernels import logistic, special, thresholds
from ..kernels import mish as mish_kernel
from ..kernels import rectifier as kernel
from ..kernels.softsign import softsign_derivative
from ..tape import in_single, primitive, raw
from ..types import Array, ArrayLike, Axes, NDArray, Operand, Out, Shape
from .elementary import exp, tanh_rule
from .elementwise import negative, times, times_derivative, where
from .indexing import getitem
from .operands import of_numbers
from .reductions import finite_max, floating, sum

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanhshrink",
]


@primitive
def relu(x: Operand[Out]) -> Out:
    """Rectified linear unit, elementwise: ``max(x, 0)``; its derivative at 0 is 0.

    Parameters
    ----------
    x : array_like
        NaN propagates forward; its gradient is 0.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return kernel.relu(np.asarray(x))


@primitive
def relu_gradient(x: Operand[Out], y: Operand[Out]) -> Out:
    """Pass ``x`` where the output ``y`` of a relu is positive, else give 0. It is its own adjoint.

    An infinite element that is not passed gives NaN.

    Examples
    --------
    >>> relu_gradient(np.array([3.0, 4.0]), np.array([0.0, 1.0]))
    array([0., 4.])
    """
    return kernel.relu_gradient(np.asarray(x), np.asarray(y))


def _relu_rule(g: Array, out: Array) -> Array:
    if g.size < thresholds.LARGE_RECTIFIER:  # a small array is done sooner by two operators
        return g * (out > 0)
    return relu_gradient(g, raw(out))


relu.defvjp(x=_relu_rule)
relu_gradient.defvjp(x=lambda g, y: relu_gradient(g, y))


@primitive
def sigmoid(x: Operand[Out]) -> Out:
    """Logistic function, elementwise: ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sigmoid(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    return logistic.sigmoid(x, 0)


@primitive
def _sigmoid_derivative(x: Operand[Out], *, order: int) -> Out:
    """The derivative of the logistic function of an order, 1 or higher."""
    return logistic.sigmoid(x, order)


def _sigmoid_rule(g: Array, x: Array, order: int = 0) -> Array:
    return times_derivative(g, _sigmoid_derivative, logistic.sigmoid, x, order + 1)


sigmoid.defvjp(x=lambda g, x: _sigmoid_rule(g, x))
_sigmoid_derivative.defvjp(x=_sigmoid_rule)


@primitive
def leaky_relu(x: Operand[Out], *, negative_slope: float = 0.01) -> Out:
    """Leaky rectified linear unit, elementwise: ``x`` where positive, else ``negative_slope * x``.

    Parameters
    ----------
    x : array_like
    negative_slope : float
        The slope below 0, and the derivative at 0.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 2.0]), negative_slope=0.1)
    array([-0.1,  2. ])
    """
    return np.where(np.greater(x, 0), x, np.multiply(x, float(negative_slope)))


leaky_relu.defvjp(x=lambda g, x, negative_slope: where(raw(x) > 0, g, float(negative_slope) * g))


@primitive
def elu(x: Operand[Out], *, alpha: float = 1.0) -> Out:
    """Exponential linear unit, elementwise: ``x`` where positive, else ``alpha * (e**x - 1)``.

    Parameters
    ----------
    x : array_like
    alpha : float
        Minus the value far below 0, and the derivative at 0.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> elu(np.array([-800.0, 2.0]))
    array([-1.,  2.])
    """
    return np.where(np.greater(x, 0), x, float(alpha) * np.expm1(np.minimum(x, 0)))


def _elu_rule(g: Array, x: Array, alpha: float) -> Array:
    above = raw(x) > 0  # there the exponential is not used and would overflow, so its operand is 0
    return times(g, where(above, 1.0, float(alpha) * exp(where(above, 0.0, x))))


elu.defvjp(x=_elu_rule)


def celu(x: Operand[Out], *, alpha: float = 1.0) -> Out:
    """Elu whose slope does not jump (Barron 2017): ``x`` where positive, else ``alpha * expm1(x / alpha)``.

    Parameters
    ----------
    x : array_like
    alpha : float
        Minus the value far below 0, above 0.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> celu(np.array([-800.0, 2.0]), alpha=0.5)
    array([-0.5,  2. ])
    """
    return _celu(x, alpha=checks.within("celu", "alpha", alpha, "(0, inf)"), order=0)


@primitive
def _celu(x: Operand[Out], *, alpha: float, order: int) -> Out:
    """The derivative of celu of an order."""
    return special.celu(x, order, alpha)


_celu.defvjp(x=lambda g, x, alpha, order: times(g, _celu(x, alpha=alpha, order=order + 1)))


@primitive
def softplus(x: Operand[Out]) -> Out:
    """Smooth relu, elementwise: ``log(1 + e**x)``, without overflow.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> softplus(np.array([-1e4, 0.0, 1e4]))
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+04])
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))  # np.logaddexp is many times slower


softplus.defvjp(x=lambda g, x: times(g, sigmoid(x)))


@of_numbers
def log_sigmoid(x: Operand[Out]) -> Out:
    """Logarithm of the logistic function, elementwise: ``-log(1 + e**-x)``, without overflow.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> log_sigmoid(np.array([-1e4, 0.0]))
    array([-1.00000000e+04, -6.93147181e-01])
    """
    return negative(softplus(negative(x)))


def silu(x: Operand[Out]) -> Out:
    """Sigmoid-weighted linear unit (swish), elementwise: ``x * sigmoid(x)``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> silu(np.array([0.0, 1.0]))
    array([0.        , 0.73105858])
    """
    return _silu(x, order=0)


@primitive
def _silu(x: Operand[Out], *, order: int) -> Out:
    """The derivative of silu of an order."""
    return logistic.silu(x, order)


_silu.defvjp(x=lambda g, x, order: times_derivative(g, _silu, logistic.silu, x, order + 1))


GELU_FORMS = ("none", "tanh")


@of_numbers
def gelu(x: Operand[Out], *, approximate: str = "none") -> Out:
    """Gaussian error linear unit, elementwise: ``x * P(Z < x)`` for a standard normal ``Z``.

    Parameters
    ----------
    x : array_like
    approximate : "none" or "tanh"
        "tanh": ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2`` (Hendrycks & Gimpel 2016).

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    ValueError
        If ``approximate`` is neither.

    Examples
    --------
    >>> gelu(np.array([0.0, 1.0]))
    array([0.        , 0.84134475])
    """
    one_of("gelu", "approximate", approximate, GELU_FORMS)
    return _gelu_tanh(x, order=0) if approximate == "tanh" else _gelu(x, order=0)


@primitive
def _gelu(x: Operand[Out], *, order: int) -> Out:
    """The derivative of gelu of an order."""
    return special.gelu(x, order)


_gelu.defvjp(x=lambda g, x, order: times_derivative(g, _gelu, special.gelu, x, order + 1))


@primitive
def _gelu_tanh(x: Operand[Out], *, order: int) -> Out:
    """The derivative of an order of the approximation of gelu by tanh."""
    return logistic.gelu_tanh(x, order)


_gelu_tanh.defvjp(x=lambda g, x, order: times_derivative(g, _gelu_tanh, logistic.gelu_tanh, x, order + 1))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@of_numbers
def selu(x: Operand[Out]) -> Out:
    """Scaled exponential linear unit, elementwise (Klambauer et al. 2017): ``scale * elu(x, alpha)``.

    Its two constants keep the mean 0 and the variance 1 of what passes through many layers.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> selu(np.array([-800.0, 1.0]))
    array([-1.75809934,  1.05070099])
    """
    return SELU_SCALE * elu(x, alpha=SELU_ALPHA)


def mish(x: Operand[Out]) -> Out:
    """Mish, elementwise (Misra 2019): ``x * tanh(softplus(x))``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> mish(np.array([0.0, 1.0]))
    array([0.        , 0.86509839])
    """
    return _mish(x, order=0)


@primitive
def _mish(x: Operand[Out], *, order: int) -> Out:
    """The derivative of mish of an order."""
    return mish_kernel.mish(x, order)


_mish.defvjp(x=lambda g, x, order: times_derivative(g, _mish, mish_kernel.mish, x, order + 1))


@primitive
def softsign(x: Operand[Out]) -> Out:
    """Softsign, elementwise: ``x / (1 + abs(x))``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> softsign(np.array([-3.0, np.inf]))
    array([-0.75,  1.  ])
    """
    x = floating(x)
    limit = np.finfo(x.dtype).max
    x = np.clip(x, -limit, limit)
    return x / (1 + np.abs(x))


@primitive
def _softsign_derivative(x: Operand[Out], *, order: int) -> Out:
    """The derivative of softsign of an order, 1 or higher."""
    return softsign_derivative(x, order)


def _softsign_rule(g: Array, x: Array, order: int = 0) -> Array:
    return times_derivative(g, _softsign_derivative, softsign_derivative, x, order + 1)


softsign.defvjp(x=lambda g, x: _softsign_rule(g, x))
_softsign_derivative.defvjp(x=_softsign_rule)


@primitive
def tanhshrink(x: Operand[Out]) -> Out:
    """What tanh takes away, elementwise: ``x - tanh(x)``, right to the last digits near 0 too.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> tanhshrink(np.array([1e-3, 2.0]))
    array([3.33333200e-10, 1.03597242e+00])
    """
    return logistic.tanhshrink(x, 0)


@primitive
def _tanh_squared(x: Operand[Out], *, order: int) -> Out:
    """The derivative of tanhshrink, ``1 - tanh'(x)``, whose own one is that of the slope of tanh."""
    return logistic.tanhshrink(x, order)


tanhshrink.defvjp(x=lambda g, x: times_derivative(g, _tanh_squared, logistic.tanhshrink, x, 1))
_tanh_squared.defvjp(x=lambda g, x, order: -tanh_rule(g, x, order))


@of_numbers
@in_single
def glu(x: NDArray | Out, axis: int = -1) -> Out:
    """Gated linear unit (Dauphin et al. 2017): the first half along an axis, times the sigmoid of the second.

    Parameters
    ----------
    x : ndarray or Tensor
    axis : int
        The axis, of an even length.

    Returns
    -------
    ndarray or Tensor
        It has half the length along the axis.

    Raises
    ------
    ValueError
        If the length is odd.

    Examples
    --------
    >>> glu(np.array([2.0, 4.0, 0.0, 800.0]))
    array([1., 4.])
    """
    shape = np.shape(raw(x))
    axis = checks.axis("glu", axis, len(shape))
    if shape[axis] % 2:
        raise ValueError(f"glu: x: expected an even length along axis {axis}, got shape {shape}")
    lead, half = (slice(None),) * axis, shape[axis] // 2
    return getitem(x, (*lead, slice(half))) * sigmoid(getitem(x, (*lead, slice(half, None))))


def _below_max(x: ArrayLike, axis: Axes) -> NDArray:
    """Return ``x`` minus its slice's maximum in a new array, so that no exponential overflows.

    A slice of minus infinities gives zeros.
    """
    x = floating(x)
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    if np.isfinite(top).all():
        return x - top
    return np.where(top == -np.inf, 0, x - finite_max(x, axis))


@primitive
@in_single
def softmax(x: Operand[Out], axis: int | Shape = -1) -> Out:
    """Softmax along an axis: ``exp(x) / sum(exp(x))``, with the maximum subtracted first.

    A slice of minus infinities, all choices masked, gives the uniform distribution.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> softmax(np.array([1e4, 1e4]))
    array([0.5, 0.5])
    """
    powers = np.exp(_below_max(x, axis))
    return powers / np.sum(powers, axis=axis, keepdims=True)


softmax.defvjp(x=in_single(lambda g, out, axis: out * (g - sum(g * out, axis, keepdims=True))))


@primitive
@in_single
def log_softmax(x: Operand[Out], axis: int | Shape = -1) -> Out:
    """Logarithm of the softmax along an axis: ``x - logsumexp(x)``, computed without overflow.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> log_softmax(np.array([1e4, 0.0]))
    array([     0., -10000.])
    """
    shifted = _below_max(x, axis)
    if shifted.size:  # the sum of an empty slice has no logarithm
        shifted -= np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))
    return shifted


log_softmax.defvjp(x=in_single(lambda g, out, axis: g - exp(out) * sum(g, axis, keepdims=True)))
