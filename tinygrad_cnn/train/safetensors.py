"""The safetensors format: the length of a header in eight bytes, the header in JSON, and the arrays.

The header gives for each array its dtype, its shape, and where its elements stand in what follows. Beside
these it may hold texts, the metadata. Elements are little-endian and in C order. Source: "Format" in
https://github.com/huggingface/safetensors.

Our files hold one text more, so that damage is noticed: the CRC-32 of all that follows the eight bytes, where
the text itself stands as eight zeros.
"""

from __future__ import annotations

import json
import math
import zlib
from typing import Any, BinaryIO, NoReturn

import numpy as np

from ..data.contents import Contents, Spec, fill

MAX_HEADER = 4 << 20
"""The most bytes of a header: enough for ten thousand arrays, and at the worst 100 MB when it is parsed."""

CODES = {
    np.dtype(name): code
    for name, code in {
        "bool": "BOOL",
        **{f"uint{bits}": f"U{bits}" for bits in (8, 16, 32, 64)},
        **{f"int{bits}": f"I{bits}" for bits in (8, 16, 32, 64)},
        **{f"float{bits}": f"F{bits}" for bits in (16, 32, 64)},
    }.items()
}
"""What the format calls the dtypes that NumPy has too."""

NAME = "tinygrad_cnn"
"""The name of this package, which our files mention in several places."""

OURS = f"{NAME}."
"""How the names of the texts begin that we write beside those of the user."""

_DTYPES = {code: dtype for dtype, code in CODES.items()}
_METADATA = "__metadata__"
_CHECKSUM = f"{OURS}crc32"
_UNKNOWN = "00000000"


def pieces(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> list[bytes | memoryview]:
    """Return what a file of these arrays is made of; raise a ValueError if its header would be too long."""
    names = sorted(arrays, key=lambda name: -arrays[name].itemsize)  # the largest first, so all are aligned
    entries: dict[str, Any] = {_METADATA: {**metadata, _CHECKSUM: _UNKNOWN}}
    bodies, end = [], 0
    for name in names:
        array = np.asarray(arrays[name], arrays[name].dtype.newbyteorder("<"), order="C")
        start, end = end, end + array.nbytes
        code = CODES[array.dtype.newbyteorder("=")]
        entries[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [start, end]}
        bodies.append(array.reshape(-1).view(np.uint8).data)
    try:
        header = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"expected names that UTF-8 can encode: {error.reason}") from error
    header += b" " * (-len(header) % 8)
    if len(header) > MAX_HEADER:
        raise ValueError(
            f"expected names and structure that fit into a header of {MAX_HEADER} bytes, got {len(header)}"
        )
    checksum = zlib.crc32(header)
    for body in bodies:
        checksum = zlib.crc32(body, checksum)
    header = header.replace(_checksum(_UNKNOWN), _checksum(f"{checksum:08x}"))
    return [len(header).to_bytes(8, "little"), header, *bodies]


def read(file: BinaryIO, size: int) -> Contents:
    """Read the header of a file of this size; raise a ValueError unless all of it agrees with the size."""
    length = int.from_bytes(file.read(8), "little")
    if not 0 < length <= min(size - 8, MAX_HEADER):
        raise ValueError("the length of its header is wrong")
    header = file.read(length)
    entries = _parsed(header)
    metadata = entries.pop(_METADATA, {})
    if not (isinstance(metadata, dict) and all(isinstance(text, str) for text in metadata.values())):
        raise ValueError("its metadata are no texts")
    specs = _specs(entries, size - 8 - length)
    checksum = metadata.pop(_CHECKSUM, None)
    if checksum is None and NAME.encode() in header:  # one of our files, with damage at the checksum's name
        raise ValueError("its checksum is missing")
    data = 8 + length

    def read_all() -> dict[str, np.ndarray]:
        file.seek(data)
        arrays = {}
        found = zlib.crc32(header.replace(_checksum(checksum or _UNKNOWN), _checksum(_UNKNOWN)))
        for name, spec in specs.items():
            stored = np.empty(spec.shape, spec.dtype.newbyteorder("<"))
            body = fill(file, stored)
            found = zlib.crc32(body.data, found)
            arrays[name] = stored.astype(spec.dtype, copy=False)
        if checksum is not None and checksum != f"{found:08x}":
            raise ValueError("its checksum is wrong")
        return arrays

    return Contents(metadata, specs, read_all)


def _checksum(value: str) -> bytes:
    """Return the part of a header that gives a checksum; a text of the user cannot have its quotes."""
    return f'"{_CHECKSUM}":"{value}"'.encode()


def _parsed(header: bytes) -> dict[str, Any]:
    """Parse a header; raise a ValueError if it is no JSON object, or if a name occurs twice in one object."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name occurs twice")
        return found

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no JSON")

    entries = json.loads(header.decode(), object_pairs_hook=unique, parse_constant=refuse)
    if not isinstance(entries, dict):
        raise ValueError("its header is no JSON object")
    return entries


def _specs(entries: dict[str, Any], size: int) -> dict[str, Spec]:
    """Return the arrays in the order of the file, unread; raise a ValueError unless they fill its size."""
    places = sorted((*_place(name, entry), name) for name, entry in entries.items())
    end = 0
    specs = {}
    for start, stop, name in places:
        entry = entries[name]
        spec = Spec(_DTYPES[entry["dtype"]], tuple(entry["shape"]))
        if start != end or stop - start != math.prod(spec.shape) * spec.dtype.itemsize:
            raise ValueError("the places of its arrays do not fit together")
        specs[name], end = spec, stop
    if end != size:
        raise ValueError(f"its arrays take {end} bytes, and it has {size}")
    return specs


def _place(name: str, entry: Any) -> tuple[int, int]:
    """Return where an array begins and ends; raise a ValueError unless its entry has the right form."""
    if not (isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}):
        raise ValueError("an entry of its header is wrong")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in _DTYPES:
        raise ValueError("it has an array of a dtype that NumPy does not know")
    for numbers in (shape, offsets):
        if not (isinstance(numbers, list) and all(type(n) is int and n >= 0 for n in numbers)):
            raise ValueError("an entry of its header is wrong")
    start, stop = offsets
    return start, stop
