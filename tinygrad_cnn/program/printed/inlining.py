"""Which lines of a program stand inside of another one when it is printed, as a hand would write it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ... import ops
from ...tape import Primitive, sum_to
from ..optimizers import parameters
from ..recorded import Recorded
from ..rules import RuleCall
from ..traced import getitem
from ..values import Line, Value
from .expressions import is_transpose
from .spelling import summed_axes

_MOST = 3  # lines in one expression, besides the call that uses it


def aliases(program: Recorded) -> dict[Value, Value]:
    """Return the values that are the same as another one in print.

    The tape makes arrays of NumPy's scalars, and ``x[()]`` makes scalars of them again where they leave it.
    And it copies views that it returns, such as the sums of `sum_to`, which are printed as fresh sums.
    """
    scalars = {line.result for line in program.lines if line.as_array} - needs_array(program)
    sums = {line.result for line in program.lines if line.function is sum_to and summed_axes(*line.args)}
    uses = Counter(x for line in program.lines for x in line.inputs()) + Counter(program.values())
    return {
        line.result: line.args[0]
        for line in program.lines
        if (line.function is getitem and line.args[1] == () and line.args[0] in scalars)
        or (line.function is np.copy and line.args[0] in sums and uses[line.args[0]] == 1)
    }


def needs_array(program: Recorded) -> set[Value]:
    """Return the values that must be arrays even if they have no axes, for whoever uses them."""
    needed = set(program.values())
    for line in program.lines:
        takes_scalars = (
            isinstance(line.function, Primitive | np.ufunc)
            or line.function is np.ones_like
            or (line.function is getitem and line.args[1] == ())
        )
        if not takes_scalars:
            needed.update(line.inputs())
    return needed


def parts(lines: list[Line], inside: dict[Value, Line], same: dict[Value, Value]) -> dict[Line, list[Line]]:
    """List for each printed line the lines that are written inside of it, or as the same, and itself last."""
    makers = {line.result: line for line in lines}
    found: dict[Line, list[Line]] = {}
    for line in lines:
        if line.function is parameters:
            continue  # its results are written as what they are in the tree of the optimizer
        if line.result in same:
            found[makers[same[line.result]]].append(line)
        elif line.result not in inside:
            found[line] = [line]
            for part in found[line]:  # the list grows while it is walked
                found[line] += [inside[x] for x in part.inputs() if x in inside]
            found[line].reverse()
    return found


def inlined(program: Recorded, plain: set[Value], skipped: set[Value]) -> dict[Value, Line]:
    """Return the lines that are written where their result is used.

    Parameters
    ----------
    program : Recorded
        The program.
    plain : set of Value
        The values whose names say nothing, which nobody misses.
    skipped : set of Value
        The values that are written as other values.
    """
    results = program.values()
    uses = Counter(x for line in program.lines for x in line.inputs()) + Counter(results)
    users = {x: line for line in program.lines for x in line.inputs()}
    chosen: dict[Value, Line] = {}
    after, last = _effects_before(program.lines)
    sizes: dict[Value, int] = {}
    for line in program.lines:
        value = line.result
        sizes[value] = 1 + sum(sizes[x] for x in line.inputs() if x in chosen)
        if uses[value] != 1 or value in skipped or line.as_array or line.has_effect or line.errstate:
            continue
        is_returned_copy = line.function is np.copy and value in results and after[line] == last
        is_short = value in users and value in plain and sizes[value] < _MOST
        if is_returned_copy or (
            is_short and after[line] == after[users[value]] and _fits(line, users[value])
        ):
            chosen[value] = line
    return chosen


def _effects_before(lines: list[Line]) -> tuple[dict[Line, int], int]:
    """Count the effects before each line, such as steps of optimizers, which none is moved over."""
    count, before = 0, {}
    for line in lines:
        before[line] = count
        count += line.has_effect
    return before, count


def _fits(line: Line, user: Line) -> bool:
    """Whether a line is short, and belongs to the line that uses it."""
    if isinstance(user.function, RuleCall) or user.errstate or line.backward != user.backward:
        return False
    if not line.backward and (line.place, line.layer) != (user.place, user.layer):
        return False
    return (
        isinstance(line.function, np.ufunc)
        or line.function in _OPERATIONS
        or is_transpose(line)
        or (line.function is getitem and isinstance(user.function, Primitive | np.ufunc))
    )


_OPERATIONS: set[Any] = {ops.add, ops.subtract, ops.multiply, ops.divide, ops.negative, ops.matmul}
