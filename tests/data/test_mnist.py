"""The MNIST family: folders made by hand, and the real files where they are present."""

import gzip
import re
import struct

import numpy as np
import pytest

from tinygrad_cnn.data import Dataset, fashion_mnist, mnist

READERS = [mnist, fashion_mnist]


def write(path, array, code=0x08):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    content = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def folder(tmp_path):
    """Five training and three test images, the test images compressed."""
    rng = np.random.default_rng(0)
    write(tmp_path / "train-images-idx3-ubyte", rng.integers(256, size=(5, 28, 28), dtype=np.uint8))
    write(tmp_path / "train-labels-idx1-ubyte", np.array([5, 0, 4, 1, 9], np.uint8))
    write(tmp_path / "t10k-images-idx3-ubyte.gz", np.full((3, 28, 28), 51, np.uint8))
    write(tmp_path / "t10k-labels-idx1-ubyte.gz", np.array([7, 2, 1], np.uint8))
    return tmp_path


@pytest.mark.parametrize("read", READERS)
def test_reads_plain_and_compressed(folder, read):
    train, test = read(str(folder))
    assert isinstance(train, Dataset)
    assert isinstance(test, Dataset)
    assert train.images.shape == (5, 1, 28, 28)
    np.testing.assert_array_equal(train.labels, np.array([5, 0, 4, 1, 9], np.int64), strict=True)
    np.testing.assert_array_equal(test.images, np.full((3, 1, 28, 28), 0.2, np.float32), strict=True)
    np.testing.assert_array_equal(test.labels, np.array([7, 2, 1], np.int64), strict=True)


def test_pixels_keep_their_places(folder):
    images = np.zeros((5, 28, 28), np.uint8)
    images[1, 2, 3] = 255
    write(folder / "train-images-idx3-ubyte", images)
    train, _ = mnist(folder)
    assert train.images[1, 0, 2, 3] == 1
    assert train.images.sum() == 1


def test_empty_files(folder):
    write(folder / "train-images-idx3-ubyte", np.zeros((0, 28, 28), np.uint8))
    write(folder / "train-labels-idx1-ubyte", np.zeros(0, np.uint8))
    train, _ = mnist(folder)
    assert train.images.shape == (0, 1, 28, 28)
    assert train.labels.shape == (0,)


def rejects(folder, path, *parts):
    with pytest.raises(
        ValueError, match=".*".join(re.escape(p) for p in (f"{path}: expected", *parts))
    ) as info:
        mnist(folder)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("shape", [(5, 28, 27), (5, 27, 28), (5, 1, 28, 28), (5, 784), (28, 28)])
def test_wrong_image_shape(folder, shape):
    path = folder / "train-images-idx3-ubyte"
    write(path, np.zeros(shape, np.uint8))
    rejects(folder, path, "(N, 28, 28)", f"got uint8 of shape {shape}")


def test_wrong_image_type(folder):
    path = folder / "train-images-idx3-ubyte"
    write(path, np.zeros((5, 28, 28), np.float32), code=0x0D)
    rejects(folder, path, "uint8 images", "got float32")


def test_wrong_label_type(folder):
    path = folder / "train-labels-idx1-ubyte"
    write(path, np.zeros(5, np.int8), code=0x09)
    rejects(folder, path, "uint8 labels", "got int8")


def test_wrong_label_shape(folder):
    path = folder / "train-labels-idx1-ubyte"
    write(path, np.zeros((5, 1), np.uint8))
    rejects(folder, path, "shape (N,)", "got uint8 of shape (5, 1)")


def test_label_out_of_range(folder):
    path = folder / "train-labels-idx1-ubyte"
    write(path, np.array([5, 0, 10, 1, 9], np.uint8))
    rejects(folder, path, "0..9", "got 10")


@pytest.mark.parametrize("count", [4, 6])
def test_counts_differ(folder, count):
    path = folder / "train-labels-idx1-ubyte"
    write(path, np.zeros(count, np.uint8))
    rejects(folder, path, "5 labels", f"got {count}")


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_missing_file(folder, name):
    for path in folder.glob(f"{name}*"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"{re.escape(str(folder))}: .*{name} or {name}\.gz"):
        mnist(folder)


@pytest.mark.parametrize(("name", "read"), [("mnist", mnist), ("fashion-mnist", fashion_mnist)])
def test_real_files(family_folder, name, read):
    train, test = read(family_folder(name))
    assert train.images.shape == (60_000, 1, 28, 28)
    assert test.images.shape == (10_000, 1, 28, 28)
    for part in (train, test):
        assert part.images.dtype == np.float32
        assert part.labels.dtype == np.int64
        assert part.images.min() == 0
        assert part.images.max() == 1
    # The published first labels, which tell the families and the parts apart.
    first = {"mnist": ([5, 0, 4, 1, 9], [7, 2, 1, 0, 4]), "fashion-mnist": ([9, 0, 0, 3, 0], [9, 2, 1, 1, 6])}
    assert train.labels[:5].tolist() == first[name][0]
    assert test.labels[:5].tolist() == first[name][1]
