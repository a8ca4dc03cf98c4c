"""Two programs of one function, recorded with different numbers of samples, as one with a free number.

What differs between the two is what follows from the number of samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...program.program import Program
from ...program.recorded import AsTensor
from ...program.values import Line, Value


class Samples(int):
    """A size that follows from the number of samples: the one that was recorded first."""


@dataclass
class Merged:
    """The forward lines of a function, in which sizes may be `Samples`.

    Parameters
    ----------
    name : str
        That of the function.
    arguments, results : list of Value
        What goes in, and what the forward lines compute of what comes out.
    paths : list of str
        Where the arguments stand.
    lines : list of Line
        The calls.
    shapes : dict of Value to tuple of int
        The shapes of all values.
    constants : dict of Value to ndarray
        The values that follow from no argument. Where such an array follows from the number of samples, and
        is the same everywhere, it has the length 1 along these axes.
    """

    name: str
    arguments: list[Value]
    results: list[Value]
    paths: list[str]
    lines: list[Line]
    shapes: dict[Value, tuple[int, ...]]
    constants: dict[Value, np.ndarray]


def merged(program: Program, other: Program) -> Merged:
    """Merge a program with another one of the same function; raise a ValueError if they do other things."""
    pairs = list(zip(program.lines, other.lines, strict=False))
    if len(program.lines) != len(other.lines) or any(a.function != b.function for a, b in pairs):
        raise ValueError(
            f"export: {program.name} does other operations for another number of samples: pass "
            "free_batch=False"
        )
    ours = [_value(x) for x in program.arguments if isinstance(x, Value | AsTensor)]
    theirs = [_value(x) for x in other.arguments if isinstance(x, Value | AsTensor)]
    paths = [
        path
        for path, x in zip(program.paths, program.arguments, strict=True)
        if isinstance(x, Value | AsTensor)
    ]
    made = [(a.result, b.result) for a, b in pairs]
    shapes = {a: _sizes(a.shape, b.shape) for a, b in [*zip(ours, theirs, strict=True), *made]}
    forward = [(a, b) for a, b in pairs if not a.backward]
    constants: dict[Value, Any] = {}
    lines = []
    at_other: dict[Value, Any] = {}
    for a, b in forward:
        if all(x in constants for x in a.inputs()) and not a.has_effect:
            constants[a.result], at_other[b.result] = _computed(a, constants), _computed(b, at_other)
        else:
            lines.append(_with_samples(a, b))
    known = {*ours, *constants, *(line.result for line in lines)}
    results = [value for value in program.values() if value in known]
    if not results:
        raise ValueError(f"export: {program.name} returns nothing that it computes on the way forward")
    for a, b in forward:
        if a.result in constants:
            constants[a.result] = _uniform(constants[a.result], at_other[b.result], a)
    return Merged(program.name, ours, results, paths, _needed(lines, results), shapes, constants)


def _value(x: Any) -> Value:
    return x.value if isinstance(x, AsTensor) else x


def _sizes(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n if n == m else Samples(n) for n, m in zip(a, b, strict=True))


def _computed(line: Line, constants: dict[Value, Any]) -> Any:
    """Compute a line that needs nothing but constants."""
    args, kwargs = (_filled(x, constants) for x in (line.args, line.kwargs))
    out = line.function(*args, **kwargs)
    return out if isinstance(out, tuple | list) else np.asarray(out)


def _filled(x: Any, constants: dict[Value, Any]) -> Any:
    from ...program.values import mapped

    return mapped(lambda leaf: constants[leaf] if isinstance(leaf, Value) else leaf, x)


def _uniform(a: Any, b: Any, line: Line) -> Any:
    """Return a constant that does for any number of samples, or the one for the recorded number."""
    if isinstance(a, tuple | list) or a.shape == b.shape:
        return a
    first = a.reshape(-1)[:1]
    if a.size and b.size and (a == first).all() and (b == first).all():
        shape = [n if n == m else 1 for n, m in zip(a.shape, b.shape, strict=True)]
        return np.broadcast_to(first.reshape((1,) * a.ndim), shape).copy()
    raise of_samples(line)


def of_samples(line: Line) -> ValueError:
    """Return the error for a line that computes with the number of samples."""
    name = getattr(line.function, "__name__", line.function)
    where = f", recorded at {line.place}" if line.place else ""
    return ValueError(
        f"export: {name} has an argument that follows from the number of samples{where}: pass "
        "free_batch=False"
    )


def _with_samples(a: Line, b: Line) -> Line:
    """Return a line whose sizes are `Samples` where the two differ."""
    args, kwargs = (_paired(x, y, a) for x, y in ((a.args, b.args), (a.kwargs, b.kwargs)))
    return Line(a.function, args, kwargs, a.result, place=a.place, layer=a.layer)


def _paired(x: Any, y: Any, line: Line) -> Any:
    if isinstance(x, Value):
        return x
    if type(x) is not type(y):
        raise of_samples(line)
    if type(x) in (tuple, list):
        return type(x)(_paired(i, j, line) for i, j in zip(x, y, strict=True))
    if isinstance(x, dict):
        return {key: _paired(x[key], y[key], line) for key in x}
    if isinstance(x, slice):
        return slice(*(_paired(getattr(x, n), getattr(y, n), line) for n in ("start", "stop", "step")))
    if type(x) is int and x != y:
        return Samples(x)
    if x != y and x is not y and not (x != x):  # NaN is no other number
        raise of_samples(line)
    return x


def _needed(lines: list[Line], results: list[Value]) -> list[Line]:
    """Drop the lines that no result needs, such as those for the way back."""
    needed, kept = set(results), []
    for line in reversed(lines):
        if line.result in needed:
            needed.update(line.inputs())
            kept.append(line)
    return kept[::-1]
