"""Trees of arrays: the dicts, lists, tuples and namedtuples that hold a model's parameters.

``None`` is an empty subtree; anything that is not one of these containers is a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Structure", "copy_into", "flatten", "leaves", "map", "paths", "structure", "unflatten"]


def _children(tree: Any) -> list[tuple[Any, Any]] | None:
    """Keys and values of a container; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return list(tree.items())
    if isinstance(tree, tuple | list):
        return list(zip(getattr(tree, "_fields", range(len(tree))), tree, strict=True))
    return None


def _rebuild(like: Any, values: list[Any]) -> Any:
    """A container of the type and keys of ``like``, with other values."""
    if like is None:
        return None
    if isinstance(like, dict):
        return type(like)(zip(like, values, strict=True))
    if hasattr(like, "_fields"):
        return type(like)(*values)
    return type(like)(values)


class Structure(NamedTuple):
    """The containers of a tree, with ``"*"`` in the place of each leaf."""

    skeleton: Any

    def __str__(self) -> str:
        return str(self.skeleton)


def map(function: Callable, tree: Any, *rest: Any) -> Any:
    """Apply a function to the leaves of one or several trees of the same structure.

    Parameters
    ----------
    function : callable
        Takes one leaf of each tree.
    tree, *rest : tree
        Dicts are matched by key, whatever the order.

    Returns
    -------
    tree
        With the structure of ``tree``.

    Raises
    ------
    ValueError
        If the structures differ; the message prints both, and the path where they part.

    Examples
    --------
    >>> map(lambda a, b: a + b, {"w": 1, "b": [2, 3]}, {"w": 10, "b": [20, 30]})
    {'w': 11, 'b': [22, 33]}
    """
    return _map(function, (tree, *rest), (tree, *rest), ())


def _map(function, trees, whole, path):
    children = [_children(tree) for tree in trees]
    first = children[0]
    if first is None:
        if any(other is not None for other in children[1:]):
            raise _mismatch(whole, path)
        return function(*trees)
    keys = [key for key, _ in first]
    by_key = []
    for tree, other in zip(trees, children, strict=True):
        same_kind = isinstance(tree, dict) == isinstance(trees[0], dict) and (tree is None) == (
            trees[0] is None
        )
        if other is None or not same_kind or len(other) != len(first) or {k for k, _ in other} != set(keys):
            raise _mismatch(whole, path)
        by_key.append(dict(other))
    values = [_map(function, [d[key] for d in by_key], whole, (*path, key)) for key in keys]
    return _rebuild(trees[0], values)


def _mismatch(trees, path) -> ValueError:
    where = ".".join(str(key) for key in path) or "the root"
    shown = " and ".join(str(structure(tree)) for tree in trees)
    return ValueError(f"trees of different structure, at {where}: {shown}")


def structure(tree: Any) -> Structure:
    """The structure of a tree, without its leaves.

    Parameters
    ----------
    tree : tree

    Returns
    -------
    Structure

    Examples
    --------
    >>> print(structure({"w": 1.0, "b": [2.0, None]}))
    {'w': '*', 'b': ['*', None]}
    """
    return Structure(map(lambda leaf: "*", tree))


def _walk(tree: Any, path: tuple) -> Iterator[tuple[tuple, Any]]:
    children = _children(tree)
    if children is None:
        yield path, tree
        return
    for key, value in children:
        yield from _walk(value, (*path, key))


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree, in order.

    Parameters
    ----------
    tree : tree

    Returns
    -------
    list

    Examples
    --------
    >>> leaves({"w": 1, "b": [2, None, 3]})
    [1, 2, 3]
    """
    return [leaf for _, leaf in _walk(tree, ())]


def paths(tree: Any) -> list[str]:
    """The place of each leaf, as a dotted path, in the order of `leaves`.

    Parameters
    ----------
    tree : tree

    Returns
    -------
    list of str

    Examples
    --------
    >>> paths({"conv": {"weight": 1, "bias": 2}, "rest": [3]})
    ['conv.weight', 'conv.bias', 'rest.0']
    """
    return [".".join(str(key) for key in path) for path, _ in _walk(tree, ())]


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Take a tree apart into leaves and structure.

    Parameters
    ----------
    tree : tree

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
    return leaves(tree), structure(tree)


def unflatten(structure: Structure, values: list[Any]) -> Any:
    """Put leaves into a structure: the inverse of `flatten`.

    Parameters
    ----------
    structure : Structure
    values : list
        As many as the structure has places.

    Returns
    -------
    tree

    Raises
    ------
    ValueError
        If the number of leaves does not fit.

    Examples
    --------
    >>> unflatten(flatten([0, (0, 0)])[1], [1, 2, 3])
    [1, (2, 3)]
    """
    places = len(leaves(structure.skeleton))
    if len(values) != places:
        raise ValueError(f"expected {places} leaves for the structure {structure}, got {len(values)}")
    supply = iter(values)
    return map(lambda _: next(supply), structure.skeleton)


def copy_into(target: Any, source: Any) -> None:
    """Copy the arrays of one tree into those of another, in place.

    An optimizer is bound to the arrays it was given; loading into these very arrays keeps it bound.

    Parameters
    ----------
    target : tree of ndarray
        Overwritten.
    source : tree of array_like
        Of the same structure and shapes.

    Raises
    ------
    ValueError
        If structures or shapes differ; nothing is written then.

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
        if array.shape != np.shape(value):
            raise ValueError(f"'{path}': expected shape {array.shape}, got {np.shape(value)}")
    for array, value in pairs:
        array[...] = value
