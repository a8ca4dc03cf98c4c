"""The check that what an optimizer updates is still what stands in the trees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..tape import Box
from ..tree import children, join


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
                stands = container[key] is held
            except LookupError:  # it was taken out
                stands = False
            if not stands:
                raise _replaced(path)
        for path, tensor, data in self._tensors:
            if tensor.data is not data:
                raise _replaced(path)


def _replaced(path: str) -> ValueError:
    return ValueError(
        f"step: '{path}' was replaced since the optimizer was made, and would not be updated: write the "
        "values into the array that was there, with tree.copy_into, or make a new optimizer"
    )


def _places(path: str, params: Any, state: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Walk both trees side by side, down to the parameters, for the places that can be assigned to."""
    states = children(state)
    for key, value in children(params).items():
        below = join(path, key)
        if not isinstance(params, tuple):
            yield below, _by_key(params), key, value
            yield f"state.{below}", _by_key(state), key, states[key]
        yield from _places(below, value, states[key])


class _Parts:
    """The parts that an object has now, by key: a dataclass, or another container that was registered."""

    def __init__(self, container: Any) -> None:
        self.container = container

    def __getitem__(self, key: Any) -> Any:
        return children(self.container)[key]


def _by_key(container: Any) -> Any:
    return container if isinstance(container, dict | list) else _Parts(container)


def _tensors(path: str, params: Any) -> Iterator[tuple[str, Box, Any]]:
    """Find the leaf tensors, whose arrays an assignment to ``data`` could replace."""
    if isinstance(params, Box):
        yield path, params, params.data
    for key, value in children(params).items():
        yield from _tensors(join(path, key), value)
