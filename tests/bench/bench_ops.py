"""Every operation, forward and backward, against the NumPy expressions that one would write by hand.

Arrays of a million elements; the two take turns, so that whatever else the machine does meets both. Compared
are medians of the thread's own CPU time: page faults are included, the turns of other programs are not.
By hand too a gradient is an array of its own, and values are right wherever NumPy's own functions are.

    python tests/bench/bench_ops.py [--repeats 15] [--only sum max]

The expressions stand in the operations' records. Fails when an operation takes more than twice their time.
"""

import argparse
import os
import sys
import time
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read once, when NumPy is loaded

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the records are

import records  # noqa: E402

import tinygrad_cnn as tg  # noqa: E402
from tinygrad_cnn.kernels.memory import keep_heap  # noqa: E402

RNG = np.random.default_rng(0)
LIMIT = 2.0  # times the expressions by hand

OPS = [
    (f"{record.name}, {row.label}" if row.label else record.name, row.call or record.case.function, *row[:2])
    for record in records.RECORDS
    for row in record.by_hand
]


def seconds(function):
    """The CPU time of one call."""
    start = time.thread_time()
    function()
    return time.thread_time() - start


def compare(op, operands, by_hand, repeats):
    """Median milliseconds of the tape and of the expressions by hand, in alternating runs on warm code."""
    out, pullback = tg.vjp(op, *operands)
    dtype = np.asarray(out).dtype
    g = RNG.uniform(0.5, 1.5, np.shape(out)).astype(dtype if dtype.kind == "f" else np.float32)
    expected = by_hand(*operands, g)
    for ours, theirs in zip((out, *pullback(g)), expected, strict=True):
        scale = np.max(np.abs(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-3 * scale)  # the same is computed
    del out, pullback, expected

    def taped():
        tg.vjp(op, *operands)[1](g)

    for _ in range(3):  # until the heap is large enough
        taped()
        by_hand(*operands, g)
    times = [(seconds(taped), seconds(lambda: by_hand(*operands, g))) for _ in range(repeats)]
    return 1e3 * np.median(times, axis=0)


def main():
    """Print the table, the slowest last; fail on what is too slow."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", nargs="+", help="names of operations")
    options = parser.parse_args()
    keep_heap()
    rows = []
    for name, op, operands, by_hand in OPS:
        if options.only is None or name in options.only:
            ours, theirs = compare(op, operands, by_hand, options.repeats)
            rows.append((ours / theirs, name, ours, theirs))
    print(f"numpy {np.__version__}, float32, 1e6 elements, 1 thread, {options.repeats} alternating runs")
    print(f"{'op':<34} {'tape ms':>9} {'hand ms':>9} {'ratio':>7}")
    for ratio, name, ours, theirs in sorted(rows):
        print(f"{name:<34} {ours:>9.2f} {theirs:>9.2f} {ratio:>7.2f}")
    if slow := [name for ratio, name, *_ in rows if ratio > LIMIT]:
        sys.exit(f"more than {LIMIT} times the expressions by hand: {', '.join(slow)}")


if __name__ == "__main__":
    main()
