import threading

import numpy as np

from tinygrad_cnn.kernels import memory
from tinygrad_cnn.kernels.memory import batch_first, batch_last, keep_heap, scratch

FLOAT32 = np.dtype(np.float32)


def address(array):
    return array.__array_interface__["data"][0]


def test_scratch_is_used_again():
    with scratch((100,), FLOAT32) as first:
        where = address(first)
    with scratch((10, 5), np.dtype(np.float64)) as second:
        assert second.shape == (10, 5)
        assert second.dtype == np.float64
        assert address(second) == where


def test_a_lease_inside_a_lease_is_other_memory():
    with scratch((100,), FLOAT32) as outer, scratch((100,), FLOAT32) as inner:
        assert not np.shares_memory(outer, inner)


def test_scratch_grows_and_is_aligned():
    for size in (10, 100_000, 1000):
        with scratch((size,), FLOAT32) as block:
            assert block.size == size
            assert address(block) % 64 == 0
            block.fill(1)


def test_scratch_returns_after_an_exception():
    with scratch((50,), FLOAT32) as block:
        where = address(block)
    try:
        with scratch((50,), FLOAT32):
            raise RuntimeError
    except RuntimeError:
        pass
    with scratch((50,), FLOAT32) as block:
        assert address(block) == where


def test_a_buffer_above_the_limit_is_not_kept(monkeypatch):
    monkeypatch.setattr(memory, "SCRATCH_LIMIT", 1 << 20)
    monkeypatch.setattr(memory, "_free", memory._Free())
    with scratch((1 << 20,), FLOAT32):
        pass
    assert memory._free.buffers == []
    with scratch((1 << 10,), FLOAT32):
        pass
    assert len(memory._free.buffers) == 1


def test_threads_have_scratch_of_their_own():
    places = []

    def lease():
        with scratch((64,), FLOAT32) as block:
            places.append(address(block))

    lease()
    thread = threading.Thread(target=lease)
    thread.start()
    thread.join()
    lease()
    assert places[0] == places[2] != places[1]


def test_batch_last_copies_only_when_it_must(layout, integers):
    x = layout(integers(4, 3, 5, 6))
    xb = batch_last(x)
    np.testing.assert_array_equal(xb, x.transpose(1, 2, 3, 0))
    assert xb.flags.c_contiguous
    assert np.shares_memory(xb, x) == x.transpose(1, 2, 3, 0).flags.c_contiguous
    np.testing.assert_array_equal(batch_first(xb), x)


def test_keep_heap_may_be_called_again():
    keep_heap()
    keep_heap()
