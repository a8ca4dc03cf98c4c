"""The tape, played again: functions recorded as programs, which one can play, print and look into.

Read the files in this order: `values` (what a program is made of), `traced` (what stands for an array while a
function is recorded), `recorder` (how calls become lines), `rules` (gradient rules as lines), `program`,
`passes`, `play` and `compiling`.

What is printed is put together by `source`: from `containers` (arguments and results), `naming`, `inlining`
(what stands inside of what), `expressions` with `spelling` (public names) and `formulas`, `preamble` for the
imports, and `layout`. `stepping` plays line by line, for `nonfinite` and for `explain`; `cost`, `graph` and
`html` show the rest. What is played goes through `rewriting`, and is bound to its shapes by `binding`.
"""

from .compiling import compile as compile
from .errors import CapturedArrayError as CapturedArrayError
from .errors import RecordingError as RecordingError
from .program import Program as Program
from .tracing import trace as trace

__all__ = ["CapturedArrayError", "Program", "RecordingError", "compile", "trace"]


def __dir__() -> list[str]:
    return __all__
