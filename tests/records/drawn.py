"""Calls of an operation that many tests share: drawn once, since drawing takes longer than most checks."""

import functools
import itertools

import hypothesis

from tinygrad_cnn.testing import OpCase
from tinygrad_cnn.testing.drawn import drawn_calls

RUN = 10  # in a longer run hypothesis makes most examples of earlier ones


def drawn(source, count, thorough=None):
    """Yield the first calls that are drawn for a case, or from a strategy, each with a seed for a check.

    In hypothesis' profile "thorough" there may be another number of them.
    """
    if thorough and hypothesis.settings.get_current_profile_name() == "thorough":
        count = thorough
    case = source if isinstance(source, OpCase) else _case_of(source)
    runs = (drawn_calls(case, RUN).run(turn) for turn in itertools.count())
    new = (run[1:] if turn else run for turn, run in enumerate(runs))  # each begins with the simplest call
    return itertools.islice(itertools.chain.from_iterable(new), count)


@functools.cache
def _case_of(strategy):
    return OpCase("calls", None, operands=strategy)
