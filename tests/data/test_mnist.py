"""The MNIST family, read from folders made by hand, and from the real files where they are present."""

import re

import numpy as np
import pytest
from idx_files import refuses, write_idx

from tinygrad_cnn.data import Dataset, fashion_mnist, mnist

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.fixture
def folder(tmp_path):
    """Five training and three test images, the test images compressed."""
    rng = np.random.default_rng(0)
    write_idx(tmp_path / IMAGES, rng.integers(256, size=(5, 28, 28), dtype=np.uint8))
    write_idx(tmp_path / LABELS, np.array([5, 0, 4, 1, 9], np.uint8))
    write_idx(tmp_path / "t10k-images-idx3-ubyte.gz", np.full((3, 28, 28), 51, np.uint8))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.array([7, 2, 1], np.uint8))
    return tmp_path


@pytest.mark.parametrize("read", [mnist, fashion_mnist])
def test_reads_plain_and_compressed(folder, read):
    images = np.zeros((5, 28, 28), np.uint8)
    images[1, 2, 3] = 255
    write_idx(folder / IMAGES, images)
    train, test = read(str(folder))
    assert isinstance(train, Dataset)
    assert isinstance(test, Dataset)
    assert train.images.shape == (5, 1, 28, 28)
    assert train.images[1, 0, 2, 3] == train.images.sum() == 1
    np.testing.assert_array_equal(train.labels, np.array([5, 0, 4, 1, 9], np.int64), strict=True)
    np.testing.assert_array_equal(test.images, np.full((3, 1, 28, 28), 0.2, np.float32), strict=True)
    np.testing.assert_array_equal(test.labels, np.array([7, 2, 1], np.int64), strict=True)


def test_empty_files(folder):
    write_idx(folder / IMAGES, np.zeros((0, 28, 28), np.uint8))
    write_idx(folder / LABELS, np.zeros(0, np.uint8))
    train, _ = mnist(folder)
    assert train.images.shape == (0, 1, 28, 28)
    assert train.labels.shape == (0,)


SHAPES = [(5, 28, 27), (5, 27, 28), (5, 1, 28, 28), (5, 784), (28, 28)]


@pytest.mark.parametrize(
    ("part", "array", "said"),
    [
        *((IMAGES, np.zeros(s, np.uint8), ["(N, 28, 28)", f"got uint8 of shape {s}"]) for s in SHAPES),
        (IMAGES, np.zeros((5, 28, 28), np.float32), ["uint8 images", "got float32"]),
        (LABELS, np.zeros(5, np.int8), ["uint8 labels", "got int8"]),
        (LABELS, np.zeros((5, 1), np.uint8), ["shape (N,)", "got uint8 of shape (5, 1)"]),
        (LABELS, np.array([5, 0, 10, 1, 9], np.uint8), ["0..9", "got 10"]),
        *((LABELS, np.zeros(count, np.uint8), ["5 labels", f"got {count}"]) for count in (4, 6)),
    ],
)
def test_files_that_are_no_images_or_no_labels(folder, part, array, said):
    write_idx(folder / part, array)
    refuses(mnist, folder, folder / part, *said)


@pytest.mark.parametrize(
    ("name", "shape", "said"), [(IMAGES, (2**20, 2**10), "uint8 images"), (LABELS, (2**30,), "5 labels")]
)
def test_a_file_is_refused_by_its_header(folder, name, shape, said):
    (folder / name).write_bytes(bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape))
    refuses(mnist, folder, folder / name, said)


@pytest.mark.parametrize("name", [IMAGES, "t10k-labels-idx1-ubyte"])
def test_missing_file(folder, name):
    for path in folder.glob(f"{name}*"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"{re.escape(str(folder))}: .*{name} or {name}\.gz"):
        mnist(folder)


@pytest.mark.parametrize(("name", "read"), [("mnist", mnist), ("fashion-mnist", fashion_mnist)])
def test_real_files(family_folder, name, read):
    # The published first labels tell the families and the parts apart.
    first = {"mnist": ([5, 0, 4, 1, 9], [7, 2, 1, 0, 4]), "fashion-mnist": ([9, 0, 0, 3, 0], [9, 2, 1, 1, 6])}
    for part, n, labels in zip(read(family_folder(name)), (60_000, 10_000), first[name], strict=True):
        assert (part.images.shape, part.images.dtype) == ((n, 1, 28, 28), np.float32)
        assert (part.images.min(), part.images.max()) == (0, 1)
        assert part.labels.dtype == np.int64
        assert part.labels[:5].tolist() == labels
