"""The names by which messages speak of a function, its arguments and their leaves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

from ..tape.signature import parameters


def function_name(f: Callable[..., Any]) -> str:
    """Return the name of a function; that of a `functools.partial` is the name of the function inside."""
    return getattr(f, "__name__", None) or function_name(getattr(f, "func", type(f)))


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the first positional arguments; variadic ones are called ``xs[0]``, ``xs[1]``."""
    while isinstance(f, functools.partial) and not f.args:  # keywords do not change the names of places
        f = f.func
    try:
        single, variadic = parameters(getattr(f, "function", f))[:2]
    except ValueError:  # a builtin or a ufunc has no signature to read
        return [f"argument {i}" for i in range(count)]
    names = list(single)
    if variadic:
        names += [f"{variadic}[{i}]" for i in range(count - len(names))]
    return names[:count]


def base_name(name: str) -> str:
    """Return the name of the argument that a leaf belongs to."""
    return name.split("[")[0].split(".")[0]


def require_names(f: Callable[..., Any], arguments: tuple[Any, ...], names: Collection[str]) -> None:
    """Raise a ValueError unless the function has parameters of these names."""
    if not names:
        return
    known = argument_names(f, len(arguments))
    if unknown := set(names) - set(map(base_name, known)):
        raise ValueError(f"{function_name(f)} has no operand {sorted(unknown)}; it has: {', '.join(known)}")
