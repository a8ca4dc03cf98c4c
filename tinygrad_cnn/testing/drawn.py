"""The calls of a case, drawn once for all of its properties, since drawing takes as long as many a check."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import tree
from .cases import Call, OpCase
from .flat import is_floating
from .properties import has_empty, properties_of

_RUNS = 4  # The properties take turns with so many runs, so that those of derivatives see calls of their own.


class DrawnCalls:
    """The calls that the properties of a case are checked on, the same ones whenever they are drawn.

    Parameters
    ----------
    case : OpCase
        The operation.
    max_examples : int, optional
        The number of calls for each property; by default the hypothesis profile decides.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> from tinygrad_cnn.testing import strategies
    >>> drawn = DrawnCalls(OpCase("sin", sin, operands=strategies.arrays()), max_examples=5)
    >>> len(drawn.of("order 1")), all(0 in call.operands[0].shape for call, _ in drawn.of("size 0"))
    (5, True)
    """

    def __init__(self, case: OpCase, max_examples: int | None = None) -> None:
        self._case, self._max_examples = case, max_examples
        self._runs: dict[tuple[int, bool], tuple[list[tuple[Call, int]], bytes]] = {}

    def of(self, name: str, turn: int = 0) -> list[tuple[Call, int]]:
        """Return the calls for a property, each with a seed for what the check draws; a turn has others."""
        first = turn * _RUNS
        if name == "size 0":
            all_runs = [one for run in range(first, first + _RUNS) for one in self.run(run)]
            return [one for one in all_runs if has_empty(one[0])] or self.run(first, empty=True)
        return self.run(first + list(properties_of(self._case)).index(name) % _RUNS)

    def run(self, seed: int, *, empty: bool = False) -> list[tuple[Call, int]]:
        """Return the calls of one run, drawn anew if an operation has changed an operand of them."""
        run, before = self._runs.get((seed, empty), ([], b""))
        if not run or _bytes_of(run) != before:
            run = self._draw(seed, empty)
            self._runs[seed, empty] = run, _bytes_of(run)
        return run

    def _draw(self, seed: int, empty: bool) -> list[tuple[Call, int]]:
        from . import strategies  # it needs hypothesis

        run: list[tuple[Call, int]] = []
        calls = strategies.calls(self._case.operands, self._case.params)
        strategies.for_all(
            self._case.name,
            calls.filter(has_empty) if empty else calls,
            lambda call, check_seed: run.append((call, check_seed)),
            seed=seed,
            max_examples=self._max_examples or strategies.hypothesis.settings().max_examples,
        )
        return run


@functools.cache
def drawn_calls(case: OpCase, max_examples: int) -> DrawnCalls:
    """Return the calls of a case, the same object in each test that asks for them."""
    return DrawnCalls(case, max_examples)


def _bytes_of(run: list[tuple[Call, int]]) -> bytes:
    leaves: list[Any] = tree.leaves([call.operands for call, _ in run])
    return b"".join(np.asarray(leaf).tobytes() for leaf in leaves if is_floating(leaf))
