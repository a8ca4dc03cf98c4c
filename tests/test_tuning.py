"""`tune`, in processes of their own: it changes the whole process."""

import platform
import sys

import pytest
from processes import run

import tinygrad_cnn as tg

FAULTS = """
import resource, statistics
import numpy as np
import tinygrad_cnn as tg

{tune}
images = np.random.default_rng(0).random((128, 1, 28, 28), dtype=np.float32)
labels = np.zeros(128, int)
model = tg.models.baseline()
params, state = model.init(np.random.default_rng(0))
optimizer = tg.optim.SGD(params, lr=0.01, momentum=0.9)
gradient = tg.grad(lambda p: tg.cross_entropy(model(p, state, images, train=True)[0], labels))

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    optimizer.step(gradient(params))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

# the median: a thread may still meet a kind of block for the first time
print(int(statistics.median([faults() for _ in range(40)][10:])))
"""

only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's heap can be kept")


@only_glibc
@pytest.mark.parametrize("tune", ["tg.tune()", "tg.tune(threads=2)\n" * 2], ids=["alone", "threads, twice"])
def test_a_warm_step_touches_no_fresh_memory(tune):
    if "threads" in tune:
        pytest.importorskip("threadpoolctl", reason="the extra train is not installed")
    faults = run(FAULTS.format(tune=tune), OPENBLAS_NUM_THREADS="1")
    assert int(faults) <= 1  # the interpreter's own


@only_glibc
def test_without_the_call_a_step_does():
    assert int(run(FAULTS.format(tune=""), OPENBLAS_NUM_THREADS="1")) > 1000


def test_blas_is_kept_to_one_thread():
    pytest.importorskip("threadpoolctl", reason="the extra train is not installed")
    script = """
import numpy, threadpoolctl
import tinygrad_cnn as tg
from tinygrad_cnn.kernels import parallel
tg.tune(threads=2)
print([pool["num_threads"] for pool in threadpoolctl.threadpool_info()], parallel.threads())
"""
    assert run(script, OPENBLAS_NUM_THREADS="2") == "[1] 2\n"


@pytest.mark.parametrize(
    ("threads", "error", "match"),
    [
        (0, ValueError, "tune: threads: expected at least 1, got 0"),
        (-1, ValueError, "tune: threads: expected at least 1, got -1"),
        (10**6, ValueError, "tune: threads: expected at most 1024, got 1000000"),
        (1.5, TypeError, r"tune: threads: expected integers, got 1\.5"),
        ("2", TypeError, "tune: threads: expected integers, got '2'"),
        (True, TypeError, "tune: threads: expected integers, got True"),
    ],
)
def test_threads_that_make_no_sense_are_an_error(threads, error, match):
    with pytest.raises(error, match=match):
        tg.tune(threads=threads)


def test_a_first_call_at_the_end_of_the_process_keeps_to_one_thread():
    pytest.importorskip("threadpoolctl", reason="the extra train is not installed")
    script = """
import atexit
import numpy as np
import tinygrad_cnn as tg
def last_words():
    tg.tune(threads=2)
    print(tg.conv2d(np.ones((64, 1, 28, 28)), np.ones((8, 1, 3, 3))).sum())
atexit.register(last_words)
"""
    assert run(script) == f"{64 * 8 * 26 * 26 * 9}.0\n"


def test_threads_need_threadpoolctl_and_say_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad-cnn\[train\]'"):
        tg.tune(threads=2)
