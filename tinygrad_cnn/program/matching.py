"""Whether arguments are those that a program was recorded for, and their leaves if they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..tape import Box

Taker = Callable[[Any], "tuple[Any, ...] | None"]


def taker(example: Any, *, exact: bool = False) -> Taker:
    """Make a function that lists the leaves of trees like the example, and returns None for any other tree.

    Structure, shapes, dtypes and whatever is no array must agree. If it shall be exact, so must strides and
    the order of keys, which a function may go by: it is then called with what it was recorded with. The
    function is compiled for this one structure, since it runs at every call of a compiled function.

    Examples
    --------
    >>> take = taker({"w": np.zeros(2), "name": "a"})
    >>> take({"name": "a", "w": np.ones(2)})
    (array([1., 1.]), 'a')
    >>> print(take({"name": "b", "w": np.ones(2)}), take({"name": "a", "w": np.ones(3)}))
    None None
    """
    return _Writer(example, exact).function()


class _Writer:
    """The source of one taker."""

    def __init__(self, example: Any, exact: bool) -> None:
        self._exact = exact
        self._rows = ["def take(x0):", "  try:"]
        self._space: dict[str, Any] = {"matches": _matches, "other": _other_leaves}
        self._names = 0
        self._leaves: list[str] = []
        self._write("x0", example)

    def function(self) -> Taker:
        leaves = "".join(f"{leaf}, " for leaf in self._leaves)
        rows = [*self._rows, f"    return ({leaves})", "  except LookupError:", "    return None"]
        exec(compile("\n".join(rows), "<the arguments of a program>", "exec"), self._space)
        taken: Taker = self._space["take"]
        return taken

    def _new(self) -> str:
        self._names += 1
        return f"x{self._names}"

    def _unless(self, condition: str) -> None:
        self._rows.append(f"    if not ({condition}): return None")

    def _constant(self, value: Any) -> str:
        name = f"c{len(self._space)}"
        self._space[name] = value
        return name

    def _write(self, name: str, example: Any) -> None:
        cls = type(example)
        if cls in (dict, list, tuple):
            self._unless(f"{name}.__class__ is {cls.__name__} and len({name}) == {len(example)}")
            if cls is dict and self._exact:
                self._unless(f"[*{name}] == {self._constant([*example])}")
            for key, part in example.items() if cls is dict else enumerate(example):
                below = self._new()
                self._rows.append(f"    {below} = {name}[{self._constant(key)}]")
                self._write(below, part)
        elif example is None or tree.children(example):
            self._write_container(name, example)
        else:
            self._write_leaf(name, example)

    def _write_container(self, name: str, example: Any) -> None:
        leaves, structure = tree.flatten(example)
        found = self._new()
        order = repr(structure.skeleton) if self._exact else ""
        self._rows.append(f"    {found} = other({name}, {self._constant(structure)}, {order!r})")
        self._unless(f"{found} is not None")
        for i, leaf in enumerate(leaves):
            below = self._new()
            self._rows.append(f"    {below} = {found}[{i}]")
            self._write_leaf(below, leaf)

    def _write_leaf(self, name: str, example: Any) -> None:
        array = example
        if isinstance(example, Box):
            self._unless(f"matches({name}, {self._constant(example)})")
            below = self._new()
            self._rows.append(f"    {below} = {name}.data")
            name, array = below, example.data
        if isinstance(array, np.ndarray):
            dtype = self._constant(array.dtype)
            self._unless(
                f"{name}.__class__ is {self._constant(type(array))} and {name}.shape == {array.shape} "
                f"and ({name}.dtype is {dtype} or {name}.dtype == {dtype})"
                + (f" and {name}.strides == {array.strides}" if self._exact else "")
            )
        elif not isinstance(example, Box):
            self._unless(f"matches({name}, {self._constant(example)})")
        self._leaves.append(name)


def _other_leaves(container: Any, structure: tree.Structure, order: str) -> list[Any] | None:
    """List the leaves of a container that is no plain dict, list or tuple, in the order of a structure."""
    found = tree.structure(container)
    if found != structure or type(container) is not type(structure.skeleton):
        return None
    if order and repr(found.skeleton) != order:
        return None
    return tree.matching_leaves(structure.skeleton, container)


def _matches(x: Any, example: Any) -> bool:
    """Whether a leaf that is no ndarray may take the place of another."""
    if x is example:
        return True
    if type(x) is not type(example):
        return False
    if isinstance(x, np.random.Generator) or (isinstance(x, np.generic) and x.dtype.kind in "biuf"):
        return True
    if type(x) is float:
        return x.hex() == example.hex()  # -0.0 is another number than 0.0
    if isinstance(x, Box):
        return x.node is None and example.node is None
    try:
        return bool(x == example)
    except (TypeError, ValueError):  # what cannot be compared is not the same
        return False
