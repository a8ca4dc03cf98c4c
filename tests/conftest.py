"""Profiles of hypothesis, where the real files of the MNIST family are, and counts over many tests."""

import collections
import os
import sys
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before NumPy is imported: the tests' processes share the cores already

import hypothesis  # noqa: E402
import pytest  # noqa: E402

from tinygrad_cnn.kernels import parallel  # noqa: E402
from tinygrad_cnn.testing import OpCase  # noqa: E402

# --hypothesis-profile=NAME chooses another; deadlines would make a busy machine fail a test
hypothesis.settings.register_profile("default", max_examples=10, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=10, deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("thorough", max_examples=1000, deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _one_thread_again():
    """The command shares work between threads, also where its docstring runs: no other test is to notice."""
    yield
    if parallel.threads() > 1:
        parallel.set_threads(1)


@pytest.fixture(scope="session")
def family_folder():
    """A function from a name ("mnist", "fashion-mnist") to its folder; skips where the folder is absent."""
    root = Path(os.environ.get("TINYGRAD_CNN_DATA", BESIDE_THE_REPOSITORY))

    def find(name):
        folder = root / name
        if not folder.is_dir():
            pytest.skip(f"no folder {folder}; set TINYGRAD_CNN_DATA to the folder that holds {name}/")
        return folder

    return find


_PARTS = 8


def pytest_collection_modifyitems(items):
    """Put the tests of an eighth of the operations together, for the process that draws their calls.

    A process is handed neighbours. Within a part the order stays, since files have fixtures of their own.
    """
    if "records" in sys.modules:
        names = [case.name for case in sys.modules["records"].CASES]
        part = {name: _PARTS * place // len(names) for place, name in enumerate(names)}
        items.sort(key=lambda item: part.get(_operation_of(item), _PARTS))


def _operation_of(item):
    """Name the operation that a test may be about: its own name has it in conformance, else a parameter."""
    given = item.callspec.params if hasattr(item, "callspec") else {}
    if "checked" in given:
        return item.originalname.removeprefix("test_")
    cases = (getattr(value, "case", value) for value in given.values())
    names = (case.name if isinstance(case, OpCase) else case for case in cases)
    return next((name for name in names if isinstance(name, str)), "")


def pytest_terminal_summary(terminalreporter):
    """Add up what tests recorded as ``count: ...``, in whichever process they ran."""
    totals = collections.Counter()
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, value in report.user_properties:
            if name.startswith("count: "):
                totals[name.removeprefix("count: ")] += value
    for name, total in totals.items():
        terminalreporter.write_line(f"{name}: {total}")
