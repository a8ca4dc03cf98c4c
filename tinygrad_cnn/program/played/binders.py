"""Binders: how a line is bound to its shapes, by the function that it calls.

A *binder* lists the calls (`kernels.calls`) that compute a line. They write into a buffer which is used at
every play, or return a new array where a caller may keep the result. A binder returns None where it knows no
better than the function itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ...kernels import parallel, thresholds
from ...kernels.bound_conv import Scratch
from ...kernels.calls import Call, Operand
from ...types import NDArray
from ..values import Line, Value, values_in


class Bound(NamedTuple):
    """The calls of a line, and the array that has its result then; None if the last call returns it."""

    calls: list[Call]
    result: NDArray | None = None


class Known(Protocol):
    """What a binder is told of the program around a line."""

    lines: list[Line]
    scratch: Scratch
    kept: dict[Any, Any]  # what a binder leaves to later ones

    def operand(self, value: Value) -> Operand:
        """Return what stands for the array of a value."""

    def escapes(self, line: Line) -> bool:
        """Tell whether a caller may keep the result of a line."""

    def take(self, line: Line) -> Any:
        """Return the array that the result of a line is written into."""


Binder = Callable[[Line, Known], "Bound | None"]

BINDERS: dict[Any, Binder] = {}
MAKE_NEW: set[Binder] = set()
"""Binders that are also asked for lines whose result a caller may keep."""


def binder(*functions: Any, makes_new: bool = False) -> Callable[[Binder], Binder]:
    """Register a binder for the lines that call these functions."""

    def register(bind: Binder) -> Binder:
        BINDERS.update(dict.fromkeys(functions, bind))
        if makes_new:
            MAKE_NEW.add(bind)
        return bind

    return register


def operands(line: Line, known: Known) -> list[Operand]:
    """List what stands for each array that the line is called with."""
    return [known.operand(x) for x in line.args if isinstance(x, Value)]


def is_plain(line: Line) -> bool:
    """Whether all values are of one dtype, single or double, and none is empty."""
    values = [line.result, *values_in(line.args)]
    return all(x.dtype == line.result.dtype and x.dtype.char in "fd" and x.size for x in values)


def is_shared(value: Value) -> bool:
    """Whether threads share the elements of an array."""
    return parallel.threads() > 1 and value.size >= thresholds.SHARED_ELEMENTS
