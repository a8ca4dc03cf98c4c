"""Break the package in one place at a time, and see whether a test notices.

draw        write a sample of mutants of a tree
cover       run the suite once and note which tests execute which line
run         run the sample's mutants; taken up again after an interruption
relocate    find the mutants of a sample in another tree, and write the sample of that tree
report      print the tables and the survivors
"""

import argparse
import json
import os
from collections import Counter
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy is imported: workers share the cores between them already

from . import children, report, sample  # noqa: E402
from .run import Runner, results  # noqa: E402
from .tests_by_line import record  # noqa: E402


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["draw", "cover", "run", "relocate", "report"])
    parser.add_argument("--tree", type=Path, default=Path(), help="the checkout whose package is mutated")
    parser.add_argument("--out", type=Path, help="folder of what was measured, outside of the checkout")
    parser.add_argument("--sample", type=Path, help="the file of the sample")
    parser.add_argument("--before", type=Path, help="the sample to find again (relocate)")
    parser.add_argument(
        "--before-results", type=Path, help="its results, whose killing tests are tried first"
    )
    parser.add_argument("--size", type=int, default=421)
    parser.add_argument("--seed", type=int, default=sample.SEED)
    parser.add_argument("--rooms", nargs="+", default=sample.ROOMS, help="where to draw from")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cap", type=float, default=240, help="most CPU seconds of tests for a mutant")
    return parser.parse_args()


def main() -> None:
    """Do what the command line says."""
    given = options()
    tree = given.tree.resolve()
    if given.command == "draw":
        records = [
            sample.as_record(mutant) for mutant in sample.draw(tree, given.size, given.seed, given.rooms)
        ]
        _write(given.sample, records)
        print(f"{len(records)} mutants: {dict(Counter(r['room'] for r in records))}")
    elif given.command == "relocate":
        _relocate(given)
    elif given.command == "report":
        records = json.loads(given.sample.read_text(encoding="utf-8"))
        known = results(given.out / "results.jsonl")
        # a mutant that moved to another room counts in the room that it came from
        done = [known[r["key"]] | {"room": r.get("from", r["room"])} for r in records if r["key"] in known]
        print(report.markdown(done, report.judgements(records)))
    else:
        _measure(given)


def _relocate(given: argparse.Namespace) -> None:
    before = json.loads(given.before.read_text(encoding="utf-8"))
    found = sample.relocate(given.tree.resolve(), before)
    records = [
        sample.as_record(mutant) | {"found": how, "was": old["key"], "from": old["room"]}
        for how, old, mutant in found
    ]
    _write(given.sample, records)
    print(f"{len(records)} mutants: {dict(Counter(r['found'] for r in records))}")


def _measure(given: argparse.Namespace) -> None:
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    os.nice(10)
    children.preload()
    if given.command == "cover":
        record(given.tree.resolve(), out, given.workers)
        return
    records = json.loads(given.sample.read_text(encoding="utf-8"))
    before = results(given.before_results) if given.before_results else {}
    killers = {
        r["key"]: before[r["was"]]["killer"]
        for r in records
        if r.get("found") in ("same", "edited") and before.get(r["was"], {}).get("killer")
    }
    runner = Runner(given.tree.resolve(), out, given.workers, given.cap)
    runner.run(sample.find(given.tree.resolve(), records), killers)


def _write(path: Path, records: list[dict]) -> None:
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
