"""What values are called in print: by the user's variables, by layers, or by what is computed."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from ... import ops, tape
from ...checks import indices
from ..recorded import AsTensor, Recorded
from ..rules import RuleCall
from ..traced import getitem
from ..values import Line, Source, Value


class Names:
    """The name of each value and generator of a program.

    Parameters
    ----------
    program : Recorded
        The program.
    imported : iterable of str
        The names that it imports, which a variable of the same function must not have.
    aliases : dict of Value to Value
        The values that are no other than another one in print.

    Attributes
    ----------
    of : dict of Value or Source to str
    plain : set of Value
        Those that are named by what is called alone, so that nobody misses the name.
    """

    def __init__(
        self, program: Recorded, imported: Iterable[str] = (), aliases: dict[Value, Value] | None = None
    ) -> None:
        aliases = aliases or {}
        self._taken = {"np", "tg", *imported}
        self.of: dict[Any, str] = {}
        self.plain: set[Value] = set()
        inputs = _inputs(program)
        self._taken.update(path.partition(".")[0] for _, path in inputs if "." in path)
        for x, name in zip((x for x, _ in inputs), _short([path for _, path in inputs]), strict=True):
            if x not in self.of:
                self.of[x] = self.free(name)
        lines = [line for line in program.lines if line.result not in aliases]
        wishes = _layer_names(lines) | _assigned(lines)
        wishes |= {value: alias.name for alias, value in aliases.items() if alias.name}
        gradients = _gradients(lines)
        makers = {line.result: line for line in lines}
        cotangents: set[Value] = set()  # what is computed from a gradient, and is none of a named value
        for line in lines:
            value = line.result
            if value not in gradients:
                wish = value.name or wishes.get(value, "")
                if not wish:
                    self.plain.add(value)
                    is_cotangent = line.backward and any(
                        x in gradients or x in cotangents for x in line.inputs()
                    )
                    wish = _pair_name(line, makers) or _plain_name(line, is_cotangent)
                    cotangents.update([value] if is_cotangent else [])
                self.of[value] = self.free(wish)
                self._name_gradients(value, gradients)
            elif value not in self.of:
                self._name_gradients_of_inputs(gradients, value)
        self.of |= {alias: self.of[value] for alias, value in aliases.items()}

    def free(self, wish: str) -> str:
        """Return a name that is not in use yet."""
        name = re.sub(r"\W", "_", wish) or "v"
        if name[0].isdigit():
            name = f"v{name}"
        if keyword.iskeyword(name) or hasattr(builtins, name):
            name = f"{name}_"
        start, number = name, 1
        while name in self._taken:
            number += 1
            name = f"{start}_{number}"
        self._taken.add(name)
        return name

    def _name_gradients_of_inputs(self, gradients: dict[Value, Value], value: Value) -> None:
        of = gradients[value]
        while of in gradients and of not in self.of:
            of = gradients[of]
        if of not in self.of:
            self.of[of] = self.free(of.name or "v")  # a value that a pass has dropped
        self._name_gradients(of, gradients)

    def _name_gradients(self, value: Value, gradients: dict[Value, Value]) -> None:
        """Name the cotangents of a value: the last of them is their sum, and has the name ``d_value``."""
        found = [g for g, of in gradients.items() if of is value and g not in self.of]
        for i, g in enumerate(reversed(found)):
            wish = f"d_{self.of[value]}"
            self.of[g] = self.free(g.name or (wish if i == 0 else f"{wish}_{len(found) - i}"))
        for g in found:
            self._name_gradients(g, gradients)


def _inputs(program: Recorded) -> list[tuple[Any, str]]:
    """List the values and generators among the arguments, with their paths."""
    paths = program.paths
    found = [x.value if isinstance(x, AsTensor) else x for x in program.arguments]
    return [(x, path) for x, path in zip(found, paths, strict=True) if isinstance(x, Value | Source)]


def _short(paths: list[str]) -> list[str]:
    """Leave out what paths begin with where the rest is a name that no other path has."""
    rests = [path.partition(".")[2].replace(".", "_") for path in paths]
    plain = {path for path in paths if "." not in path}
    counts = Counter(rests)
    return [
        rest if rest.isidentifier() and counts[rest] == 1 and rest not in plain else path.replace(".", "_")
        for path, rest in zip(paths, rests, strict=True)
    ]


def _layer_names(lines: list[Line]) -> dict[Value, str]:
    """Name the output of each layer by the layer."""
    last = {line.layer: line.result for line in lines if line.layer and not line.backward}
    names = {value: layer.rpartition(".")[2] for layer, value in last.items()}
    return {value: name for value, name in names.items() if not name.isdigit()}


def _gradients(lines: list[Line]) -> dict[Value, Value]:
    """Return whose cotangent each value is, as far as is known."""
    found: dict[Value, Value] = {}
    for line in lines:
        value, of = line.result, line.result.gradient_of
        parts = [found.get(x) for x in line.inputs()]
        is_sum = line.function is tape.add and line.backward and parts == parts[:1] * 2
        if of is None and is_sum:
            of = parts[0]
        if starts_backward(line, lines):
            of = line.inputs()[0]
        if of is not None:
            found[value] = of
    return found


def starts_backward(line: Line, lines: list[Line]) -> bool:
    """Whether a line makes the cotangent 1 that a walk starts with."""
    if line.function is not np.ones_like or not line.inputs():
        return False
    users = [other for other in lines if line.result in other.inputs()]
    return bool(users) and all(user.backward for user in users)


def _assigned(lines: list[Line]) -> dict[Value, str]:
    """Name the last value of each line of the user's that assigns to one variable."""
    groups: dict[Any, list[Line]] = defaultdict(list)
    for line in lines:
        if line.place and not line.backward and not starts_backward(line, lines):
            groups[line.place].append(line)
    wishes = {}
    for place, group in groups.items():
        try:
            statements = ast.parse(place.text).body
        except SyntaxError:  # a part of a statement that has several lines
            continue
        if len(statements) == 1 and isinstance(statements[0], ast.Assign):
            target = statements[0].targets[0]
            is_here = not any(isinstance(node, ast.Lambda) for node in ast.walk(statements[0]))
            if isinstance(target, ast.Name) and is_here and len({line.layer for line in group}) == 1:
                wishes[group[-1].result] = target.id
    return wishes


def _pair_name(line: Line, makers: dict[Value, Line]) -> str:
    """Name what two operations compute together, where that has a name of its own."""
    before = makers.get(line.inputs()[0]) if line.inputs() else None
    return _PAIRS.get((line.function, before.function), "") if before else ""


_PAIRS: dict[Any, str] = {(ops.exp, ops.log_softmax): "softmax"}


def _plain_name(line: Line, is_cotangent: bool) -> str:
    """Name a result by what is called: the last part of a rule's or an operation's name."""
    if isinstance(line.function, RuleCall):
        return f"d_{line.function.op.name}_{line.function.operand}"
    if line.function is indices:
        return f"checked_{line.args[1]}"
    if line.function is getitem:
        return "item"
    name = getattr(line.function, "__name__", "v").lstrip("_")
    name = name.removesuffix("_output").rpartition(".")[2]
    return f"d_{name}" if is_cotangent else name
