"""Archives of NumPy, which `numpy.savez` wrote: data sets, and saved models of older versions.

NumPy's own reader would unpack whatever an archive claims to hold, and evaluate the headers as Python. This
one reads what `numpy.savez` writes, and nothing else: arrays with headers of one form.
"""

from __future__ import annotations

import io
import math
import os
import re
import zipfile
from collections.abc import Callable
from typing import IO, BinaryIO, NamedTuple

import numpy as np

from .contents import Contents, Spec, fill, most_unpacked, read_at_most

MAGIC = b"PK\x03\x04"
"""The first bytes of an archive."""

_LONGEST_READ = 4 << 20  # of the list of members too, which is read at once
_LONGEST_NAME = 1000  # characters of the name of a model
_MEMBER = b"\x93NUMPY\x01\x00"  # of version 1.0, the only one that short headers have
_METHODS = {False: {zipfile.ZIP_STORED}, True: {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}}
_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufU]\d{1,6})', 'fortran_order': (False|True), "
    rb"'shape': \(([\d, ]{0,999})\), \} *\n"
)


class _Careful(io.RawIOBase):
    """A file that refuses to read much at once, because zipfile would trust a length that a file claims."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._file.tell())  # Python makes room for all that is asked for
        data = self._file.read(min(left, size if 0 <= size <= _LONGEST_READ else _LONGEST_READ + 1))
        if len(data) > _LONGEST_READ:
            raise ValueError("its list of members is too long")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


class _Member(NamedTuple):
    """One array of an archive, and whether its elements stand in Fortran's order."""

    info: zipfile.ZipInfo
    spec: Spec
    fortran: bool


def read(file: BinaryIO, size: int, *, compressed: bool = False) -> Contents:
    """Read what an archive of this size holds; raise an error of any type if it is damaged or another."""
    archive = zipfile.ZipFile(_Careful(file))
    infos = archive.infolist()
    if not {info.compress_type for info in infos} <= _METHODS[compressed]:
        raise ValueError("it is compressed")
    if sum(info.file_size for info in infos) > (most_unpacked(size) if compressed else size):
        raise ValueError("its members take more than it has")
    members: dict[str, _Member] = {}
    for info in infos:
        name = info.filename.removesuffix(".npy")
        if name == info.filename or name in members:
            raise ValueError("a member is no array, or a name occurs twice")
        with archive.open(info) as member:
            members[name] = _Member(info, *_header(member, info.file_size))
        if members[name].spec.dtype.kind == "U" and name != "model":
            raise ValueError("a member is no array of numbers")

    def array(name: str) -> np.ndarray:
        info, spec, fortran = members[name]
        with archive.open(info) as member:
            _header(member, info.file_size)
            shape = spec.shape[::-1] if fortran else spec.shape
            if compressed:
                return _unpacked(member, shape, spec.dtype, fortran)
            stored = np.empty(shape, spec.dtype)
            fill(member, stored)
        return (stored.T if fortran else stored).astype(spec.dtype.newbyteorder("="), copy=False)

    metadata = {}
    if "model" in members:
        metadata["model"] = _text(members["model"].spec, array)
    specs = {
        name: Spec(member.spec.dtype.newbyteorder("="), member.spec.shape)
        for name, member in members.items()
        if name not in metadata
    }
    return Contents(metadata, specs, lambda: {name: array(name) for name in specs})


def _unpacked(member: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, fortran: bool) -> np.ndarray:
    """Read an array whose memory grows with what is there, and not with what the archive claims."""
    body = read_at_most(member, math.prod(shape) * dtype.itemsize)
    stored = np.frombuffer(body, dtype)
    if stored.size != math.prod(shape):
        raise ValueError("the file ends within an array")
    array = stored.reshape(shape)
    return (array.T if fortran else array).astype(dtype.newbyteorder("="), copy=False)


def _header(member: IO[bytes], size: int) -> tuple[Spec, bool]:
    """Read the header of a member; raise a ValueError unless its array takes all the rest of the member."""
    start = member.read(10)
    header = member.read(int.from_bytes(start[8:], "little"))
    found = _HEADER.fullmatch(header)
    if start[:8] != _MEMBER or found is None:
        raise ValueError("a member is no array of numbers")
    dtype = np.dtype(found[1].decode())
    shape = tuple(int(length) for length in found[3].split(b",") if length.strip())
    if len(start) + len(header) + math.prod(shape) * dtype.itemsize != size:
        raise ValueError("a member has another size than its array")
    return Spec(dtype, shape), found[2] == b"True"


def _text(spec: Spec, array: Callable[[str], np.ndarray]) -> str:
    """Return the name of the model, which is an array without axes of a text."""
    if spec.shape or spec.dtype.kind != "U" or spec.dtype.itemsize > 4 * _LONGEST_NAME:
        raise ValueError("the name of its model is no short text")
    return str(array("model"))
