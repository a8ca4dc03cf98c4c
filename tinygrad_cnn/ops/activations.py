"""Activation functions, stable for every finite input and for minus infinity."""

import numpy as np

from ..tape import primitive
from .elementwise import exp
from .reductions import finite_max, sum

__all__ = ["log_softmax", "relu", "sigmoid", "softmax"]


@primitive
def relu(x):
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
    return np.maximum(x, 0)


relu.defvjp(x=lambda g, out: g * (out > 0))


@primitive
def sigmoid(x):
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
    small = np.exp(-np.abs(x))  # never overflows
    return np.where(np.less(x, 0), small, 1) / (1 + small)


sigmoid.defvjp(x=lambda g, out: g * (out * (1 - out)))


def _below_max(x, axis):
    """``x`` minus its slice's maximum: no exponential overflows. A slice of minus infinities gives zeros."""
    x = np.asarray(x)
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    if np.isfinite(top).all():
        return x - top
    return np.where(top == -np.inf, 0, x - finite_max(x, axis))


@primitive
def softmax(x, axis=-1):
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


softmax.defvjp(x=lambda g, out, axis: out * (g - sum(g * out, axis, keepdims=True)))


@primitive
def log_softmax(x, axis=-1):
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
    with np.errstate(divide="ignore"):  # the sum of an empty slice is 0: no element is there to see its log
        return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


log_softmax.defvjp(x=lambda g, out, axis: g - exp(out) * sum(g, axis, keepdims=True))
