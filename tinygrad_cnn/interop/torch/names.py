"""State dicts by name: a tree of names says where each array stands in a tree of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ... import tree
from ...checks import printable
from ...tape import raw
from ...types import NDArray

__all__ = ["T", "from_tree", "to_tree"]


class T(NamedTuple):
    """The name of an array that is transposed on the way, as the weight of a dense layer is.

    Parameters
    ----------
    name : str
        The name in the state dict.

    Examples
    --------
    >>> to_tree({"w": T("fc.weight")}, {"fc.weight": np.ones((2, 3))})["w"].shape
    (3, 2)
    """

    name: str


tree.register_leaf(T)


def to_tree(names: Any, arrays: Mapping[str, Any]) -> Any:
    """Return a tree of arrays for a tree of their names.

    Parameters
    ----------
    names : tree of (str or T)
        What each leaf is called in the state dict; the name in a `T` is of an array to transpose.
    arrays : mapping of str to array
        The state dict, as `load` returns it.

    Returns
    -------
    tree of ndarray
        New arrays in the containers of ``names``.

    Raises
    ------
    ValueError
        If an array is missing, or left over but for ``num_batches_tracked``. The message lists all of them.

    Examples
    --------
    >>> to_tree({"dense": ["fc.bias"]}, {"fc.bias": np.zeros(2)})
    {'dense': [array([0., 0.])]}
    """
    wanted = [_name(leaf) for leaf in tree.leaves(names)]
    problems = [f"lacks '{name}'" for name in wanted if name not in arrays]
    left = [name for name in arrays if name not in wanted and not name.endswith("num_batches_tracked")]
    problems += [f"has '{name}', which no leaf names" for name in left]
    if problems:
        raise ValueError(printable(f"to_tree: the state dict {'; '.join(problems)}", 2000))
    return tree.map(lambda leaf: _changed(leaf, np.asarray(raw(arrays[_name(leaf)]))), names)


def from_tree(names: Any, params: Any) -> dict[str, NDArray]:
    """Return the state dict of a tree of arrays: the way back from `to_tree`.

    Parameters
    ----------
    names : tree of (str or T)
        What each leaf is called in the state dict.
    params : tree of (ndarray or Tensor)
        The arrays, in a tree of the same structure.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    ValueError
        If the trees differ, or a name stands twice.

    Examples
    --------
    >>> from_tree({"w": T("fc.weight")}, {"w": np.ones((3, 2))})["fc.weight"].shape
    (2, 3)
    """
    leaves = tree.leaves(names)
    arrays = tree.matching_leaves(names, params)
    if len({_name(leaf) for leaf in leaves}) != len(leaves):
        raise ValueError("from_tree: expected each name once")
    pairs = zip(leaves, arrays, strict=True)
    return {_name(leaf): _changed(leaf, np.asarray(raw(array))) for leaf, array in pairs}


def _name(leaf: str | T) -> str:
    return leaf.name if isinstance(leaf, T) else leaf


def _changed(leaf: str | T, array: NDArray) -> NDArray:
    return np.array(array.T if isinstance(leaf, T) else array, order="C")
