"""Shared fixtures: exact data, every memory layout a kernel may be handed, sizes and threads."""

import tracemalloc

import numpy as np
import pytest

from tinygrad_cnn.kernels import conv, conv_plan, parallel, pool, pool_plan, product, thresholds
from tinygrad_cnn.testing.layouts import LAYOUTS, relaid


@pytest.fixture(params=LAYOUTS)
def layout(request):
    """A function that copies an array into another memory layout, where nothing may be written to it."""

    def lay_out(array):
        copy = relaid(array, request.param)
        copy.flags.writeable = False
        return copy

    return lay_out


@pytest.fixture
def integers():
    """Draw small integers as float64, so that sums are exact in any order."""
    rng = np.random.default_rng(0)
    return lambda *shape: rng.integers(-4, 5, shape).astype(np.float64)


@pytest.fixture
def set_thresholds(monkeypatch):
    """Set the sizes at which the kernels change their way, and forget what was planned for others."""

    cached = (
        conv_plan.plan,
        pool_plan._blocks,
        product._piece_count,
        product._chunk_count,
        product._tap_pieces,
    )

    def forget():
        for function in cached:
            function.cache_clear()

    def set_sizes(**sizes):
        for name, value in sizes.items():
            monkeypatch.setattr(thresholds, name, value)
        forget()

    yield set_sizes
    forget()


@pytest.fixture
def set_threads():
    """Set the number of threads; it is one again afterwards."""
    yield parallel.set_threads
    parallel.set_threads(1)


@pytest.fixture
def exact_memory(monkeypatch):
    """Lend the kernels no byte more than they ask for, each of them poisoned."""
    for module in (conv, pool, product):
        monkeypatch.setattr(module, "borrow", lambda size: np.full(size, 0xFF, np.uint8))


@pytest.fixture
def spent():
    """Call a function; return how many bytes it takes at its peak, beside those of its result."""

    def measure(work):
        tracemalloc.start()
        try:
            result = work()
            return tracemalloc.get_traced_memory()[1] - getattr(result, "nbytes", 0)
        finally:
            tracemalloc.stop()

    return measure
