"""Arrays of a million elements in single precision, for the benchmark's rows."""

import math

import numpy as np

from .record import ByHand

RNG = np.random.default_rng(0)


def numbers(*shape, low=0.25, high=1.75):
    """Draw random numbers, by default inside the domain of every function."""
    return RNG.uniform(low, high, shape).astype(np.float32)


X, Y, Z = numbers(1000, 1000), numbers(1000, 1000), numbers(1000, 1000, low=-3, high=3)
ROW, IMAGE = numbers(1000), numbers(20, 8, 79, 79, low=-3, high=3)
INDEX, LABELS = RNG.integers(0, 1000, 1000), RNG.integers(0, 1000, 1000)
MASK = Z > 0


def distinct(*shape):
    """Draw numbers without a tie, among which by-hand expressions and operations choose alike."""
    return (RNG.permutation(math.prod(shape)) / np.float32(2**18) - 2).reshape(shape).astype(np.float32)


DISTINCT = distinct(1000, 1000)
HALF = np.float32(0.5)


def slope(function, derivative, operand=X, **row):
    """Differentiate an elementwise function by its derivative, which is given the operand and the value."""

    def by_hand(x, g):
        out = function(x)
        return out, g * derivative(x, out)

    return ByHand((operand,), by_hand, **row)


def flat(function, operand=Z, **row):
    """Compute a piecewise constant function, whose gradient is zeros."""
    return ByHand((operand,), lambda x, g: (function(x), np.zeros_like(x)), **row)


def moved(there, back, call, **row):
    """Move elements there, and the cotangent back, into an array of its own."""
    return ByHand((X,), lambda x, g: (there(x), back(g).copy()), call, **row)


def rows(reduce, share, call, operand=X):
    """Reduce rows; each element's gradient is ``share`` of the operand, its row's value and cotangent."""

    def by_hand(x, g):
        out = reduce(x)
        return out, share(x, out[:, None], g[:, None])

    return ByHand((operand,), by_hand, call)


def sigmoid(x):
    """Compute the logistic function by its formula."""
    return 1 / (1 + np.exp(-x))


_ERFC = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196]
_ERFC = np.array([*_ERFC, 1.00002368, -1.26551223], np.float32)


def erf(x):
    """Fit the error function, which NumPy lacks, as Numerical Recipes does (erfcc, single precision)."""
    size = np.abs(x)
    t = 1 / (1 + HALF * size)
    power = _ERFC[0] * t
    for c in _ERFC[1:-1]:
        power = (power + c) * t
    return np.copysign(1 - t * np.exp(power + _ERFC[-1] - size * size), x)
