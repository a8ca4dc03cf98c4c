"""What cannot be recorded, and the user's line that asks for it."""

from __future__ import annotations

import linecache
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from ..tape import Box
from .values import Place

_NO_USERS = (
    str(Path(__file__).parent.parent),
    str(Path(np.__file__).parent),
    "<__array_function__ internals>",
)


class RecordingError(TypeError):
    """A function does what a program cannot play again, such as a branch on the values of an array."""


class CapturedArrayError(RecordingError):
    """A function computes with an array that is not an argument, whose values a program would freeze."""


def user_frame(base: FrameType | None = None) -> FrameType | None:
    """Return the innermost frame, down to ``base``, that belongs neither to this package nor to NumPy."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not base:
        if not frame.f_code.co_filename.startswith(_NO_USERS):
            return frame
        frame = frame.f_back
    return None


def place_of(frame: FrameType | None) -> Place | None:
    """Return where a frame stands."""
    if frame is None:
        return None
    file, number = frame.f_code.co_filename, frame.f_lineno
    return Place(os.path.basename(file), number, linecache.getline(file, number).strip())  # noqa: PTH119 - faster


def leaving(what: str) -> RecordingError:
    """Make the error of code that asks for the numbers of an array while a program is recorded."""
    place = place_of(user_frame())
    return RecordingError(
        f"{what} needs the numbers of an array, but a program is played with other numbers"
        f"{f' (at {place})' if place else ''}. Compute with operations (tg.where in place of if), or take "
        "this part out of the compiled function, and pass what it computes as an argument"
    )


def captured(array: Any) -> CapturedArrayError:
    """Make the error of an array that is not among the arguments; it names the array where it is found."""
    frame = user_frame()
    place = place_of(frame)
    name = _name_of(array, frame)
    kind = f"{array.dtype}{list(array.shape)}" if hasattr(array, "shape") else type(array).__name__
    return CapturedArrayError(
        f"the function computes with an array {kind} that is not among its arguments"
        f"{f', {name}' if name else ', made while it was recorded'}{f' (at {place})' if place else ''}: a "
        "program would keep its numbers for ever. Pass the array as an argument of the compiled function, or "
        "compute it from the arguments"
    )


def _name_of(array: Any, frame: FrameType | None) -> str:
    """Say by which variable the user's code knows an array."""
    while frame is not None:
        for kind, names in (("variable", frame.f_locals), ("global variable", frame.f_globals)):
            for name, value in list(names.items()):
                if value is array or (isinstance(value, Box) and value.data is array):
                    return f"the {kind} '{name}'"
        frame = frame.f_back
    return ""
