"""A recorded function: its arguments, its lines and its results."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..tape import Box, box, raw
from ..tensor import Tensor
from .errors import captured
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
class Recording:
    """What the recorder has written, in the order of the calls.

    Parameters
    ----------
    name : str
        The name of the function.
    arguments : list of (Value or Source or Static or AsTensor)
        The leaves of ``(args, kwargs)``.
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
    arguments: list[Any]
    structure: tree.Structure
    lines: list[Line]
    results: list[Any]
    returned: tree.Structure
    parameters: list[str] = field(default_factory=list)


def record(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recording:
    """Run a function once on stand-ins for its arguments, and return what it did."""
    recorder = Recorder()
    leaves, structure = tree.flatten((args, kwargs))
    names = _names(f, tree.paths((args, kwargs)))
    stand_ins = [_stand_in(recorder, name, leaf) for name, leaf in zip(names, leaves, strict=True)]
    args, kwargs = tree.unflatten(structure, stand_ins)
    with hook.installed(), np.errstate(all="ignore"):
        recorder.started()
        out = f(*args, **kwargs)
    results, returned = tree.flatten(out)
    return Recording(
        getattr(f, "__name__", type(f).__name__),
        [_described(x) for x in stand_ins],
        structure,
        recorder.lines,
        [_described(x) for x in results],
        returned,
    )


def _names(f: Callable[..., Any], paths: list[str]) -> list[str]:
    """Name the leaves of ``(args, kwargs)`` by the parameters of the function."""
    try:
        positional = [p.name for p in inspect.signature(f).parameters.values() if p.kind <= p.VAR_POSITIONAL]
    except (TypeError, ValueError):
        positional = []
    names = []
    for path in paths:
        _, first, *rest = path.split(".")
        if path.startswith("0."):
            place = int(first)
            first = positional[place] if place < len(positional) else f"arg{place}"
        names.append("_".join([first, *rest]))
    return names


def _stand_in(recorder: Recorder, name: str, leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind in "biuf":
        return recorder.input(name, leaf)
    if isinstance(leaf, Box):
        return box(Tensor, recorder.input(name, leaf.data), None)
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
