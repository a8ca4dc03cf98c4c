"""IDX files for the tests, packed by hand with struct, and the errors that a bad one must give."""

import gzip
import re
import struct

import pytest

# For each dtype that the format knows: its code, and the letter of struct.
CODES = {
    "uint8": (0x08, "B"),
    "int8": (0x09, "b"),
    "int16": (0x0B, "h"),
    "int32": (0x0C, "i"),
    "float32": (0x0D, "f"),
    "float64": (0x0E, "d"),
}


def idx_bytes(array):
    code, letter = CODES[array.dtype.name]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + struct.pack(f">{array.size}{letter}", *array.ravel().tolist())


def write_idx(path, array):
    """Write an IDX file, compressed if its name says so."""
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def refuses(read, argument, path, *parts):
    """Check that reading is a ValueError of one line, which names the file and holds every part in order."""
    pattern = ".*".join(re.escape(part) for part in (f"{path}: expected", *parts))
    with pytest.raises(ValueError, match=pattern) as caught:
        read(argument)
    assert "\n" not in str(caught.value)
