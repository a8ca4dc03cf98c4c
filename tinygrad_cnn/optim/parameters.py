"""The arrays that an optimizer is made for, and what it refuses to update."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .. import tree
from ..checks import floating
from ..tape import raw


def bindable(owner: str, params: Any) -> list[tuple[str, Any, np.ndarray]]:
    """List the path, the leaf and the array of each parameter, or raise an error if one cannot be updated."""
    found = [
        (path, leaf, _array(owner, path, leaf))
        for path, leaf in zip(tree.paths(params), tree.leaves(params), strict=True)
    ]
    for (first, _, a), (second, _, b) in itertools.combinations(found, 2):
        if np.may_share_memory(a, b) and np.shares_memory(a, b):
            raise ValueError(
                f"{owner}: '{first}' and '{second}' share memory, which a step would update twice: keep one "
                "of them in the tree, or copy one"
            )
    return found


def _array(owner: str, path: str, leaf: Any) -> np.ndarray:
    array: np.ndarray = raw(leaf)
    if isinstance(array, float | np.floating):
        raise TypeError(
            f"{owner}: '{path}': expected a floating array, got {type(array).__name__} {array}, which cannot "
            f"be updated in place: make it an array, np.array({array})"
        )
    floating(owner, f"'{path}'", array)
    if not array.flags.writeable:
        raise ValueError(f"{owner}: '{path}': the array is read-only, and would be updated in place: copy it")
    return array
