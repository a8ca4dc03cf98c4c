"""A process that has imported the package and collected the tests, and forks for each mutant."""

import gc
import itertools
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

import pytest

from . import children, planting
from .children import Ended
from .plugins import Chosen, Repeatable

# importing jax starts threads, and these do not live on in a fork
IGNORED = "tests/testing/test_peers_rules.py"
NOT_PLANTED = 71


@dataclass(frozen=True)
class Task:
    """The tests to run, the seconds that each takes, the budget of all, and the mutant, if there is one."""

    names: Sequence[str]
    seconds: dict[str, float]
    budget: float
    mutant: tuple[str, str, str] | None = None  # its file, the text of the file, and the mutated text
    at_import: bool = False


class Collected:
    """The side that asks: it starts the process, whose end is that of the connection."""

    def __init__(self, tree: Path):
        self.connection, other = Pipe()
        if os.fork() == 0:
            try:
                self.connection.close()
                arguments = ["-x", f"--ignore={IGNORED}", f"--basetemp={tree / 'temporary'}", "tests"]
                children.pytest_main(tree, arguments, Forking(tree, other), compiles=True)
            finally:
                os._exit(0)
        other.close()
        self.connection.recv()  # from now on the files of the tree may change

    def run(self, task: Task) -> Ended | None:
        """Run a task; None says that its mutant cannot be planted into what is imported."""
        self.connection.send(task)
        return self.connection.recv()


class Forking(Repeatable):
    """The side that answers: each task is run in a fork of what is imported and collected."""

    def __init__(self, tree: Path, connection: Connection):
        super().__init__(None)
        self.tree, self.connection = tree, connection

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.items = {item.nodeid: item for item in session.items}
        self.functions = planting.living(self.tree / "tinygrad_cnn")
        gc.freeze()
        sys.dont_write_bytecode = True
        self.connection.send(len(self.items))
        while (task := self._next()) is not None:
            ended = children.in_fork(
                self.tree, task.budget + 60, lambda notes: self._run(session, task, notes)
            )
            self.connection.send(None if ended.code == NOT_PLANTED else ended)
        return True

    def _next(self) -> Task | None:
        try:
            return self.connection.recv()
        except EOFError:
            return None

    def _run(self, session: pytest.Session, task: Task, notes: TextIO) -> int:
        if task.mutant is not None:
            file, source, mutated = task.mutant
            package = self.tree / "tinygrad_cnn"
            if task.at_import:
                planting.import_anew(package, package / file, mutated)
            elif not planting.plant(package / file, source, mutated, self.functions):
                return NOT_PLANTED
        plugin = Chosen(notes, task.names, task.seconds, task.budget)
        session.config.pluginmanager.register(plugin)
        items = plugin.chosen(self.items.values())
        for item, following in itertools.zip_longest(items, items[1:]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail or session.shouldstop:
                break
        plugin.pytest_sessionfinish()
        return 0
