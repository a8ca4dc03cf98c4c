"""From raw numbers to the number that is compared with a bar."""

import itertools
import math
import statistics
from typing import NamedTuple


class Value(NamedTuple):
    """What was measured: the number to judge, its quartiles where it has them, and both sides' medians."""

    value: float
    quartiles: tuple[float, float] | None = None
    ours: float | None = None
    theirs: float | None = None


def ratio(ours, theirs):
    """The ratio of the medians of all calls; quartiles of the ratios of neighbouring turns' medians."""
    a, b = (statistics.median(itertools.chain.from_iterable(turns)) for turns in (ours, theirs))
    of_turns = [statistics.median(x) / statistics.median(y) for x, y in zip(ours, theirs, strict=True)]
    low, _, high = (
        statistics.quantiles(of_turns, n=4, method="inclusive") if len(of_turns) > 1 else of_turns * 3
    )
    return Value(a / b, (low, high), a, b)


def exponent(sizes, times):
    """The slope of the line through (log size, log time) by least squares: of ``time = c * size**slope``."""
    slope, _ = statistics.linear_regression([math.log(s) for s in sizes], [math.log(t) for t in times])
    return slope


def measured(record):
    """The value of a record; None where the measurement failed."""
    if "failure" in record:
        return None
    if "counts" in record:
        return Value(statistics.median(record["counts"]))
    if "sizes" in record:
        return Value(exponent(record["sizes"], [statistics.median(turns) for turns in record["times"]]))
    return ratio(record["ours"], record["theirs"])


GEOMETRIC_MEAN, WORST = "geometric mean", "worst"


def over_problems(records):
    """Yield the geometric mean and the worst of the single convolutions, by peer and number of threads."""
    by_contest = {}
    for record in records:
        if record["section"] == "conv":
            by_contest.setdefault((record["peer"], record["threads"]), []).append(measured(record))
    for (peer, threads), values in by_contest.items():
        if all(values):
            ratios = [value.value for value in values]
            for case, value in ((GEOMETRIC_MEAN, statistics.geometric_mean(ratios)), (WORST, max(ratios))):
                yield {"section": "conv", "case": case, "peer": peer, "threads": threads}, Value(value)
