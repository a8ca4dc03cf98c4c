"""The whole comparison: measured in turns, printed as tables, and written as JSON and plots.

    python tests/bench/run.py --out DIR

Sections that are measured replace those of an earlier run in DIR. It needs Linux, the extra ``bench``, and an
otherwise idle machine; ``torch.compile`` needs a C++ compiler.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

from comparison import contest, growth, imports, machine, memory, problem, tables
from comparison.sides import PEERS, PLAYERS

SECTIONS = (
    "step", "inference", "conv", "engine", "compiled step", "compiled inference", "compiled small",
    "import", "memory", "growth",
)  # fmt: skip


class Effort(NamedTuple):
    """How long to measure."""

    batches: tuple[int, ...]
    turns: int
    least_turns: int  # however long they take
    seconds: float  # of a contest, after which no more than the least turns are taken
    convolutions: int  # how many of the problems
    processes: int
    imports: int
    sizes: int  # of an axis of growth, at most


THOROUGH = Effort(
    problem.BATCHES, turns=60, least_turns=9, seconds=6, convolutions=8, processes=7, imports=15, sizes=5
)
QUICK = Effort((1, 32), turns=4, least_turns=2, seconds=0.2, convolutions=2, processes=1, imports=1, sizes=2)


def measurements(sections, threads, effort):
    """Yield the records of all sections."""
    contests = [section for section in sections if section in PLAYERS]
    for peer in (*PEERS, "ours"):
        if any(peer in PLAYERS[section] for section in contests):
            for count in threads:
                yield from contest.measure(contests, peer, count, effort)
    if "import" in sections:
        yield from imports.measure(effort)
    for section, measure in (("memory", memory.measure), ("growth", growth.measure)):
        if section in sections:
            for count in threads:
                yield from measure(count, effort)


def main():
    """Measure, print, write."""
    from comparison import plots  # needs matplotlib, without which the rest can be tested

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=SECTIONS, help="none: only write anew")
    parser.add_argument("--page", type=Path, help="Markdown page to put the tables in")
    parser.add_argument("--quick", action="store_true", help="try the command; the numbers mean nothing")
    options = parser.parse_args()
    most = len(os.sched_getaffinity(0))
    if max(options.threads) > most:
        parser.error(f"this process may use {most} cores: --threads up to {most}")

    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "results.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    here = machine.description()
    measured = {name: {"machine": here, "quick": options.quick, "records": []} for name in options.only}
    effort = QUICK if options.quick else THOROUGH
    for record in measurements(options.only, options.threads, effort):
        measured[record["section"]]["records"].append(record)
        print("  ".join(tables.cells(*tables.row(record))), file=sys.stderr, flush=True)
    results |= measured
    results = {name: results[name] for name in SECTIONS if name in results}

    compact = json.JSONEncoder(separators=(",", ":"))
    file.write_text(compact.encode(results) + "\n", encoding="utf-8")
    for section in plots.TITLES:
        if section in results:
            plots.save(section, results[section], options.out)
    if options.page:
        page = options.page.read_text(encoding="utf-8")
        options.page.write_text(tables.fill(page, results), encoding="utf-8")
    print(tables.everything(results))


if __name__ == "__main__":
    main()
