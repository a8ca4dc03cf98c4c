"""A second look at a derivative that seems wrong, or not to exist: rounding may hide the right one.

The first look judges rounding by what moving the operands by ulps changes. Two things escape it. Where a
derivative is exactly zero, as that of a normalisation by a shift of its input, the tape adds large terms that
cancel, and leaves some rounding. And where a value is absorbed, as ``exp(-40)`` in ``1 + exp(-40)``, no
difference of values can show the derivative. The second look takes much longer than the first, and is taken
only after the first has failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .cotangents import Pulled
from .differences import ROUNDING, finest_step, slope
from .flat import Flat
from .mismatch import Mismatch, along, compare
from .rounding import half_the_digits, rounding_noise

_SAMPLED = 16.0  # how many times the noise may be larger than three samples show, if every result was moved


class SecondLook:
    """The derivative of a function along one direction, with all the rounding that can be found.

    Attributes
    ----------
    numeric : Slope
        The numerical derivative. Its kinks are those that the resolution of the values does not explain.
    """

    def __init__(
        self,
        flat: Flat,
        leaf: int,
        direction: np.ndarray,
        noise: np.ndarray,
        eps: float,
        rng: np.random.Generator,
    ) -> None:
        self._flat, self._leaf, self._direction = flat, leaf, direction
        self._eps, self._rng = eps, rng
        self._along = flat.along(leaf, direction)
        self._here = self._along(0.0)
        self._noise = self._noise_nearby(noise)
        self.numeric = slope(self._along, self._here, self._noise, eps)
        if self.numeric.kink.any():  # between two neighbouring values of a rounded function, slopes jump
            every, kinked = np.eye(self._noise.size), np.flatnonzero(self.numeric.kink)
            self._noise[kinked] += [self._resolution(every[output]) for output in kinked]
            self.numeric = slope(self._along, self._here, self._noise, eps)

    def _noise_nearby(self, noise: np.ndarray) -> np.ndarray:
        """Return the noise of the values here and at the steps on both sides, whichever is larger."""
        step = 2 * finest_step(self._eps)
        for distance in (0.0, step, -step):
            x = self._flat.leaves[self._leaf] + distance * self._direction
            there = self._flat.with_leaves(self._flat.with_leaf(self._leaf, x))
            found = rounding_noise(there, there.values(), self._eps, self._rng, everywhere=True)
            noise = np.maximum(noise, np.where(np.isfinite(found), found, 0.0))
        return noise

    def mismatch(self, pulled: Pulled) -> Mismatch | None:
        """Compare the gradient with the numerical derivative; return None if rounding explains the rest."""
        weights, numeric = pulled.vector, self.numeric
        values = numeric.central @ weights
        noise, kinked = float(np.abs(weights) @ self._noise), bool(numeric.kink[weights != 0].any())
        analytic = float(np.sum(along(self._leaf, self._direction, pulled)))

        def found(doubt: float) -> Mismatch | None:
            fine = compare(self._leaf, self._direction, pulled, numeric, self._eps, doubt)
            if fine or kinked or not math.isfinite(values[0]):
                return fine
            if _explained(analytic, values, noise / numeric.steps[0] + doubt):
                return None
            return Mismatch(
                self._leaf, self._direction, pulled, numeric, analytic, float(values[0]), math.inf
            )

        if found(0.0) is None:
            return None
        doubt = self._noise_of_gradient(pulled)
        if (wrong := found(doubt)) is None or not (resolution := self._resolution(weights)):
            return wrong
        # The steps have shrunk until the values stood still. The wider ones may still show the derivative.
        line = slope(
            lambda t: np.array([self._change(weights, t)]), np.zeros(1), np.array([resolution]), self._eps
        )
        difference = abs(analytic - line.value[0])
        allowed = 2 * line.error[0] + half_the_digits(self._eps) * abs(analytic) + ROUNDING * doubt
        explained = _explained(analytic, line.central[:, 0], resolution / line.steps[0] + doubt)
        return None if explained and difference <= allowed else wrong

    def _noise_of_gradient(self, pulled: Pulled) -> float:
        """Return the rounding of the gradient that the tape has made, along the direction."""
        gradient = self._flat.gradient(pulled.cotangents)
        noise = rounding_noise(gradient, pulled.gradients, self._eps, self._rng, everywhere=True)
        ends = np.cumsum([x.size for x in self._flat.leaves])[:-1]
        of_leaf = np.split(noise, ends)[self._leaf]
        moved = np.ravel(self._direction) != 0
        return float(np.sum(of_leaf[moved] * np.abs(np.ravel(self._direction)[moved])))

    def _change(self, weights: np.ndarray, distance: float) -> float:
        """Return by how much a weighted sum of the values has changed at some distance."""
        used = weights != 0
        with np.errstate(all="ignore"):
            return float(weights[used] @ (self._along(distance) - self._here)[used])

    def _resolution(self, weights: np.ndarray) -> float:
        """Return the least change that a weighted sum of the values shows on this line, if it is rounding."""
        least = _least_change(lambda t: self._change(weights, t), finest_step(self._eps))
        largest = float(np.max(np.abs(weights))) * max(1.0, float(np.max(np.abs(self._here))))
        return least if least <= ROUNDING * self._eps * largest else 0.0


def _explained(analytic: float, central: np.ndarray, noise: float) -> bool:
    """Tell whether a gradient is the difference at the widest step, which shows a wrong sign most clearly."""
    return abs(analytic - central[0]) <= 4 * abs(central[0] - central[1]) + _SAMPLED * noise


def _least_change(change: Callable[[float], float], step: float) -> float:
    """Return by how much a function changes where it first leaves its value at 0; 0 if it never does."""
    distances = (sign * step * 2.0**k for k in (*range(60), *range(60, 900, 20)) for sign in (1, -1))
    beyond = next((t for t in distances if math.isfinite(c := change(t)) and c != 0), None)
    if beyond is None:
        return 0.0
    within = 0.0
    for _ in range(60):
        middle = (within + beyond) / 2
        if change(middle) == 0:
            within = middle
        else:
            beyond = middle
    return abs(change(beyond))
