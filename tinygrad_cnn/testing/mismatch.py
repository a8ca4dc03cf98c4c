"""The comparison of a gradient of the tape with a numerical one, along one direction."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .cotangents import Pulled
from .differences import ROUNDING, Slope
from .rounding import half_the_digits


class Mismatch(NamedTuple):
    """A comparison that failed.

    Attributes
    ----------
    leaf : int
        The position of the leaf that was moved.
    direction : ndarray
        The direction in which it was moved.
    pulled : Pulled
        The cotangents, and the gradients that the tape made of them.
    slope : Slope
        The numerical derivative along the direction.
    analytic, numeric : float
        The two numbers that should have agreed.
    excess : float
        How many times the tolerance they differ by.
    """

    leaf: int
    direction: np.ndarray
    pulled: Pulled
    slope: Slope
    analytic: float
    numeric: float
    excess: float

    @property
    def error(self) -> float:
        """The absolute error of the gradient to the moved element; NaN counts as the largest error."""
        difference = abs(self.analytic - self.numeric) / np.max(np.abs(self.direction))
        return math.inf if math.isnan(difference) else float(difference)


def along(leaf: int, direction: np.ndarray, pulled: Pulled) -> np.ndarray:
    """Return the products whose sum is the gradient along a direction."""
    moved = direction != 0  # elsewhere the gradient may be infinite and does not matter
    products: np.ndarray = pulled.gradients[leaf][moved] * direction[moved]
    return products


def disagreeing(
    leaf: int, direction: np.ndarray, pulled: list[Pulled], slope: Slope, eps: float
) -> list[Pulled]:
    """Return those of several gradients that do not agree with a central difference."""
    if not np.isfinite(slope.value).all():
        return []  # there is no number to compare with; it is reported as a kink
    products = np.stack([along(leaf, direction, one) for one in pulled])
    analytic, numeric, tolerance = _judged(products, np.stack([one.vector for one in pulled]), slope, eps)
    agrees = np.abs(analytic - numeric) <= tolerance
    return [one for one, right in zip(pulled, agrees, strict=True) if not right]


def compare(
    leaf: int, direction: np.ndarray, pulled: Pulled, slope: Slope, eps: float, doubt: float = 0.0
) -> Mismatch | None:
    """Compare a gradient with a central difference; ``doubt`` is a rounding that neither of them knows of."""
    if not np.isfinite(slope.value).all():
        return None
    judged = _judged(along(leaf, direction, pulled), pulled.vector, slope, eps)
    analytic, numeric, tolerance = map(float, judged)
    tolerance += ROUNDING * doubt
    difference = abs(analytic - numeric)
    if difference <= tolerance:
        return None
    excess = difference / tolerance if tolerance and math.isfinite(difference) else math.inf
    return Mismatch(leaf, direction, pulled, slope, analytic, numeric, excess)


def _judged(
    products: np.ndarray, g: np.ndarray, slope: Slope, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gradients along a direction, central differences, and by how much these may differ.

    The last axes are those of the products and of the cotangents; there may be one before for several.
    """
    analytic, numeric, sizes = np.sum(products, -1), g @ slope.value, np.abs(g)
    # At a kink any slope between those of the two sides is a valid derivative.
    freedom = np.where(slope.kink, np.abs(slope.right - slope.left) / 2, 0.0)
    relative = half_the_digits(eps) * np.maximum(np.abs(analytic), np.abs(numeric))
    terms = np.sum(np.abs(products), -1) + sizes @ np.abs(slope.value)
    tolerance = sizes @ freedom + relative + ROUNDING * eps * terms + 2 * (sizes @ slope.error)
    return analytic, numeric, tolerance


def compare_exactly(leaf: int, direction: np.ndarray, pulled: Pulled, column: np.ndarray) -> Mismatch | None:
    """Compare a gradient with an exact derivative, without tolerance."""
    analytic = float(np.sum(pulled.gradients[leaf] * direction))
    numeric = float(pulled.vector @ column)
    if analytic == numeric:
        return None
    zeros = np.zeros_like(column)
    slope = Slope(column, zeros, column, column, zeros.astype(bool), np.ones(1), column[None])
    return Mismatch(leaf, direction, pulled, slope, analytic, numeric, math.inf)


def worst_element(found: Mismatch, of_elements: Iterator[Mismatch | None]) -> Mismatch:
    """Return the mismatch of the element whose gradient is worst, or the one that was found first."""
    return max(filter(None, of_elements), key=lambda mismatch: mismatch.error, default=found)
