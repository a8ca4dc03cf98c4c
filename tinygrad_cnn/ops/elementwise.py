"""Elementwise operations, with NumPy's names, broadcasting and promotion.

Derivatives at ties and kinks follow one table (docs/subgradients.md): ``abs'(0) = 0``; `maximum` and
`minimum` give half the cotangent to each side of a tie; `clip` passes it at its bounds.

A zero cotangent stays exactly zero through a singular derivative, so that ``where(x > 0, sqrt(x), 0)`` has
a finite gradient everywhere: see `absorb`.
"""

import operator

import numpy as np

from ..tape import primitive, raw

__all__ = [
    "abs",
    "absorb",
    "clip",
    "cos",
    "divide",
    "exp",
    "floor",
    "log",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "power",
    "sign",
    "sin",
    "sqrt",
    "square",
    "subtract",
    "tanh",
    "where",
]


def absorb(operation, g, local):
    """``operation(g, local)``, but exactly 0 where that is NaN and the cotangent ``g`` is 0.

    A zero cotangent says that the output is not used; what the derivative would have been, infinite or
    undefined, must not matter. The plain result is kept unless it holds a NaN, so the usual case pays for one
    test only.

    Parameters
    ----------
    operation : callable
        `operator.mul` or `operator.truediv`.
    g : ndarray or Tensor
        The cotangent.
    local : ndarray or Tensor
        The local derivative, or its reciprocal for a division.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> absorb(operator.truediv, np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    array([0. , 0.5])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = operation(g, local)
        hole = np.isnan(raw(plain))
        if not hole.any():
            return plain
        hole = hole & (raw(g) == 0)
        return where(hole, 0.0, operation(g, where(hole, 1.0, local)))


# --- arithmetic (add is the tape's own) -------------------------------------------------------------------


@primitive(broadcasts=True)
def subtract(a, b):
    """Subtract elementwise: ``a - b``, with broadcasting.

    Parameters
    ----------
    a, b : array_like
        Of mutually broadcastable shapes.

    Returns
    -------
    ndarray or Tensor
        Of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> subtract(np.array([1.0, 2.0]), 3.0)
    array([-2., -1.])
    """
    return np.subtract(a, b)


subtract.defvjp(a=lambda g: g, b=lambda g: -g)


@primitive(broadcasts=True)
def multiply(a, b):
    """Multiply elementwise: ``a * b``, with broadcasting.

    Parameters
    ----------
    a, b : array_like
        Of mutually broadcastable shapes.

    Returns
    -------
    ndarray or Tensor
        Of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> multiply(np.array([1.0, 2.0]), 3.0)
    array([3., 6.])
    """
    return np.multiply(a, b)


multiply.defvjp(a=lambda g, b: g * b, b=lambda g, a: g * a)


@primitive(broadcasts=True)
def divide(a, b):
    """Divide elementwise: ``a / b``, with broadcasting.

    Parameters
    ----------
    a, b : array_like
        Of mutually broadcastable shapes.

    Returns
    -------
    ndarray or Tensor
        Of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> divide(np.array([1.0, 2.0]), 4.0)
    array([0.25, 0.5 ])
    """
    return np.divide(a, b)


divide.defvjp(
    a=lambda g, b: absorb(operator.truediv, g, b),
    # two divisions, not one by b**2, which underflows for a small b
    b=lambda g, a, b: absorb(operator.truediv, absorb(operator.truediv, -g * a, b), b),
)


@primitive
def negative(x):
    """Negate elementwise: ``-x``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> negative(np.array([1.0, -2.0]))
    array([-1.,  2.])
    """
    return np.negative(x)


negative.defvjp(x=lambda g: -g)


@primitive(broadcasts=True)
def power(x, exponent):
    """Raise to a power elementwise: ``x ** exponent``, with broadcasting.

    The gradient to ``x`` is exact at ``x = 0`` for every constant exponent, and needs no logarithm. The
    gradient to ``exponent`` is ``out * log(x)``: NaN for a negative ``x``; at ``x = 0`` it is 0, or minus
    infinity for a negative exponent.

    Parameters
    ----------
    x, exponent : array_like
        Of mutually broadcastable shapes.

    Returns
    -------
    ndarray or Tensor
        Of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> power(np.array([2.0, 3.0]), 2)
    array([4., 9.])
    """
    return np.power(x, exponent)


def _power_base_rule(g, x, exponent):
    if np.ndim(raw(exponent)) == 0 and raw(exponent) == 2:  # the common square, without a power
        return g * x * exponent
    # d(x**0) is 0 everywhere; the exponent of 1 in place of -1 keeps x = 0 from dividing by zero
    lowered = where(raw(exponent) == 0, 1, exponent - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = exponent * power(x, lowered)
    return absorb(operator.mul, g, slope)


def _power_exponent_rule(g, x, exponent, out):
    zero = raw(x) == 0
    with np.errstate(invalid="ignore"):
        slope = out * log(where(zero, 1.0, x))
    if np.any(zero):
        slope = where(zero, np.where(raw(exponent) < 0, -np.inf, 0.0), slope)
    return absorb(operator.mul, g, slope)


power.defvjp(x=_power_base_rule, exponent=_power_exponent_rule)


@primitive
def square(x):
    """Square elementwise: ``x * x``.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> square(np.array([1.0, -3.0]))
    array([1., 9.])
    """
    return np.square(x)


square.defvjp(x=lambda g, x: g * (2 * x))


# --- exponentials, roots, trigonometry --------------------------------------------------------------------


@primitive
def exp(x):
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


exp.defvjp(x=lambda g, out: g * out)


@primitive
def log(x):
    """Natural logarithm, elementwise.

    Parameters
    ----------
    x : array_like
        Positive; ``-inf`` at 0 and NaN below, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> log(np.array([1.0, np.e]))
    array([0., 1.])
    """
    return np.log(x)


log.defvjp(x=lambda g, x: absorb(operator.truediv, g, x))


@primitive
def sqrt(x):
    """Square root, elementwise; its derivative at 0 is infinite (0 for a zero cotangent).

    Parameters
    ----------
    x : array_like
        Not negative; NaN below 0, with NumPy's warning.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sqrt(np.array([4.0, 9.0]))
    array([2., 3.])
    """
    return np.sqrt(x)


sqrt.defvjp(x=lambda g, out: absorb(operator.truediv, 0.5 * g, out))


@primitive
def sin(x):
    """Sine, elementwise.

    Parameters
    ----------
    x : array_like
        In radians.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sin(np.array([0.0, np.pi / 2]))
    array([0., 1.])
    """
    return np.sin(x)


sin.defvjp(x=lambda g, x: g * cos(x))


@primitive
def cos(x):
    """Cosine, elementwise.

    Parameters
    ----------
    x : array_like
        In radians.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> cos(np.array([0.0]))
    array([1.])
    """
    return np.cos(x)


cos.defvjp(x=lambda g, x: g * -sin(x))


@primitive
def tanh(x):
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


# 1 - y**2 in factors: where y rounds to 1 its derivative, taken again, does not vanish with it
tanh.defvjp(x=lambda g, out: ((1 - out) * (1 + out)) * g)


# --- choices ----------------------------------------------------------------------------------------------


@primitive
def abs(x):  # NumPy's name
    """Absolute value, elementwise; its derivative at 0 is 0.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> abs(np.array([-1.5, 2.0]))
    array([1.5, 2. ])
    """
    return np.abs(x)


abs.defvjp(x=lambda g, x: g * sign(x))


@primitive(piecewise_constant=True)
def sign(x):
    """Sign, elementwise: -1, 0 or 1. Its derivative is zero.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> sign(np.array([-1.5, 0.0, 2.0]))
    array([-1.,  0.,  1.])
    """
    return np.sign(x)


@primitive(piecewise_constant=True)
def floor(x):
    """Round down, elementwise. Its derivative is zero.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> floor(np.array([-1.5, 2.0]))
    array([-2.,  2.])
    """
    return np.floor(x)


def _to_winner(g, wins, ties):
    """The cotangent where an operand wins, half of it where both tie (masks multiply faster than `where`)."""
    return g * wins + (0.5 * g) * ties


@primitive(broadcasts=True)
def maximum(a, b):
    """Elementwise maximum, with broadcasting; at a tie each side gets half the cotangent.

    Parameters
    ----------
    a, b : array_like
        Of mutually broadcastable shapes. NaN propagates.

    Returns
    -------
    ndarray or Tensor
        Of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> maximum(np.array([1.0, 4.0]), 2.0)
    array([2., 4.])
    """
    return np.maximum(a, b)


maximum.defvjp(
    a=lambda g, a, b: _to_winner(g, raw(a) > raw(b), raw(a) == raw(b)),
    b=lambda g, a, b: _to_winner(g, raw(b) > raw(a), raw(a) == raw(b)),
)


@primitive(broadcasts=True)
def minimum(a, b):
    """Elementwise minimum, with broadcasting; at a tie each side gets half the cotangent.

    Parameters
    ----------
    a, b : array_like
        Of mutually broadcastable shapes. NaN propagates.

    Returns
    -------
    ndarray or Tensor
        Of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> minimum(np.array([1.0, 4.0]), 2.0)
    array([1., 2.])
    """
    return np.minimum(a, b)


minimum.defvjp(
    a=lambda g, a, b: _to_winner(g, raw(a) < raw(b), raw(a) == raw(b)),
    b=lambda g, a, b: _to_winner(g, raw(b) < raw(a), raw(a) == raw(b)),
)


def clip(x, a_min=None, a_max=None):
    """Limit to the interval ``[a_min, a_max]``; the gradient passes at both bounds.

    Parameters
    ----------
    x : array_like
    a_min, a_max : array_like, optional
        The bounds, constants to the tape; None for no bound on that side.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> clip(np.array([-1.0, 0.5, 3.0]), 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    return _clip(x, raw(a_min), raw(a_max))


@primitive(broadcasts=True)
def _clip(x, a_min, a_max):
    return np.clip(x, a_min, a_max)


# the operand is untouched exactly where it lies within the bounds, and there the output equals it
_clip.defvjp(x=lambda g, x, out: g * (raw(x) == raw(out)))


@primitive(broadcasts=True)
def where(condition, x, y):
    """Choose elementwise: ``x`` where ``condition`` holds, else ``y``; with broadcasting.

    Parameters
    ----------
    condition : array_like of bool
        Not differentiable.
    x, y : array_like
        Of shapes mutually broadcastable with ``condition``.

    Returns
    -------
    ndarray or Tensor
        Of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> where(np.array([True, False]), np.array([1.0, 2.0]), 0.0)
    array([1., 0.])
    """
    return np.where(condition, x, y)


where.defvjp(
    x=lambda g, condition: where(condition, g, 0.0),
    y=lambda g, condition: where(condition, 0.0, g),
)
