"""How the time of a training step grows with the batch, the image, the channels and the depth: exponents."""

import statistics

from .contest import MOST_CALLS, TURN_SECONDS, Process

SIZES = {
    "batch": (32, 64, 128, 256, 512),
    "pixels": (28**2, 56**2, 112**2, 224**2),
    "channels": (8, 16, 32, 64, 128),
    "depth": (2, 4, 8, 16, 32),
}


def measure(threads, effort):
    """Yield a record an axis. The sizes take turns, so that whatever else the machine does meets them all."""
    for axis, all_sizes in SIZES.items():
        sizes = all_sizes[: effort.sizes]
        with Process("ours", threads) as side:
            counts = []
            for size in sizes:
                _, per_call = side.ask("prepare", "growth", axis, size)
                counts.append(min(MOST_CALLS, max(1, int(TURN_SECONDS / per_call))))
            times = [[] for _ in sizes]
            for _ in range(effort.least_turns):
                for size, count, found in zip(sizes, counts, times, strict=True):
                    found.append(statistics.median(side.ask("turn", count, "growth", axis, size)))
        record = {"section": "growth", "case": axis, "peer": None, "threads": threads}
        yield record | {"sizes": sizes, "times": times}
