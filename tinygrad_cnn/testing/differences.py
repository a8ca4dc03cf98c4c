"""Numerical derivatives of a vector function of one variable, with an honest estimate of their error.

A central difference ``(f(h) - f(-h)) / 2h`` has two errors: the truncation, ``h**2 f''' / 6 + ...``, and the
rounding, ``noise / h``, where ``noise`` is the absolute error of a value of ``f``. Halving the step and
extrapolating (Richardson) removes the first term of the truncation and leaves an error of order ``h**4``. The
step that balances it against ``eps / h`` is near ``eps ** (1/5)``.

Four steps give three extrapolated values. For a smooth function their differences fall by 16 with each
halving. Where they do not, the steps are too wide (for another kink, the edge of the domain, or a fast
oscillation), and they shrink.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["ROUNDING", "Slope", "finest_step", "slope"]

ROUNDING = 64.0
"""How many times its estimated noise a value may be off, since the estimate comes from few samples."""

_HALVINGS = np.array([8.0, 4.0, 2.0, 1.0])  # the four steps, in units of the finest
_SHRINK = 32.0  # the factor by which all steps shrink
_ROUNDS = 4  # how often they may shrink


class Slope(NamedTuple):
    """A numerical derivative along a line.

    Attributes
    ----------
    value : ndarray, shape (M,)
        The derivative of each output; at a kink it is the mean of both sides.
    error : ndarray, shape (M,)
        The estimated error, truncation and rounding together.
    left, right : ndarray, shape (M,)
        The one-sided derivatives.
    kink : ndarray of bool, shape (M,)
        Whether the two sides differ by more than their error, or no step gave a consistent value.
    steps : ndarray, shape (4,) or (2,)
        The steps that were used, the finest last; for a straight line there are two.
    central : ndarray, shape (4, M) or (2, M)
        The plain central difference at each step.
    """

    value: np.ndarray
    error: np.ndarray
    left: np.ndarray
    right: np.ndarray
    kink: np.ndarray
    steps: np.ndarray
    central: np.ndarray


def finest_step(eps: float) -> float:
    """Return the step, relative to the scale of the variable, that balances truncation and rounding.

    Parameters
    ----------
    eps : float
        The relative precision of the function's values.

    Returns
    -------
    float
        About ``eps ** (1/5)``; it is a power of two, because adding that to a variable rounds least.

    Examples
    --------
    >>> finest_step(2.0**-52), finest_step(2.0**-23)
    (0.0009765625, 0.03125)
    """
    return 2.0 ** round(math.log2(eps) / 5)


def slope(evaluate: Callable[[float], np.ndarray], here: np.ndarray, noise: np.ndarray, eps: float) -> Slope:
    """Differentiate a function of one variable at 0.

    Parameters
    ----------
    evaluate : callable
        A function from a float to a vector of M values.
    here : ndarray, shape (M,)
        The values at 0.
    noise : ndarray, shape (M,)
        The absolute error of the values at 0.
    eps : float
        The relative precision of the values, which decides the first steps.

    Returns
    -------
    Slope
        The derivative of each value, with its error.

    Examples
    --------
    >>> exact = slope(
    ...     lambda t: np.array([np.exp(t), abs(t)]), np.array([1.0, 0.0]), np.array([1e-16, 0.0]), 2.0**-52
    ... )
    >>> np.round(exact.value, 9), exact.kink
    (array([1., 0.]), array([False,  True]))
    """
    step = finest_step(eps)
    error = np.full(here.shape, np.inf)
    for _ in range(_ROUNDS):
        previous = error
        result, settled = _at_steps(evaluate, here, noise, eps, step * _HALVINGS)
        error = result.error
        if settled.all():
            return result
        step /= _SHRINK
    # If the error keeps falling, slowly or around a slope of 0, then the function has a derivative.
    falling = error <= previous / 8
    return result._replace(kink=result.kink | ~(settled | falling))


def _extrapolated(values: np.ndarray, order: int) -> np.ndarray:
    """Remove the error term ``h**order`` from values at steps that halve."""
    extrapolated: np.ndarray = values[1:] + (values[1:] - values[:-1]) / (2.0**order - 1)
    return extrapolated


def _at_steps(
    evaluate: Callable[[float], np.ndarray],
    here: np.ndarray,
    noise: np.ndarray,
    eps: float,
    steps: np.ndarray,
) -> tuple[Slope, np.ndarray]:
    """Return the derivative from values at the given steps, and which of its elements are settled."""
    after, before = _on_both_sides(evaluate, steps[:2])
    if line := _straight(after, here, before, noise, eps, steps[:2]):
        return line, np.full(here.shape, True)
    after, before = np.concatenate([[after, before], _on_both_sides(evaluate, steps[2:])], axis=1)
    column = steps[:, None]
    with np.errstate(all="ignore"):  # a value beyond the domain may be infinite; smaller steps then follow
        central = (after - before) / (2 * column)
        # (f(h) - 2 f(0) + f(-h)) / h is h f'' for a smooth function; at a kink it is the jump of the slope.
        bend = (after - 2 * here + before) / column
        # A product of zeros has no error at 0, but its values beside 0 are rounded.
        beside = np.max(np.abs(np.concatenate([after[-2:], before[-2:]])), axis=0)
        rounding = ROUNDING * np.maximum(noise, eps * beside) / steps[-1]
        slopes, slope_error, slope_settled = _limit(_extrapolated(central, 2), rounding)
        jumps, jump_error, _ = _limit(_extrapolated(bend, 1), 4 * rounding)
        size = np.maximum(np.abs(slopes + jumps / 2), np.abs(slopes - jumps / 2))
        kink = np.abs(jumps) > 16 * jump_error + 1e-3 * size
    settled = slope_settled & np.isfinite(slopes)
    return Slope(slopes, slope_error, slopes - jumps / 2, slopes + jumps / 2, kink, steps, central), settled


def _on_both_sides(evaluate: Callable[[float], np.ndarray], steps: np.ndarray) -> tuple[np.ndarray, ...]:
    return np.stack([evaluate(h) for h in steps]), np.stack([evaluate(-h) for h in steps])


def _straight(
    after: np.ndarray, here: np.ndarray, before: np.ndarray, noise: np.ndarray, eps: float, steps: np.ndarray
) -> Slope | None:
    """Return the derivative of what is straight between the two widest steps, but for rounding; else None.

    Narrower steps would show no more of a line, and more of its rounding. A gradient is one in its cotangent.
    """
    column = steps[:, None]
    with np.errstate(all="ignore"):
        central = (after - before) / (2 * column)
        beside = np.max(np.abs([after, before]), axis=(0, 1))
        rounding = ROUNDING * np.maximum(noise, eps * beside) / steps[1]
        bend, change = np.abs((after - 2 * here + before) / column), np.abs(central[1] - central[0])
        if not ((bend <= rounding).all() and (change <= rounding).all()):
            return None
    value = central[1]
    return Slope(value, change + rounding, value, value, np.full(value.shape, False), steps, central)


def _limit(values: np.ndarray, rounding: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the finest of three values, its error, and whether the three converge."""
    previous, last = np.abs(values[1] - values[0]), np.abs(values[2] - values[1])
    scale = np.max(np.abs(values[2]), initial=0.0)
    # An error of order h**4 falls by 16 with each halving, that of a kink within reach by 3.5 at most.
    converging = last <= previous / 8
    settled = (last <= rounding) | (last <= 1e-7 * scale) | (converging & (last <= 1e-4 * scale))
    return values[2], last + rounding, settled
