"""The check that what an optimizer updates is still what stands in the trees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..tape import Box

__all__ = ["Binding"]


class Binding:
    """The places of two trees, the parameters and the state, with the objects that stood there at first.

    A step writes into arrays that it found once. If an assignment put another array in the place of one, the
    steps would go on updating an array that nobody reads, and training would stand still without an error.
    """

    def __init__(self, params: Any, state: Any):
        self._places = [*_places("", params, state)]
        self._tensors = [*_tensors("", params)]

    def check(self) -> None:
        """Raise a ValueError that names the first place where another object stands now."""
        for path, container, key, held in self._places:  # every step does this: one look-up for each place
            try:
                if container[key] is held:
                    continue
            except LookupError:
                pass
            raise _replaced(path)
        for path, tensor, data in self._tensors:
            if tensor.data is not data:
                raise _replaced(path)


def _replaced(path: str) -> ValueError:
    return ValueError(
        f"step: '{path}' was replaced since the optimizer was made, and would not be updated: write the "
        "values into the array that was there, with tree.copy_into, or make a new optimizer"
    )


def _entries(path: str, tree: Any) -> list[tuple[str, Any, Any]]:
    """Return path, key and value of everything that stands in a container; a leaf holds nothing."""
    if isinstance(tree, dict):
        named = [(key, key, value) for key, value in tree.items()]
    elif isinstance(tree, list | tuple):
        names = getattr(tree, "_fields", range(len(tree)))
        named = [(name, i, value) for i, (name, value) in enumerate(zip(names, tree, strict=True))]
    else:
        named = []
    return [(f"{path}.{name}" if path else str(name), key, value) for name, key, value in named]


def _places(path: str, params: Any, state: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Walk both trees side by side, down to the parameters."""
    for below, key, value in _entries(path, params):
        yield below, params, key, value
        yield f"state.{below}", state, key, state[key]
        yield from _places(below, value, state[key])


def _tensors(path: str, params: Any) -> Iterator[tuple[str, Box, Any]]:
    """Find the leaf tensors, whose arrays an assignment to ``data`` could replace."""
    if isinstance(params, Box):
        yield path, params, params.data
    for below, _, value in _entries(path, params):
        yield from _tensors(below, value)
