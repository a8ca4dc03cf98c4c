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


def rounding_noise(
    flat: Flat, outputs: list[np.ndarray], eps: float, rng: np.random.Generator, *, everywhere: bool = False
) -> np.ndarray:
    """Estimate the error of a function's values: their rounding, and what one ulp of the leaves changes.

    With ``everywhere``, the result of every primitive is moved by ulps too. It takes longer, and shows what
    moving the leaves cannot: the rounding of ``1 + x`` for a tiny ``x``, and of what is made of zeros.
    """
    here = joined(outputs)
    noise: np.ndarray = eps * (
        np.abs(here) + np.repeat(flat.output_units(outputs), [out.size for out in outputs])
    )
    for _ in range(3):
        # Each element moves on its own: if two moved alike, ``a - b`` would stay as small as it is.
        if everywhere:
            jittered = _jittered(eps, rng)
            change = np.abs(joined(flat.values([box(jittered, x, Leaf(x)) for x in flat.leaves])) - here)
            # A comparison for equality fails when its sides are moved. What that changes is no rounding, and
            # much larger: rounding that takes two thirds of the digits is allowed for.
            change[change > 16 * eps ** (1 / 3) * jittered.largest] = 0
        else:
            change = np.abs(joined(flat.values([_moved_by_ulps(x, eps, rng) for x in flat.leaves])) - here)
        noise = np.maximum(noise, np.where(np.isfinite(change), change, 0.0) / _ULPS)
    return noise


_ULPS = 16.0  # values move by so many ulps at most: one alone would round to few different moves


def _moved_by_ulps(x: np.ndarray, eps: float, rng: np.random.Generator) -> np.ndarray:
    moved: np.ndarray = (x * (1 + _ULPS * eps * rng.uniform(-1, 1, x.shape))).astype(x.dtype)
    return moved


def _jittered(eps: float, rng: np.random.Generator) -> Any:
    """Return a class of tensors that move by ulps what is put into them, so every result is rounded anew.

    Its attribute ``largest`` is the size of the largest finite value that it has met. The same array is moved
    in the same way each time, since a node keeps the output of a call for its rules.
    """
    met: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # the arrays are kept, so that none takes another's id

    class Jittered(Tensor):
        __slots__ = ("_moved",)
        largest = 1.0

        @property
        def data(self) -> np.ndarray:
            return self._moved

        @data.setter
        def data(self, exact: np.ndarray) -> None:
            if exact.dtype.kind == "f" and id(exact) not in met:
                moved = _moved_by_ulps(exact, eps, rng)
                met[id(exact)], met[id(moved)] = (exact, moved), (moved, moved)
                finite = np.max(np.abs(exact), initial=1.0, where=np.isfinite(exact))
                Jittered.largest = max(Jittered.largest, float(finite))
            self._moved = met[id(exact)][1] if id(exact) in met else exact

    return Jittered
