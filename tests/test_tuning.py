"""`tune`, in processes of their own: it changes the whole process."""

import platform
import sys

import pytest
from processes import run

import tinygrad_cnn as tg

FAULTS = """
import resource, sys
import numpy as np
import tinygrad_cnn as tg

{tune}
images = np.random.default_rng(0).random((256, 1, 28, 28), dtype=np.float32)
labels = np.zeros(256, int)
model = tg.models.baseline()
params, state = model.init(np.random.default_rng(0))
optimizer = tg.optim.SGD(params, lr=0.01, momentum=0.9)
gradient = tg.grad(lambda p: tg.cross_entropy(model(p, state, images, train=True)[0], labels))

def faults(steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        optimizer.step(gradient(params))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults({warm})
# the median: on a busy machine, a thread may still meet a kind of block for the first time
print(sorted(faults(10) for _ in range({runs}))[{runs} // 2])
"""

only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's heap can be kept")


@only_glibc
@pytest.mark.parametrize(("threads", "times"), [(None, 1), (2, 2)])
def test_a_warm_step_touches_no_fresh_memory(threads, times):
    """That holds after the call, and after a second one."""
    if threads:
        pytest.importorskip("threadpoolctl", reason="the extra train is not installed")
    script = FAULTS.format(tune=f"tg.tune(threads={threads})\n" * times, warm=80, runs=5)
    assert int(run(script)) <= 10  # a few of the interpreter's own


@only_glibc
def test_without_the_call_a_step_does():
    assert int(run(FAULTS.format(tune="", warm=5, runs=1))) > 1000  # every step is alike, and slow


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


@pytest.mark.parametrize("threads", [0, -1])
def test_no_thread_at_all_is_an_error(threads):
    with pytest.raises(ValueError, match=f"tune: threads: expected at least 1, got {threads}"):
        tg.tune(threads=threads)


def test_a_fraction_of_a_thread_is_an_error():
    with pytest.raises(TypeError, match="float"):
        tg.tune(threads=1.5)


def test_threads_need_threadpoolctl_and_say_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad-cnn\[train\]'"):
        tg.tune(threads=2)
