"""Angles, elementwise: the tangent, the inverse trigonometric and hyperbolic functions, degrees and radians.

A slope is computed so that nothing cancels, near the ends of a domain and far out alike, and so is the slope
of that slope.
"""

from __future__ import annotations

import numpy as np

from ..kernels.angle import angle_derivative
from ..kernels.trigonometry import arcsinh_derivative, power_of_one_minus_square, tan_derivative
from ..tape import in_single, primitive
from ..types import Array, Operand, Out
from .elementwise import multiply, over, times, times_derivative

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan2",
    "arctanh",
    "deg2rad",
    "rad2deg",
    "tan",
]


@primitive
def tan(x: Operand[Out]) -> Out:
    """Tangent, elementwise.

    Parameters
    ----------
    x : array_like
        Angles in radians.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> tan(np.array([0.0, np.pi / 4]))
    array([0., 1.])
    """
    return np.tan(x)


@primitive
def _tan_derivative(x: Operand[Out], *, order: int) -> Out:
    """The derivative of the tangent of an order, 1 or higher."""
    return tan_derivative(x, order)


def _tan_rule(g: Array, x: Array, order: int = 0) -> Array:
    return times_derivative(g, _tan_derivative, tan_derivative, x, order + 1)


tan.defvjp(x=lambda g, x: _tan_rule(g, x))
_tan_derivative.defvjp(x=_tan_rule)


@primitive
def arcsin(x: Operand[Out]) -> Out:
    """Inverse sine, elementwise, in radians; its derivative at -1 and 1 is infinite.

    Parameters
    ----------
    x : array_like
        Numbers in ``[-1, 1]``; others give NaN, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor
        It lies in ``[-pi/2, pi/2]``.

    Examples
    --------
    >>> arcsin(np.array([0.0, 1.0]))
    array([0.        , 1.57079633])
    """
    return np.arcsin(x)


@primitive
def arccos(x: Operand[Out]) -> Out:
    """Inverse cosine, elementwise, in radians; its derivative at -1 and 1 is minus infinity.

    Parameters
    ----------
    x : array_like
        Numbers in ``[-1, 1]``; others give NaN, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor
        It lies in ``[0, pi]``.

    Examples
    --------
    >>> arccos(np.array([0.0, 1.0]))
    array([1.57079633, 0.        ])
    """
    return np.arccos(x)


@primitive
def _power_of_one_minus_square(x: Operand[Out], *, order: int) -> Out:
    """``(1 - x**2) ** (-order / 2)``."""
    return power_of_one_minus_square(x, order)


_power_of_one_minus_square.defvjp(
    x=lambda g, x, order: times(g, order * multiply(x, _power_of_one_minus_square(x, order=order + 2)))
)


def _arcsin_rule(g: Array, x: Array, order: int = 1) -> Array:
    return times_derivative(g, _power_of_one_minus_square, power_of_one_minus_square, x, order)


arcsin.defvjp(x=lambda g, x: _arcsin_rule(g, x))
arccos.defvjp(x=lambda g, x: -_arcsin_rule(g, x))


@primitive(broadcasts=True)
def arctan2(y: Operand[Out], x: Operand[Out]) -> Out:
    """The angle of the point ``(x, y)`` seen from the origin, elementwise, in radians, with broadcasting.

    The gradient at the origin, where there is no angle, is 0.

    Parameters
    ----------
    y, x : array_like
        Their shapes broadcast against each other.

    Returns
    -------
    ndarray or Tensor
        It has the broadcast shape and the promoted dtype, and lies in ``[-pi, pi]``.

    Examples
    --------
    >>> arctan2(np.array([1.0, 0.0]), np.array([0.0, -1.0]))
    array([1.57079633, 3.14159265])
    """
    return np.arctan2(y, x)


@primitive(broadcasts=True)
def _arctan2_derivative(y: Operand[Out], x: Operand[Out], *, by_y: int, by_x: int) -> Out:
    """The derivative of the angle by its operands, each of an order."""
    return _wide_angle_derivative(y, x, by_y, by_x)


_wide_angle_derivative = in_single(angle_derivative)


def _arctan2_rule_of_y(g: Array, y: Array, x: Array, by_y: int = 0, by_x: int = 0) -> Array:
    return times(g, _arctan2_derivative(y, x, by_y=by_y + 1, by_x=by_x))


def _arctan2_rule_of_x(g: Array, y: Array, x: Array, by_y: int = 0, by_x: int = 0) -> Array:
    return times(g, _arctan2_derivative(y, x, by_y=by_y, by_x=by_x + 1))


arctan2.defvjp(
    y=lambda g, y, x: _arctan2_rule_of_y(g, y, x),
    x=lambda g, y, x: _arctan2_rule_of_x(g, y, x),
)
_arctan2_derivative.defvjp(y=_arctan2_rule_of_y, x=_arctan2_rule_of_x)


@primitive
def arcsinh(x: Operand[Out]) -> Out:
    """Inverse hyperbolic sine, elementwise.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> arcsinh(np.array([0.0, 1.0]))
    array([0.        , 0.88137359])
    """
    return np.arcsinh(x)


@primitive
def _arcsinh_derivative(x: Operand[Out], *, order: int) -> Out:
    """The derivative of the inverse hyperbolic sine of an order, 1 or higher."""
    return arcsinh_derivative(x, order)


def _arcsinh_rule(g: Array, x: Array, order: int = 0) -> Array:
    return times_derivative(g, _arcsinh_derivative, arcsinh_derivative, x, order + 1)


arcsinh.defvjp(x=lambda g, x: _arcsinh_rule(g, x))
_arcsinh_derivative.defvjp(x=_arcsinh_rule)


@primitive
def arccosh(x: Operand[Out]) -> Out:
    """Inverse hyperbolic cosine, elementwise; its derivative at 1 is infinite.

    Parameters
    ----------
    x : array_like
        Numbers not below 1; others give NaN, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> arccosh(np.array([1.0, 2.0]))
    array([0.       , 1.3169579])
    """
    return np.arccosh(x)


@primitive
def _arccosh_slope(x: Operand[Out]) -> Out:
    """The derivative of the inverse hyperbolic cosine, ``1 / sqrt(x**2 - 1)``."""
    x = np.asarray(x)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near = 1 / np.sqrt((x - 1) * (x + 1))
        is_far = x > 4 / np.sqrt(np.finfo(near.dtype).eps)  # the 1 is lost, and later the square overflows
        return np.where(is_far, 1 / x, near)


_arccosh_slope.defvjp(x=lambda g, x, out: -over(over(times(g, x * out), x - 1), x + 1))
arccosh.defvjp(x=lambda g, x: times(g, _arccosh_slope(x)))


@primitive
def arctanh(x: Operand[Out]) -> Out:
    """Inverse hyperbolic tangent, elementwise; its derivative at -1 and 1 is infinite.

    Parameters
    ----------
    x : array_like
        Numbers in ``(-1, 1)``; the ends give infinity and others NaN, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> arctanh(np.array([0.0, 0.5]))
    array([0.        , 0.54930614])
    """
    return np.arctanh(x)


arctanh.defvjp(x=lambda g, x: _arcsin_rule(g, x, 2))


@primitive
def deg2rad(x: Operand[Out]) -> Out:
    """Turn degrees into radians, elementwise.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> deg2rad(np.array([0.0, 180.0]))
    array([0.        , 3.14159265])
    """
    return np.deg2rad(x)


@primitive
def rad2deg(x: Operand[Out]) -> Out:
    """Turn radians into degrees, elementwise.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> rad2deg(np.array([0.0, np.pi]))
    array([  0., 180.])
    """
    return np.rad2deg(x)


deg2rad.defvjp(x=lambda g: deg2rad(g))  # linear, and so its own derivative
rad2deg.defvjp(x=lambda g: rad2deg(g))
