"""Elementary functions, elementwise: powers, exponentials and logarithms, trigonometry, the error function.

Where a derivative is singular, a zero cotangent stays exactly zero: see `times` in ``elementwise``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from ..kernels import special
from ..tape import astype, primitive, raw
from ..types import Array, Operand, Out
from .elementwise import over, times, where

__all__ = [
    "arctan",
    "cos",
    "cosh",
    "erf",
    "exp",
    "expm1",
    "hypot",
    "log",
    "log1p",
    "power",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "tanh",
]


@primitive(broadcasts=True)
def power(x: Operand[Out], exponent: Operand[Out]) -> Out:
    """Raise to a power elementwise: ``x ** exponent``, with broadcasting.

    The gradient to ``x`` is exact at ``x = 0`` for every constant exponent, and needs no logarithm. The
    gradient to ``exponent`` is ``out * log(x)``: NaN for a negative ``x``; at ``x = 0`` it is 0, or minus
    infinity for a negative exponent.

    Parameters
    ----------
    x, exponent : array_like
        Their shapes broadcast against each other.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> power(np.array([2.0, 3.0]), 2)
    array([4., 9.])
    """
    # the operator, unlike np.power, squares by a product
    return x**exponent if isinstance(x, np.ndarray) else np.power(x, exponent)


def _power_base_rule(g: Array, x: Array, exponent: Array) -> Array:
    is_constant = raw(exponent) is exponent  # else the rule may itself be differentiated by the exponent
    if is_constant and np.ndim(exponent) == 0 and exponent == 2:  # a square is common, and needs no power
        return g * x * exponent
    # The derivative of x**0 is 0 everywhere. The exponent 1 in place of -1 keeps x = 0 from dividing by zero.
    flat = np.equal(raw(exponent), 0)
    if not is_constant:
        flat = flat & np.equal(raw(x), 0)
    lowered = exponent - 1  # a Python scalar stays one, and so takes no part in promotion
    if np.any(flat):
        lowered = where(flat, 1, lowered) if np.ndim(flat) else 1
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = exponent * power(x, lowered)
    return times(g, slope)


def _power_exponent_rule(g: Array, x: Array, exponent: Array, out: Array) -> Array:
    zero = np.equal(raw(x), 0)
    with np.errstate(invalid="ignore"):
        slope = out * log(astype(where(zero, 1, x), out.dtype))  # else a Python scalar would make it float64
    if zero.any():
        slope = where(zero, np.where(np.less(raw(exponent), 0), -np.inf, 0).astype(out.dtype), slope)
    return times(g, slope)


power.defvjp(x=_power_base_rule, exponent=_power_exponent_rule)


def _times_slope(g: Array, slope: Callable[[Array], Array], x: Array) -> Array:
    """Return ``times(g, slope(x))`` without warnings, since the forward value has already warned."""
    with np.errstate(over="ignore", invalid="ignore"):
        return times(g, slope(x))


@primitive
def exp(x: Operand[Out]) -> Out:
    """Exponential, elementwise: ``e**x``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> exp(np.array([0.0, 1.0]))
    array([1.        , 2.71828183])
    """
    return np.exp(x)


exp.defvjp(x=lambda g, out: times(g, out))


@primitive
def log(x: Operand[Out]) -> Out:
    """Natural logarithm, elementwise.

    Parameters
    ----------
    x : array_like
        Positive numbers; 0 gives ``-inf`` and one below gives NaN, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> log(np.array([1.0, np.e]))
    array([0., 1.])
    """
    return np.log(x)


log.defvjp(x=lambda g, x: over(g, x))


@primitive
def sqrt(x: Operand[Out]) -> Out:
    """Square root, elementwise; its derivative at 0 is infinite (0 for a zero cotangent).

    Parameters
    ----------
    x : array_like
        Numbers not below 0; others give NaN, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sqrt(np.array([4.0, 9.0]))
    array([2., 3.])
    """
    return np.sqrt(x)


sqrt.defvjp(x=lambda g, out: over(0.5 * g, out))


@primitive
def sin(x: Operand[Out]) -> Out:
    """Sine, elementwise.

    Parameters
    ----------
    x : array_like
        Angles in radians.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sin(np.array([0.0, np.pi / 2]))
    array([0., 1.])
    """
    return np.sin(x)


@primitive
def cos(x: Operand[Out]) -> Out:
    """Cosine, elementwise.

    Parameters
    ----------
    x : array_like
        Angles in radians.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> cos(np.array([0.0]))
    array([1.])
    """
    return np.cos(x)


sin.defvjp(x=lambda g, x: _times_slope(g, cos, x))
cos.defvjp(x=lambda g, x: -_times_slope(g, sin, x))


@primitive
def tanh(x: Operand[Out]) -> Out:
    """Hyperbolic tangent, elementwise.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> tanh(np.array([0.0, 100.0]))
    array([0., 1.])
    """
    return np.tanh(x)


# 1 - y**2 is written in factors: where y rounds to 1, its own derivative does not vanish as well.
tanh.defvjp(x=lambda g, out: ((1 - out) * (1 + out)) * g)


@primitive
def log1p(x: Operand[Out]) -> Out:
    """``log(1 + x)``, elementwise, accurate for a small ``x``.

    Parameters
    ----------
    x : array_like
        Numbers above -1.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> log1p(np.array([0.0, 1e-20]))
    array([0.e+00, 1.e-20])
    """
    return np.log1p(x)


log1p.defvjp(x=lambda g, x: over(g, 1 + x))


@primitive
def expm1(x: Operand[Out]) -> Out:
    """``e**x - 1``, elementwise, accurate for a small ``x``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> expm1(np.array([0.0, 1e-20]))
    array([0.e+00, 1.e-20])
    """
    return np.expm1(x)


expm1.defvjp(x=lambda g, x: _times_slope(g, exp, x))  # out + 1 would round away what expm1 keeps


@primitive
def sinh(x: Operand[Out]) -> Out:
    """Hyperbolic sine, elementwise.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sinh(np.array([0.0]))
    array([0.])
    """
    return np.sinh(x)


@primitive
def cosh(x: Operand[Out]) -> Out:
    """Hyperbolic cosine, elementwise.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> cosh(np.array([0.0]))
    array([1.])
    """
    return np.cosh(x)


sinh.defvjp(x=lambda g, x: _times_slope(g, cosh, x))
cosh.defvjp(x=lambda g, x: _times_slope(g, sinh, x))


@primitive
def arctan(x: Operand[Out]) -> Out:
    """Inverse tangent, elementwise, in radians.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> arctan(np.array([0.0, 1.0]))
    array([0.        , 0.78539816])
    """
    return np.arctan(x)


arctan.defvjp(x=lambda g, x: g / (1 + x * x))


@primitive(broadcasts=True)
def hypot(a: Operand[Out], b: Operand[Out]) -> Out:
    """Length of a vector of two components: ``sqrt(a**2 + b**2)``, elementwise, with broadcasting.

    Neither overflows nor underflows where the result does not. Its gradient at (0, 0) is 0.

    Parameters
    ----------
    a, b : array_like
        Their shapes broadcast against each other.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> hypot(np.array([3.0, 0.0]), np.array([4.0, 0.0]))
    array([5., 0.])
    """
    return np.hypot(a, b)


def _hypot_rule(g: Array, component: Array, out: Array) -> Array:
    """Return ``g * component / out``, and 0 where the length is 0: the subgradient of smallest norm."""
    with np.errstate(invalid="ignore"):
        return times(g, component / where(raw(out) == 0, 1.0, out))


hypot.defvjp(
    a=lambda g, a, out: _hypot_rule(g, a, out),
    b=lambda g, b, out: _hypot_rule(g, b, out),
)


# --- sinc and erf, which NumPy lacks in part --------------------------------------------------------------


def sinc(x: Operand[Out]) -> Out:
    """Normalised sinc, elementwise: ``sin(pi x) / (pi x)``, 1 at 0; every derivative is exact at 0.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sinc(np.array([0.0, 0.5]))
    array([1.        , 0.63661977])
    """
    return _sinc(x, order=0)


@primitive
def _sinc(x: Operand[Out], *, order: int) -> Out:
    """The derivative of sinc of an order."""
    return special.sinc(np.asarray(x), order)


def _sinc_rule(g: Array, x: Array, order: int) -> Array:
    return _times_slope(g, functools.partial(_sinc, order=order + 1), x)


_sinc.defvjp(x=_sinc_rule)


@primitive
def erf(x: Operand[Out]) -> Out:
    """Error function, elementwise: ``2 / sqrt(pi) * ∫ exp(-t**2) dt`` over ``0 < t < x``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor
        Its relative error is 1e-14 in float64.

    Examples
    --------
    >>> erf(np.array([0.0, 1.0]))
    array([0.        , 0.84270079])
    """
    return special.erf(np.asarray(x))


erf.defvjp(x=lambda g, x: _times_slope(g, lambda x: 2 / math.sqrt(math.pi) * exp(-x * x), x))
