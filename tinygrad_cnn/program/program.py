"""A recorded function: its arguments, its lines and its results."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..tape import Box, raw
from ..tensor import Tensor
from .errors import captured
from .matching import Taker, taker
from .passes import Pass, apply
from .recorder import Recorder
from .recording import hook
from .traced import TracedArray, TracedGenerator
from .values import Line, Source, Value


class Static(NamedTuple):
    """A leaf of the arguments or results that is the same at each play."""

    value: Any


class AsTensor(NamedTuple):
    """A result that is returned as a `Tensor`."""

    value: Value


@dataclass(eq=False)
class Program:
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

    @property
    def source(self) -> str:
        """The program as Python source, which runs when it is pasted into a file."""
        from .source import SourceWriter  # it needs the public names of the whole package

        return SourceWriter(self).text

    def __str__(self) -> str:
        return self.source

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Play the program on arguments of the structure, shapes and dtypes that it was recorded with.

        Raises
        ------
        TypeError
            If the arguments are others.
        """
        leaves = self._take((args, kwargs))
        if leaves is None:
            raise TypeError(f"{self.name}: the program was recorded for other arguments: record them anew")
        return self._play(*leaves)

    @cached_property
    def _play(self) -> Callable[..., Any]:
        from .play import Player

        return Player(self, binds=False)

    def values(self) -> list[Value]:
        """List the values among the results, those of tensors included."""
        return [x.value if isinstance(x, AsTensor) else x for x in self.results if not _is_other(x)]

    def through(self, passes: Iterable[Pass]) -> Program:
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


def record(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
    """Run a function once on stand-ins for its arguments, and return what it did."""
    recorder = Recorder()
    example = args, kwargs
    leaves, structure = tree.flatten(example)
    parameters = _parameters(f, len(args))
    paths = [_path(path, parameters) for path in tree.paths(example)]
    stand_ins = [_stand_in(recorder, path, leaf) for path, leaf in zip(paths, leaves, strict=True)]
    args, kwargs = tree.unflatten(structure, stand_ins)
    with hook.installed(), np.errstate(all="ignore"):
        recorder.started()
        out = f(*args, **kwargs)
    results, returned = tree.flatten(out)
    return Program(
        getattr(f, "__name__", type(f).__name__),
        parameters,
        [_described(x) for x in stand_ins],
        paths,
        structure,
        recorder.lines,
        [_described(x) for x in results],
        returned,
        taker(example),
    )


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    """Name the positional arguments by the parameters of the function."""
    try:
        kinds = [(p.name, p.kind) for p in inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):
        kinds = []
    names = [name for name, kind in kinds if kind < inspect.Parameter.VAR_POSITIONAL]
    rest = next((name for name, kind in kinds if kind is inspect.Parameter.VAR_POSITIONAL), "arg")
    return (names + [f"{rest}{i}" for i in range(len(names), count)])[:count]


def _path(path: str, parameters: list[str]) -> str:
    """Let the path of a leaf of ``(args, kwargs)`` begin with a parameter of the function."""
    kind, first, *rest = path.split(".")
    return ".".join([parameters[int(first)] if kind == "0" else first, *rest])


def _stand_in(recorder: Recorder, name: str, leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind in "biuf":
        return recorder.input(name, leaf)
    if isinstance(leaf, Box):
        return Tensor(recorder.input(name, leaf.data))
    if isinstance(leaf, np.random.Generator):
        return TracedGenerator(recorder, Source(name), leaf)
    return leaf


def _described(leaf: Any) -> Any:
    if isinstance(leaf, TracedArray):
        return leaf.value
    if isinstance(leaf, Box) and isinstance(leaf.data, TracedArray):
        return AsTensor(leaf.data.value)
    if isinstance(leaf, TracedGenerator):
        return leaf.source
    if isinstance(raw(leaf), np.ndarray):
        raise captured(raw(leaf))
    return Static(leaf)
