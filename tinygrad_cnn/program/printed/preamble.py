"""What stands above a printed program: imports, and constants that are too long for a line."""

from __future__ import annotations

import builtins
import inspect
import re
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ...tape import Primitive
from ..parts import by_name, is_public, name_of
from ..rules import PullThrough, RuleCall
from .layout import WIDTH, wrapped


class Preamble:
    """The imports and the constants that the lines of a program ask for as they are written.

    Parameters
    ----------
    taken : set of str
        Names that a constant must not have.
    """

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._imports: dict[str, dict[str, str]] = defaultdict(dict)  # module -> name -> name here
        self.constants: dict[str, str] = {}

    def names(self) -> set[str]:
        """Return all names that are defined above the function."""
        imported = {here for names in self._imports.values() for here in names.values()}
        return imported | self.constants.keys()

    def imported(self, module: str, name: str) -> str:
        """Import a name, and return what it is called here."""
        here = f"{name}_op" if hasattr(builtins, name) else name
        self._imports[module][name] = here
        return here

    def constant(self, wish: str, text: str) -> str:
        """Define a constant, once for all that have the same text, and return its name."""
        for known, other in self.constants.items():
            if other == text:
                return known
        name, number = wish, 1
        while name in self._taken or name in self.constants:
            number += 1
            name = f"{wish}_{number}"
        self.constants[name] = text
        return name

    def callee(self, function: Callable[..., Any]) -> str:
        """Write what is called, and import it unless it is public."""
        if isinstance(function, RuleCall):
            made = self.imported("tinygrad_cnn.program.rules", "RuleCall")
            text = f'{made}.of({self.callee(function.op)}, "{function.operand}")'
            return self._named(f"{function.op.name}_vjp_{function.operand}", text)
        if isinstance(function, PullThrough):
            made = self.imported("tinygrad_cnn.program.rules", "PullThrough")
            text = f"{made}({self.callee(function.rule)}, {_places(function)})"
            return self._named(f"{function.rule.op.name}_pulled", text)
        if inspect.ismethod(function) and isinstance(function.__self__, PullThrough):
            return f"{self.callee(function.__self__)}.{function.__name__}"
        if isinstance(pull := _pull_of(function), PullThrough):
            text = f"{self.callee(pull.rule)}.as_primitive({_places(pull)})"
            return self._named(f"{pull.rule.op.name}_vjp_{pull.rule.operand}_op", text)
        if public := is_public(function):
            return public
        return self._of_module(function)

    def _named(self, wish: str, text: str) -> str:
        return self.constant(re.sub(r"\W", "_", wish), text)

    def _of_module(self, function: Callable[..., Any]) -> str:
        """Write a function of NumPy, of the package or of the user by its module."""
        name = getattr(function, "__name__", type(function).__name__)
        if (isinstance(function, Primitive) or name.startswith("_")) and (part := name_of(function)):
            return self.imported(_PARTS, part)
        module = getattr(function, "__module__", None) or "numpy"
        if module.split(".")[0] == "numpy":
            return f"np.linalg.{name}" if module.startswith("numpy.linalg") else f"np.{name}"
        qualified = getattr(function, "__qualname__", name)
        if getattr(sys.modules.get(module), qualified, None) is function and module != "__main__":
            return self.imported(module, qualified)
        return self._named(f"{name}_op", f"...  # put the function of {module} here")

    def rows(self, body: str) -> list[str]:
        """Write what the text of a function needs above it."""
        everything = "\n".join([body, *self.constants.values()])
        rows = ["import numpy as np"] if re.search(r"\bnp\.", everything) else []
        rows += ["import tinygrad_cnn as tg"] if re.search(r"\btg\.", everything) else []
        for module, names in sorted(self._imports.items()):
            parts = [name if name == here else f"{name} as {here}" for name, here in sorted(names.items())]
            row = f"from {module} import {', '.join(parts)}"
            rows += wrapped(f"from {module} import ({', '.join(parts)})") if len(row) > WIDTH else [row]
        constants = [row for name, text in self.constants.items() for row in wrapped(f"{name} = {text}")]
        meanings = [
            row
            for name, here in sorted(self._imports.get(_PARTS, {}).items())
            for row in _meaning(name, here)
        ]
        return [row for block in (rows, meanings, constants) if block for row in ("", *block)][1:]


_PARTS = "tinygrad_cnn.program.parts"


def _meaning(name: str, here: str) -> list[str]:
    """Write what a part computes, as a comment: the first sentence of its documentation."""
    text = (inspect.getdoc(by_name().get(name)) or "") if name in by_name() else ""
    sentence = re.split(r"(?<=\.)\s|;|\n\n", text)[0].replace("`_", "").replace("`", "").rstrip(".")
    return (
        textwrap.wrap(f"{here}: {sentence}", WIDTH, initial_indent="# ", subsequent_indent="#     ")
        if text
        else []
    )


def _pull_of(function: Any) -> Any:
    """Return the rule of a rule that is an operation itself."""
    rule = function.rules.get("context") if isinstance(function, Primitive) else None
    return rule and rule.function


def _places(pull: PullThrough) -> str:
    nested = "" if pull.nested is None else f", {pull.nested!r}"
    return f"{pull.used}, {pull.unused}{nested}"
