"""Trees of arrays: the dicts, lists, tuples and namedtuples that hold a model's parameters.

``None`` is an empty subtree; anything that is not one of these containers is a leaf.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "Structure",
    "copy_into",
    "flatten",
    "leaves",
    "map",
    "matching_leaves",
    "paths",
    "ravel",
    "structure",
    "unflatten",
]


_CONTAINERS: dict[str, Any] = {"dict": dict, "sequence": (tuple, list), "empty": type(None)}


class _Kinds(dict[type, str | None]):
    """A table from a type to the kind of container that it is, or None for a leaf.

    Two trees match where their kinds do, so a list may stand for a tuple. Every step asks for the kind of
    every leaf, and a look-up is faster than `isinstance`.
    """

    def __missing__(self, cls: type) -> str | None:
        if len(self) >= 256:  # a program that makes classes as it runs must not keep them all alive
            self.clear()
        self[cls] = kind = next((name for name, types in _CONTAINERS.items() if issubclass(cls, types)), None)
        return kind


_kinds = _Kinds()


def children(container: Any) -> dict[Any, Any]:
    """Return what a container holds, by key; a leaf is no container and holds nothing."""
    if _kinds[type(container)] is None:
        return {}
    if isinstance(container, dict):
        return container
    values = () if container is None else container
    return dict(zip(getattr(values, "_fields", range(len(values))), values, strict=True))


def _replace(leaf: Callable[..., Any], tree: Any) -> Any:
    """Copy a tree, with ``leaf(x)`` in the place of each leaf ``x``."""
    cls = type(tree)
    kind = _kinds[cls]
    if kind is None:
        return leaf(tree)
    if kind == "dict":
        replaced = {}
        for key, value in tree.items():  # a comprehension would cost one more call, several times a step
            replaced[key] = _replace(leaf, value)
        return replaced if cls is dict else cls(replaced)
    if kind == "empty":
        return None
    values = [_replace(leaf, value) for value in tree]
    return cls(*values) if hasattr(cls, "_fields") else cls(values)


class Structure(NamedTuple):
    """The containers of a tree, with ``"*"`` in the place of each leaf, and the number of these places."""

    skeleton: Any
    places: int

    def __str__(self) -> str:
        return str(self.skeleton)


def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to the leaves of one or several trees of the same structure.

    Parameters
    ----------
    function : callable
        It takes one leaf of each tree.
    tree, *rest : tree
        Trees of the same structure; dicts are matched by key, whatever the order.

    Returns
    -------
    tree
        The results, in the structure of ``tree``.

    Raises
    ------
    ValueError
        If the structures differ; the message prints both, and the path where they part.

    Examples
    --------
    >>> map(lambda a, b: a + b, {"w": 1, "b": [2, 3]}, {"w": 10, "b": [20, 30]})
    {'w': 11, 'b': [22, 33]}
    """
    if not rest:
        return _replace(function, tree)
    first, shape = flatten(tree)
    others = [matching_leaves(tree, other) for other in rest]
    return unflatten(shape, [function(*found) for found in zip(first, *others, strict=True)])


def matching_leaves(reference: Any, tree: Any) -> list[Any]:
    """List the leaves of a tree in the order of another tree of the same structure.

    Parameters
    ----------
    reference : tree
        The tree that gives the order.
    tree : tree
        The tree whose leaves are taken; dicts are matched by key, whatever the order.

    Returns
    -------
    list
        The leaves of ``tree``.

    Raises
    ------
    ValueError
        If the structures differ; see `map`.

    Examples
    --------
    >>> matching_leaves({"w": 1, "b": [2, 3]}, {"b": [20, 30], "w": 10})
    [10, 20, 30]
    """
    found: list[Any] = []
    mismatch = _visit(reference, tree, found)
    if mismatch is not None:
        raise _mismatch(reference, tree, mismatch)
    return found


def _visit(expected: Any, actual: Any, found: list[Any]) -> list[Any] | None:
    """Collect the leaves of ``actual``; return where it parts from ``expected``, its last key first, or None.

    This is no function inside `matching_leaves`, because one that calls itself is a reference cycle: it
    would keep the leaves, a whole gradient, alive until the garbage collector runs.
    """
    kind = _kinds[type(expected)]
    if kind != _kinds[type(actual)]:
        return []
    if kind is None:
        found.append(actual)
        return None
    places, given = (expected, actual) if kind == "dict" else (children(expected), children(actual))
    if places.keys() != given.keys():
        return []
    for key, place in places.items():
        mismatch = _visit(place, given[key], found)
        if mismatch is not None:
            return [*mismatch, key]
    return None


def _mismatch(reference: Any, tree: Any, path: list[Any]) -> ValueError:
    where = ".".join(str(key) for key in reversed(path)) or "the root"
    return ValueError(
        f"trees of different structure, at {where}: {structure(reference)} and {structure(tree)}"
    )


def structure(tree: Any) -> Structure:
    """Return the structure of a tree, without its leaves.

    Parameters
    ----------
    tree : tree
        Containers with leaves of any type.

    Returns
    -------
    Structure
        The containers, which print with ``*`` for each leaf.

    Examples
    --------
    >>> print(structure({"w": 1.0, "b": [2.0, None]}))
    {'w': '*', 'b': ['*', None]}
    """
    return flatten(tree)[1]


def leaves(tree: Any) -> list[Any]:
    """List the leaves of a tree in order.

    Parameters
    ----------
    tree : tree
        Containers with leaves of any type.

    Returns
    -------
    list
        The leaves; those of a dict come in the order of its keys.

    Examples
    --------
    >>> leaves({"w": 1, "b": [2, None, 3]})
    [1, 2, 3]
    """
    return flatten(tree)[0]


def paths(tree: Any) -> list[str]:
    """List the places of the leaves as dotted paths, in the order of `leaves`.

    Parameters
    ----------
    tree : tree
        Containers with leaves of any type.

    Returns
    -------
    list of str
        One path for each leaf; a tree that is a single leaf has the empty path.

    Examples
    --------
    >>> paths({"conv": {"weight": 1, "bias": 2}, "rest": [3]})
    ['conv.weight', 'conv.bias', 'rest.0']
    """
    if _kinds[type(tree)] is None:
        return [""]
    below = children(tree).items()
    return [f"{key}.{path}" if path else str(key) for key, value in below for path in paths(value)]


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Take a tree apart into leaves and structure.

    Parameters
    ----------
    tree : tree
        Containers with leaves of any type.

    Returns
    -------
    list
        The leaves.
    Structure
        What `unflatten` needs to put them back.

    Examples
    --------
    >>> values, shape = flatten({"w": 1, "b": (2, 3)})
    >>> values
    [1, 2, 3]
    >>> unflatten(shape, [10, 20, 30])
    {'w': 10, 'b': (20, 30)}
    """
    found: list[Any] = []

    def take(leaf: Any) -> str:
        found.append(leaf)
        return "*"

    skeleton = _replace(take, tree)
    return found, Structure(skeleton, len(found))


def unflatten(structure: Structure, values: list[Any]) -> Any:
    """Put leaves into a structure; this is the inverse of `flatten`.

    Parameters
    ----------
    structure : Structure
        The containers, as `flatten` returns them.
    values : list
        The leaves, as many as the structure has places.

    Returns
    -------
    tree
        New containers with these leaves.

    Raises
    ------
    ValueError
        If the number of leaves does not fit.

    Examples
    --------
    >>> unflatten(flatten([0, (0, 0)])[1], [1, 2, 3])
    [1, (2, 3)]
    """
    if len(values) != structure.places:
        raise ValueError(
            f"expected {structure.places} leaves for the structure {structure}, got {len(values)}"
        )
    supply = iter(values)
    return _replace(lambda _: next(supply), structure.skeleton)


def ravel(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Lay the arrays of a tree into one vector, for algorithms that move a point of a vector space.

    Parameters
    ----------
    tree : tree of array_like
        Arrays, tensors or numbers.

    Returns
    -------
    vector : ndarray or Tensor, 1-d
        All elements, in the order of `leaves`; it has the promoted dtype.
    unravel : callable
        It puts the elements of a vector of that length back into a tree of the same structure, where each
        array has its shape and dtype. It can be differentiated: a tensor makes a tree of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import grad
    >>> params = {"w": np.array([[1.0, 2.0]]), "b": np.float32(3.0)}
    >>> vector, unravel = ravel(params)
    >>> vector
    array([1., 2., 3.])
    >>> unravel(10 * vector)
    {'w': array([[10., 20.]]), 'b': array(30., dtype=float32)}
    >>> grad(lambda v: (unravel(v)["w"] ** 2).sum())(vector)
    array([2., 4., 0.])
    """
    found, shape = flatten(tree)
    arrays = [x if hasattr(x, "dtype") else np.asarray(x) for x in found]  # a tensor stays one
    kinds = [(x.shape, x.dtype) for x in arrays]
    ends = list(itertools.accumulate((math.prod(size) for size, _ in kinds), initial=0))

    def unravel(vector: Any) -> Any:
        vector = vector if hasattr(vector, "dtype") else np.asarray(vector)
        if vector.shape != (ends[-1],):
            raise ValueError(f"unravel: vector: expected shape {(ends[-1],)}, got {vector.shape}")
        parts = [vector[start:end] for start, end in itertools.pairwise(ends)]
        return unflatten(
            shape,
            [part.reshape(size).astype(dtype) for part, (size, dtype) in zip(parts, kinds, strict=True)],
        )

    flat = [np.reshape(x, (-1,)) for x in arrays]
    return np.concatenate(flat) if flat else np.zeros(0), unravel


def copy_into(target: Any, source: Any) -> None:
    """Copy the arrays of one tree into those of another, in place.

    An optimizer is bound to the arrays it was given; loading into these very arrays keeps it bound.

    Parameters
    ----------
    target : tree of ndarray
        The arrays that are overwritten.
    source : tree of array_like
        The new values, in a tree of the same structure and shapes.

    Raises
    ------
    ValueError
        If structures or shapes differ, or an array is read-only; nothing is written then.
    TypeError
        If a target is no ndarray, or would not hold the values; nothing is written then.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"w": np.zeros(2)}
    >>> copy_into(params, {"w": np.array([1.0, 2.0])})
    >>> params["w"]
    array([1., 2.])
    """
    pairs: list[tuple[np.ndarray, Any]] = []
    map(lambda array, value: pairs.append((array, value)), target, source)
    for path, (array, value) in zip(paths(target), pairs, strict=True):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"'{path}': expected an ndarray to copy into, got {type(array).__name__}")
        if not array.flags.writeable:
            raise ValueError(f"'{path}': the array to copy into is read-only")
        if array.shape != np.shape(value):
            raise ValueError(f"'{path}': expected shape {array.shape}, got {np.shape(value)}")
        if not np.can_cast(np.asarray(value).dtype, array.dtype, "same_kind"):
            raise TypeError(f"'{path}': expected values for {array.dtype}, got {np.asarray(value).dtype}")
    for array, value in pairs:
        array[...] = value
