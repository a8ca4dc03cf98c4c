"""Running mutants: each is written into a copy of the tree, and the tests that run its line are tried."""

import json
import math
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .children import Ended, in_workers, run_pytest
from .collected import Collected, Task
from .operators import Mutant
from .plugins import Chosen
from .sample import as_record, key
from .tests_by_line import TestsByLine, copy_tree

FIRST = 15.0  # CPU seconds of tests in the first round of a mutant, from few files, which are soon collected
FILES = 4
QUICK = 1.0  # CPU seconds of tests after which a mutant waits until all others had theirs
SLOWER = 1.5  # a round may take this much longer than its tests took before


@dataclass
class Verdict:
    """What became of a mutant, which test noticed, and which tests ran."""

    status: str
    killer: str | None = None
    reason: str | None = None
    ran: int = 0
    cpu: float = 0.0
    failures: int = 0


def judge(ended: Ended) -> Verdict:
    """Read from a child's notes whether the mutant in it died."""
    started = [note["start"] for note in ended.notes if "start" in note]
    failed = {note["failed"]: note["reason"] for note in ended.notes if "failed" in note}
    for name, reason in failed.items():
        return Verdict("killed", name, reason, len(started), ended.cpu, len(failed))
    if any("finished" in note for note in ended.notes):
        return Verdict("survived", None, None, len(started), ended.cpu)
    last = started[-1] if started else "import or collection"
    late = ended.code in (-signal.SIGPROF, -signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL)
    return Verdict("timeout" if late else "killed", last, f"ended with {ended.code}", len(started), ended.cpu)


class Runner:
    """Runs mutants and appends a line for each to a results file, so that a run can be taken up again."""

    def __init__(self, tree: Path, out: Path, workers: int, cap: float):
        self.out, self.cap, self.workers = out, cap, workers
        self.known = TestsByLine(out / "tests.json")
        self.results = out / "results.jsonl"
        self.copies = [copy_tree(tree, out / f"worker{number}") for number in range(workers)]
        self._collected: dict[int, Collected] = {}
        self.passes: dict[str | None, bool] = {}
        self.killers: dict[str, str] = {}

    def run(self, mutants: list[Mutant], killers: dict[str, str]) -> None:
        """Run what has no result yet; ``killers`` names for a mutant the test that killed it elsewhere."""
        self.killers = killers
        quick = [(mutant, min(QUICK, self.cap)) for mutant in mutants]
        tasks = quick + [(mutant, self.cap) for mutant in sorted(mutants, key=lambda m: m.at_import)]
        print(
            f"{len(mutants)} mutants, {sum(self._is_open(m, self.cap) for m in mutants)} to run", flush=True
        )
        in_workers(self.workers, len(tasks), lambda worker, task: self._one(worker, *tasks[task]))

    def _is_open(self, mutant: Mutant, cap: float) -> bool:
        """Say whether a mutant is still to be run, or survived a run with a smaller cap."""
        known = results(self.results).get(key(mutant))
        return known is None or (known["status"] == "survived" and known["cap"] < cap)

    def _one(self, worker: int, mutant: Mutant, cap: float) -> None:
        if not self._is_open(mutant, cap):
            return
        record = as_record(mutant) | {"cap": cap} | self.verdict(mutant, worker, cap)
        with self.results.open("a") as stream:
            stream.write(json.dumps(record) + "\n")
        print(f"{mutant.file}:{mutant.line} {mutant.operator}: {record['status']}", flush=True)

    def verdict(self, mutant: Mutant, worker: int, cap: float) -> dict[str, Any]:
        """Plant a mutant, run its tests until one fails, and take it out again."""
        path = self.copies[worker] / "tinygrad_cnn" / mutant.file
        source, times = path.read_text(encoding="utf-8"), path.stat()
        names = self.known.covering(mutant)
        if known := self.known.named(self.killers.get(key(mutant))):
            names = [known, *(name for name in names if name != known)]
        mutated = mutant.apply(source)
        self.collected(worker)  # before the file changes
        path.write_text(mutated, encoding="utf-8")
        try:
            verdict = self._fight_both_ways(mutant, worker, cap, names, (mutant.file, source, mutated))
        finally:
            path.write_text(source, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        ran = min(verdict.ran, len(names))
        return {
            "status": verdict.status,
            "killer": verdict.killer,
            "reason": verdict.reason,
            "ran": ran,
            "left": len(names) - ran if verdict.status == "survived" else 0,
            "cpu": round(verdict.cpu, 2),
            "original": _lines(source, mutant),
            "mutated": _lines(mutated, mutant),
        }

    def _fight_both_ways(
        self, mutant: Mutant, worker: int, cap: float, names: list[str], text: tuple[str, str, str]
    ) -> Verdict:
        """Plant a mutant into what is imported, which is quick, and import it where that says little."""
        way = _Anew(self, worker, text) if mutant.at_import else _Planted(self, worker, text)
        verdict = self._fight(self._rounds(names, cap, math.inf), way)
        if verdict.status != "survived" or cap < self.cap or not self.known.runs_at_import(mutant):
            return verdict
        spent = verdict.cpu
        verdict = self._fight(self._rounds(names, cap, FIRST), _Imported(self, worker))
        return replace(verdict, cpu=spent + verdict.cpu)

    def _fight(self, rounds: Iterable[list[str]], way: "_Imported") -> Verdict:
        """Run rounds of tests until one fails twice, or two fail: a busy machine may fail one of threads."""
        total, chance = Verdict("survived"), set()
        for round_ in rounds:
            while names := [name for name in round_ if name not in chance]:
                verdict = judge(way.run(names))
                total.cpu += verdict.cpu
                total.ran += verdict.ran
                if verdict.status == "survived":
                    break
                sure = verdict.status == "timeout" or verdict.killer not in names or verdict.failures > 1
                if sure or len(names) == 1:
                    again = verdict
                else:
                    again = judge(way.run([verdict.killer]))
                    total.cpu += again.cpu
                if again.status != "survived" and way.passes_without(verdict.killer):
                    return replace(verdict, cpu=total.cpu, ran=total.ran)
                chance.add(verdict.killer)
                total.ran -= verdict.ran
        return total

    def _rounds(self, names: list[str], cap: float, first_seconds: float) -> Iterable[list[str]]:
        """Cut the tests into a quick first round and the rest, up to the cap."""
        first: list[str] = []
        spent, files = 0.0, set()
        for name in names:
            files.add(name.split("::")[0])
            if spent > min(first_seconds, cap) or (len(files) > FILES and first_seconds < cap):
                break
            first.append(name)
            spent += self.known.seconds[name]
        if first:
            yield first
        rest: list[str] = []
        for name in names[len(first) :]:
            if spent > cap:
                break
            rest.append(name)
            spent += self.known.seconds[name]
        if rest:
            yield rest

    def collected(self, worker: int) -> Collected:
        """Return the process of a worker that has imported the package without a mutant."""
        if worker not in self._collected:
            self._collected[worker] = Collected(self.copies[worker])
        return self._collected[worker]

    def task(self, names: list[str], mutant: tuple[str, str, str] | None = None) -> Task:
        """Return the task of running tests, with the time that they may take."""
        seconds = {name: self.known.seconds[name] for name in names}
        return Task(names, seconds, SLOWER * sum(seconds.values()) + 10, mutant)


class _Imported:
    """Runs tests in a child that imports the package with the mutant in it."""

    def __init__(self, runner: Runner, worker: int):
        self.runner, self.worker = runner, worker

    def run(self, names: list[str]) -> Ended:
        task = self.runner.task(names)
        files = list(dict.fromkeys(name.split("::")[0] for name in names))

        def chosen(notes):
            return Chosen(notes, task.names, task.seconds, task.budget)

        copy = self.runner.copies[self.worker]
        return run_pytest(copy, ["--maxfail=2", *files], chosen, cpu=task.budget + 60)

    def passes_without(self, _killer: str | None) -> bool:
        return True  # it did when the lines of the tests were noted, in such a child


class _Planted(_Imported):
    """Runs tests in a fork of a process that has imported the package without the mutant."""

    def __init__(self, runner: Runner, worker: int, text: tuple[str, str, str]):
        super().__init__(runner, worker)
        self.text = text

    def run(self, names: list[str]) -> Ended:
        ended = self.runner.collected(self.worker).run(self.runner.task(names, self.text))
        return super().run(names) if ended is None else ended

    def passes_without(self, killer: str | None) -> bool:
        if killer not in self.runner.passes:
            ended = self.runner.collected(self.worker).run(self.runner.task([killer]))
            self.runner.passes[killer] = judge(ended).status == "survived"
        return self.runner.passes[killer]


class _Anew(_Imported):
    """Runs tests in a fork in which the mutant's file is imported a second time."""

    def __init__(self, runner: Runner, worker: int, text: tuple[str, str, str]):
        super().__init__(runner, worker)
        self.file, self.source, self.mutated = text

    def run(self, names: list[str], *, mutated: bool = True) -> Ended:
        text = self.file, self.source, self.mutated if mutated else self.source
        task = replace(self.runner.task(names, text), at_import=True)
        return self.runner.collected(self.worker).run(task)

    def passes_without(self, killer: str | None) -> bool:
        """Tell that it is the mutant that fails a test, and not the second import."""
        if killer not in self.runner.known.seconds:  # the import itself failed
            killer = next(iter(self.runner.known.seconds))
        return judge(self.run([killer], mutated=False)).status == "survived"


def results(path: Path) -> dict[str, dict[str, Any]]:
    """Read the results so far; of two for one mutant the later counts."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {record["key"]: record for record in map(json.loads, lines)}


def _lines(source: str, mutant: Mutant) -> str:
    text = source.splitlines()[mutant.line - 1 : mutant.end_line]
    return " ".join(line.strip() for line in text if line.strip())
