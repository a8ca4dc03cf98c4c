"""What pytest does inside a child: run the chosen tests in order, or note what each test executes."""

import json
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

from .children import cpu_seconds

READERS = ("pathlib", "codecs", "io", "_io", "importlib", "tokenize", "linecache")


class Repeatable:
    """Gives hypothesis a profile under which two runs are the same, and does not shrink what it finds."""

    def __init__(self, notes):
        self.notes = notes

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self):
        import hypothesis
        from hypothesis import HealthCheck, Phase, settings

        settings.register_profile(
            "mutation",
            parent=settings.get_profile("default"),
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        hypothesis.settings.load_profile("mutation")


class Chosen(Repeatable):
    """Runs the chosen tests in their order and stops at the first failure or when the budget is used."""

    def __init__(self, notes, chosen, seconds, budget):
        super().__init__(notes)
        self.rank = {name: rank for rank, name in enumerate(chosen)}
        self.seconds = seconds
        self.budget = budget
        signal.setitimer(signal.ITIMER_PROF, 60)  # importing and collecting

    def note(self, **what):
        self.notes.write(json.dumps(what) + "\n")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((i for i in items if i.nodeid in self.rank), key=lambda i: self.rank[i.nodeid])
        self.note(collected=len(items))

    def pytest_collectreport(self, report):
        if report.failed:
            self.note(failed=report.nodeid or "collection", reason=str(report.longrepr)[-300:])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.note(start=item.nodeid)
        # an endless loop ends the process by this signal, also when it never comes back to Python
        signal.setitimer(signal.ITIMER_PROF, 10 + 10 * self.seconds.get(item.nodeid, 1))
        result = yield
        if cpu_seconds() > self.budget:
            item.session.shouldstop = "budget"
            self.note(budget=True)
        return result

    def pytest_runtest_logreport(self, report):
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.note(failed=report.nodeid, reason=(crash.message if crash else str(report.longrepr))[:300])

    def pytest_sessionfinish(self):
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.note(finished=True)


class Recorder(Repeatable):
    """Notes for every test its outcome, CPU time, the package lines it runs, and whether it reads sources."""

    def __init__(self, notes, tree, coverage):
        super().__init__(notes)
        self.package = str(tree / "tinygrad_cnn")
        self.tests = str(tree / "tests")
        self.coverage = coverage
        self.current = None
        self.reads = False
        if coverage is not None:
            sys.addaudithook(self.audit)

    def audit(self, event, arguments):
        if event != "open" or self.current is None or not isinstance(arguments[0], str):
            return
        if not (arguments[0].startswith(self.package) and arguments[0].endswith(".py")):
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in READERS[:4]:
            frame = frame.f_back
        if frame is not None and frame.f_code.co_filename.startswith(self.tests):
            self.reads = True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.current, self.reads, self.outcome = item.nodeid, False, "passed"
        if self.coverage is not None:
            self.coverage.switch_context(item.nodeid)
        start = cpu_seconds()
        result = yield
        seconds = round(cpu_seconds() - start, 3)
        if self.coverage is not None:
            self.coverage.switch_context("")
        record = {"test": item.nodeid, "seconds": seconds, "outcome": self.outcome, "reads": self.reads}
        self.notes.write(json.dumps(record) + "\n")
        self.current = None
        return result

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.outcome = "failed"
        elif report.skipped and not hasattr(report, "wasxfail"):
            self.outcome = "skipped"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        if self.coverage is None:
            return
        self.coverage.stop()
        data = self.coverage.get_data()
        for file in data.measured_files():
            by_line = {str(n): names for n, names in data.contexts_by_lineno(file).items()}
            name = str(Path(file).relative_to(self.package))
            self.notes.write(json.dumps({"file": name, "lines": by_line}) + "\n")
