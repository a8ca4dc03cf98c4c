"""IDX files: what the format allows is read, and what is damaged or too large is refused in one line."""

import gzip
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from idx_files import CODES, idx_bytes, refuses

from tinygrad_cnn.data import read_idx

SMALL = idx_bytes(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
PACKED = gzip.compress(SMALL, mtime=0)  # the same bytes in every process


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "file"


def refuses_content(path, content, *parts):
    path.write_bytes(content)
    refuses(read_idx, path, path, *parts)


def header(code, *sizes):
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, code, len(sizes), *sizes)


def damaged(content, position):
    """The content with one byte flipped."""
    changed = bytearray(content)
    changed[position] ^= 0xFF
    return bytes(changed)


@given(st.sampled_from(sorted(CODES)), st.booleans(), st.data())
def test_round_trip(path, name, compress, data):
    shapes = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
    array = data.draw(hnp.arrays(np.dtype(name), shapes))
    content = idx_bytes(array)
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
    packed.write_bytes(PACKED)
    np.testing.assert_array_equal(read_idx(plain), read_idx(str(packed)), strict=True)


def test_as_many_dimensions_as_numpy_has(path):
    path.write_bytes(header(8, *[1] * 64) + b"\x07")
    assert read_idx(path).shape == (1,) * 64


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("lengths", "wanted", "came"),
    [
        (range(4), "magic number of 4 bytes", "got a file of {}"),
        (range(4, 12), "8 bytes for 2 dimensions", "got only {}"),
        (range(12, 18), "6 bytes of data for shape (2, 3) of uint8", "got only {}"),
    ],
)
def test_truncated_anywhere(path, lengths, wanted, came, pack):
    for length in lengths:
        refuses_content(path, pack(SMALL[:length]), wanted, came.format(length - lengths.start))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("extra", [1, 1000])
def test_trailing_bytes(path, extra, pack):
    refuses_content(path, pack(SMALL + bytes(extra)), "6 bytes of data for shape (2, 3) of uint8", "got more")


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        *(
            (magic + SMALL[4:], ["starts with 0x0000", f"got 0x{magic.hex()}"])
            for magic in (b"\x01\0\x08\x01", b"\0\x01\x08\x01", b"PK\x03\x04", b"\x89PNG")
        ),
        *((header(8, *[1] * n) + b"\0", ["at most 64", f"got {n}"]) for n in (65, 255)),
        *(
            (header(0x0E, *sizes), ["at most", f"got sizes {sizes} of float64"])
            for sizes in ((2**32 - 1,) * 2, (2**31, 2**30, 4), (0, 2**32 - 1, 2**32 - 1))
        ),
    ],
)
def test_a_header_that_is_wrong_or_beyond_numpy(path, content, parts):
    refuses_content(path, content, *parts)


def test_every_unknown_type_code(path):
    for code in set(range(256)) - {code for code, _ in CODES.values()}:
        content = bytes([0, 0, code, 1]) + SMALL[4:]
        refuses_content(path, content, "0x08 (uint8)", "0x0e (float64)", f"got 0x{code:02x}")


def packed_zeros(megabytes):
    """Gzip of that many MiB of zeros, a thousandth of their size, without packing more than one of them."""
    packer = zlib.compressobj(wbits=31)
    start = packer.compress(header(8, megabytes, 1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + piece * megabytes


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (header(8, 2**32 - 1, 2**20) + bytes(10), [f"{(2**32 - 1) * 2**20} bytes of data", "got only 10"]),
        (packed_zeros(500), ["100 times", f"a header that claims {500 << 20}"]),
        (gzip.compress(header(8, 2**32 - 1, 2**20)), ["100 times", "a header that claims"]),
    ],
    ids=["a lying header", "a compressed bomb", "a compressed lie"],
)
def test_what_a_header_claims_is_not_allocated(path, content, parts):
    tracemalloc.start()
    refuses_content(path, content, *parts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_compressed_file_of_usual_size_may_hold_zeros(path):
    path.write_bytes(gzip.compress(idx_bytes(np.zeros((2000, 28, 28), np.uint8))))
    assert not read_idx(path).any()


def test_a_check_sees_dtype_and_shape_before_any_element_is_read(path):
    path.write_bytes(header(0x0D, 3, 2))  # the elements are missing

    def check(dtype, shape):
        raise KeyError(dtype, shape)

    with pytest.raises(KeyError) as caught:
        read_idx(path, check)
    assert caught.value.args == (np.dtype(np.float32), (3, 2))


@given(st.data())
def test_damage_anywhere_is_noticed_or_gives_an_array_of_the_file(path, data):
    """A plain file has no checksum, so another element is no damage that could be noticed."""
    content = bytearray(data.draw(st.sampled_from([SMALL, PACKED])))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        assert read_idx(path).nbytes < len(SMALL)
    except ValueError:
        refuses(read_idx, path, path)


@pytest.mark.parametrize(
    "content",
    [
        *(PACKED[:length] for length in range(2, len(PACKED))),
        *(damaged(PACKED, position) for position in (2, -8, -4)),  # the method, the checksum, the length
        PACKED[:10] + b"\xff" + PACKED[11:],  # after the header of gzip a block type that does not exist
    ],
)
def test_gzip_that_is_cut_short_or_damaged(path, content):
    refuses_content(path, content, "intact gzip stream", "damaged")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_idx(tmp_path / "absent")
