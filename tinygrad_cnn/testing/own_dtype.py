"""The check that gradients have the dtype of their operands, and in that dtype agree with float64."""

from __future__ import annotations

import numpy as np

from ..autodiff import vjp
from .differences import ROUNDING
from .errors import GradientError
from .flat import Flat
from .rounding import precision, rounding_noise, tolerance

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module


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
    gradients = [np.asarray(g) for g in pullback(cotangents)]
    for leaf, (narrow, reference, noise) in enumerate(zip(gradients, references, noises, strict=True)):
        _require_dtype(own, leaf, narrow)
        if _wrong(narrow, reference, noise, eps).any():  # rounding may show in this dtype alone
            rounded = rounding_noise(own.gradient(cotangents), gradients, eps, rng, everywhere=True)
            noise = np.maximum(noise, np.split(rounded, ends)[leaf])
        wrong = _wrong(narrow, reference, noise, eps)
        if wrong.any():
            index = tuple(map(int, np.argwhere(wrong)[0]))
            raise GradientError(
                f"'{own.name}': the gradient to '{own.names[leaf]}' (order {order}) at {list(index)} is "
                f"{narrow[index]:.9g} in {narrow.dtype}, but {reference[index]:.9g} in float64\n{own.origin}"
            )


def _widened(arrays: list[np.ndarray]) -> list[np.ndarray]:
    return [array.astype(np.float64) for array in arrays]


def _wrong(narrow: np.ndarray, reference: np.ndarray, noise: np.ndarray, eps: float) -> np.ndarray:
    allowed = tolerance(reference, noise.reshape(reference.shape), eps)
    allowed += ROUNDING * np.finfo(narrow.dtype).tiny  # where a value underflows, it has no digits to compare
    wrong: np.ndarray = ~(np.abs(narrow - reference) <= allowed)
    return wrong


def _require_dtype(own: Flat, leaf: int, narrow: np.ndarray) -> None:
    dtype = own.leaves[leaf].dtype
    if narrow.dtype != dtype:
        raise GradientError(
            f"'{own.name}': the gradient to '{own.names[leaf]}' (order {own.order}) is {narrow.dtype} for an "
            f"operand of {dtype}\n{own.origin}"
        )
