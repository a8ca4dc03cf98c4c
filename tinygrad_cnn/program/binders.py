"""Binders: how a line is bound to its shapes, by the function that it calls.

A *binder* makes a function of the arrays of a line, in their order, that writes into a buffer which is used
at every play. It returns None where it knows no better than the function itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..kernels import parallel, thresholds
from ..kernels.bound_conv import Scratch
from .values import Line, Value, values_in

Bound = Callable[..., Any]


class Known(Protocol):
    """What a binder is told of the program around a line."""

    lines: list[Line]
    made: dict[Value, tuple[Line, Bound]]  # the lines that are bound by now
    escaping: set[Value]  # what a caller may keep
    scratch: Scratch

    def take(self, line: Line) -> Any:
        """Return the array that the result of a line is written into."""


Binder = Callable[[Line, Known], "Bound | None"]

BINDERS: dict[Any, Binder] = {}
MAKE_NEW: set[Binder] = set()
"""Binders of lines that write into no buffer, so that a caller may keep what they return."""


def binder(*functions: Any, makes_new: bool = False) -> Callable[[Binder], Binder]:
    """Register a binder for the lines that call these functions."""

    def register(bind: Binder) -> Binder:
        BINDERS.update(dict.fromkeys(functions, bind))
        if makes_new:
            MAKE_NEW.add(bind)
        return bind

    return register


def examples(line: Line) -> list[Any]:
    """Make an array like each that the line is called with."""
    return [x.example() for x in line.args if isinstance(x, Value)]


def is_plain(line: Line) -> bool:
    """Whether all values are of one dtype, single or double, and none is empty."""
    values = [line.result, *values_in(line.args)]
    return all(x.dtype == line.result.dtype and x.dtype.char in "fd" and x.size for x in values)


def is_shared(value: Value) -> bool:
    """Whether threads share the elements of an array."""
    return parallel.threads() > 1 and value.size >= thresholds.SHARED_ELEMENTS
