"""The tape, played again: functions recorded as programs, which one can play, print and look into.

Read these files in this order: `values` (what a program is made of), `traced` (what stands for an array
while a function is recorded), `recorder` (how calls become lines), `passes` (what is left out), then
`binding` and `play` in the folder `played`. That is the whole way from a function to what is played.

The other files are details of it. Of recording: `recording` and `compiling` (where it begins), `rules`
(gradient rules as lines), `refusals`, `chance` and `errors` (what does not become a line), `frames` (whose
line it is), `optimizers`, `matching` (which arguments fit). Of what is recorded: `recorded`, `program`,
`parts` (operations that are printed by name), `foreign` (what code of the user may do). Of looking into it:
`stepping` plays line by line, for `nonfinite` and for `explain`, `cost` counts, and the folder `printed`
shows.
"""

from .compiling import compile as compile
from .errors import CapturedArrayError as CapturedArrayError
from .errors import RecordingError as RecordingError
from .program import Program as Program
from .tracing import trace as trace

__all__ = ["CapturedArrayError", "Program", "RecordingError", "compile", "trace"]


def __dir__() -> list[str]:
    return __all__
