"""How calls reach the recorder: while anything is recorded, `Primitive.__call__` looks for stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tape import Box, Hook, Primitive
from .recorder import Recorder
from .traced import TracedArray, TracedSource


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


hook = Hook("__call__", _call)
"""What is installed while a program is recorded, in any thread; calls without a stand-in are left alone."""


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
