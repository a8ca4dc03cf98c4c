"""Pieces of work, one after the other or over threads.

NumPy lets go of the interpreter inside its loops, so Python threads run them at the same time. This pays for
a few pieces of a few long calls: waking a thread takes up to 50 us, at the start of the work and wherever
both threads want the interpreter at once. The caller decides what is long enough.

Threads do not make a result depend on chance: pieces write to disjoint memory, and what is to be added up is
added up in the order of the pieces. The number of threads may change its rounding, because it decides where
work is cut.
"""

from __future__ import annotations

import contextvars
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_threads = 1
_helpers: ThreadPoolExecutor | None = None


def threads() -> int:
    """Return how many threads share the pieces of one call."""
    return _threads


def set_threads(count: int) -> None:
    """Share the pieces of later calls among this many threads, of which the caller is one."""
    global _threads, _helpers
    try:
        from concurrent.futures import (
            ThreadPoolExecutor,
        )  # a tenth of the package's import, if it stood above
    except RuntimeError:  # the interpreter is shutting down, and starts no more threads
        return

    before = _helpers
    _threads = count
    _helpers = ThreadPoolExecutor(count - 1, "tinygrad_cnn") if count > 1 else None
    if before is not None:
        before.shutdown(wait=False)  # the caller may be one of its threads


def slices(size: int, count: int) -> list[slice]:
    """Cut ``range(size)`` into `count` slices of about the same length."""
    bounds = [size * i // count for i in range(count + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds)]


def run(work: Callable[[Any], None], pieces: Sequence[Any], count: int) -> None:
    """Call `work` on each piece, in any order, on at most `count` threads.

    No piece may write what another one reads or writes.
    """
    helpers = _helpers
    if count == 1 or helpers is None or len(pieces) == 1:
        for piece in pieces:
            work(piece)
        return
    waiting = iter(pieces)  # whoever is free takes the next one
    promises = _wake(helpers, min(count, len(pieces)) - 1, work, waiting)
    try:
        _drain(work, waiting)
    finally:  # a helper that never began is cancelled, for nothing is left to do; the others are waited for
        failures = [promise.exception() for promise in promises if not promise.cancel()]
    failure = next(filter(None, failures), None)
    if failure is not None:
        try:
            raise failure
        finally:  # the error refers to this frame, which must not refer to the error in turn
            del failure, failures, promises


def _wake(
    helpers: ThreadPoolExecutor, count: int, work: Callable[[Any], None], waiting: Iterator[Any]
) -> list[Future[None]]:
    """Hand the waiting pieces to this many helpers."""
    promises = []
    for _ in range(count):
        try:
            # the caller's context is where NumPy keeps what to do about an overflow
            promises.append(helpers.submit(contextvars.copy_context().run, _drain, work, waiting))
        except RuntimeError:  # the helpers are being shut down, with the interpreter or by `set_threads`
            break
    return promises


def _drain(work: Callable[[Any], None], waiting: Iterator[Any]) -> None:
    """Call `work` on the waiting pieces until none is left."""
    for piece in waiting:
        work(piece)


def _forget_helpers() -> None:
    """Go back to one thread in a forked child, where nobody would do the work that is handed out."""
    global _threads, _helpers
    _threads, _helpers = 1, None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)
