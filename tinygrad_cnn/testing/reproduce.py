"""The lines that repeat a failed check when they are pasted into a file: the arguments and the function."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..tape import Primitive
from .layouts import LAYOUTS, relaid
from .names import argument_names, function_name

_PRINTED_ELEMENTS = 1000


class Reproduction(NamedTuple):
    """A call of `check_grads`; it is put into words only if it fails."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]

    def __str__(self) -> str:
        return _describe_call(*self)


def _describe_call(f: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> str:
    """Return the lines that repeat a call of `check_grads`; options that are empty are left out."""
    variables = {}
    for name, arg in zip(argument_names(f, len(args)), args, strict=True):
        variables[name.replace("[", "_").replace("]", "").replace(" ", "_")] = arg
    given = {key: value for key, value in options.items() if value or key == "seed"}
    keywords = "".join(f", {key}={_plain(value)}" for key, value in given.items())
    shown, definitions = _function(f)
    lines = [
        "import numpy as np",
        "from tinygrad_cnn.testing import check_grads",
        *definitions,
        *(_assignment(name, value) for name, value in variables.items()),
        f"check_grads({', '.join([shown, *variables])}{keywords})",
    ]
    text = "\n".join(lines)
    extra = [line for word, line in _IMPORTED.items() if word in text]
    return "To reproduce:\n" + textwrap.indent("\n".join([*dict.fromkeys(extra), text]), "    ")


_IMPORTED = {
    "nan": "from numpy import inf, nan",
    "inf": "from numpy import inf, nan",
    "relaid(": "from tinygrad_cnn.testing.layouts import relaid",
    "functools.": "import functools",
}


def _plain(value: Any) -> str:
    """Return the representation of an option; that of a set would differ from run to run."""
    return repr(tuple(sorted(value))) if isinstance(value, set | frozenset) else repr(value)


def _assignment(name: str, value: Any) -> str:
    """Return a line that gives a name its value, or says that it is left to the reader."""
    if (shown := _expression(value)) is not None:
        return f"{name} = {shown}"
    size = f" of {value.dtype}{list(value.shape)}, which is" if isinstance(value, np.ndarray) else ","
    return f"{name} = ...  # put in the {type(value).__name__}{size} too large or too special to print"


def _expression(value: Any) -> str | None:
    """Return an expression that evaluates to the value, or None."""
    if isinstance(value, np.ndarray | np.generic):
        return _array(np.asarray(value))
    if isinstance(value, list | tuple):
        parts = [_expression(part) for part in value]
        if None in parts or hasattr(value, "_fields"):
            return None
        inside = ", ".join(map(str, parts))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(parts) == 1)})"
    if isinstance(value, dict):
        shown = {key: _expression(part) for key, part in value.items()}
        return None if None in shown.values() else f"{{{', '.join(f'{k!r}: {v}' for k, v in shown.items())}}}"
    plain = bool | int | float | str | bytes | slice | types.EllipsisType
    return repr(value) if value is None or isinstance(value, plain) else None


def _array(value: np.ndarray) -> str | None:
    if value.size > _PRINTED_ELEMENTS or value.dtype.kind not in "biuf":
        return None
    shape = f".reshape({value.shape})" if value.size == 0 else ""
    shown = f"np.array({value.tolist()}, dtype=np.{value.dtype}){shape}"
    if value.flags.c_contiguous:
        return shown
    alike = (layout for layout in LAYOUTS if relaid(value, layout).strides == value.strides)
    return f"relaid({shown}, {next(alike, 'C order')!r})"


def _function(f: Callable[..., Any]) -> tuple[str, list[str]]:
    """Return an expression for a function, and the lines that must come before it."""
    if isinstance(f, functools.partial):
        shown, lines = _function(f.func)
        keywords = "".join(f", {key}={_expression(value)}" for key, value in f.keywords.items())
        return f"functools.partial({shown}{keywords})", lines
    name = function_name(f)
    if _is_imported(f):
        return name, [f"from {f.__module__} import {name}"]
    source = None if isinstance(f, Primitive) else _source(f)
    if source is None:
        home = getattr(f, "__module__", None)
        name = name if name.isidentifier() else "f"
        return name, [f"{name} = ...  # put in '{getattr(f, '__qualname__', name)}' of {home}"]
    lines = [line for part in _names_used(f) for line in part]
    if name == "<lambda>":
        return "f", [*lines, f"f = {source}"]
    return name, [*lines, *source.splitlines()]


def _is_imported(value: Any) -> bool:
    """Tell whether another file can import a function or class by its name."""
    module, name = getattr(value, "__module__", "__main__"), getattr(value, "__qualname__", "<")
    return module != "__main__" and name.isidentifier() and getattr(sys.modules.get(module), name, 0) is value


def _names_used(f: Any) -> Iterator[list[str]]:
    """Yield the lines that define what the source of a function refers to."""
    used = inspect.getclosurevars(f)
    defaults = {
        p.name: p.default for p in inspect.signature(f).parameters.values() if p.default is not p.empty
    }
    for name, value in {**used.globals, **used.nonlocals, **defaults}.items():
        if isinstance(value, types.ModuleType):
            yield [f"import {value.__name__} as {name}"]
        elif _is_imported(value):
            alias = f" as {name}" if name != value.__qualname__ else ""
            yield [f"from {value.__module__} import {value.__qualname__}{alias}"]
        elif isinstance(value, types.FunctionType) and value is not f:
            shown, lines = _function(value)
            yield [*lines, *([f"{name} = {shown}"] if shown != name else [])]
        else:
            yield [_assignment(name, value)]


def _source(f: Any) -> str | None:
    """Return the source of a function, or None if it cannot be found; of a lambda, its expression alone."""
    try:
        source = textwrap.dedent(inspect.getsource(f))
    except (OSError, TypeError):
        return None
    if f.__name__ != "<lambda>":
        return source if source.startswith("def ") else None
    starts = [i for i in range(len(source)) if source.startswith("lambda", i)]
    return next((found for start in starts if (found := _lambda_at(source[start:], f.__code__))), None)


def _lambda_at(text: str, code: types.CodeType) -> str | None:
    """Return the longest lambda expression that a text begins with, if it compiles to the given code."""
    for end in range(len(text), 0, -1):
        try:
            expression = ast.parse(f"({text[:end]}\n)", mode="eval")
        except SyntaxError:
            continue
        if isinstance(expression.body, ast.Lambda):
            constants = compile(expression, "", "eval").co_consts  # its code, and perhaps a tuple of defaults
            found = next(c for c in constants if isinstance(c, types.CodeType))
            return " ".join(text[:end].split()) if _names_of(found) == _names_of(code) else None
    return None


def _names_of(code: types.CodeType) -> tuple[tuple[str, ...], set[str]]:
    return code.co_varnames, {*code.co_names, *code.co_freevars}
