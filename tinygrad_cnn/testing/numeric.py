"""The check of gradients against central differences, along random directions and single elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .cotangents import Pulled
from .differences import Slope, slope
from .directions import element_lengths, random_directions, single_elements
from .errors import GradientError, KinkError
from .flat import Flat, joined
from .mismatch import Mismatch, compare, disagreeing, worst_element
from .report import describe_constant, describe_kink, describe_mismatch
from .rounding import precision, rounding_noise
from .second_look import SecondLook

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module


class _Measured(NamedTuple):
    """A function with what its numerical derivatives need to know: its values, their noise and precision."""

    flat: Flat
    here: np.ndarray
    noise: np.ndarray
    eps: float

    def slope(self, leaf: int, direction: np.ndarray) -> Slope:
        return slope(self.flat.along(leaf, direction), self.here, self.noise, self.eps)

    def element_slopes(self, leaf: int) -> Iterator[tuple[np.ndarray, Slope]]:
        """Yield the directions along single elements of a leaf, with the derivatives along them."""
        for direction in single_elements(element_lengths(self.flat.leaves[leaf])):
            yield direction, self.slope(leaf, direction)


def check_numerically(
    flat: Flat, outputs: list[np.ndarray], pulled: list[Pulled], rng: np.random.Generator
) -> None:
    """Raise a GradientError for the worst mismatch of a leaf, or a KinkError if a leaf has a kink."""
    eps = precision(flat)
    here = joined(outputs).astype(np.float64)
    measured = _Measured(flat, here, rounding_noise(flat, outputs, eps, rng), eps)
    kinked = [leaf for leaf in range(len(flat.leaves)) if _check_leaf(measured, leaf, pulled, rng)]
    if kinked:  # only after all leaves: a wrong gradient elsewhere is the more important news
        raise KinkError(f"{_describe_first_kink(measured, kinked[0])}\n{flat.origin}")


def _check_leaf(measured: _Measured, leaf: int, pulled: list[Pulled], rng: np.random.Generator) -> bool:
    """Raise for the worst mismatch along several directions; otherwise tell whether one met a kink."""
    flat, eps = measured.flat, measured.eps
    worst: Mismatch | None = None
    has_kink = False
    for direction in list(random_directions(flat.leaves[leaf], rng)):
        numeric = measured.slope(leaf, direction)
        kinked = bool(numeric.kink.any())
        doubted = pulled if kinked else disagreeing(leaf, direction, pulled, numeric, eps)
        if not doubted:
            continue
        look = SecondLook(flat, leaf, direction, measured.noise, eps, rng)
        has_kink |= bool(look.numeric.kink.any())
        # One is enough, since each takes long; the cotangents at the end are sparse and the easiest to read.
        found = next(filter(None, map(look.mismatch, reversed(doubted))), None)
        if found and (worst is None or found.excess >= worst.excess):
            worst = found
    if worst is not None:
        _require_on_tape(flat, worst)
        of_elements = (compare(leaf, v, worst.pulled, s, eps) for v, s in measured.element_slopes(leaf))
        raise GradientError(describe_mismatch(flat, worst_element(worst, of_elements)))
    return has_kink


def _require_on_tape(flat: Flat, worst: Mismatch) -> None:
    """Raise a GradientError if the gradient is wrong because an output is a constant to the tape."""
    changes = np.split(
        worst.slope.value * worst.pulled.vector, np.cumsum([g.size for g in worst.pulled.cotangents])
    )
    for output, on_tape in enumerate(flat.are_on_tape()):
        if not on_tape and changes[output].any():
            raise GradientError(describe_constant(flat, worst.leaf, output))


def _describe_first_kink(measured: _Measured, leaf: int) -> str:
    flat = measured.flat
    for direction, numeric in measured.element_slopes(leaf):
        if numeric.kink.any():
            return describe_kink(flat, leaf, direction, numeric)
    return f"'{flat.name}' (order {flat.order}) is not differentiable in '{flat.names[leaf]}' at this point"
