"""Elementary functions, elementwise: powers, exponentials and logarithms, trigonometry, the error function.

Where a derivative is singular, a zero cotangent stays exactly zero: see `times` in ``elementwise``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from ..kernels import angle, logistic, powers, special
from ..kernels import sinc as sinc_kernel
from ..kernels.trigonometry import arctan_derivative
from ..tape import Box, in_single, primitive, raw
from ..types import Array, Operand, Out
from .elementwise import over, times, times_derivative

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


@primitive(broadcasts=True)
def _power_derivative(x: Operand[Out], exponent: Operand[Out], *, by_base: int, by_exponent: int) -> Out:
    """The derivative of a power by its operands, each of an order."""
    return _wide_power_derivative(np.asarray(x), exponent, by_base, by_exponent)


_wide_power_derivative = in_single(powers.power_derivative)


def _power_base_rule(g: Array, x: Array, exponent: Array, by_base: int = 0, by_exponent: int = 0) -> Array:
    return times(g, _power_derivative(x, exponent, by_base=by_base + 1, by_exponent=by_exponent))


def _power_exponent_rule(
    g: Array, x: Array, exponent: Array, by_base: int = 0, by_exponent: int = 0
) -> Array:
    return times(g, _power_derivative(x, exponent, by_base=by_base, by_exponent=by_exponent + 1))


def _power_rule(g: Array, x: Array, exponent: Array) -> Array:
    is_two = raw(exponent) is exponent and np.ndim(exponent) == 0 and exponent == 2
    if is_two:  # a square is common, and needs no power
        return times(g, exponent * x)
    return _power_base_rule(g, x, exponent)


def _exponent_rule(g: Array, x: Array, exponent: Array, out: Array) -> Array:
    if isinstance(out, Box):  # the derivative is recorded, so it is a primitive with rules of its own
        return _power_exponent_rule(g, x, exponent)
    return times(g, _wide_power_derivative(np.asarray(x), exponent, 0, 1, power=out))


power.defvjp(x=_power_rule, exponent=_exponent_rule)
_power_derivative.defvjp(x=_power_base_rule, exponent=_power_exponent_rule)


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


@primitive
def _sqrt_slope(x: Operand[Out]) -> Out:
    """The derivative of the square root."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.5 / np.sqrt(x)


def _sqrt_rule(g: Array, x: Array, out: Array) -> Array:
    if isinstance(g, Box) or isinstance(x, Box):  # by way of `out` its rounding error would count three times
        return times(g, _sqrt_slope(x))
    return over(0.5 * g, out)


sqrt.defvjp(x=_sqrt_rule)
_sqrt_slope.defvjp(x=lambda g, x, out: -over(times(g, out), 2 * x))


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


@primitive
def _tanh_derivative(x: Operand[Out], *, order: int) -> Out:
    """The derivative of tanh of an order, 1 or higher."""
    return logistic.tanh_derivative(x, order)


def tanh_rule(g: Array, x: Array, order: int = 0) -> Array:
    """Multiply by the derivative of the derivative of tanh of an order."""
    return times_derivative(g, _tanh_derivative, logistic.tanh_derivative, x, order + 1)


tanh.defvjp(x=lambda g, x: tanh_rule(g, x))  # an output that has rounded to 1 could tell nothing
_tanh_derivative.defvjp(x=tanh_rule)


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


@primitive
def _arctan_derivative(x: Operand[Out], *, order: int) -> Out:
    """The derivative of the inverse tangent of an order, 1 or higher."""
    return arctan_derivative(x, order)


def _arctan_rule(g: Array, x: Array, order: int = 0) -> Array:
    return times_derivative(g, _arctan_derivative, arctan_derivative, x, order + 1)


arctan.defvjp(x=lambda g, x: _arctan_rule(g, x))
_arctan_derivative.defvjp(x=_arctan_rule)


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


@primitive(broadcasts=True)
def _cosine(a: Operand[Out], b: Operand[Out]) -> Out:
    """``a / hypot(a, b)``; 0 at the origin: the subgradient of smallest norm."""
    with np.errstate(over="ignore"):
        return angle.cosine(a, b, np.hypot(a, b))


def _cosine_rule(g: Array, a: Array, b: Array, *, of_a: bool) -> Array:
    """Return ``g * b * b / length**3``, or ``-g * a * b / length**3``."""
    if raw(a) is a and raw(b) is b:
        return times(g, angle.length_curvature(a, b, of_a=of_a))
    with np.errstate(all="ignore"):  # sides are divided before they can overflow
        length = hypot(a, b)
        return times(g, _cosine(b, a) / length * (b / length if of_a else -a / length))


_cosine.defvjp(
    a=lambda g, a, b: _cosine_rule(g, a, b, of_a=True),
    b=lambda g, a, b: _cosine_rule(g, a, b, of_a=False),
)


def _hypot_rule(g: Array, side: Array, other: Array, out: Array) -> Array:
    if raw(out) is out:  # nothing is recorded, so the length need not be computed again
        return times(g, angle.cosine(side, other, out))
    return times(g, _cosine(side, other))


hypot.defvjp(
    a=lambda g, a, b, out: _hypot_rule(g, a, b, out),
    b=lambda g, a, b, out: _hypot_rule(g, b, a, out),
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
    return sinc_kernel.sinc(x, order)


def _sinc_rule(g: Array, x: Array, out: Array, order: int) -> Array:
    if (
        order == 0 and not isinstance(out, Box) and not isinstance(g, Box)
    ):  # nothing is recorded, and the value saves a sine
        return sinc_kernel.sinc(x, 1, out, factor=g)
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

    Examples
    --------
    >>> erf(np.array([0.0, 1.0]))
    array([0.        , 0.84270079])
    """
    return special.erf(x, 0)


@primitive
def _erf_derivative(x: Operand[Out], *, order: int) -> Out:
    """The derivative of the error function of an order, 1 or higher."""
    return special.erf(x, order)


def _erf_rule(g: Array, x: Array, order: int = 0) -> Array:
    return times_derivative(g, _erf_derivative, special.erf, x, order + 1)


erf.defvjp(x=lambda g, x: _erf_rule(g, x))
_erf_derivative.defvjp(x=_erf_rule)
