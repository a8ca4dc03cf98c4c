"""A program as Python source: what the tape has derived, in lines that run when they are pasted into a file."""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_cnn as tg

from ..kernels.geometry import ConvSpec, PoolSpec
from ..tape import Primitive
from .program import AsTensor, Program, Static
from .rules import PullThrough, RuleCall
from .spelling import OPERATORS, as_public
from .traced import getitem
from .values import Line, Method, Source, Value, values_in

_WIDTH = 72  # of a line before its comment


class SourceWriter:
    """Writes one program; `text` is the whole, `rows` has the text of each line by itself."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._imports: set[str] = {"import numpy as np", "import tinygrad_cnn as tg"}
        self._constants: dict[str, str] = {}
        self._taken: set[str] = {"np", "tg", program.name}
        self.names: dict[Any, str] = {}
        for x in self._inputs():
            self.names[x] = self._free(x.name)
        for line in program.lines:
            self.names[line.result] = self._free(line.result.name or _plain_name(line))
        self.rows = [self._row(line) for line in program.lines]
        self.text = self._text()

    def _inputs(self) -> list[Value | Source]:
        found = [x.value if isinstance(x, AsTensor) else x for x in self.program.arguments]
        return list(dict.fromkeys(x for x in found if isinstance(x, Value | Source)))

    def _free(self, wish: str) -> str:
        """Return a name that is not in use yet."""
        name = re.sub(r"\W", "_", wish) or "v"
        if name[0].isdigit() or keyword.iskeyword(name) or hasattr(builtins, name):
            name = f"{name}_" if not name[0].isdigit() else f"v{name}"
        start, number = name, 1
        while name in self._taken:
            number += 1
            name = f"{start}_{number}"
        self._taken.add(name)
        return name

    # --- lines --------------------------------------------------------------------------------------------------

    def _row(self, line: Line) -> str:
        call = self._call(line)
        if line.as_array:
            call = f"np.asarray({call})"
        return f"{self.names[line.result]} = {call}"

    def _call(self, line: Line) -> str:
        function, args, kwargs = line.function, line.args, line.kwargs
        if isinstance(function, Primitive):
            function, args, kwargs = as_public(function, args, kwargs)
        if function is getitem:
            return f"{self._operand(args[0])}[{self._key(args[1])}]"
        if getattr(function, "__name__", "") == "_item":
            return f"{self._operand(args[0])}[{args[1]}]"
        if isinstance(function, np.ufunc) and function in OPERATORS and not kwargs:
            sign = OPERATORS[function]
            operands = [self._operand(x) for x in args]
            return f"{operands[0]} {sign} {operands[1]}" if len(operands) == 2 else f"{sign}{operands[0]}"
        if isinstance(function, Method):
            owner, *rest = args
            return f"{self._operand(owner)}.{function.name}({self._arguments(tuple(rest), kwargs)})"
        if isinstance(function, RuleCall) and self._is_public(function.op) and function.is_plain:
            asks = zip(function.op.rules[function.operand].asks, args, strict=True)
            asked = ", ".join(f"{name}={self.written(x)}" for name, x in asks)
            return f'{self._callee(function.op)}.vjp("{function.operand}", {asked})'
        return f"{self._callee(function)}({self._arguments(args, kwargs)})"

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        written = [self.written(x) for x in args]
        return ", ".join([*written, *(f"{name}={self.written(x)}" for name, x in kwargs.items())])

    def _operand(self, x: Any) -> str:
        text = self.written(x)
        return f"({text})" if text.startswith("-") else text

    def _key(self, key: Any) -> str:
        if isinstance(key, tuple) and key:
            return ", ".join(self._key(part) for part in key) + ("," if len(key) == 1 else "")
        if isinstance(key, slice):
            parts = [key.start, key.stop] + ([key.step] if key.step is not None else [])
            return ":".join("" if part is None else self.written(part) for part in parts)
        return "..." if key is Ellipsis else self.written(key)

    # --- what stands in a line ------------------------------------------------------------------------------------

    def written(self, x: Any) -> str:
        """Write an argument."""
        if isinstance(x, Value | Source):
            return self.names[x]
        if isinstance(x, tuple | list) and not hasattr(x, "_fields"):
            inside = ", ".join(self.written(item) for item in x)
            if isinstance(x, list):
                return f"[{inside}]"
            return f"({inside},)" if len(x) == 1 else f"({inside})"
        if isinstance(x, dict):
            return "{" + ", ".join(f"{k!r}: {self.written(v)}" for k, v in x.items()) + "}"
        if isinstance(x, slice):
            return f"slice({self.written(x.start)}, {self.written(x.stop)}, {self.written(x.step)})"
        return self._static(x)

    def _static(self, x: Any) -> str:
        if isinstance(x, np.dtype):
            return f"np.dtype({x.str!r})" if x.byteorder not in "=|" else f"np.dtype({x.name!r})"
        if isinstance(x, type) and issubclass(x, np.generic):
            return f"np.{x.__name__}"
        if isinstance(x, float) and not np.isfinite(x):
            return f"float({str(float(x))!r})"
        if isinstance(x, ConvSpec | PoolSpec):
            self._imports.add(f"from tinygrad_cnn.kernels.geometry import {type(x).__name__}")
            return self._constant("spec", repr(x))
        if isinstance(x, Primitive | np.ufunc) or callable(x):
            return self._callee(x)
        return repr(x)

    def _constant(self, name: str, text: str) -> str:
        for known, other in self._constants.items():
            if other == text:
                return known
        free = self._free(name)
        self._constants[free] = text
        return free

    def _is_public(self, op: Any) -> bool:
        return getattr(tg, getattr(op, "__name__", ""), None) is op

    def _callee(self, function: Callable[..., Any]) -> str:
        """Write what is called, and import it unless it is public."""
        if isinstance(function, RuleCall):
            self._imports.add("from tinygrad_cnn.program.rules import RuleCall")
            if isinstance(function.function, PullThrough):
                return self._callee(function.function)
            return f'RuleCall.of({self._callee(function.op)}, "{function.operand}")'
        if isinstance(function, PullThrough):
            self._imports.add("from tinygrad_cnn.program.rules import PullThrough")
            return f"PullThrough({self._callee(function.rule)}, {self._tape_of(function)})"
        if inspect.ismethod(function) and isinstance(function.__self__, PullThrough):
            return f"{self._callee(function.__self__)}.{function.__name__}"
        if isinstance(function, Primitive) and isinstance(function.function, RuleCall):
            rule: Any = function.rules["context"].function
            return f"{self._callee(function.function)}.as_primitive({self._tape_of(rule)})"
        name = function.__name__
        if self._is_public(function):
            return f"tg.{name}"
        module = getattr(function, "__module__", None) or "numpy"
        if module.split(".")[0] == "numpy":
            return f"np.linalg.{name}" if module.startswith("numpy.linalg") else f"np.{name}"
        qualified = getattr(function, "__qualname__", name)
        if getattr(sys.modules.get(module), qualified, None) is function:
            self._imports.add(f"from {module} import {qualified}")
            return qualified
        return self._constant(name, f"...  # a function of {module}, which cannot be imported: put it here")

    def _tape_of(self, rule: PullThrough) -> str:
        nested = "" if rule.nested is None else f", {self.written(rule.nested)}"
        return f"{rule.boxed}, {rule.reached}{nested}"

    # --- the whole ----------------------------------------------------------------------------------------------------

    def _text(self) -> str:
        inputs = ", ".join(self.names[x] for x in self._inputs())
        body: list[str] = []
        backward = False
        for line, row in zip(self.program.lines, self.rows, strict=True):
            if line.backward and not backward:
                body.append("    # the derived backward")
                backward = True
            body.append(f"    {row}".ljust(_WIDTH) + f"  # {self.note(line)}")
        returned = self._returned()
        head = [*sorted(self._imports, key=lambda row: (row.startswith("from"), row)), ""]
        constants = [f"{name} = {text}" for name, text in self._constants.items()]
        return "\n".join(
            [
                *head,
                *constants,
                "",
                f"def {self.program.name}({inputs}):",
                *self._shapes(),
                *body,
                f"    return {returned}",
                "",
            ]
        )

    def _shapes(self) -> list[str]:
        values = [x for x in self._inputs() if isinstance(x, Value)]
        return [f"    # {self.names[x]}: {x.dtype}{list(x.shape)}" for x in values]

    def note(self, line: Line) -> str:
        """Say the shape of the result, and the user's line."""
        shape = f"{line.result.dtype}{list(line.result.shape)}"
        return f"{shape}  {line.place}" if line.place and not line.backward else shape

    def _returned(self) -> str:
        leaves = iter(
            self.written(x.value) if isinstance(x, Static)
            else f"tg.Tensor({self.names[x.value]})" if isinstance(x, AsTensor)
            else self.names[x]
            for x in self.program.results
        )  # fmt: skip
        return _filled(self.program.returned.skeleton, leaves)


def _filled(skeleton: Any, leaves: Any) -> str:
    if isinstance(skeleton, dict):
        return "{" + ", ".join(f"{k!r}: {_filled(v, leaves)}" for k, v in skeleton.items()) + "}"
    if isinstance(skeleton, list):
        return "[" + ", ".join(_filled(x, leaves) for x in skeleton) + "]"
    if isinstance(skeleton, tuple):
        return (
            "(" + ", ".join(_filled(x, leaves) for x in skeleton) + ("," if len(skeleton) == 1 else "") + ")"
        )
    if skeleton is None:
        return "None"
    return str(next(leaves))


def _plain_name(line: Line) -> str:
    """Name a result by what is called: the last part of a rule's or an operation's name."""
    name = getattr(line.function, "__name__", "v").lstrip("_")
    if isinstance(line.function, RuleCall):
        return f"d_{line.function.operand}"
    name = name.removesuffix("_output").rpartition(".")[2]
    return f"d_{name}" if line.backward and any(values_in(line.args)) else name
