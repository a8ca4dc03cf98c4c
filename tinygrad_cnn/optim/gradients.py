"""The gradients that a step is handed, in the order of the parameters."""

from __future__ import annotations

from typing import Any

from ..tree import children, leaves, matching_leaves, paths


def in_order(skeleton: Any, grads: Any) -> list[Any]:
    """List gradients in the order of the places of a skeleton, with None for each place to leave alone.

    In the gradients, None stands for all that is below it. A gradient that is missing, or that no parameter
    asks for, is a ValueError that names its path.
    """
    try:
        return matching_leaves(skeleton, grads)  # nearly always, and it takes half the time
    except ValueError:
        pass
    found: list[Any] = []
    fault = _visit(skeleton, grads, found)
    if fault is not None:
        complaint, *path = fault
        raise ValueError(f"step: '{'.'.join(map(str, reversed(path)))}': {complaint}")
    return found


def _visit(expected: Any, given: Any, found: list[Any]) -> list[Any] | None:
    """Collect gradients; return what is wrong and the keys that lead there, the last one first, or None."""
    if given is None:
        found += [None] * len(leaves(expected))
        return None
    parts = children(given)
    if isinstance(expected, str):  # the place of a parameter
        found.append(given)
        return [f"expected an array, got a {type(given).__name__}"] if parts else None
    places = children(expected)
    if places.keys() != parts.keys():
        return _unmatched(places, parts)
    for key, place in places.items():
        fault = _visit(place, parts[key], found)
        if fault is not None:
            return [*fault, key]
    return None


def _unmatched(places: dict[Any, Any], parts: dict[Any, Any]) -> list[Any]:
    """Return what is wrong with these keys, and the path of the first parameter that it is about."""
    for key, place in places.items():
        if key not in parts:
            below = [path for path in paths(place)[:1] if path]
            return ["the gradient is missing: pass None to leave the parameter alone", *below, key]
    extra = next(key for key in parts if key not in places)
    return ["got a gradient, but the optimizer has no such parameter", extra]
