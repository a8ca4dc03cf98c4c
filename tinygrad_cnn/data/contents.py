"""What a file of arrays holds, as far as its header tells, and the way to the arrays themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

_PIECE = 1 << 20  # bytes read at a time, so that memory follows what a file holds and not what it claims
MAX_RATIO = 100  # how many times its own size a compressed file may hold: pictures stay far below, a bomb
# reaches 1000
_MAX_UNPACKED = 64 << 20  # bytes that it may hold whatever its own size: more than the files of MNIST do


def most_unpacked(packed: int) -> int:
    """Return how many bytes a compressed file of some size is read for."""
    return max(_MAX_UNPACKED, MAX_RATIO * packed)


def read_at_most(file: Readable, limit: int) -> bytearray:
    """Read a file to its end, but no further than the limit."""
    body = bytearray()
    while piece := file.read(min(_PIECE, limit - len(body))):
        body += piece
    return body


class Spec(NamedTuple):
    """The dtype and the shape of an array that has not been read yet."""

    dtype: np.dtype
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


class Contents(NamedTuple):
    """The texts beside the arrays, what arrays there are, and a function that reads all of them by name."""

    metadata: dict[str, str]
    specs: dict[str, Spec]
    read: Callable[[], dict[str, np.ndarray]]


class Readable(Protocol):
    """An open binary file."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, and none at the end."""


def fill(file: Readable, array: np.ndarray) -> np.ndarray:
    """Read the elements of a contiguous array from a file; return its bytes, which share its memory."""
    body = array.reshape(-1).view(np.uint8)
    start = 0
    while start < len(body):
        piece = file.read(min(_PIECE, len(body) - start))
        if not piece:
            raise ValueError("the file ends within an array")
        body[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
        start += len(piece)
    if array.dtype == np.bool_ and (body > 1).any():
        raise ValueError("it has truth values other than 0 and 1")
    return body
