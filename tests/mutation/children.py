"""Running pytest in forked children: heavy libraries are imported once, the package anew in each."""

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

MEMORY = 6 << 30  # bytes that a child may take beside those it has from its parent
ASLEEP = 300  # seconds that a child may wait, beside the time in which even a busy machine runs its tests
PRELOADED = ("numpy.testing", "hypothesis.extra.numpy", "hypothesis.stateful", "torch")
PYTEST = ("-q", "-n0", "-pno:cacheprovider", "-pno:randomly", "--tb=no", "-Wignore::pytest.PytestWarning")


def preload() -> None:
    """Import what every child needs, but nothing of the package under test."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


@dataclass
class Ended:
    """How a child ended: its exit code (negative: the signal), its CPU seconds, what its plugin noted."""

    code: int
    cpu: float
    notes: list[dict[str, Any]]


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the processes it has waited for."""
    return sum(os.times()[:4])


def run_pytest(tree: Path, arguments: list[str], plugin: Callable[[TextIO], Any], cpu: float) -> Ended:
    """Run pytest in a child whose package is the one in ``tree``; ``cpu`` seconds are the most it may use."""
    return in_fork(tree, cpu, lambda notes: pytest_main(tree, arguments, plugin(notes)))


def in_fork(tree: Path, cpu: float, work: Callable[[TextIO], int]) -> Ended:
    """Call ``work`` in a child, which notes in the file that it is given what happens."""
    path = tree / "notes.jsonl"
    path.write_text("")
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            _limit(cpu)
            with path.open("a", buffering=1) as notes:
                code = work(notes)
        finally:
            os._exit(code)
    code, used = _wait(pid)
    lines = path.read_text().splitlines()
    return Ended(code, used, [json.loads(line) for line in lines if line.endswith("}")])


def _limit(cpu: float) -> None:
    os.setpgid(0, 0)
    address_space = MEMORY + int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu) + 1, int(cpu) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(ASLEEP + int(20 * cpu))  # threads that wait for each other use no time of the processor


def pytest_main(tree: Path, arguments: list[str], plugin: Any, *, compiles: bool = False) -> int:
    """Run pytest in this process, where the package is imported from ``tree``."""
    output = os.open(tree / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(tree)
    os.environ["PYTHONPATH"] = str(tree)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # no compiled mutant is to outlive its process
    sys.dont_write_bytecode = not compiles
    sys.path[:] = [
        str(tree),
        *(part for part in sys.path if not (Path(part or ".") / "tinygrad_cnn").is_dir()),
    ]
    sys.argv[0] = "pytest"
    import pytest

    return int(pytest.main([*PYTEST, *arguments], plugins=[plugin]))


def _wait(pid: int) -> tuple[int, float]:
    """Wait for a child, and end what it has started."""
    _, status, usage = os.wait4(pid, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # a grandchild that still runs
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def in_workers(count: int, tasks: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(worker, task)`` for every task, in processes that take the next one when they are free."""
    read, write = os.pipe()
    os.write(write, b"".join(task.to_bytes(4, "little") for task in range(tasks)))
    os.close(write)
    pids = []
    for worker in range(count):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                while task := os.read(read, 4):
                    work(worker, int.from_bytes(task, "little"))
                code = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(code)
        pids.append(pid)
    os.close(read)
    failed = [pid for pid in pids if os.waitpid(pid, 0)[1]]
    if failed:
        raise SystemExit(f"{len(failed)} of {count} workers failed")
