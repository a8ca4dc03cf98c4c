"""Which tests execute which line of the package, how long each takes, and in what order to try them."""

import json
import shutil
from collections import defaultdict
from pathlib import Path

from . import probes
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
    """Run the whole suite once and write what each test executes to ``out/tests.json``.

    A test that fails because of the probes looks at the text of the package, and is not used. What a file's
    tests execute is kept in ``out/parts``, and such a file is not run again.
    """
    copies = [copy_tree(tree, out / f"probed{worker}") for worker in range(workers)]
    package_files = [probes.install(copy) for copy in copies].pop()
    parts = out / "parts"
    parts.mkdir(exist_ok=True)
    names = [str(path.relative_to(tree)) for path in sorted((tree / "tests").rglob("test_*.py"))]
    names = [name for name in names if not _part(parts, name).exists()]

    def one_file(worker: int, task: int) -> None:
        here, name = copies[worker], names[task]
        ended = run_pytest(here, [name], lambda notes: Recorder(notes, here), cpu=600)
        failed = sum(note.get("outcome") == "failed" for note in ended.notes)
        _part(parts, name).write_text(json.dumps(ended.notes))
        print(f"{name}: exit {ended.code}, {ended.cpu:.1f} s, {failed} failed", flush=True)

    in_workers(workers, len(names), one_file)
    notes = [note for part in sorted(parts.iterdir()) for note in json.loads(part.read_text())]
    _write(notes, package_files, out)


def _part(parts: Path, name: str) -> Path:
    return parts / (name.replace("/", ".") + ".json")


def _write(notes: list[dict], files: list[str], out: Path) -> None:
    tests = [note for note in notes if "test" in note]
    lines: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, test in enumerate(tests):
        test["covered"] = len(test["hits"])
        for hit in test.pop("hits"):
            lines[files[hit // probes.PER_FILE]][hit % probes.PER_FILE].append(number)
    imported: dict[str, set[int]] = defaultdict(set)
    for hit in {hit for note in notes for hit in note.get("import", ())}:
        imported[files[hit // probes.PER_FILE]].add(hit % probes.PER_FILE)
    at_import = {file: sorted(of_file) for file, of_file in imported.items()}
    (out / "tests.json").write_text(json.dumps({"tests": tests, "lines": lines, "import": at_import}))
    excluded = [f"{t['test']} {t['outcome']}" for t in tests if not usable(t)]
    (out / "excluded.txt").write_text("\n".join(excluded) + "\n")
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

    def named(self, test: str | None) -> str | None:
        """Return a test of this tree under a name that it had in another one, also if its file has moved."""
        if test is None or test in self.seconds:
            return test
        bare = test.split("::", 1)[-1]
        return next((name for name in self.seconds if name.split("::", 1)[-1] == bare), None)

    def runs_at_import(self, mutant: Mutant) -> bool:
        """Say whether a mutant's line runs while the package is imported and the tests are collected."""
        return mutant.at_import or not _own(mutant).isdisjoint(self.at_import.get(mutant.file, ()))

    def covering(self, mutant: Mutant) -> list[str]:
        """Return the names of the tests to run, in their order."""
        of_file = self.lines.get(mutant.file, {})

        def running(lines):
            return {number for line in lines for number in of_file.get(str(line), ())}

        first = set() if mutant.at_import else running(_own(mutant))
        first = first or running(mutant.lines)
        second: set[int] = set()
        if self.runs_at_import(mutant):
            second = {number for numbers in of_file.values() for number in numbers} - first
        elif not first:  # perhaps it runs in a process that a test starts
            second = {number for number, test in enumerate(self.tests) if test["starts"]}
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


def _own(mutant: Mutant) -> set[int]:
    return {line for line in mutant.lines if mutant.line <= line <= mutant.end_line}
