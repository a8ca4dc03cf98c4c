"""The ends of an interval, for the tests of options."""

import numpy as np


def ends(interval):
    """Find numbers at the ends of an interval such as ``"[0, 1)"``: those inside it, and those outside."""
    low, high = map(float, interval[1:-1].split(","))
    inside = [x for x, bracket in ((low, interval[0]), (high, interval[-1])) if bracket in "[]"]
    outside = [low - 0.01, np.nextafter(high, np.inf), np.nan]
    outside += [x for x, bracket in ((low, interval[0]), (high, interval[-1])) if bracket in "()"]
    return inside, [x for x in outside if not (x == np.inf and x in inside)]
