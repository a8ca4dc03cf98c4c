"""The parameters of primitives and rules, by which the tape tells operands from options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

REQUIRED = inspect.Parameter.empty
"""The default of a parameter that has none."""


class Parameters(NamedTuple):
    """The parameters of a function, by the ways to pass them."""

    single: dict[str, Any]  # by position, with their defaults
    variadic: str | None  # the name of ``*args``
    keyword: dict[str, Any]  # by keyword alone, with their defaults
    takes_any_keyword: bool

    @property
    def names(self) -> tuple[str, ...]:
        """All names in the order of the definition."""
        return (*self.single, *([self.variadic] if self.variadic else []), *self.keyword)


def parameters(function: Callable[..., Any]) -> Parameters:
    """Read the parameters of a function.

    Those of a plain function are read from its code. `inspect.signature` reads all others; for the hundreds
    of primitives and rules of the package it would take a tenth of the time of the import.
    """
    if type(function) is not FunctionType or vars(function):  # what wraps a function says so in a variable
        return _from_signature(inspect.signature(function))
    code = function.__code__
    names, count, options = code.co_varnames, code.co_argcount, code.co_kwonlyargcount
    defaults = function.__defaults__ or ()
    by_keyword = function.__kwdefaults__ or {}
    return Parameters(
        dict(zip(names, (*[REQUIRED] * (count - len(defaults)), *defaults), strict=False)),
        names[count + options] if code.co_flags & inspect.CO_VARARGS else None,
        {name: by_keyword.get(name, REQUIRED) for name in names[count : count + options]},
        bool(code.co_flags & inspect.CO_VARKEYWORDS),
    )


def _from_signature(signature: inspect.Signature) -> Parameters:
    found = signature.parameters.values()
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return Parameters(
        {p.name: p.default for p in found if p.kind in by_place},
        next((p.name for p in found if p.kind is p.VAR_POSITIONAL), None),
        {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY},
        any(p.kind is p.VAR_KEYWORD for p in found),
    )
