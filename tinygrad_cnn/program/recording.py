"""How calls reach the recorder: while anything is recorded, `Primitive.__call__` looks for stand-ins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..tape import Box, Primitive
from .recorder import Recorder
from .traced import TracedArray, TracedSource


class _Hook:
    """The replacement of `Primitive.__call__` while any program is recorded, in any thread.

    The method itself is replaced, so that the tape has no question to ask at other times. Calls without a
    stand-in among the operands are left alone.
    """

    def __init__(self) -> None:
        self._plain = Primitive.__call__
        self._active = 0
        self._lock = threading.Lock()

    @contextmanager
    def installed(self) -> Iterator[None]:
        with self._lock:
            self._active += 1
            self._set(_call(self._plain))
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
                if not self._active:
                    self._set(self._plain)

    @staticmethod
    def _set(method: Callable[..., Any]) -> None:
        Primitive.__call__ = method  # type: ignore[method-assign]  # the purpose of this class


hook = _Hook()


def _call(plain: Callable[..., Any]) -> Callable[..., Any]:
    def call(op: Primitive[..., Any], /, *operands: Any, **params: Any) -> Any:
        recorder = _recorder_of(operands) or _recorder_of(tuple(params.values()))
        if recorder is None:
            return plain(op, *operands, **params)
        if any(name not in op.params for name in params):
            operands, params = op._bind(operands, params)
        if any(isinstance(x, Box) for x in operands):
            return recorder.record(recorder.shadow(op), operands, params)
        return recorder.run_primitive(op, operands, params)

    return call


def _recorder_of(args: Any) -> Recorder | None:
    """Return the recorder of the first stand-in among arguments."""
    for x in args:
        if isinstance(x, Box):
            x = x.data
        if isinstance(x, TracedArray | TracedSource):
            return x.recorder
        if isinstance(x, tuple | list) and (found := _recorder_of(x)):
            return found
    return None
