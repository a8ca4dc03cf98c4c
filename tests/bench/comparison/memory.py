"""What a training step does to memory: bytes added at its peak, and page faults of warm steps."""

from .contest import Failure, Process
from .problem import BATCHES

SIZE, STEPS = 256, 3
OURS = {"ours": "", "ours-plain": ", not opted in"}


def added(name):
    """What a table calls the bytes added."""
    return "bytes added" + OURS[name]


def faults(name, batch):
    """What a table calls the page faults."""
    return f"page faults, batch {batch}" + OURS[name]


NO_FAULTS = tuple(faults("ours", batch) for batch in BATCHES)


def measure(threads, effort):
    """Yield records: peaks of several processes each, ours against PyTorch's; faults of ours alone."""
    peaks = {name: [] for name in (*OURS, "torch")}
    for _ in range(effort.processes):
        for name, found in peaks.items():
            with Process(name, threads) as side:
                found.append([side.ask("memory_added", STEPS, SIZE)])
    for name in OURS:
        record = {"section": "memory", "case": added(name), "peer": "torch", "threads": threads}
        yield record | {"ours": peaks[name], "theirs": peaks["torch"], "unit": "MB"}
    for name in OURS:
        with Process(name, threads) as side:
            for batch in effort.batches:
                record = {"section": "memory", "case": faults(name, batch), "peer": None, "threads": threads}
                try:
                    side.ask("prepare", "step", batch)
                    record["counts"] = side.ask("page_faults", effort.turns, "step", batch)
                except Failure as failure:
                    record["failure"] = str(failure)
                yield record
