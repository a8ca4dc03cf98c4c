"""Reductions that leave out NaN; tests/ops/test_nan_reductions.py has operands with NaN."""

import numpy as np

from tinygrad_cnn import ops

from .draws import any_axes, arrays, axes_of_something, distinct_arrays, reduction
from .million import rows
from .record import record

COUNT = np.float32(1000)  # elements of a row


def along_rows(reduce):
    return lambda x: reduce(x, axis=1)


RECORDS = [
    record(
        "nansum",
        operands=arrays(),
        params=any_axes,
        reference=np.sum,
        torch=reduction("nansum"),
        by_hand=[rows(along_rows(np.nansum), lambda x, out, g: g * ~np.isnan(x), along_rows(ops.nansum))],
    ),
    record(
        "nanmean",
        operands=arrays(),
        params=axes_of_something,
        reference=np.mean,
        torch=reduction("nanmean"),
        by_hand=[
            rows(along_rows(np.nanmean), lambda x, out, g: g / COUNT * ~np.isnan(x), along_rows(ops.nanmean))
        ],
    ),
    record(
        "nanmax",
        operands=distinct_arrays(),
        params=axes_of_something,
        reference=np.max,
        torch=reduction("amax"),
        ties=True,
        by_hand=[rows(along_rows(np.nanmax), lambda x, out, g: (x == out) * g, along_rows(ops.nanmax))],
    ),
    record(
        "nanmin",
        operands=distinct_arrays(),
        params=axes_of_something,
        reference=np.min,
        torch=reduction("amin"),
        ties=True,
        by_hand=[rows(along_rows(np.nanmin), lambda x, out, g: (x == out) * g, along_rows(ops.nanmin))],
    ),
]
