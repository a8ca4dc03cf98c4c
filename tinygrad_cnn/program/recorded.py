"""A recorded function: its arguments, its lines and its results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from .. import tree
from .matching import Taker
from .passes import Pass, apply
from .values import Line, Source, Value


class Static(NamedTuple):
    """A leaf of the arguments or results that is the same at each play."""

    value: Any


class AsTensor(NamedTuple):
    """A result that is returned as a `Tensor`."""

    value: Value


@dataclass(eq=False)
class Recorded:
    """A recorded function: its arguments, its lines, and what it returns.

    Parameters
    ----------
    name : str
        The name of the function.
    parameters : list of str
        The names of the positional arguments.
    arguments : list of (Value or Source or Static or AsTensor)
        The leaves of ``(args, kwargs)``.
    paths : list of str
        Where each of them stands: the parameter of the function, and what follows in its tree.
    structure : Structure
        That of ``(args, kwargs)``.
    lines : list of Line
        The calls.
    results : list of (Value or Source or Static or AsTensor)
        The leaves of what is returned.
    returned : Structure
        That of what is returned.
    """

    name: str
    parameters: list[str]
    arguments: list[Any]
    paths: list[str]
    structure: tree.Structure
    lines: list[Line]
    results: list[Any]
    returned: tree.Structure
    _take: Taker

    def values(self) -> list[Value]:
        """List the values among the results, those of tensors included."""
        return [x.value if isinstance(x, AsTensor) else x for x in self.results if not _is_other(x)]

    def leaves(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """List the leaves of arguments, whose structure, shapes and dtypes must be the recorded ones."""
        leaves = self._take((args, kwargs))
        if leaves is None:
            raise TypeError(f"{self.name}: the program was recorded for other arguments: record them anew")
        return leaves

    def through(self, passes: Iterable[Pass]) -> Self:
        """Return the program after passes over its lines."""
        lines, values = apply(passes, self.lines, self.values())
        supply = iter(values)
        results = [
            x if _is_other(x) else AsTensor(next(supply)) if isinstance(x, AsTensor) else next(supply)
            for x in self.results
        ]
        return replace(self, lines=lines, results=results)


def _is_other(x: Any) -> bool:
    return isinstance(x, Static | Source)
