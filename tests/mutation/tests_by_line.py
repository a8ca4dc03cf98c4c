"""Which tests execute which line of the package, how long each takes, and in what order to try them."""

import json
import shutil
import threading
from collections import defaultdict
from pathlib import Path

from .children import in_workers, run_pytest
from .operators import Mutant
from .plugins import Recorder

IGNORED = shutil.ignore_patterns(".venv", ".git", ".hypothesis", "*_cache", "output.txt")


def copy_tree(tree: Path, to: Path) -> Path:
    """Copy a checkout for a worker; what was compiled is dropped, so that no old code can run."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(tree, to, ignore=IGNORED)
    for folder in to.rglob("__pycache__"):
        shutil.rmtree(folder)
    return to


def record(tree: Path, out: Path, workers: int) -> None:
    """Run the whole suite once and write what each test executes to ``out/tests.json``."""
    copies = [copy_tree(tree, out / f"cover{worker}") for worker in range(workers)]
    files = sorted((tree / "tests").rglob("test_*.py"), key=lambda path: -path.stat().st_size)
    parts = out / "parts"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()

    def one_file(worker: int, task: int) -> None:
        here = copies[worker]
        name = str(files[task].relative_to(tree))

        def recorder(notes):
            import coverage

            tracer = coverage.Coverage(
                data_file=None, source=[str(here / "tinygrad_cnn")], config_file=False, messages=False
            )
            tracer.start()
            threading.settrace(None)  # a traced thread can die at its start, and its siblings wait for it
            return Recorder(notes, here, tracer)

        ended = run_pytest(here, [name], recorder, cpu=600)
        failed = [note for note in ended.notes if note.get("outcome") == "failed"]
        if failed:  # the tracer itself may disturb a test, such as one that counts references
            names = [note["test"] for note in failed]
            again = run_pytest(here, names, lambda notes: Recorder(notes, here, None), cpu=600)
            alone = {note["test"]: note["outcome"] for note in again.notes}
            for note in failed:
                note["outcome"] = alone.get(note["test"], "failed")
        (parts / f"{task}.json").write_text(json.dumps(ended.notes))
        print(f"{name}: exit {ended.code}, {ended.cpu:.1f} s, {len(failed)} failed", flush=True)

    in_workers(workers, len(files), one_file)
    _merge(parts, out / "tests.json")


def _merge(parts: Path, to: Path) -> None:
    numbers: dict[str, int] = {}
    tests: list[dict] = []
    lines: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    at_import: dict[str, set[int]] = defaultdict(set)
    for part in sorted(parts.iterdir()):
        notes = json.loads(part.read_text())
        for note in notes:
            if "test" in note:
                numbers[note["test"]] = len(tests)
                tests.append(note)
        for note in notes:
            for line, names in note.get("lines", {}).items():
                lines[note["file"]][line].update(numbers[name] for name in names if name in numbers)
                if "" in names:
                    at_import[note["file"]].add(int(line))
    for file in lines.values():
        for covering in file.values():
            for number in covering:
                tests[number]["covered"] = tests[number].get("covered", 0) + 1
    sets = {file: {n: sorted(s) for n, s in of.items()} for file, of in lines.items()}
    imported = {file: sorted(of) for file, of in at_import.items()}
    to.write_text(json.dumps({"tests": tests, "lines": sets, "import": imported}))
    excluded = [t["test"] for t in tests if not usable(t)]
    (to.parent / "excluded.txt").write_text("\n".join(excluded) + "\n")
    seconds = sum(t["seconds"] for t in tests)
    print(f"{len(tests)} tests, {seconds:.0f} CPU seconds; {len(excluded)} not used, see excluded.txt")


def usable(test: dict) -> bool:
    """Say whether a test passes without a mutant and looks at what the package does, not at its text."""
    return test["outcome"] == "passed" and not test["reads"]


class TestsByLine:
    """Answers which tests could notice a mutant, the likeliest and cheapest first."""

    __test__ = False

    def __init__(self, path: Path):
        stored = json.loads(path.read_text())
        self.tests, self.lines, self.at_import = stored["tests"], stored["lines"], stored["import"]
        self.seconds = {test["test"]: test["seconds"] for test in self.tests}

    def covering(self, mutant: Mutant) -> list[str]:
        """Return the names of the tests to run, in their order."""
        of_file = self.lines.get(mutant.file, {})

        def running(lines):
            return {number for line in lines for number in of_file.get(str(line), ())}

        own = [line for line in mutant.lines if mutant.line <= line <= mutant.end_line]
        first = running(own) or running(mutant.lines)
        second: set[int] = set()
        imported = set(self.at_import.get(mutant.file, ()))
        if not first or imported & set(own):
            second = {number for numbers in of_file.values() for number in numbers} - first
        return [*self._ordered(first, mutant), *self._ordered(second, mutant)]

    def _ordered(self, numbers: set[int], mutant: Mutant) -> list[str]:
        stem, room = Path(mutant.file).stem.rstrip("s"), mutant.room
        score = {}
        for number in numbers:
            test = self.tests[number]
            if not usable(test):
                continue
            file = test["test"].split("::")[0]
            likely = 0.1 if stem in Path(file).name else 0.4 if room in file else 1.0
            score[number] = (test["seconds"] + 0.02) * test.get("covered", 1) * likely
        order = sorted(score, key=score.__getitem__)
        siblings: dict[str, int] = defaultdict(int)
        for number in order:  # parameters of one test see much the same: its others come later
            function = self.tests[number]["test"].split("[")[0]
            siblings[function] += 1
            score[number] *= siblings[function]
        return [self.tests[number]["test"] for number in sorted(order, key=score.__getitem__)]
