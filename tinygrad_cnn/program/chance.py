"""Draws from generators that are no arguments, which a program would repeat for ever."""

from __future__ import annotations

import functools
import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .errors import RecordingError


@contextmanager
def no_draws(f: Callable[..., Any]) -> Iterator[None]:
    """Raise an error if a generator that the function can reach by itself was drawn from meanwhile.

    An array that was drawn is found when it is computed with; a number, or a branch on one, would not be.
    """
    generators = [("np.random", np.random), ("random", random), *_reachable(f)]
    before = [_state(generator) for _, generator in generators]
    yield
    for (name, generator), state in zip(generators, before, strict=True):
        if _state(generator) != state:
            raise RecordingError(
                f"the function draws from '{name}', a generator that is not an argument: a program would "
                "repeat what was drawn. Pass a numpy.random.Generator as an argument"
            )


def _state(generator: Any) -> Any:
    if generator is random or isinstance(generator, random.Random):
        return generator.getstate()
    if generator is np.random or isinstance(generator, np.random.RandomState):
        return pickle.dumps(generator.get_state(legacy=False))
    return pickle.dumps(generator.bit_generator.state)


def _reachable(f: Any) -> Iterator[tuple[str, Any]]:
    """Yield the generators, by name, that a function or what it calls finds in variables and attributes."""
    seen: dict[int, Any] = {}
    found: list[tuple[str, Any]] = [("", f)]
    while found and len(seen) < _MOST:
        name, x = found.pop(0)
        if id(x) in seen:
            continue
        seen[id(x)] = x
        if isinstance(x, _GENERATORS):
            yield name, x
        elif not isinstance(x, type | ModuleType | np.ndarray):
            found += _held_by(x)


_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_MOST = 1000  # so that a function that can reach half of a library is not searched for ever


def _held_by(x: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object has at hand: attributes, and the variables and defaults of a function."""
    yield from getattr(x, "__dict__", {}).items()
    if isinstance(x, functools.partial):
        yield from [("argument of a partial", part) for part in (x.func, *x.args)]
        yield from x.keywords.items()
    if isinstance(x, MethodType):
        yield "self", x.__self__
    called = vars(type(x)).get("__call__")
    function = x if isinstance(x, FunctionType) else getattr(x, "__func__", called)
    if not isinstance(function, FunctionType):
        return
    yield from ((name, function.__globals__.get(name)) for name in _names(function.__code__))
    yield from (function.__kwdefaults__ or {}).items()
    yield from [("default", part) for part in function.__defaults__ or ()]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a variable that has no value yet
            continue


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names of the globals that a function, and the functions inside of it, might read."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
