"""Passes over the lines of a program: each takes lines and returns lines that compute the same results.

A pass never changes a line in place. `PASSES` are those that every program goes through before it is printed
or played; a test plays programs with and without each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import tape
from ..autodiff import _identity
from ..tape import Primitive
from .foreign import is_foreign
from .rules import RuleCall
from .traced import getitem
from .values import Line, Value, mapped

Lines = list[Line]
Pass = Callable[[Lines, "list[Value]"], "tuple[Lines, list[Value]]"]
"""From lines, and the values that are returned, to others."""


def without_dead_lines(lines: Lines, results: list[Value]) -> tuple[Lines, list[Value]]:
    """Drop what no result needs, such as the gradient of a loss that an outer derivative never asks for.

    Operations of the user stay, since they may print, count or check something.
    """
    needed = set(results)
    kept: Lines = []
    for line in reversed(lines):
        if line.has_effect or line.result in needed or _is_users(line):
            needed.update(line.inputs())
            kept.append(line)
    return kept[::-1], results


def _is_users(line: Line) -> bool:
    op = line.function
    is_of_rule = isinstance(op, Primitive) and isinstance(getattr(op.function, "__self__", None), RuleCall)
    return isinstance(op, Primitive) and is_foreign(line) and not is_of_rule


def without_identities(lines: Lines, results: list[Value]) -> tuple[Lines, list[Value]]:
    """Replace the result of a line that changes nothing by its argument, where that may be shared."""
    returned = Counter(results)
    return _replaced(lines, results, lambda line: _same_as(line, returned))


def _same_as(line: Line, returned: Counter[Value]) -> Value | None:
    """Return the argument that a line returns unchanged, if it does."""
    first = line.args[0] if line.args else None
    if not isinstance(first, Value) or (first.shape, first.dtype) != (line.result.shape, line.result.dtype):
        return None
    if line.function is _identity:
        return first
    is_identity = line.function in (tape.sum_to, tape.broadcast_to) or (
        line.function is getitem and line.args[1] == ()
    )
    return first if is_identity and first.shape and not returned[line.result] else None


def without_copies(lines: Lines, results: list[Value]) -> tuple[Lines, list[Value]]:
    """Leave out the copy of an array that nobody else holds: it is returned as it is."""
    uses = Counter(value for line in lines for value in line.inputs()) + Counter(results)
    fresh = {line.result for line in lines if is_new(line)}

    def same(line: Line) -> Value | None:
        if line.function is not np.copy or line.kwargs:
            return None
        (source,) = line.args
        return source if source in fresh and uses[source] == 1 else None

    return _replaced(lines, results, same)


def is_new(line: Line) -> bool:
    """Whether the result of a line shares memory with nothing, whatever the numbers are.

    Views go by shapes and strides alone, in this package and in NumPy, so that it is as it was recorded.
    """
    return line.result.is_own and not is_foreign(line)


def _replaced(
    lines: Lines, results: list[Value], same: Callable[[Line], Value | None]
) -> tuple[Lines, list[Value]]:
    """Drop the lines for which another value is named, and use that in the place of their results."""
    instead: dict[Value, Value] = {}

    def change(x: Any) -> Any:
        return instead.get(x, x) if isinstance(x, Value) else x

    kept: Lines = []
    for line in lines:
        moved = replace(line, args=mapped(change, line.args), kwargs=mapped(change, line.kwargs))
        value = same(moved)
        if value is None:
            kept.append(moved)
        else:
            instead[line.result] = value
            value.name = value.name or line.result.name
            value.gradient_of = value.gradient_of or line.result.gradient_of
    return kept, [change(value) for value in results]


PASSES: tuple[Pass, ...] = (without_identities, without_copies, without_dead_lines)


def apply(passes: Iterable[Pass], lines: Lines, results: list[Value]) -> tuple[Lines, list[Value]]:
    """Apply passes one after the other."""
    for change in passes:
        lines, results = change(lines, results)
    return lines, results
