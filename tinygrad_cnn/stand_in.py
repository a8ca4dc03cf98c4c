"""What may stand in the place of an array: the tape computes with it, and never looks at its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .types import DTypeLike


class StandIn:
    """The base of what stands for an array while a program is recorded; `program` derives from it.

    It has the shape and the dtype of the array, and answers NumPy's functions. Nobody gets numbers out of it.
    """

    __slots__ = ()

    shape: Any
    dtype: Any

    def decided(self, function: Callable[..., Any], *args: Any) -> Any:
        """Do what `recorded` does for a function that decides by numbers how a gradient rule goes on.

        It raises an error where the rule itself has to be one line.
        """
        raise NotImplementedError

    def recorded(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function on what the stand-ins among its arguments stand for, as one line of the program."""
        raise NotImplementedError


def as_array(x: Any, dtype: DTypeLike | None = None, *, like: Any = None) -> Any:
    """Return an array of what NumPy makes one of, or the stand-in itself, in a dtype.

    ``like`` is what the array is computed with. Beside a stand-in, the numbers that a list holds become an
    array in a line of the program.

    Examples
    --------
    >>> as_array([1, 2], float)
    array([1., 2.])
    """
    if isinstance(x, StandIn):
        return x if dtype is None or np.dtype(dtype) == x.dtype else x.astype(dtype)  # type: ignore[attr-defined]
    return like.recorded(np.asarray, x, dtype) if isinstance(like, StandIn) else np.asarray(x, dtype)


def in_one_line(function: Callable[..., Any], x: Any, *args: Any) -> Any:
    """Call a function that decides something by the numbers of its first argument.

    While a program is recorded the call is one line of it, so that it is decided whenever the program is
    played. What a function checks it has to return, and what comes after has to use that: a line whose result
    nobody uses may be left out.

    Examples
    --------
    >>> in_one_line(np.add, np.ones(2), 1.0)
    array([2., 2.])
    """
    return x.recorded(function, x, *args) if isinstance(x, StandIn) else function(x, *args)


def may_hold(mask: Any) -> bool:
    """Whether a mask holds anywhere; it may for a stand-in, which has no numbers yet.

    It saves work that changes nothing where the mask holds nowhere. Nothing else may depend on it.

    Examples
    --------
    >>> may_hold(np.array([False, True])), may_hold(np.array([False]))
    (True, False)
    """
    return mask.size > 0 if isinstance(mask, StandIn) else bool(np.any(mask))  # type: ignore[attr-defined]
