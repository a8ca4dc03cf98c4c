"""The check that gradients have the dtype of their operands, and in that dtype agree with float64."""

from __future__ import annotations

import numpy as np

from ..autodiff import vjp
from .errors import GradientError
from .flat import Flat
from .rounding import precision, rounding_noise, tolerance


def check_own_dtype(own: Flat, wide: Flat, order: int, seed: int) -> None:
    """Raise a GradientError unless gradients of the function at its own dtypes agree with the wide one's."""
    if all(x.dtype == np.float64 for x in own.leaves):
        return
    rng = np.random.default_rng(seed)
    for _ in range(order - 1):
        cotangents = own.draw_cotangents(rng)
        own, wide = own.gradient(cotangents), wide.gradient(_widened(cotangents))
    cotangents = own.draw_cotangents(rng)
    _, pullback = vjp(own.call, *own.leaves)
    gradient, eps = wide.gradient(_widened(cotangents)), precision(own)
    references = gradient.values()
    ends = np.cumsum([x.size for x in references])[:-1]
    noises = np.split(rounding_noise(gradient, references, eps, rng), ends)
    for leaf, (narrow, reference, noise) in enumerate(
        zip(map(np.asarray, pullback(cotangents)), references, noises, strict=True)
    ):
        allowed = tolerance(reference, noise.reshape(reference.shape), eps)
        _compare(own, leaf, narrow, reference, allowed, f"(order {order})")


def _widened(arrays: list[np.ndarray]) -> list[np.ndarray]:
    return [array.astype(np.float64) for array in arrays]


def _compare(
    own: Flat, leaf: int, narrow: np.ndarray, reference: np.ndarray, allowed: np.ndarray, order: str
) -> None:
    name, dtype = own.names[leaf], own.leaves[leaf].dtype
    if narrow.dtype != dtype:
        raise GradientError(
            f"'{own.name}': the gradient to '{name}' {order} is {narrow.dtype} for an operand "
            f"of {dtype}\n{own.origin}"
        )
    wrong = ~(np.abs(narrow - reference) <= allowed)
    if wrong.any():
        index = tuple(map(int, np.argwhere(wrong)[0]))
        raise GradientError(
            f"'{own.name}': the gradient to '{name}' {order} at {list(index)} is "
            f"{narrow[index]:.9g} in {dtype}, but {reference[index]:.9g} in float64\n{own.origin}"
        )
