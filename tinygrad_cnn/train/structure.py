"""The containers of a tree as a text of JSON, so that a file brings back more than arrays by name.

Each leaf has a name, its dotted path. Arrays are stored under their names, and the text holds the rest: the
containers with the kinds of their keys, and the leaves that are numbers or texts of Python.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .. import tree as trees
from ..checks import printable
from ..tape import Box
from .safetensors import CODES, NAME

_TREE = f"tree of {NAME}"
_DEEPEST = 100  # levels of containers, which any reader of JSON can follow
_LARGEST = 1024  # bits of an integer
_LEAVES = "an array, a number, a text or a container"
_KEYS = "a text, a number, None, or a tuple of such"


class ClassNeededError(ValueError):
    """The error for a tree with a container that only its own class can make."""


def names(tree: Any) -> dict[str, Any]:
    """Return the leaves of a tree by the names under which they are saved, in the order of `tree.leaves`.

    Examples
    --------
    >>> names({"w": [1.0, 2.0]})
    {'w.0': 1.0, 'w.1': 2.0}
    """
    return _Describing(tree).leaves


def describe(tree: Any) -> tuple[str, dict[str, np.ndarray]]:
    """Return the text that `rebuild` needs, and the arrays of a tree by their names.

    Examples
    --------
    >>> text, arrays = describe({"w": np.zeros(2), "steps": 3})
    >>> arrays
    {'w': array([0., 0.])}
    >>> json.loads(text)["tree of tinygrad_cnn"]
    {'dict': [['w', {'leaf': 'w'}], ['steps', {'leaf': 'steps'}]]}
    """
    found = _Describing(tree)
    arrays, values, numpy = {}, {}, []
    for name, leaf in found.leaves.items():
        if isinstance(leaf, np.ndarray | np.generic):
            arrays[name] = _checked(name, leaf)
        else:
            values[name] = _scalar(leaf, _shown(name), _LEAVES)
        if isinstance(leaf, np.generic):
            numpy.append(name)
    parts = {_TREE: found.node, "values": values, "scalars of numpy": numpy}
    return json.dumps(parts, separators=(",", ":")), arrays


def scalars(text: str) -> dict[str, Any]:
    """Return the leaves of a text that are numbers or texts of Python, by their names."""
    return {name: _value(node) for name, node in json.loads(text)["values"].items()}


def leaves_by_name(text: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return all leaves by their names: the arrays, and what else the text tells."""
    numpy = {name: arrays[name][()] for name in json.loads(text)["scalars of numpy"]}
    return arrays | numpy | scalars(text)


def rebuild(text: str, leaves: dict[str, Any]) -> Any:
    """Return the tree of a text, with its leaves; raise a ValueError unless each leaf has one place.

    Examples
    --------
    >>> text, arrays = describe({"w": np.zeros(2), ("a", 1): [True, None]})
    >>> rebuild(text, leaves_by_name(text, arrays))
    {'w': array([0., 0.]), ('a', 1): [True, None]}
    """
    left = dict(leaves)
    tree = _rebuilt(json.loads(text)[_TREE], left)
    if left:
        raise ValueError("its structure lacks an array")
    return tree


class _Describing:
    """A walk over a tree, which collects its leaves by name and describes its containers."""

    def __init__(self, tree: Any) -> None:
        self.leaves: dict[str, Any] = {}
        self.node = self._visit(tree, ())

    def _visit(self, tree: Any, path: tuple[str, ...]) -> Any:
        if len(path) > _DEEPEST:
            raise ValueError(
                f"expected at most {_DEEPEST} levels of containers, got more, or one that holds itself"
            )
        if tree is None:
            return None
        cls = type(tree)
        if cls is dict:
            return {"dict": [[_key(key), self._visit(x, (*path, str(key)))] for key, x in tree.items()]}
        if cls is list or cls is tuple:
            return {cls.__name__: [self._visit(x, (*path, str(i))) for i, x in enumerate(tree)]}
        below = trees.paths(tree)
        for name, leaf in zip(below, trees.leaves(tree), strict=True):
            self._add(".".join((*path, name) if name else path), leaf)
        if below == [""]:
            return {"leaf": ".".join(path)}
        return {"class": cls.__name__}  # a file brings no classes: whoever loads it has to

    def _add(self, name: str, leaf: Any) -> None:
        if name in self.leaves or name == "__metadata__":
            raise ValueError(f"expected leaves with different dotted paths, got two of {_shown(name)}")
        self.leaves[name] = leaf


def _checked(name: str, array: np.ndarray | np.generic) -> np.ndarray:
    """Return an array as it is, and a NumPy scalar as one; raise a TypeError unless a file can hold it."""
    if isinstance(array, np.ndarray) and type(array) is not np.ndarray:
        raise TypeError(f"{_shown(name)}: expected an ndarray, got a {type(array).__name__}")
    if array.dtype.kind not in "biuf" or array.dtype.newbyteorder("=") not in CODES:
        raise TypeError(
            f"{_shown(name)}: expected an array of booleans, of integers, or of float16, float32 or float64, "
            f"got {array.dtype}[{', '.join(map(str, array.shape))}]"
        )
    return np.asarray(array)


def _shown(name: str) -> str:
    """Return the path of a leaf as an error calls it, the whole tree if it is one leaf."""
    return f"'{printable(name, 60)}'" if name else "the tree"


def _scalar(value: Any, what: str, expected: str) -> Any:
    """Return a scalar of Python as JSON keeps it; raise a TypeError if it is another object."""
    if type(value) is float:
        return {"float": repr(value)}  # JSON has neither inf nor nan
    if type(value) is int and value.bit_length() > _LARGEST:
        raise ValueError(f"{what}: expected an integer of at most {_LARGEST} bits, got more")
    if value is None or type(value) in (bool, int, str):
        return value
    hint = ": save its .numpy()" if isinstance(value, Box) else ""
    raise TypeError(f"{what}: expected {expected}, got {type(value).__name__}{hint}")


def _key(key: Any) -> Any:
    """Return a key of a dict as JSON keeps it."""
    return {"tuple": [_key(part) for part in key]} if type(key) is tuple else _scalar(key, "a key", _KEYS)


def _value(node: Any) -> Any:
    """Undo `_scalar`."""
    if isinstance(node, dict):
        return float(node["float"])
    if isinstance(node, list):
        raise ValueError("a value of its structure is no value")
    return node


def _rebuilt(node: Any, leaves: dict[str, Any]) -> Any:
    """Make the tree that a node describes, and take its leaves out of those that are left."""
    if not isinstance(node, dict) or "float" in node:
        return _value(node)
    ((kind, inside),) = node.items()
    if kind == "leaf":
        return leaves.pop(inside)
    if kind == "dict":
        rebuilt = {_rebuilt(key, {}): _rebuilt(value, leaves) for key, value in inside}
        if len(rebuilt) != len(inside):
            raise ValueError("a key occurs twice")
        return rebuilt
    if kind == "class":
        raise ClassNeededError(str(inside))
    values = [_rebuilt(value, leaves) for value in inside]
    return {"list": list, "tuple": tuple}[kind](values)
