"""What the benchmark of operations compares is the same computation."""

import importlib.util
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def bench():
    """The script as a module; what it sets for a process of its own is undone."""
    before = os.environ.copy()
    spec = importlib.util.spec_from_file_location(
        "bench_ops", Path(__file__).parent / "bench" / "bench_ops.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    os.environ.clear()
    os.environ.update(before)
    return module


@pytest.mark.slow
def test_the_expressions_by_hand_compute_the_same(bench):
    for _, op, operands, by_hand in bench.OPS:
        bench.compare(op, operands, by_hand, repeats=1)
