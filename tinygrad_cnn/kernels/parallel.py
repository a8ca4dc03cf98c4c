"""Pieces of work, one after the other or over threads.

NumPy lets go of the interpreter inside its loops, so Python threads run them at the same time. It pays for a
few pieces of a few long calls: waking a thread takes up to 50 us, at the start of the work and wherever both
threads want the interpreter at once. The caller decides what is long enough.

Threads do not make a result depend on chance: pieces write to disjoint memory, and what is to be added up is
added up in the order of the pieces. Their number may change its rounding, for it decides where work is cut.
"""

from __future__ import annotations

import contextvars
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["run", "set_threads", "slices", "threads"]

_threads = 1
_helpers: ThreadPoolExecutor | None = None


def threads() -> int:
    """How many threads share the pieces of one call.

    Returns
    -------
    int

    Examples
    --------
    >>> threads() >= 1
    True
    """
    return _threads


def set_threads(count: int) -> None:
    """Share the pieces of later calls among this many threads, the caller's being one of them.

    Parameters
    ----------
    count : int
        At least 1.

    Examples
    --------
    >>> set_threads(threads())
    """
    global _threads, _helpers
    from concurrent.futures import ThreadPoolExecutor  # here, for it costs a tenth of this package's import

    before = _helpers
    _threads = count
    _helpers = ThreadPoolExecutor(count - 1, "tinygrad_cnn") if count > 1 else None
    if before is not None:
        before.shutdown(wait=False)  # it may be one of its threads that calls


def slices(size: int, count: int) -> list[slice]:
    """Cut ``range(size)`` into slices of about the same length.

    Parameters
    ----------
    size : int
    count : int
        At least 1.

    Returns
    -------
    list of slice

    Examples
    --------
    >>> slices(5, 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    bounds = [size * i // count for i in range(count + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds)]


def run(work: Callable[[Any], None], pieces: Sequence[Any], count: int) -> None:
    """Call ``work`` on each piece, in any order.

    Parameters
    ----------
    work : callable
        Of one piece; writes nothing that another piece reads or writes.
    pieces : sequence
    count : int
        How many threads share the pieces, if there are so many; 1: the caller's alone.

    Examples
    --------
    >>> squares = [0, 0, 0]
    >>> run(lambda i: squares.__setitem__(i, i * i), range(3), 1)
    >>> squares
    [0, 1, 4]
    """
    helpers = _helpers
    if count == 1 or helpers is None or len(pieces) == 1:
        for piece in pieces:
            work(piece)
        return
    waiting = iter(pieces)  # whoever is free takes the next
    promises = []
    for _ in range(min(count, len(pieces)) - 1):
        try:
            # in the caller's context: there NumPy keeps what to do about an overflow
            promises.append(helpers.submit(contextvars.copy_context().run, _drain, work, waiting))
        except RuntimeError:  # the helpers are being shut down, with the interpreter or by `set_threads`
            break
    try:
        _drain(work, waiting)
    finally:  # one that never began is cancelled: nothing is left for it; the others are waited for
        failures = [promise.exception() for promise in promises if not promise.cancel()]
    failure = next(filter(None, failures), None)
    if failure is not None:
        try:
            raise failure
        finally:  # this frame is part of the error now, and would keep it in a cycle
            del failure, failures, promises


def _drain(work: Callable[[Any], None], waiting: Iterator[Any]) -> None:
    for piece in waiting:
        work(piece)


def _forget_helpers() -> None:
    """In a forked child there are no other threads: what is handed to them would wait for ever."""
    global _threads, _helpers
    _threads, _helpers = 1, None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)
