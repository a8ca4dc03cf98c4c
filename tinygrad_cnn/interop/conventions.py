"""What other libraries call the arrays of a layer, and in which order of axes they keep them.

A `Convention` is a function of a layer and the name of one of its arrays. Everything else is the same for all
libraries: which layers there are, how they are called there, and what does not match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import nn, tree
from ..checks import printable
from ..tape import raw
from ..types import NDArray
from . import layouts

Shapes = Mapping[str, tuple[int, int, int]]


class Kept(NamedTuple):
    """How a library keeps an array: its name, and the ways to its layout and back."""

    name: str
    out: Callable[[Any], Any] = lambda x: x
    back: Callable[[Any], Any] = lambda x: x


Convention = Callable[[nn.Layer, str], Kept]


class _Place(NamedTuple):
    """One array of a layer: its path, with 0 for parameters and 1 for state before it, and how it is kept."""

    ours: str
    theirs: str
    like: Any
    kept: Kept


def read(
    owner: str,
    convention: Convention,
    layer: nn.Layer,
    arrays: Mapping[str, Any],
    names: Mapping[str, str] | None,
    *,
    flattened: Shapes | None = None,
    ignored: str = "",
) -> tuple[Any, Any]:
    """Return the parameters and the state of a layer; raise a ValueError that lists what does not match."""
    example = layer.init(np.random.default_rng(0))
    places = list(_places(convention, layer, example, names or {}, flattened or {}))
    left = {name: np.asarray(raw(array)) for name, array in arrays.items()}
    problems, found = [], {}
    for place in places:
        array = left.pop(place.theirs, None)
        wanted = np.shape(place.kept.out(place.like))
        if array is None:
            problems.append(f"lacks '{place.theirs}', {wanted}")
        elif array.shape != wanted or array.dtype.kind != "f":
            problems.append(f"has '{place.theirs}' as {array.dtype}{list(array.shape)} and not as {wanted}")
        else:
            found[place.ours] = np.array(place.kept.back(array), order="C")
    problems += [
        f"has '{name}', which no layer has" for name in left if not ignored or not name.endswith(ignored)
    ]
    if problems:
        raise ValueError(printable(f"{owner}: what was given {'; '.join(problems)}", 4000))
    leaves = [found[f"{i}.{path}"] for i, part in enumerate(example) for path in tree.paths(part)]
    params, state = tree.unflatten(tree.structure(example), leaves)
    return params, state


def written(
    convention: Convention,
    layer: nn.Layer,
    params: Any,
    state: Any,
    names: Mapping[str, str] | None,
    *,
    flattened: Shapes | None = None,
) -> dict[str, NDArray]:
    """Return the arrays of a layer by their names in another library, as new arrays."""
    places = _places(convention, layer, (params, state), names or {}, flattened or {})
    return {
        place.theirs: np.array(place.kept.out(np.asarray(raw(place.like))), order="C") for place in places
    }


def _places(
    convention: Convention,
    layer: nn.Layer,
    trees: tuple[Any, Any],
    names: Mapping[str, str],
    flattened: Shapes,
) -> Iterator[_Place]:
    """Yield the arrays of a layer and of the layers in it."""
    layers = dict(_walk(layer, ""))
    known = {path[:end] for path in layers for end in _ends(path)}
    for what, given in (("names", names), ("flattened", flattened)):
        if unknown := set(given) - known:
            raise ValueError(f"{what}: expected paths of layers, got {', '.join(sorted(unknown))}")
    for path, own in layers.items():
        for i, arrays in enumerate(trees):
            for key in path.split(".") if path else []:
                arrays = arrays.get(key, {})
            for name, array in arrays.items():
                kept = convention(own, name)
                if path in flattened and name == "weight":
                    kept = _of_flattened(kept, flattened[path])
                yield _Place(_join(str(i), path, name), _join(_renamed(path, names), kept.name), array, kept)


def _of_flattened(kept: Kept, shape: tuple[int, int, int]) -> Kept:
    """Return how the weight of a dense layer is kept after images with their channels last."""
    return Kept(
        kept.name,
        lambda x: kept.out(layouts.rows_to_hwc(x, shape)),
        lambda x: layouts.rows_from_hwc(kept.back(x), shape),
    )


def _walk(layer: nn.Layer, path: str) -> Iterator[tuple[str, nn.Layer]]:
    """Yield the layers that are made of no others, with their paths."""
    children = layer.children()
    for name, child in children:
        yield from _walk(child, _join(path, name))
    if not children:
        yield path, layer


def _ends(path: str) -> list[int]:
    """List where the beginnings of a dotted path end."""
    return [i for i, c in enumerate(path) if c == "."] + [len(path)]


def _renamed(path: str, names: Mapping[str, str]) -> str:
    for end in reversed(_ends(path)):
        if path[:end] in names:
            return names[path[:end]] + path[end:]
    return path


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def nested(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dict of dicts for names with dots.

    Examples
    --------
    >>> nested({"a.b": 1, "a.c": 2})
    {'a': {'b': 1, 'c': 2}}
    """
    made: dict[str, Any] = {}
    for name, array in arrays.items():
        *outer, last = name.split(".")
        into = made
        for key in outer:
            into = into.setdefault(key, {})
        into[last] = array
    return made
