"""What is lent, to whom, and what becomes of it; and the batch-last layout."""

import gc
import threading
import weakref

import numpy as np
import pytest

from tinygrad_cnn.kernels import conv, memory, pool, product
from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec
from tinygrad_cnn.kernels.memory import batch_first, batch_last, borrow, give_back


@pytest.fixture
def free(monkeypatch):
    """The buffers that nobody has borrowed: none at first."""
    monkeypatch.setattr(memory, "_free", memory._Free())
    return memory._free.buffers


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_lent_again_but_not_twice_at_once(free):
    first, other = borrow(400), borrow(400)
    assert not np.shares_memory(first, other)
    give_back(first)
    assert borrow(200) is first


def test_memory_grows(free):
    for size in (40, 400_000, 4000):
        lent = borrow(size)
        assert lent.dtype == np.uint8
        assert lent.size >= size
        lent.fill(1)
        give_back(lent)


@pytest.mark.parametrize("place", [0, 1, 16, 48, 63])
def test_memory_starts_on_a_cache_line_wherever_the_system_puts_it(free, place, monkeypatch):
    def placed(count, dtype):
        roomy = np.frombuffer(bytearray(count + 128), dtype)
        start = (place - address(roomy)) % 64
        return roomy[start : start + count]

    with monkeypatch.context() as patch:
        patch.setattr(np, "empty", placed)
        lent = borrow(1000)
    assert lent.size == 1000
    assert address(lent) % 64 == 0


def test_an_exception_loses_no_more_than_the_buffer(free):
    give_back(borrow(1000))
    lost = weakref.ref(free[0])

    def fail():
        lent = borrow(1000)
        raise RuntimeError(lent.size)

    with pytest.raises(RuntimeError, match="1000"):
        fail()
    assert free == []
    gc.collect()  # the frame that the error has kept
    assert lost() is None
    give_back(borrow(1000))
    assert len(free) == 1


def test_a_buffer_above_the_limit_is_not_kept(free):
    give_back(borrow((1 << 24) + 1))
    assert free == []
    give_back(borrow(1 << 24))
    assert len(free) == 1


def test_threads_have_memory_of_their_own(free):
    give_back(borrow(256))
    theirs = []
    thread = threading.Thread(target=lambda: theirs.append(borrow(256)))
    thread.start()
    thread.join()
    assert theirs[0] is not free[0]


def test_batch_last_copies_only_when_it_must(layout, integers):
    x = layout(integers(4, 3, 5, 6))
    xb = batch_last(x)
    np.testing.assert_array_equal(xb, x.transpose(1, 2, 3, 0))
    assert xb.flags.c_contiguous
    assert np.shares_memory(xb, x) == x.transpose(1, 2, 3, 0).flags.c_contiguous
    np.testing.assert_array_equal(batch_first(xb), x)


@pytest.mark.parametrize("images", [1, 2, 64])
def test_kernels_give_back_what_they_borrow(images, monkeypatch):
    lent, returned = [], []
    for module in (conv, pool, product):
        monkeypatch.setattr(module, "borrow", lambda size: lent.append(borrow(size)) or lent[-1])
        monkeypatch.setattr(module, "give_back", lambda buffer: returned.append(buffer) or give_back(buffer))
    x, weight = np.ones((images, 8, 16, 16), np.float32), np.ones((16, 8, 3, 3), np.float32)
    pooling = PoolSpec.of(x.shape, 2)
    pooled = pool.max_forward(x, pooling)
    pool.max_scatter(pooled, x, pooling, pooled)
    for options in ({"padding": 1}, {"stride": 2}):
        spec = ConvSpec.of(x.shape, weight.shape, **options)
        y = conv.forward(x, weight, None, spec)
        conv.input_gradient(y, weight, spec)
        conv.weight_gradient(x, y, spec)
    assert len(lent) >= 8
    assert sorted(map(id, lent)) == sorted(map(id, returned))
