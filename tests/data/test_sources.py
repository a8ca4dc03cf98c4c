"""Data sets of all kinds are read by what a user calls them, and whatever is wrong is one line."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from idx_files import write_idx

from tinygrad_cnn.data import (
    Parts,
    cifar10,
    kmnist,
    read,
    read_csv,
    read_folder,
    read_npz,
    read_picture,
    scale_picture,
)
from tinygrad_cnn.data.families import FAMILIES

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (10, 6, 6), dtype=np.uint8)
LABELS = np.arange(10) % 2


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refuses(read, said):
    with pytest.raises(ValueError, match=said) as caught:
        read()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400


# --- files of arrays --------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_as_keras_has_it(save):
    save(
        "mnist.npz",
        x_train=PIXELS,
        y_train=LABELS.astype(np.uint8),
        x_test=PIXELS[:3],
        y_test=LABELS[:3, None],
    )
    parts = read("mnist.npz")
    assert isinstance(parts, Parts)
    np.testing.assert_array_equal(parts.train.images, (PIXELS[:, None] / 255).astype(np.float32), strict=True)
    np.testing.assert_array_equal(parts.train.labels, LABELS, strict=True)
    np.testing.assert_array_equal(parts.test.labels, LABELS[:3], strict=True)
    assert parts.classes == ("0", "1")


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (PIXELS, (1, 6, 6)),
        (PIXELS[..., None], (1, 6, 6)),
        (np.stack([PIXELS] * 3, -1), (3, 6, 6)),
        (np.stack([PIXELS] * 3, 1), (3, 6, 6)),
        (np.asfortranarray(PIXELS), (1, 6, 6)),
        ((PIXELS / 255).astype(">f4"), (1, 6, 6)),
        (PIXELS > 100, (1, 6, 6)),
    ],
)
def test_an_archive_of_one_set_is_split(images, shape):
    np.savez("own.npz", images=images, labels=LABELS)
    train, test, _ = read("own.npz")
    assert (len(train.labels), len(test.labels)) == (8, 2)
    assert train.images.shape[1:] == shape
    whole, none = read_npz("own.npz")
    assert none is None
    first = whole.images[:, 0] if images.dtype != bool else PIXELS > 100
    np.testing.assert_allclose(first, PIXELS / 255 if images.dtype != bool else PIXELS > 100, atol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pictures": PIXELS, "labels": LABELS}, "expected an array 'images', found pictures, labels"),
        ({"images": PIXELS}, "expected an array 'labels', found images"),
        ({"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS}, "expected an array 'y_test'"),
        ({"images": PIXELS.astype(int) + 1, "labels": LABELS}, "integer pixels from 0 to 255"),
        ({"images": PIXELS / 1.0, "labels": LABELS}, r"numbers in \[0, 1\]"),
        ({"images": PIXELS / np.nan, "labels": LABELS}, r"numbers in \[0, 1\]"),
        ({"images": PIXELS[0], "labels": LABELS}, r"expected images of shape \(N, H, W\)"),
        ({"images": PIXELS[:0], "labels": LABELS[:0]}, "at least one image"),
        ({"images": PIXELS, "labels": LABELS[:5]}, "expected 10 integers as labels, got int64 of shape"),
        ({"images": PIXELS, "labels": LABELS / 2}, "integers as labels, got float64"),
        ({"images": PIXELS, "labels": LABELS - 1}, "labels from 0 on, got -1"),
        ({"images": PIXELS, "labels": LABELS + 10_000}, "labels up to 9999, got 10001"),
        ({"images": np.array([[[None]]]), "labels": LABELS}, "archive of NumPy, got a damaged"),
    ],
)
def test_an_archive_of_something_else_is_refused(arrays, said):
    with np.errstate(all="ignore"):
        np.savez("own.npz", **arrays)
    refuses(lambda: read("own.npz"), said)


def _table(pixels=PIXELS, labels=LABELS, heading=""):
    rows = np.column_stack([labels, pixels.reshape(len(pixels), -1)])
    return heading + "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())


@pytest.mark.parametrize("heading", ["", "label,1x1\n", '"label","p"\n'])
def test_a_table_with_or_without_a_heading(heading):
    Path("own.csv").write_text(_table(heading=heading))
    found = read_csv("own.csv")
    np.testing.assert_allclose(found.images, PIXELS[:, None] / 255, atol=1e-7)
    np.testing.assert_array_equal(found.labels, LABELS, strict=True)
    Path("own.csv").write_text(_table(np.stack([PIXELS] * 3, 1)))
    assert read_csv("own.csv").images.shape == (10, 3, 6, 6)


def test_a_table_to_test_on_stands_beside_it():
    Path("mnist_train.csv").write_text(_table())
    Path("mnist_test.csv").write_text(_table(PIXELS[:4], LABELS[:4]))
    assert [len(part.labels) for part in read("mnist_train.csv")[:2]] == [10, 4]
    Path("mnist_test.csv").write_text(_table(PIXELS[:4, :3, :3], LABELS[:4]))
    refuses(lambda: read("mnist_train.csv"), "expected images of one shape")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lines of numbers"),
        ("a,b\n", "lines of numbers"),
        ("1,2,3\n1,2\n", "lines of numbers"),
        ("1,2,x,4,5\n", "expected"),
        ("1,2\n1,x\n", "lines of numbers"),
        ("1\n", "got 0 pixels"),
        ("1,2,3\n", "got 2 pixels"),
        ("1,256\n", "pixels from 0 to 255"),
        ("1,-1\n", "pixels from 0 to 255"),
        ("1,nan\n", "pixels from 0 to 255"),
        ("1.5,0\n", "a whole number as the label"),
        ("1e30,0\n", "a whole number as the label"),
        ("-1,0\n", "labels from 0 on"),
        ("\x00\xff", "expected"),
    ],
)
def test_a_table_of_something_else_is_refused(text, said):
    Path("own.csv").write_bytes(text.encode("latin-1"))
    refuses(lambda: read_csv("own.csv"), said)


# --- pictures ---------------------------------------------------------------------------------------------


def _picture(path, pixels, **options):
    image = pytest.importorskip("PIL.Image")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    image.fromarray(pixels).save(path, **options)


def test_a_folder_of_folders_is_a_data_set():
    for n, (pixels, label) in enumerate(zip(PIXELS, LABELS, strict=True)):
        _picture(f"pets/{'cat' if label else 'ant'}/{n}.png", pixels)
    Path("pets/cat/notes.txt").touch()
    Path("pets/.hidden").mkdir()
    dataset, classes = read_folder("pets")
    assert classes == ("ant", "cat")
    assert dataset.labels.tolist() == [0] * 5 + [1] * 5
    np.testing.assert_allclose(
        dataset.images[:, 0], np.concatenate([PIXELS[::2], PIXELS[1::2]]) / 255, atol=1e-7
    )
    train, test, _ = read("folder:pets")
    assert (len(train.labels), len(test.labels)) == (8, 2)
    assert read("folder:pets", shape=(3, 4, 5)).train.images.shape == (8, 3, 4, 5)
    _picture("pets/ant/x.png", PIXELS[0, :5])
    refuses(lambda: read("folder:pets"), r"x.png: expected \(6, 6\) pixels .*, got \(5, 6\): pass shape")
    Path("pets/ant/x.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    refuses(lambda: read("folder:pets"), r"x.png: expected a picture, got a damaged or other file")
    Path("pets/new").mkdir()
    Path("pets/ant/x.png").unlink()
    refuses(lambda: read("folder:pets"), "expected pictures in the folder 'new'")


def test_a_folder_may_have_parts_to_train_and_to_test_on():
    for part, n in (("train", 3), ("test", 2)):
        for name in ("a", "b"):
            for i in range(n):
                _picture(f"own/{part}/{name}/{i}.jpg", PIXELS[i])
    assert [len(part.labels) for part in read("folder:own")[:2]] == [6, 4]
    _picture("own/test/c/0.jpg", PIXELS[0])
    refuses(lambda: read("folder:own"), "the same classes in train and test")


def test_pictures_of_all_modes_are_read():
    grey = PIXELS[0]
    _picture("grey.png", grey)
    np.testing.assert_array_equal(read_picture("grey.png", channels=1), grey, strict=True)
    assert read_picture("grey.png").shape == (6, 6, 3)
    _picture("deep.png", grey.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_picture("deep.png", channels=1), grey)
    colours = np.stack([grey, grey, grey, np.zeros_like(grey)], -1)
    _picture("clear.png", colours)
    assert (read_picture("clear.png", channels=1) == 255).all()
    _picture("bits.png", grey > 100)
    np.testing.assert_array_equal(read_picture("bits.png", channels=1), (grey > 100) * 255)
    with Path("grey.png").open("rb") as file:
        np.testing.assert_array_equal(read_picture(file, channels=1), grey)
    image = scale_picture(read_picture("grey.png"), (3, 3, 3))
    assert (image.shape, image.dtype) == ((3, 3, 3), np.float32)
    assert image.mean() == pytest.approx(grey.mean() / 255, abs=0.05)


def test_without_pillow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad-cnn\[pictures\]'"):
        read_picture("grey.png")


# --- data sets with a name --------------------------------------------------------------------------------


def _records(labels, pixels):
    return np.column_stack([np.uint8(labels), pixels.reshape(len(labels), -1)]).astype(np.uint8).tobytes()


@pytest.mark.parametrize("form", ["files", "folder", "archive"])
def test_cifar10_in_its_binary_version(form):
    pixels = RNG.integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    files = {name: _records([i, 9 - i], pixels[2 * i : 2 * i + 2]) for i, name in enumerate(names)}
    place = Path("cifar-10-batches-bin") if form == "folder" else Path()
    place.mkdir(exist_ok=True)
    if form == "archive":
        with tarfile.open("cifar-10-binary.tar.gz", "w:gz") as archive:
            for name, content in files.items():
                info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    else:
        for name, content in files.items():
            (place / name).write_bytes(content)
    train, test = cifar10(".")
    np.testing.assert_array_equal(train.images, (pixels[:10] / 255).astype(np.float32), strict=True)
    assert train.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert test.labels.tolist() == [5, 4]
    assert read("cifar10", ".").classes[5] == "dog"
    if form == "files":
        for content, said in (
            (b"\x00" * 3072, "whole records"),
            (b"\x0a" * 3073, r"labels in 0\.\.9, got 10"),
        ):
            Path("data_batch_2.bin").write_bytes(content)
            refuses(lambda: cifar10("."), said)
    if form == "archive":
        whole = Path("cifar-10-binary.tar.gz").read_bytes()
        for cut in (10, len(whole) // 2, len(whole) - 20):
            Path("cifar-10-binary.tar.gz").write_bytes(whole[:cut])
            refuses(lambda: cifar10("."), "expected an intact archive|in the archive, found none")


def test_kmnist_is_read_also_from_a_folder_raw_with_dots_in_the_names():
    Path("raw").mkdir()
    for part, n in (("train", 5), ("t10k", 2)):
        write_idx(Path(f"raw/{part}-images.idx3-ubyte"), np.zeros((n, 28, 28), np.uint8))
        write_idx(Path(f"raw/{part}-labels.idx1-ubyte.gz"), np.arange(n, dtype=np.uint8))
    train, test = kmnist(".")
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 2, 3, 4], [0, 1])
    assert read("kmnist", ".").classes == FAMILIES["kmnist"].classes


def test_other_names_are_refused():
    refuses(lambda: read("imagenet"), "expected one of digits, mnist, .*folder:DIR")
    refuses(lambda: read("digits", "."), "digits are generated")
    refuses(lambda: read("own.npz", "."), "a folder is for mnist")
    for missing in ("folder:none", "none.npz", "none.csv"):
        with pytest.raises(FileNotFoundError):
            read(missing)
    with pytest.raises(FileNotFoundError, match="expected cifar-10-binary"):
        cifar10(".")
