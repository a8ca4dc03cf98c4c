"""Calls that a recorder refuses, since a program could not play them with the numbers of other arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tape import Box
from .errors import RecordingError, captured, leaving
from .traced import TracedArray
from .values import Method, mapped

# The shape of what these return depends on numbers.
_OF_NUMBERS = {
    np.argwhere, np.array_equal, np.array_equiv, np.allclose, np.bincount, np.compress, np.extract,
    np.flatnonzero, np.intersect1d, np.nonzero, np.roots, np.setdiff1d, np.setxor1d, np.trim_zeros,
    np.union1d, np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values,
}  # fmt: skip
_WRITERS = {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}
_NO_CAPTURES = (TracedArray, Box, np.generic)


def refuse_call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise an error if a call returns a shape that depends on numbers, or writes into an array."""
    is_search = function is np.where and len(args) == 1
    if function in _OF_NUMBERS or is_search or _has_mask(function, args):
        raise leaving(f"the shape of the result of {function.__name__}")
    if function in _WRITERS:
        raise RecordingError(f"np.{function.__name__} changes an array: a program has no line for that")
    if kwargs.get("out") is not None:
        raise _into_an_array(function)


def refuse_captured(args: Any) -> None:
    """Raise an error if an array, or what NumPy would make one of, is among the arguments of a call."""
    for x in leaves_of(args):
        if type(x) is np.ndarray or (hasattr(type(x), "__array__") and not isinstance(x, _NO_CAPTURES)):
            raise captured(x)


def refuse_written(function: Any, args: tuple[Any, ...], out: Any) -> None:
    """Raise an error if a function of NumPy returns a later argument, which is where it has written to."""
    module = "numpy" if isinstance(function, Method) else getattr(function, "__module__", None) or ""
    later = [x.hidden for x in args[1:] if isinstance(x, TracedArray)]
    if type(out) is np.ndarray and module.startswith("numpy") and any(x is out for x in later):
        raise _into_an_array(function)


def _into_an_array(function: Any) -> RecordingError:
    name = getattr(function, "__name__", function)
    return RecordingError(f"{name} into an array, out=...: a program has no such line. Take what it returns")


def _has_mask(function: Any, args: tuple[Any, ...]) -> bool:
    """Whether a call picks elements by a mask, so that their number depends on it."""
    if getattr(function, "__name__", "") not in ("_getitem", "getitem") or len(args) < 2:
        return False
    return any(isinstance(x, TracedArray) and x.dtype == np.bool_ for x in leaves_of(args[1:]))


def leaves_of(args: Any) -> list[Any]:
    """List whatever is no tuple, list, dict or slice in nested arguments."""
    found: list[Any] = []
    mapped(found.append, args)
    return found
