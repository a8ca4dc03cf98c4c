"""What pytest does inside a child: run the chosen tests in order, or note what each test executes."""

import json
import signal
import sys
from types import FrameType
from typing import Any

import pytest

from . import probes
from .children import cpu_seconds

CLOCKS = {"perf_counter", "process_time", "thread_time", "monotonic"}
# what stands between a test and the file that it reads
READERS = {"pathlib", "codecs", "io", "_io", "inspect", "linecache", "tokenize"}


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


def reads_a_clock(item) -> bool:
    """Say whether a test measures time, itself or in a script that it runs: it may fail without a mutant."""
    test: Any = getattr(item, "function", None)
    if not hasattr(test, "__code__"):  # a page's examples
        return False
    names = set(test.__code__.co_names)
    for constant in test.__code__.co_consts:
        names |= set(getattr(constant, "co_names", ()))
    scripts = [test.__globals__.get(name) for name in names]
    return bool(names & CLOCKS) or any(
        clock in script for script in scripts if isinstance(script, str) for clock in CLOCKS
    )


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
        items[:] = self.chosen(items)

    def chosen(self, items):
        """Return the chosen ones of collected tests in their order."""
        kept = [item for item in items if item.nodeid in self.rank and not reads_a_clock(item)]
        self.note(collected=len(kept))
        return sorted(kept, key=lambda item: self.rank[item.nodeid])

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
    """Notes for every test its outcome, its CPU time, the probes it met, and whether it reads sources."""

    def __init__(self, notes, tree):
        super().__init__(notes)
        self.package = str(tree / "tinygrad_cnn")
        self.tests = str(tree / "tests")
        self.current = None
        self.reading_modules: set[str] = set()
        self.reads = self.starts = False
        probes.listen()
        sys.addaudithook(self.audit)

    def audit(self, event, arguments):
        if event == "subprocess.Popen":
            self.starts = True
        if event != "open" or not isinstance(arguments[0], str):
            return
        if not (arguments[0].startswith(self.package) and arguments[0].endswith(".py")):
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in READERS:
            frame = frame.f_back
        if frame is None or not frame.f_code.co_filename.startswith(self.tests):
            return
        if self.current is None:  # while it is imported: for every test in it
            self.reading_modules.add(frame.f_code.co_filename)
        self.reads = True

    def pytest_collection_finish(self):
        self.notes.write(json.dumps({"import": sorted(probes.hits)}) + "\n")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.current, self.outcome = item.nodeid, "passed"
        self.reads = self.starts = False
        probes.hits.clear()
        start = cpu_seconds()
        result = yield
        record = {
            "test": item.nodeid,
            "seconds": round(cpu_seconds() - start, 3),
            "outcome": self.outcome,
            "reads": self.reads or str(item.path) in self.reading_modules,
            "starts": self.starts,
            "hits": sorted(probes.hits),
        }
        self.notes.write(json.dumps(record) + "\n")
        self.current = None
        return result

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.outcome = "failed"
        elif report.skipped and not hasattr(report, "wasxfail"):
            self.outcome = "skipped"
