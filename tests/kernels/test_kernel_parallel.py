"""Threads do each piece of work once, and together give what one thread gives."""

import gc
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

from tinygrad_cnn.kernels import conv, parallel, pool, product, rectifier
from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec


@pytest.fixture
def two_threads(monkeypatch, set_thresholds, set_threads):
    """Share work of every size between two threads; collect the names of the threads that did any."""
    names = set()
    drain = parallel._drain

    def noting_drain(work, waiting):
        def noting_work(piece):
            names.add(threading.current_thread().name)
            work(piece)

        drain(noting_work, waiting)

    monkeypatch.setattr(parallel, "_drain", noting_drain)
    set_thresholds(SHARED_CONVOLUTION=0, SHARED_ELEMENTS=0, SHARED_PRODUCT=0, LARGE_RECTIFIER=0)
    set_threads(2)
    return names


@pytest.fixture
def both():
    """A barrier that is passed only by two threads at once."""
    return threading.Barrier(2, timeout=20)


@pytest.mark.parametrize(("size", "count"), [(0, 1), (0, 3), (1, 3), (7, 3), (8, 2)])
def test_slices_cover_a_range_once(size, count):
    found = parallel.slices(size, count)
    assert len(found) == count
    assert [i for part in found for i in range(size)[part]] == list(range(size))


@pytest.mark.parametrize("pieces", [0, 1, 2, 50])
def test_every_piece_is_done_once(two_threads, pieces):
    done = []
    parallel.run(done.append, range(pieces), 2)
    assert sorted(done) == list(range(pieces))


@pytest.mark.parametrize(
    ("pieces", "count", "woken"), [(8, 4, 3), (8, 2, 1), (2, 4, 1), (3, 3, 2), (1, 4, 0)]
)
def test_no_more_threads_are_woken_than_the_work_asks_for(set_threads, monkeypatch, pieces, count, woken):
    set_threads(4)
    submit, calls = parallel._helpers.submit, []
    monkeypatch.setattr(parallel._helpers, "submit", lambda *work: calls.append(1) or submit(*work))
    parallel.run(lambda piece: None, range(pieces), count)
    assert len(calls) == woken


def test_helpers_that_are_no_longer_wanted_end(two_threads, both):
    parallel.run(lambda piece: both.wait(), range(2), 2)  # both have begun
    helpers = parallel._helpers  # a reference, so that they do not end only because they are forgotten
    assert helpers._threads
    parallel.set_threads(1)
    for helper in helpers._threads:
        helper.join(timeout=20)
        assert not helper.is_alive()


@pytest.mark.parametrize("failing", range(2))
def test_an_error_in_any_thread_is_raised_and_leaves_nothing_behind(two_threads, both, failing):
    def work(piece):
        both.wait()
        if piece == failing:
            raise ValueError(f"piece {piece}")

    with pytest.raises(ValueError, match=f"piece {failing}"):
        parallel.run(work, range(2), 2)
    done = []
    parallel.run(done.append, range(5), 2)
    assert sorted(done) == list(range(5))


def test_an_error_is_freed_without_the_garbage_collector(two_threads, both):
    array = np.ones(3)
    alive = weakref.ref(array)

    def work(piece, array=array):
        both.wait()
        if threading.current_thread() is not threading.main_thread():
            raise ValueError(array)

    gc.disable()
    try:
        with pytest.raises(ValueError, match="1"):
            parallel.run(work, range(2), 2)
        del work, array
        assert alive() is None
    finally:
        gc.enable()


def test_a_thread_heeds_what_the_caller_does_about_an_overflow(two_threads, both):
    seen = []

    def work(piece):
        both.wait()
        seen.append(np.geterr()["over"])

    with np.errstate(over="ignore"):
        parallel.run(work, range(2), 2)
    assert seen == ["ignore", "ignore"]


def test_the_number_of_threads_may_change_during_work(two_threads):
    done = []

    def work(piece):
        if piece == 0:
            parallel.set_threads(3)
        done.append(piece)

    parallel.run(work, range(6), 2)
    assert sorted(done) == list(range(6))
    parallel.set_threads(2)


AT_THE_END = """
import atexit, threading
import numpy as np
import tinygrad_cnn as tg
from tinygrad_cnn.kernels import parallel, thresholds
parallel.set_threads(2)
thresholds.SHARED_CONVOLUTION = 0
x, w = np.ones((2, 1, 9, 9)), np.ones((1, 1, 3, 3))
main = threading.main_thread()

def late():
    main.join()
    print(tg.conv2d(x, w).sum())

atexit.register(lambda: print(tg.conv2d(x, w).sum()))
threading.Thread(target=late).start()
"""


def run_script(script):
    """Run Python in a process of its own; return what it printed, and what it complained of."""
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return result.stdout, result.stderr


def test_work_goes_on_while_the_interpreter_ends():
    assert run_script(AT_THE_END) == ("882.0\n882.0\n", "")


CONVOLUTIONS = [
    ((3, 2, 9, 7), (4, 2, 3, 3), {"padding": 1}),
    ((40, 2, 9, 7), (4, 2, 3, 3), {"padding": 1}),  # rows long enough to be stored once
    ((2, 4, 9, 8), (6, 2, 2, 3), {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 2), "groups": 2}),
    ((2, 5, 6, 5), (3, 5, 1, 1), {}),
    ((1, 1, 1, 6), (2, 1, 1, 2), {}),
    ((0, 2, 6, 5), (3, 2, 2, 2), {}),
]


def kernels(x, y, weight, bias, spec, pooling):
    """Return all kernels that share work, each as a function of nothing."""
    highest = pool.max_forward(x, pooling)
    rows = y.reshape(-1, y.shape[-1])
    return {
        "forward": lambda: conv.forward(x, weight, bias, spec),
        "input_gradient": lambda: conv.input_gradient(y, weight, spec),
        "weight_gradient": lambda: conv.weight_gradient(x, y, spec),
        "max_forward": lambda: pool.max_forward(x, pooling),
        "max_scatter": lambda: pool.max_scatter(highest, x, pooling, highest),
        "avg_forward": lambda: pool.avg_forward(x, pooling, True),
        "relu": lambda: rectifier.relu(x),
        "relu_gradient": lambda: rectifier.relu_gradient(x, 1 - x),
        "wide product": lambda: product.product(rows.T, rows),
        "tall product": lambda: product.product(rows, rows.T),
    }


def results(*arguments):
    """Return what all kernels make of these operands."""
    return [kernel() for kernel in kernels(*arguments).values()]


def operands(shape, weight_shape, options, integers):
    """Draw the arguments of `kernels`."""
    spec = ConvSpec.of(shape, weight_shape, **options)
    shapes = shape, (shape[0], weight_shape[0], *spec.output_size), weight_shape, weight_shape[:1]
    return *(integers(*sizes) for sizes in shapes), spec, PoolSpec.of(shape, (min(2, shape[2]), 2))


@pytest.mark.parametrize(("shape", "weight_shape", "options"), CONVOLUTIONS)
def test_the_result_does_not_depend_on_the_threads(two_threads, integers, shape, weight_shape, options):
    arguments = operands(shape, weight_shape, options, integers)
    shared = results(*arguments)
    parallel.set_threads(1)
    for found, alone in zip(shared, results(*arguments), strict=True):
        np.testing.assert_array_equal(found, alone, strict=True)


def test_every_kernel_reaches_the_other_thread(two_threads, integers):
    for name, kernel in kernels(*operands((8, 4, 30, 30), (8, 4, 3, 3), {"padding": 1}, integers)).items():
        two_threads.clear()
        for _ in range(200):  # a helper that wakes late finds nothing left to do
            kernel()
            if len(two_threads) == 2:
                break
        assert len(two_threads) == 2, name


FORKED = """
import os
from tinygrad_cnn.kernels import parallel
parallel.set_threads(2)
parallel.run(lambda piece: None, range(2), 2)
child = os.fork()
if child == 0:
    parallel.run(lambda piece: None, range(4), 2)
    os._exit(0 if parallel.threads() == 1 else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_does_not_wait_for_threads_that_it_does_not_have():
    assert run_script(FORKED)[0] == "0\n"
