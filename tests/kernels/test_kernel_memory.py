import gc
import threading
import weakref

import numpy as np
import pytest

from tinygrad_cnn.kernels import conv, pool, product
from tinygrad_cnn.kernels import memory as memory_module
from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec
from tinygrad_cnn.kernels.memory import batch_first, batch_last, borrow, give_back


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_lent_again():
    first = borrow(400)
    give_back(first)
    second = borrow(200)
    assert second is first
    give_back(second)


def test_what_is_lent_twice_is_other_memory():
    outer, inner = borrow(400), borrow(400)
    assert not np.shares_memory(outer, inner)
    give_back(inner)
    give_back(outer)


def test_memory_grows():
    for size in (40, 400_000, 4000):
        memory = borrow(size)
        assert memory.dtype == np.uint8
        assert memory.size >= size
        memory.fill(1)
        give_back(memory)


@pytest.mark.parametrize("place", [0, 1, 16, 48, 63])
def test_memory_starts_on_a_cache_line_wherever_the_system_puts_it(place, monkeypatch):
    def placed(count, dtype):
        roomy = np.frombuffer(bytearray(count + 128), dtype)
        start = (place - address(roomy)) % 64
        return roomy[start : start + count]

    monkeypatch.setattr(memory_module, "_free", memory_module._Free())
    with monkeypatch.context() as patch:
        patch.setattr(np, "empty", placed)
        memory = borrow(1000)
    assert memory.size == 1000
    assert address(memory) % 64 == 0


def test_an_exception_loses_no_more_than_the_buffer(monkeypatch):
    monkeypatch.setattr(memory_module, "_free", memory_module._Free())
    give_back(borrow(1000))
    lost = weakref.ref(memory_module._free.buffers[0])

    def fail():
        memory = borrow(1000)
        raise RuntimeError(memory.size)

    with pytest.raises(RuntimeError, match="1000"):
        fail()
    assert memory_module._free.buffers == []
    gc.collect()  # the frame that the error has kept
    assert lost() is None
    give_back(borrow(1000))
    assert len(memory_module._free.buffers) == 1


def test_a_buffer_above_the_limit_is_not_kept(monkeypatch):
    monkeypatch.setattr(memory_module, "_free", memory_module._Free())
    give_back(borrow((1 << 24) + 1))
    assert memory_module._free.buffers == []
    give_back(borrow(1 << 24))
    assert len(memory_module._free.buffers) == 1


def test_threads_have_memory_of_their_own():
    places = []

    def lease():
        memory = borrow(256)
        places.append(address(memory))
        give_back(memory)

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


@pytest.mark.parametrize("images", [1, 2, 64])
def test_kernels_give_back_what_they_borrow(images, monkeypatch):
    lent, returned = [], []
    for module in (conv, pool, product):
        monkeypatch.setattr(module, "borrow", lambda size: lent.append(borrow(size)) or lent[-1])
        monkeypatch.setattr(module, "give_back", lambda memory: returned.append(memory) or give_back(memory))
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
