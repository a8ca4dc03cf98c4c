"""IDX files: the format of the MNIST family.

A file is two zero bytes, a type code, the number of dimensions, each dimension as an unsigned 32-bit integer,
and the elements in C order; all numbers are big-endian. Source: "The IDX file format" in LeCun, Cortes,
Burges, "The MNIST database of handwritten digits", http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import io
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GZIP_MAGIC = b"\x1f\x8b"
PIECE = 1 << 20  # bytes read at a time: memory follows what the file holds, not what its header claims
MAX_DIMENSIONS = 64  # of NumPy 2
MAX_BYTES = np.iinfo(np.intp).max  # what NumPy can index

TYPES: dict[int, np.dtype] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}


def read_idx(path: str | os.PathLike[str]) -> NDArray:
    """Read one array from an IDX file, plain or compressed with gzip.

    Compression is told from the first bytes of the file, not from its name.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    ndarray of uint8, int8, int16, int32, float32 or float64
        The array, C-ordered, writable, in the byte order of the machine.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not valid IDX: a wrong magic number, an unknown type code, more dimensions or bytes than
        NumPy can index, a header or data cut short, bytes after the data, or damaged gzip. The message names
        the file, what was expected and what came.

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
    with path.open("rb") as raw:
        compressed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        if not compressed:
            return _read(raw, path)
        try:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _read(unpacked, path)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: expected an intact gzip stream, got a damaged one: {error}") from error


def _read(file: io.BufferedIOBase, path: Path) -> NDArray:
    dtype, shape = _read_header(file, path)
    expected = math.prod(shape) * dtype.itemsize
    body = _read_at_most(file, expected + 1)  # one more than expected tells whether anything follows
    if len(body) != expected:
        came = f"only {len(body)}" if len(body) < expected else "more"
        raise ValueError(
            f"{path}: expected {expected} bytes of data for shape {shape} of {dtype.name}, got {came}"
        )
    return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_header(file: io.BufferedIOBase, path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    magic = file.read(4)
    if len(magic) < 4:
        raise ValueError(f"{path}: expected an IDX magic number of 4 bytes, got a file of {len(magic)}")
    zeros, code, ndim = magic[:2], magic[2], magic[3]
    if zeros != b"\0\0":
        raise ValueError(f"{path}: expected an IDX magic number that starts with 0x0000, got 0x{magic.hex()}")
    if code not in TYPES:
        known = ", ".join(f"0x{c:02x} ({t.name})" for c, t in TYPES.items())
        raise ValueError(f"{path}: expected an IDX type code out of {known}, got 0x{code:02x}")
    if ndim > MAX_DIMENSIONS:
        raise ValueError(f"{path}: expected at most {MAX_DIMENSIONS} dimensions (NumPy's limit), got {ndim}")
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise ValueError(f"{path}: expected {4 * ndim} bytes for {ndim} dimensions, got only {len(sizes)}")
    dtype, shape = TYPES[code], struct.unpack(f">{ndim}I", sizes)
    # NumPy applies its limit to an empty array as if its zeros were ones. Python integers cannot overflow.
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize > MAX_BYTES:
        raise ValueError(
            f"{path}: expected an array of at most {MAX_BYTES} bytes, got sizes {shape} of {dtype.name}"
        )
    return dtype, shape


def _read_at_most(file: io.BufferedIOBase, limit: int) -> bytearray:
    body = bytearray()
    while piece := file.read(min(PIECE, limit - len(body))):
        body += piece
    return body
