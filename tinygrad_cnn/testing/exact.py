"""The check of gradients to linear operands: with integers, central differences of step 1 are exact."""

from __future__ import annotations

import numpy as np

from .cotangents import Pulled
from .directions import integer_directions, single_elements
from .errors import GradientError
from .flat import Flat
from .mismatch import compare_exactly, worst_element
from .report import describe_mismatch

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module


def check_exactly(flat: Flat, leaf: int, pulled: list[Pulled], rng: np.random.Generator) -> None:
    """Raise a GradientError unless ``<f(x + v) - f(x - v), g> = 2 <v, f^T(g)>`` without tolerance."""
    x = flat.leaves[leaf]
    for direction in integer_directions(x, rng):
        column = _derivative(flat, leaf, direction)
        for one in pulled:
            if found := compare_exactly(leaf, direction, one, column):
                of_elements = (
                    compare_exactly(leaf, unit, one, _derivative(flat, leaf, unit))
                    for unit in single_elements(np.ones(x.shape))
                )
                raise GradientError(describe_mismatch(flat, worst_element(found, of_elements)))


def _derivative(flat: Flat, leaf: int, direction: np.ndarray) -> np.ndarray:
    evaluate = flat.along(leaf, direction)
    derivative: np.ndarray = (evaluate(1.0) - evaluate(-1.0)) / 2
    return derivative
