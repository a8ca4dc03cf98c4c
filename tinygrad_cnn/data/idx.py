"""A reader of IDX files, the format of the MNIST family.

A file consists of two zero bytes, a type code, the number of dimensions, each dimension as an unsigned 32-bit
integer, and the elements in C order. All numbers are big-endian. Source: "The IDX file format" in LeCun,
Cortes, Burges, "The MNIST database of handwritten digits", http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..checks import printable
from .contents import MAX_RATIO, most_unpacked, read_at_most

__all__ = ["read_idx"]

_GZIP_MAGIC = b"\x1f\x8b"
_MAX_DIMENSIONS = 64  # the limit of NumPy 2
_MAX_BYTES = np.iinfo(np.intp).max  # NumPy cannot index a larger array

_TYPES: dict[int, np.dtype] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}

_Check = Callable[[np.dtype, tuple[int, ...]], object]


def read_idx(path: str | os.PathLike[str], check: _Check = lambda dtype, shape: None) -> np.ndarray:
    """Read one array from an IDX file, plain or compressed with gzip.

    The first bytes of the file tell whether it is compressed; its name does not matter.

    Parameters
    ----------
    path : str or path
        The file to read.
    check : callable, optional
        A function that is called with the dtype and the shape before the elements are read. What it raises,
        such as for an array that is larger than wanted, ends the reading.

    Returns
    -------
    ndarray of uint8, int8, int16, int32, float32 or float64
        The array, which is writable, in C order and in the byte order of the machine.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not valid IDX: it has a wrong magic number, an unknown type code, more dimensions or
        bytes than NumPy can index, a header or data cut short, bytes after the data, or damaged gzip, or if
        it would unpack to more than 64 MiB and 100 times its own size. The message names the file, what was
        expected and what came.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels-idx1-ubyte"
    ...     _ = path.write_bytes(bytes([0, 0, 0x08, 1]) + bytes([0, 0, 0, 3]) + bytes([7, 2, 1]))
    ...     read_idx(path)
    array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    with path.open("rb") as file:
        compressed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        file.seek(0)
        if not compressed:
            return _read(file, path, check)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(unpacked, path, check, os.fstat(file.fileno()).st_size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: expected an intact gzip stream, got a damaged one: {error}") from error


def _read(file: io.BufferedIOBase, path: Path, check: _Check, packed: int | None = None) -> np.ndarray:
    """Read the array from the uncompressed bytes; the path and the size of the packed file are for errors."""
    dtype, shape = _read_header(file, path)
    check(dtype.newbyteorder("="), shape)
    expected = math.prod(shape) * dtype.itemsize
    if packed is not None and expected > most_unpacked(packed):
        raise ValueError(
            f"{path}: expected at most {MAX_RATIO} times the {packed} bytes of the compressed file, got a "
            f"header that claims {expected}"
        )
    body = read_at_most(file, expected + 1)  # the one byte more would show that something follows
    if len(body) != expected:
        shown = printable(str(shape))
        came = f"only {len(body)}" if len(body) < expected else "more"
        raise ValueError(
            f"{path}: expected {expected} bytes of data for shape {shown} of {dtype.name}, got {came}"
        )
    return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_header(file: io.BufferedIOBase, path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """Read the dtype and the shape, and raise a ValueError unless NumPy can hold such an array."""
    magic = file.read(4)
    if len(magic) < 4:
        raise ValueError(f"{path}: expected an IDX magic number of 4 bytes, got a file of {len(magic)}")
    zeros, code, ndim = magic[:2], magic[2], magic[3]
    if zeros != b"\0\0":
        raise ValueError(f"{path}: expected an IDX magic number that starts with 0x0000, got 0x{magic.hex()}")
    if code not in _TYPES:
        known = ", ".join(f"0x{c:02x} ({t.name})" for c, t in _TYPES.items())
        raise ValueError(f"{path}: expected an IDX type code out of {known}, got 0x{code:02x}")
    if ndim > _MAX_DIMENSIONS:
        raise ValueError(f"{path}: expected at most {_MAX_DIMENSIONS} dimensions (NumPy's limit), got {ndim}")
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise ValueError(f"{path}: expected {4 * ndim} bytes for {ndim} dimensions, got only {len(sizes)}")
    dtype, shape = _TYPES[code], struct.unpack(f">{ndim}I", sizes)
    # NumPy applies its limit to an empty array as if its zeros were ones.
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize > _MAX_BYTES:
        shown = printable(str(shape))
        raise ValueError(
            f"{path}: expected an array of at most {_MAX_BYTES} bytes, got sizes {shown} of {dtype.name}"
        )
    return dtype, shape
