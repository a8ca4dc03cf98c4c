"""Elementwise arithmetic and choices, with NumPy's names, broadcasting and promotion.

Derivatives at ties and kinks follow one table (docs/subgradients.md): ``abs'(0) = 0``; `maximum` and
`minimum` give half the cotangent to each side of a tie; `clip` passes it at its bounds.

A zero cotangent stays exactly zero through a singular derivative, so that ``where(x > 0, sqrt(x), 0)`` has
a finite gradient everywhere: see `absorb`.
"""

import operator

import numpy as np

from ..tape import astype, primitive, raw

__all__ = [
    "abs",
    "absorb",
    "clip",
    "divide",
    "floor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "sign",
    "square",
    "subtract",
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
    if operation is operator.mul:
        finite = np.isfinite(raw(local))
        if np.count_nonzero(finite) == finite.size:  # counted in a fraction of the time of all()
            return operation(g, local)
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = operation(g, local)
        hole = np.isnan(raw(plain))
        if not np.count_nonzero(hole):
            return plain
        hole = hole & (raw(g) == 0)
        # in the dtype of the result: a Python scalar among the operands would become an array of float64
        return where(hole, 0.0, operation(g, astype(where(hole, 1.0, local), plain.dtype)))


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


multiply.defvjp(a=lambda g, b: absorb(operator.mul, g, b), b=lambda g, a: absorb(operator.mul, g, a))


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
    # by the quotient again, not by a / b**2, which underflows for a small b
    b=lambda g, b, out: -absorb(operator.truediv, absorb(operator.mul, g, out), b),
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


square.defvjp(x=lambda g, x: absorb(operator.mul, g, 2 * x))


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


abs.defvjp(x=lambda g, x: g * sign(x))


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
    return g * wins + (0.5 * g) * ties if np.any(ties) else g * wins


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


@primitive(broadcasts=True)
def clip(x, a_min=None, a_max=None):
    """Limit to the interval ``[a_min, a_max]``; the gradient passes at both bounds.

    Parameters
    ----------
    x : array_like
    a_min, a_max : array_like, optional
        The bounds; None for no bound on that side. Each gets the gradient where it is what came out, and
        ``x`` is not.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> clip(np.array([-1.0, 0.5, 3.0]), 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    return np.clip(x, a_min, a_max)


def _is_raised(x, a_min, out):
    """Where the lower bound came out; where the upper one, being less, replaced it, that one did."""
    return (raw(out) > raw(x)) & (raw(out) == raw(a_min))


# the operand is untouched exactly where it lies within the bounds, and there the output equals it
clip.defvjp(
    x=lambda g, x, out: g * (raw(x) == raw(out)),
    a_min=lambda g, x, a_min, out: g * _is_raised(x, a_min, out),
    a_max=lambda g, x, a_min, out: g * ((raw(x) != raw(out)) & ~_is_raised(x, a_min, out)),
)


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
