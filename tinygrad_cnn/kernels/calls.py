"""What a bound kernel is: a list of calls on arrays that are known beforehand.

A kernel that is bound to its operands makes its plan, its views and its scratch memory once. What is left to
do at each run is a straight line of calls, nearly all of them NumPy's. They are the calls of the kernel that
the list stands for, on memory of the same layout, so that not one bit differs. One list runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..types import NDArray
from . import parallel

Make = Callable[[NDArray], NDArray]


class Operand:
    """An array that calls read: the same one at each run, or what `make` sees in the one that comes.

    Parameters
    ----------
    array : ndarray
        The array; or one of its shape, dtype and strides, if another one comes at each run.
    source : object, optional
        What stands for the array that comes: whoever runs the calls knows where it is found.
    make : callable, optional
        What makes a view of that array.
    """

    def __init__(self, array: NDArray, source: Any = None, make: Make | None = None) -> None:
        self.array, self.source, self.make = array, source, make

    @property
    def is_known(self) -> bool:
        """Whether the array is the same one at each run."""
        return self.source is None

    def view(self, make: Make) -> Operand:
        """Return a view of it; a copy, where the array lies otherwise, is made anew at each run."""
        seen, before = make(self.array), self.make
        if self.is_known:
            is_view = not seen.size or np.may_share_memory(seen, self.array)
            return Operand(seen) if is_view else Operand(seen, self.array, make)
        return Operand(seen, self.source, (lambda array: make(before(array))) if before else make)


class Call(NamedTuple):
    """One call of a function; an `Operand` among the arguments stands for its array."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
    """Make a `Call`."""
    return Call(function, args, kwargs)


def batch_last(x: Operand, calls: list[Call]) -> Operand:
    """Return (N, C, H, W) as a C-contiguous (C, H, W, N): a view if it is stored so, else a copy."""
    xb = x.view(lambda x: x.transpose(1, 2, 3, 0))
    return xb if xb.array.flags.c_contiguous else copied(xb, calls)


def copied(x: Operand, calls: list[Call]) -> Operand:
    """Return a C-contiguous copy in memory of its own, which a call fills."""
    buffer = np.empty(x.array.shape, x.array.dtype)
    calls.append(call(np.copyto, buffer, x))
    return Operand(buffer)


def shared(shares: list[list[Call]], threads: int) -> list[Call]:
    """Return the calls of all shares one after the other, or one call that gives each share to a thread."""
    if threads == 1 or len(shares) == 1:
        return [one for share in shares for one in share]
    first: list[Call] = []

    def known(x: Any) -> Any:
        if not isinstance(x, Operand):
            return x
        return x.array if x.is_known else copied(x, first).array

    lists = [[one._replace(args=tuple(map(known, one.args))) for one in share] for share in shares]
    return [*first, call(parallel.run, _make, lists, threads)]


def _make(calls: list[Call]) -> None:
    for function, args, kwargs in calls:
        function(*args, **kwargs)


def maximum(a: Any, b: Any, out: NDArray) -> Call:
    """Return a call of `numpy.maximum`, which takes its output by name alone."""
    return call(np.maximum, a, b, out=out)


def remembered(make: Make) -> Make:
    """Return a function that makes a view of an array, and has that of the last array at hand.

    What is made is a copy where the array lies otherwise. That is made anew, since the array may change.
    """
    last: NDArray | None = None
    made: Any = None

    def of(array: NDArray) -> Any:
        nonlocal last, made
        if array is not last:
            made = make(array)
            last = array if np.may_share_memory(made, array) else None
        return made

    return of
