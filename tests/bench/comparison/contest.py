"""Ours and one peer taking turns: A B A B, each in its own process, on the same cores, never at once."""

import contextlib
import json
import math
import subprocess
import sys
import time
from pathlib import Path

from . import problem
from .sides import PLAYERS

TOLERANCE = 1e-4
TURN_SECONDS, MOST_CALLS = 0.01, 20


class Failure(Exception):  # noqa: N818 - an outcome, which is written down
    """What a side could not do, and why."""


class Process:
    """A side's process, asked by method calls; a context manager."""

    def __init__(self, name, threads):
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "comparison.serving", name, str(threads)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, function, *arguments):
        """The answer, or a `Failure`."""
        try:
            print(json.dumps([function, arguments]), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failure(f"{self.name}: the process ended with code {self.process.wait()}")
        answer = json.loads(line)
        if isinstance(answer, dict):
            raise Failure(f"{self.name}: {answer['failure']}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def alternate(ours, theirs, work, effort):
    """The seconds of each call, turn by turn, of ours and of theirs."""
    (our_values, our_seconds), (their_values, their_seconds) = (
        side.ask("prepare", *work) for side in (ours, theirs)
    )
    for a, b in zip(our_values, their_values, strict=True):
        if not math.isclose(a, b, rel_tol=TOLERANCE):
            raise Failure(f"{theirs.name} computes {their_values}, and {ours.name} {our_values}")
    sides = (ours, our_seconds), (theirs, their_seconds)
    times = [[], []]
    start = time.perf_counter()
    while len(times[0]) < effort.turns and (
        len(times[0]) < effort.least_turns or time.perf_counter() - start < effort.seconds
    ):
        for (side, per_call), turns in zip(sides, times, strict=True):
            count = min(MOST_CALLS, max(1, int(TURN_SECONDS / per_call)))
            turns.append(side.ask("turn", count, *work))
    return times


COMPILED = "compiled "
"""How the names of the sections begin in which ours is compiled; the kind of the work follows."""


def cases(section, effort):
    """The arguments of the pieces of work of a section."""
    return {
        "step": effort.batches,
        "inference": effort.batches,
        "conv": problem.CONVOLUTIONS[: effort.convolutions],
        "engine": (problem.SMALL_OP, problem.CHAIN),
        "small": (problem.SQUARES, problem.TWO_LAYERS),
    }[section.removeprefix(COMPILED)]


def measure(sections, peer, threads, effort):
    """Yield the records of a peer in those of the sections in which it plays."""
    for name in ("ours", "compiled"):
        mine = [s for s in sections if peer in PLAYERS[s] and s.startswith(COMPILED) == (name == "compiled")]
        if mine:
            yield from _measured(name, mine, peer, threads, effort)


def _measured(name, sections, peer, threads, effort):
    with Process(name, threads) as ours, Process(peer, threads) as theirs:
        for section in sections:
            kind = section.removeprefix(COMPILED)
            for case in cases(section, effort):
                label = str(case) if kind == "conv" else case
                record = {"section": section, "case": label, "peer": peer, "threads": threads}
                try:
                    record["ours"], record["theirs"] = alternate(ours, theirs, (kind, case), effort)
                except Failure as failure:
                    record["failure"] = str(failure)
                yield record
