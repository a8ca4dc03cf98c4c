"""The tape, played again: functions recorded as programs, which one can play, print and look into.

Read the files in this order: `values` (what a program is made of), `traced` (what stands for an array while a
function is recorded), `recorder` (how calls become lines), `rules` (gradient rules as lines), `program`,
`passes`, `play` and `compiling`.
"""

from .compiling import compile as compile
from .errors import CapturedArrayError as CapturedArrayError
from .errors import RecordingError as RecordingError
from .program import Program as Program
from .tracing import trace as trace

__all__ = ["CapturedArrayError", "Program", "RecordingError", "compile", "trace"]


def __dir__() -> list[str]:
    return __all__
