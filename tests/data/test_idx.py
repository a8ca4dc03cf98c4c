"""IDX files, written here by hand with struct and read by the package."""

import gzip
import math
import re
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_cnn.data import read_idx

# Type code, struct format, NumPy name: the six of the specification.
CODES = [
    (0x08, "B", "uint8"),
    (0x09, "b", "int8"),
    (0x0B, "h", "int16"),
    (0x0C, "i", "int32"),
    (0x0D, "f", "float32"),
    (0x0E, "d", "float64"),
]
# uint8, shape (2, 3)
SMALL = b"\0\0\x08\x02" + struct.pack(">II", 2, 3) + bytes([1, 2, 3, 4, 5, 6])


def idx_bytes(code, form, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + struct.pack(f">{array.size}{form}", *array.ravel().tolist())


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "file"


def rejects(path, content, *parts):
    """Reading `content` is a ValueError of one line that names the file and holds every part, in order."""
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=".*".join(re.escape(p) for p in (f"{path}: expected", *parts))
    ) as info:
        read_idx(path)
    assert "\n" not in str(info.value)


@given(st.sampled_from(CODES), st.booleans(), st.data())
def test_round_trip(path, code_form_name, compress, data):
    code, form, name = code_form_name
    shapes = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
    array = data.draw(hnp.arrays(np.dtype(name), shapes))
    content = idx_bytes(code, form, array)
    path.write_bytes(gzip.compress(content) if compress else content)
    read = read_idx(path)
    assert isinstance(read, np.ndarray)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert read.flags.writeable
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, array, strict=True)


def test_bytes_are_big_endian_in_the_file(path):
    path.write_bytes(b"\0\0\x0b\x01" + b"\0\0\0\x02" + b"\x01\x02" + b"\xff\xfe")
    np.testing.assert_array_equal(read_idx(path), np.array([0x0102, -2], np.int16), strict=True)


def test_gzip_is_told_from_the_bytes_not_from_the_name(tmp_path):
    plain, packed = tmp_path / "plain.gz", tmp_path / "packed"
    plain.write_bytes(SMALL)
    packed.write_bytes(gzip.compress(SMALL))
    np.testing.assert_array_equal(read_idx(plain), read_idx(str(packed)), strict=True)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("length", range(len(SMALL)))
def test_truncated_anywhere(path, length, compress):
    content = SMALL[:length]
    if length < 4:
        parts = ["magic number of 4 bytes", f"got a file of {length}"]
    elif length < 12:
        parts = ["8 bytes for 2 dimensions", f"got only {length - 4}"]
    else:
        parts = ["6 bytes of data for shape (2, 3) of uint8", f"got only {length - 12}"]
    rejects(path, gzip.compress(content) if compress else content, *parts)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("extra", [1, 1000])
def test_trailing_bytes(path, extra, pack):
    rejects(path, pack(SMALL + bytes(extra)), "6 bytes of data for shape (2, 3) of uint8", "got more")


@pytest.mark.parametrize("magic", [b"\x01\0\x08\x01", b"\0\x01\x08\x01", b"PK\x03\x04", b"\x89PNG"])
def test_wrong_magic(path, magic):
    rejects(path, magic + SMALL[4:], "starts with 0x0000", f"got 0x{magic.hex()}")


def test_every_unknown_type_code(path):
    for code in set(range(256)) - {code for code, _, _ in CODES}:
        rejects(
            path, bytes([0, 0, code, 1]) + SMALL[4:], "0x08 (uint8)", "0x0e (float64)", f"got 0x{code:02x}"
        )


@pytest.mark.parametrize("ndim", [65, 255])
def test_more_dimensions_than_numpy_has(path, ndim):
    rejects(path, bytes([0, 0, 8, ndim]) + struct.pack(">I", 1) * ndim + b"\0", "at most 64", f"got {ndim}")


def test_as_many_dimensions_as_numpy_has(path):
    path.write_bytes(bytes([0, 0, 8, 64]) + struct.pack(">I", 1) * 64 + b"\x07")
    assert read_idx(path).shape == (1,) * 64


@pytest.mark.parametrize("sizes", [(2**32 - 1,) * 2, (2**31, 2**30, 4), (0, 2**32 - 1, 2**32 - 1)])
def test_sizes_beyond_what_numpy_can_index(path, sizes):
    content = bytes([0, 0, 0x0E, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)
    rejects(path, content, "at most", f"got sizes {sizes} of float64")


def test_sizes_of_a_lying_header_are_not_allocated(path):
    sizes = (2**32 - 1, 2**20)
    path.write_bytes(bytes([0, 0, 8, 2]) + struct.pack(">II", *sizes) + bytes(10))
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"{math.prod(sizes)} bytes of data .* got only 10"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize("length", range(2, len(gzip.compress(SMALL))))
def test_truncated_gzip(path, length):
    rejects(path, gzip.compress(SMALL)[:length], "intact gzip stream", "damaged")


@pytest.mark.parametrize("position", [2, -8, -4])  # the method, the checksum, the length
def test_damaged_gzip(path, position):
    content = bytearray(gzip.compress(SMALL))
    content[position] ^= 0xFF
    rejects(path, bytes(content), "intact gzip stream", "damaged")


def test_damaged_deflate_data(path):
    content = bytearray(gzip.compress(SMALL))
    content[10] = 0xFF  # the first byte after the gzip header: a block type that does not exist
    rejects(path, bytes(content), "intact gzip stream", "damaged")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_idx(tmp_path / "absent")
