"""The cotangents of a check, dense and sparse and in every memory layout, and what the tape makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..autodiff import vjp
from .directions import picked_elements, signed, small_integers
from .errors import GradientError
from .flat import Flat, joined
from .layouts import LAYOUTS, broadcasts, relaid

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module


class Pulled(NamedTuple):
    """One choice of cotangents, and the gradients that the tape has made of it.

    Attributes
    ----------
    layout : str
        What the cotangents are like, for messages.
    cotangents : list of ndarray
        One cotangent for each output.
    gradients : list of ndarray
        One gradient for each leaf.
    """

    layout: str
    cotangents: list[np.ndarray]
    gradients: list[np.ndarray]

    @property
    def vector(self) -> np.ndarray:
        """The cotangents, joined."""
        return joined(self.cotangents)


def are_equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Tell whether the arrays of two lists hold the same bytes."""
    return all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


def pulled_gradients(
    flat: Flat, outputs: list[np.ndarray], rng: np.random.Generator, *, integers: bool
) -> Iterator[Pulled]:
    """Yield the gradients for many cotangents, and check that the rules treat the cotangents well."""
    _, pullback = vjp(flat.call, *flat.leaves)
    for number, (layout, cotangents) in enumerate(_cotangents(outputs, rng, integers)):
        before = [g.copy() for g in cotangents]
        gradients = [np.asarray(g) for g in pullback(list(cotangents))]
        if not are_equal(before, cotangents):
            raise GradientError(
                f"'{flat.name}' (order {flat.order}): the gradient rule of "
                f"'{_mutating_operand(flat, before)}' changes its cotangent, which belongs to others "
                f"(cotangent: {layout})\n{flat.origin}"
            )
        # what a rule remembers shows in the first calls already
        again = gradients if number > 2 else [np.asarray(g) for g in pullback(list(cotangents))]
        for name, a, b in zip(flat.names, gradients, again, strict=True):
            if not are_equal([a], [b]):
                raise GradientError(
                    f"'{flat.name}': the gradient to '{name}' (order {flat.order}) is not deterministic: two "
                    f"calls with the same cotangent differ (cotangent: {layout})\n{flat.origin}"
                )
        yield Pulled(layout, before, gradients)


def _mutating_operand(flat: Flat, cotangents: list[np.ndarray]) -> str:
    """Return the first leaf whose gradient, computed alone, changes the cotangents."""
    for leaf, name in enumerate(flat.names):
        given = [g.copy() for g in cotangents]
        _, pullback = vjp(lambda x, leaf=leaf: flat.call(*flat.with_leaf(leaf, x)), flat.leaves[leaf])
        pullback(given)
        if not are_equal(cotangents, given):
            return name
    return "', '".join(flat.names)  # the rules change it only when they are computed together


def _cotangents(
    outputs: list[np.ndarray], rng: np.random.Generator, integers: bool
) -> Iterator[tuple[str, list[np.ndarray]]]:
    dense = [
        (small_integers(out, rng) if integers else signed(0.5, 1.5, out.shape, rng)).astype(out.dtype)
        for out in outputs
    ]
    for layout in LAYOUTS:
        yield f"dense, {layout}", [relaid(g, layout) for g in dense]
    for i, g in enumerate(dense):
        for name, view in broadcasts(g):
            yield f"dense, {name}", [view if j == i else other for j, other in enumerate(dense)]
        for index in picked_elements(g.size, rng):
            basis = [np.zeros_like(other) for other in dense]
            basis[i].reshape(-1)[index] = 1
            yield f"one at output element {list(map(int, np.unravel_index(index, g.shape)))}", basis
