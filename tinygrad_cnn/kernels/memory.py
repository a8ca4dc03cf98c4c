"""Memory for kernels: the batch-last layout, scratch that is used again, and a heap that is kept.

Three facts, all measured, decide how the kernels handle memory.

*Batch-last.* An array of logical shape ``(N, C, H, W)`` is stored as ``(C, H, W, N)``. Then shifting a
window, padding a row or taking every second column moves whole runs of ``N`` neighbours in memory, and a
convolution becomes one product of matrices. NumPy's elementwise functions keep the layout by themselves.

*Scratch.* The first touch of fresh memory costs more than the arithmetic done on it, because the operating
system has to map every page. Intermediate blocks therefore live in buffers that a thread keeps.

*Heap.* Results cannot live in scratch, but the C library can be told to keep what is freed (`keep_heap`).
"""

from __future__ import annotations

import threading

import numpy as np

from ..types import NDArray

SCRATCH_LIMIT = 1 << 24
"""The largest buffer, in bytes, that a thread keeps between calls."""

CACHE_LINE = 64  # bytes


class _Free(threading.local):
    """The byte buffers of one thread that nobody has borrowed."""

    def __init__(self) -> None:
        self.buffers: list[NDArray] = []


_free = _Free()


def aligned_bytes(count: int) -> NDArray:
    """Return `count` uninitialised bytes that start on a cache line."""
    roomy = np.empty(count + CACHE_LINE, np.uint8)
    start = -roomy.ctypes.data % CACHE_LINE
    return roomy[start : start + count]


def borrow(size: int) -> NDArray:
    """Lend at least `size` uninitialised bytes, to be given back with `give_back`.

    The buffer belongs to the calling thread, grows when it is too small, and is kept for the next to borrow.
    What is borrowed in between is another buffer, so a kernel may call a kernel. An exception between the two
    calls loses no more than the buffer, which is then freed like any other array. A context manager would be
    one more call and one more object for every block.
    """
    buffers = _free.buffers
    if buffers:
        buffer = buffers.pop()
        if buffer.size >= size:
            return buffer
    return aligned_bytes(size)


def give_back(memory: NDArray) -> None:
    """Take back what `borrow` lent; no view of it may be used any more."""
    if memory.size <= SCRATCH_LIMIT:
        _free.buffers.append(memory)


def batch_last(x: NDArray) -> NDArray:
    """Return `x` (N, C, H, W) as a C-contiguous (C, H, W, N), only to be read: a view if it is stored so."""
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0))


def batch_first(xb: NDArray) -> NDArray:
    """Return an array stored as (C, H, W, N) under its logical shape (N, C, H, W), as a view."""
    return xb.transpose(3, 0, 1, 2)


def keep_heap() -> None:
    """Let the C library keep large freed arrays instead of returning them to the system.

    glibc serves a large array by mapping fresh pages and unmaps them when it is freed, so every step of a
    training loop pays for the same page faults again: 30 to 40 % of a small convolutional network's time.
    Freeing one mapped block raises glibc's *dynamic* thresholds to the size of that block, up to 32 MiB
    (``M_MMAP_THRESHOLD`` in ``mallopt(3)``). The block is never touched, so it costs nothing. A program calls
    this once, at its start; it trades a larger resident heap for time, which is why no import does it. With
    another C library it has no effect.
    """
    np.empty((32 << 20) - (64 << 10), np.uint8)
