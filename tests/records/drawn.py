"""Calls of an operation that many tests share: drawn once, since drawing takes longer than most checks."""

import functools
import itertools

import hypothesis

from tinygrad_cnn.testing import OpCase, strategies

from .record import calls_of

RUN = 10  # in a longer run hypothesis makes most examples of earlier ones


def drawn(source, count, thorough=None):
    """Yield the first calls that are drawn for a case, or from a strategy, each with a seed for a check.

    In hypothesis' profile "thorough" there may be another number of them.
    """
    if thorough and hypothesis.settings.get_current_profile_name() == "thorough":
        count = thorough
    runs = (_run(source, turn) for turn in itertools.count())
    return itertools.islice(itertools.chain.from_iterable(runs), count)


@functools.cache
def _run(source, turn):
    name, calls = (source.name, calls_of(source)) if isinstance(source, OpCase) else ("calls", source)
    found = []
    strategies.for_all(name, calls, lambda *one: found.append(one), seed=turn, max_examples=RUN)
    return found[1:] if turn else found  # each run begins with the simplest call
