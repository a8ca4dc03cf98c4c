"""A program played one line at a time, for whoever looks at what each line computes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .recorded import AsTensor, Recorded
from .values import Line, Source, Value, mapped


class Step(NamedTuple):
    """A line that was played: what it was called with, and what it returned."""

    line: Line
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any


def inputs(program: Recorded, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[Value | Source, Any]:
    """Return what is among the arguments; generators and optimizers are copies, which lines may change."""
    places = [x.value if isinstance(x, AsTensor) else x for x in program.arguments]
    leaves = program.leaves(args, kwargs)
    return {
        x: copy.deepcopy(leaf) if isinstance(x, Source) else leaf
        for x, leaf in zip(places, leaves, strict=True)
        if isinstance(x, Value | Source)
    }


def steps(program: Recorded, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Step]:
    """Play a program line by line, and yield each line with its numbers."""
    held = inputs(program, args, kwargs)

    def number(x: Any) -> Any:
        return held[x] if isinstance(x, Value | Source) else x

    for line in program.lines:
        given, options = mapped(number, line.args), mapped(number, line.kwargs)
        with np.errstate(**({"all": "ignore"} | line.errstate)):
            out = line.function(*given, **options)
        held[line.result] = np.asarray(out) if line.as_array else out
        yield Step(line, given, options, held[line.result])
