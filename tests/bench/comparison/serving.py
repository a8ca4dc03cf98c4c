"""The process of one side: it prepares work, and does a turn of it when it is asked to.

Each side has a process of its own, so that it runs as its users run it: not on the heap that ours keeps, nor
with a BLAS that another side has limited. Requests and answers are lines of JSON, `[function, arguments]`
and a value, or `{"failure": ...}`.

    python -m comparison.serving SIDE THREADS
"""

import gc
import json
import os
import resource
import sys
import time

from . import limits

WARM_CALLS, WARM_SECONDS = 10, 0.5
LONGEST_REASON = 150  # characters, of those that go into a table


class Server:
    """What can be asked of a side."""

    def __init__(self, name, threads):
        from . import sides  # after the limits are set: it imports libraries

        self.side = sides.load(name, threads)
        self.prepared = {}

    def prepare(self, kind, *case):
        """Prepare work and warm it up; return what tells that two sides do the same, and the time of a call.

        Three calls are checked: of a training step, the third one's loss tells the gradients, too.
        """
        from .problem import Convolution

        arguments = (Convolution(*case[0]),) if kind == "conv" else case
        call = getattr(self.side, kind)(*arguments)
        self.prepared[key(kind, *case)] = call
        means = [float(abs(self.side.to_numpy(value)).mean()) for _ in range(3) for value in call()]
        gc.collect()
        warm, start = [], time.perf_counter()
        while len(warm) < WARM_CALLS and time.perf_counter() - start < WARM_SECONDS:
            warm += seconds(call, 1)
        return means, min(warm)

    def turn(self, count, *work):
        """Seconds of some calls in a row, after one that brings code and data back into the caches."""
        call = self.prepared[key(*work)]
        call()
        return seconds(call, count)

    def page_faults(self, count, *work):
        """Page faults of some calls in a row."""
        call = self.prepared[key(*work)]
        found = []
        for _ in range(count):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            call()
            found.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
        return found

    def memory_added(self, count, size):
        """Bytes that some training steps add at their peak to the process, after a step of one sample."""
        step = self.side.step(size)  # makes the data, which are not the step's
        self.side.step(1)()
        gc.collect()
        with open("/proc/self/clear_refs", "w") as peaks:  # noqa: PTH123 - a switch of the kernel's
            peaks.write("5")  # the high-water mark starts anew
        before = status_bytes("VmRSS")
        for _ in range(count):
            step()
        return status_bytes("VmHWM") - before


def key(*work):
    """One name for a piece of work, however JSON has changed its tuples."""
    return json.dumps(work)


def seconds(call, count):
    """The wall time of each of some calls, up to the release of what they return."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append(float(f"{time.perf_counter() - start:.4g}"))  # more digits are noise
    return times


def status_bytes(field):
    """A size from the process's status."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        line = next(line for line in status if line.startswith(field))
    return int(line.split()[1]) * 1024


def main():
    """Answer until the input ends."""
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    limits.apply(threads)
    server = None
    for line in sys.stdin:
        function, arguments = json.loads(line)
        try:
            server = server or Server(name, threads)
            answer = getattr(server, function)(*arguments)
        except Exception as error:  # a side that cannot do something says why, and is asked the next
            reason = " ".join(str(error).split())[:LONGEST_REASON]
            answer = {"failure": f"{type(error).__name__}: {reason}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
