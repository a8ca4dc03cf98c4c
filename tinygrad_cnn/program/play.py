"""How a program is played: its lines as the source of one Python function, with a local name a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import tree
from ..tape import Primitive
from ..tensor import Tensor
from .program import AsTensor, Program, Static
from .values import Line, Source, Value, mapped, values_in


class Player:
    """A program made into a function of the leaves of its arguments."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._names: dict[Any, str] = {}
        self._constants: dict[str, Any] = {"errstate": np.errstate, "asarray": np.asarray}
        self._by_row: list[Line | None] = []
        self.function = self._compiled()

    def _compiled(self) -> Callable[..., tuple[Any, ...]]:
        arguments = [f"a{i}" for i in range(len(self.program.arguments))]
        leaves = (x.value if isinstance(x, AsTensor) else x for x in self.program.arguments)
        named = zip(leaves, arguments, strict=True)
        self._names = {x: name for x, name in named if isinstance(x, Value | Source)}
        self._row(None, f"def play({', '.join(arguments)}):")
        rows = [f"def play({', '.join(arguments)}):"]
        last_use = {}
        kept = {v for v in self.program.results if isinstance(v, Value)}
        kept |= {v.value for v in self.program.results if isinstance(v, AsTensor)}
        for line in self.program.lines:
            for value in line.inputs():
                last_use[value] = line
        for line in self.program.lines:
            name = self._names[line.result] = f"v{len(self._names)}"
            for indent, row in self._rows(line, name):
                rows.append(indent + row)
                self._row(line, row)
            done = {v for v in line.inputs() if last_use[v] is line and v not in kept}
            done |= {line.result} - kept - last_use.keys()
            names = sorted(self._names[v] for v in done if self._names[v][0] == "v")
            if names:
                rows.append(f"    del {', '.join(names)}")
                self._row(line, "")
        rows.append(f"    return {self._written_result()}")
        space = dict(self._constants)
        exec(compile("\n".join(rows), f"<program of {self.program.name}>", "exec"), space)
        self.text = "\n".join(rows)
        return space["play"]

    def _row(self, line: Line | None, text: str) -> None:
        self._by_row.append(line)

    def _rows(self, line: Line, name: str) -> list[tuple[str, str]]:
        call = f"{self._constant(_callee(line))}({self._written_arguments(line)})"
        if line.as_array:
            call = f"asarray({call})"
        if line.errstate:
            return [
                ("    ", f"with errstate(**{self._constant(line.errstate)}):"),
                ("        ", f"{name} = {call}"),
            ]
        return [("    ", f"{name} = {call}")]

    def _written_arguments(self, line: Line) -> str:
        written = [self._written(x) for x in line.args]
        written += [f"{key}={self._written(x)}" for key, x in line.kwargs.items()]
        return ", ".join(written)

    def _written(self, x: Any) -> str:
        if isinstance(x, Value | Source):
            return self._names[x]
        if isinstance(x, slice) and any(values_in(x)):
            return f"slice({self._written(x.start)}, {self._written(x.stop)}, {self._written(x.step)})"
        if isinstance(x, tuple | list) and any(_holds(x)):
            inside = "".join(f"{self._written(item)}, " for item in x)
            return f"({inside})" if isinstance(x, tuple) else f"[{inside}]"
        if isinstance(x, dict) and any(_holds(x)):
            return "{" + ", ".join(f"{k!r}: {self._written(v)}" for k, v in x.items()) + "}"
        if x is None or type(x) in (int, bool, str):
            return repr(x)
        return self._constant(x)

    def _constant(self, x: Any) -> str:
        name = f"c{id(x)}"
        self._constants[name] = x
        return name

    def _written_result(self) -> str:
        """Write what is returned: containers of Python in place, others by `tree.unflatten`."""
        leaves = iter([self._result(x) for x in self.program.results])
        skeleton = self.program.returned.skeleton
        if _is_plain(skeleton):
            return self._literal(skeleton, leaves)
        unflatten, structure = self._constant(tree.unflatten), self._constant(self.program.returned)
        return f"{unflatten}({structure}, [{', '.join(leaves)}])"

    def _literal(self, skeleton: Any, leaves: Iterator[str]) -> str:
        if type(skeleton) is dict:
            items = (f"{self._written(k)}: {self._literal(v, leaves)}" for k, v in skeleton.items())
            return "{" + ", ".join(items) + "}"
        if type(skeleton) is list:
            return "[" + ", ".join(self._literal(x, leaves) for x in skeleton) + "]"
        if type(skeleton) is tuple:
            return "(" + "".join(f"{self._literal(x, leaves)}, " for x in skeleton) + ")"
        return "None" if skeleton is None else next(leaves)

    def _result(self, x: Any) -> str:
        if isinstance(x, Static):
            return self._written(x.value)
        if isinstance(x, AsTensor):
            return f"{self._constant(Tensor)}({self._names[x.value]})"
        return self._names[x]


def _is_plain(skeleton: Any) -> bool:
    if type(skeleton) is dict:
        return all(map(_is_plain, skeleton.values()))
    if type(skeleton) in (list, tuple):
        return all(map(_is_plain, skeleton))
    return skeleton is None or skeleton == "*"


def _holds(x: Any) -> list[bool]:
    found: list[bool] = []
    mapped(lambda leaf: found.append(True) if isinstance(leaf, Value | Source) else None, x)
    return found


def _callee(line: Line) -> Callable[..., Any]:
    """Return what a line calls on ndarrays."""
    op = line.function
    if not isinstance(op, Primitive):
        return op
    first = next(iter(line.args), None)
    if op.of_halves is not None and isinstance(first, Value) and first.dtype.itemsize == 2:
        return op.of_halves
    return op.function
