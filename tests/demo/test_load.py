"""Many clients at once, and slow ones, cost neither answers nor memory."""

import concurrent.futures
import contextlib
import os
import time
from pathlib import Path

import numpy as np
import pytest
from clients import connected, exchange, head, running
from test_page import untrained

from tinygrad_cnn.demo.page import Page
from tinygrad_cnn.demo.reading import SIDE

pytestmark = pytest.mark.slow


def resident():
    """The megabytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_two_hundred_at_once_and_fifty_slow_ones_lose_nothing_and_memory_stays_flat():
    ink = np.random.default_rng(0).integers(0, 255, SIDE * SIDE, np.uint8).tobytes()
    with running(Page(untrained()), patience=600) as server, contextlib.ExitStack() as stack:
        request = head(server, "POST /read HTTP/1.1", f"Content-Length: {len(ink)}") + ink
        slow = [stack.enter_context(connected(server)) for _ in range(50)]
        for client in slow:
            client.sendall(request[:100])

        def burst():
            with concurrent.futures.ThreadPoolExecutor(200) as pool:
                return list(pool.map(lambda _: exchange(server, request)[0], range(200)))

        assert burst() == [200] * 200
        before, begin = resident(), time.monotonic()
        for _ in range(3):
            assert burst() == [200] * 200
        grown = resident() - before
        print(f"200 at once beside 50 slow clients: {(time.monotonic() - begin) / 3:.1f} s, {grown:+.1f} MB")
        assert grown < 20
        for client in slow:  # which are answered too, once they have sent all
            client.sendall(request[100:])
        assert all(client.recv(100).startswith(b"HTTP/1.1 200 ") for client in slow)
