"""What a training step does to memory: bytes added at its peak, and page faults of warm steps."""

import itertools

from .contest import Failure, Process
from .problem import BATCHES

SIZE, STEPS = 256, 3
OURS = {"ours": "", "ours-plain": ", not opted in", "compiled": ", compiled"}


def added(name):
    """What a table calls the bytes added."""
    return "bytes added" + OURS[name]


def faults(name, batch):
    """What a table calls the page faults."""
    return f"page faults, batch {batch}" + OURS[name]


NO_FAULTS = tuple(faults(name, batch) for name in ("ours", "compiled") for batch in BATCHES)


def peak(name, threads):
    """The bytes that a side's process adds."""
    with Process(name, threads) as side:
        return side.ask("memory_added", STEPS, SIZE)


def faults_of_steps(name, threads, batch, count):
    """The page faults of each of some warm steps."""
    with Process(name, threads) as side:
        side.ask("prepare", "step", batch)
        return side.ask("page_faults", count, "step", batch)


def measure(threads, effort):
    """Yield records: peaks of several processes each, ours against PyTorch's; faults of ours alone."""
    for name in OURS:
        record = {"section": "memory", "case": added(name), "peer": "torch", "threads": threads, "unit": "MB"}
        try:
            pairs = [(peak(name, threads), peak("torch", threads)) for _ in range(effort.processes)]
            record["ours"], record["theirs"] = (
                [[side] for side in sides] for sides in zip(*pairs, strict=True)
            )
        except Failure as failure:
            record["failure"] = str(failure)
        yield record
    for name, batch in itertools.product(OURS, effort.batches):
        record = {"section": "memory", "case": faults(name, batch), "peer": None, "threads": threads}
        yield record | {"counts": faults_of_steps(name, threads, batch, effort.turns)}
