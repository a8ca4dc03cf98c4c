"""Activations made of straight lines and parabolas, and those with a threshold.

At a kink the derivative is that of the piece whose slope is nearest to zero, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import checks
from ..tape import add, primitive, raw
from ..types import Array, Operand, Out
from .elementwise import clip, multiply, subtract, times, where
from .operands import of_numbers
from .shaping import reshape

__all__ = [
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "prelu",
    "relu6",
    "softshrink",
    "threshold",
]


@of_numbers
def hardtanh(x: Operand[Out], *, min_val: float = -1.0, max_val: float = 1.0) -> Out:
    """Limit to an interval, elementwise; unlike that of `clip`, the derivative at the bounds is 0.

    Parameters
    ----------
    x : array_like
    min_val, max_val : float
        The bounds.

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    ValueError
        If the lower bound is not below the upper one.

    Examples
    --------
    >>> hardtanh(np.array([-2.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    """
    low = checks.within("hardtanh", "min_val", min_val, "[-inf, inf]")
    high = checks.within("hardtanh", "max_val", max_val, "[-inf, inf]")
    if not low < high:
        raise ValueError(f"hardtanh: expected min_val below max_val, got {min_val} and {max_val}")
    return _limited(x, low=low, high=high)


@primitive
def _limited(x: Operand[Out], *, low: float, high: float) -> Out:
    return np.clip(x, low, high)


_limited.defvjp(x=lambda g, x, low, high: g * ((raw(x) > low) & (raw(x) < high)))


@of_numbers
def relu6(x: Operand[Out]) -> Out:
    """Rectified linear unit that ends at 6, elementwise: ``min(max(x, 0), 6)``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> relu6(np.array([-1.0, 2.0, 8.0]))
    array([0., 2., 6.])
    """
    return _limited(x, low=0.0, high=6.0)


@of_numbers
def hardsigmoid(x: Operand[Out]) -> Out:
    """Sigmoid of straight lines, elementwise: ``relu6(x + 3) / 6``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> hardsigmoid(np.array([-4.0, 0.0, 1.5]))
    array([0.  , 0.5 , 0.75])
    """
    return relu6(add(x, 3.0)) / 6.0


@primitive
def hardswish(x: Operand[Out]) -> Out:
    """Silu of a line and a parabola, elementwise (Howard et al. 2019): ``x * relu6(x + 3) / 6``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> hardswish(np.array([-4.0, 1.0, 4.0]))
    array([-0.        ,  0.66666667,  4.        ])
    """
    x = np.asarray(x)
    return np.maximum(x, -3) * (np.clip(x + 3.0, 0, 6) / 6)


def _hardswish_rule(g: Array, x: Array) -> Array:
    is_curved = (raw(x) > -3) & (raw(x) < 3)
    slope = (2 * where(is_curved, x, 1.5) + 3) / 6  # 1 beside the parabola, and 0 below it
    return times(where(raw(x) > -3, g, 0.0), slope)


hardswish.defvjp(x=_hardswish_rule)


@of_numbers
def hardshrink(x: Operand[Out], *, lambd: float = 0.5) -> Out:
    """Set what is small to 0, elementwise: ``x`` where ``abs(x) > lambd``, else 0.

    Parameters
    ----------
    x : array_like
    lambd : float
        The greatest size of what is set to 0, not below 0.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> hardshrink(np.array([-1.0, 0.5, 2.0]))
    array([-1.,  0.,  2.])
    """
    lambd = checks.within("hardshrink", "lambd", lambd, "[0, inf]")
    return where(np.abs(raw(x)) <= lambd, 0.0, x)


@of_numbers
def softshrink(x: Operand[Out], *, lambd: float = 0.5) -> Out:
    """Move towards 0 by ``lambd``, elementwise: ``x - clip(x, -lambd, lambd)``.

    Parameters
    ----------
    x : array_like
    lambd : float
        The distance, not below 0.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> softshrink(np.array([-1.0, 0.5, 2.0]))
    array([-0.5,  0. ,  1.5])
    """
    lambd = checks.within("softshrink", "lambd", lambd, "[0, inf)")
    return subtract(x, clip(x, -lambd, lambd))


@of_numbers
def threshold(x: Operand[Out], threshold: float, value: float) -> Out:
    """Replace what is not above a threshold, elementwise: ``x`` where ``x > threshold``, else ``value``.

    Parameters
    ----------
    x : array_like
    threshold, value : float
        The threshold, and what stands instead.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> threshold(np.array([-1.0, 0.5, 2.0]), 0.5, 9.0)
    array([9., 9., 2.])
    """
    threshold = checks.within("threshold", "threshold", threshold, "[-inf, inf]")
    value = checks.within("threshold", "value", value, "[-inf, inf]")
    return where(np.less_equal(raw(x), threshold), value, x)


@of_numbers
def prelu(x: Operand[Out], weight: Operand[Any]) -> Out:
    """Rectified linear unit with a slope below 0 that is learnt: ``x`` where positive, else ``weight * x``.

    Parameters
    ----------
    x : array_like, (N, C, ...)
    weight : array_like, (1,) or (C,)
        One slope, for ``x`` of any shape, or one for each channel. It is also the derivative at 0.

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    ValueError
        If there are neither one nor C weights.

    Examples
    --------
    >>> prelu(np.array([[-2.0, -2.0]]), np.array([0.5, 1.0]))
    array([[-1., -2.]])
    """
    shape, slopes = np.shape(raw(x)), np.shape(raw(weight))
    if slopes in ((), (1,)):
        weight = reshape(weight, ())  # which keeps the shape of a number
    elif slopes == shape[1:2]:
        weight = reshape(weight, (1, -1, *(1 for _ in shape[2:])))
    else:
        raise ValueError(
            f"prelu: weight: expected shape (1,), or a slope for each channel of x {shape}, got {slopes}"
        )
    return where(np.greater(raw(x), 0), x, multiply(x, weight))
