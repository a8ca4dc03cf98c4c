"""The rounding that a comparison must allow for: the precision of a function, and the noise of its values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..tape import Box, Leaf, box
from ..tensor import Tensor
from .differences import ROUNDING
from .flat import Flat, joined


def half_the_digits(eps: float) -> float:
    """Return a relative tolerance of half the digits, which bad conditioning may take from a gradient."""
    return 16 * math.sqrt(eps)


def tolerance(reference: np.ndarray, noise: np.ndarray, eps: float) -> np.ndarray:
    """Return how far results in a narrow dtype may be from a reference in a wider one.

    Half the digits are allowed for, and the rounding of sums as large as the largest element.
    """
    size = np.abs(reference)
    allowed: np.ndarray = half_the_digits(eps) * size + ROUNDING * (noise + eps * np.max(size, initial=0.0))
    return allowed


def precision(flat: Flat) -> float:
    """Return the relative precision of a function's values: that of the coarsest dtype they pass through."""
    lifted = [box(Tensor, x, Leaf(x)) for x in flat.leaves]
    return float(np.finfo(_coarsest(flat.call(*lifted), flat.leaves)).eps)


def _coarsest(outputs: list[Any], leaves: list[np.ndarray]) -> np.dtype:
    """Return the coarsest floating dtype through which values pass, found on the tape."""
    dtypes = {leaf.dtype for leaf in leaves} | {out.dtype for out in outputs}
    waiting = [out.node for out in outputs if isinstance(out, Box) and out.node is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        dtypes.add(node.dtype)
        parents = {parent for parent in node.parents if parent is not None} - seen
        seen |= parents
        waiting.extend(parents)
    return max(dtypes, key=lambda dtype: np.finfo(dtype).eps)


def rounding_noise(flat: Flat, outputs: list[np.ndarray], eps: float, rng: np.random.Generator) -> np.ndarray:
    """Estimate the error of a function's values: their rounding, and what one ulp of the leaves changes."""
    here = joined(outputs)
    noise: np.ndarray = eps * (
        np.abs(here) + np.repeat(flat.output_units(outputs), [out.size for out in outputs])
    )
    ulps = 16.0  # the leaves move by so many ulps at most: one alone would round to few different moves
    for _ in range(3):
        # Each element moves on its own: if two moved alike, ``a - b`` would stay as small as it is.
        moved = [x * (1 + ulps * eps * rng.uniform(-1, 1, x.shape)) for x in flat.leaves]
        change = np.abs(joined(flat.values(moved)) - here) / ulps
        noise = np.maximum(noise, np.where(np.isfinite(change), change, 0.0))
    return noise
