"""Files that are damaged or made up cost little, and give one line or what can be used; never a warning."""

import gzip
import io
import random
import tarfile
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from idx_files import idx_bytes

from tinygrad_cnn import train
from tinygrad_cnn.data import cifar10, read_csv, read_folder, read_idx, read_npz, read_picture
from tinygrad_cnn.train import safetensors, structure

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (4, 5, 5), dtype=np.uint8)
TREE = {"w": [np.ones((3, 4), np.float32), {"b": np.arange(3)}], ("k", 1): "text", "n": 3, "none": None}


def saved(save, *args, **kwargs):
    file = io.BytesIO()
    save(file, *args, **kwargs)
    return file.getvalue()


def picture(form, mode="L"):
    image = pytest.importorskip("PIL.Image")
    return saved(image.fromarray(PIXELS[0]).convert(mode).save, format=form)


def tree_file():
    path = Path("tree")
    train.save(path, TREE, {"model": "m"})
    return path.read_bytes()


def table():
    rows = np.column_stack([np.arange(4), PIXELS.reshape(4, -1)]).tolist()
    return ("label,p\n" + "\n".join(",".join(map(str, row)) for row in rows)).encode()


def archive():
    """An archive as that of CIFAR-10, with two records in each file."""
    file, records = io.BytesIO(), (bytes([3]) + bytes(3072)) * 2
    with tarfile.open(fileobj=file, mode="w:gz") as packed:
        for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(records)
            packed.addfile(info, io.BytesIO(records))
    return file.getvalue()


def read_archive(path):
    """Read a file as the archive of CIFAR-10; an error names the archive."""
    packed = path.with_name("cifar-10-binary.tar.gz")
    path.replace(packed)
    try:
        return cifar10(path.parent)
    except ValueError as error:
        raise ValueError(str(error).replace(str(packed), str(path))) from error


def read_tar(path):
    """Read a file as what the archive of CIFAR-10 unpacks to; its checksum is made to be right."""
    path.write_bytes(gzip.compress(path.read_bytes(), 1))
    return read_archive(path)


def foreign():
    """A safetensors file of another program, which has no checksum."""
    header = b'{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"__metadata__":{"format":"pt"}}'
    return len(header).to_bytes(8, "little") + header + bytes(24)


def read_structure(path):
    """Read a file as the containers of a tree, in a file whose checksum is right."""
    text, (_, arrays) = path.read_bytes().decode(errors="replace"), structure.describe(TREE)
    path.write_bytes(b"".join(safetensors.pieces(arrays, {f"{safetensors.OURS}structure": text})))
    return train.load(path)


PARSERS = {
    "idx": (
        read_idx,
        lambda: [idx_bytes(PIXELS), idx_bytes(PIXELS.astype(np.float64)), gzip.compress(idx_bytes(PIXELS))],
    ),
    "safetensors": (train.load, lambda: [tree_file(), foreign()]),
    "structure": (read_structure, lambda: [structure.describe(TREE)[0].encode()]),
    "npz of a tree": (train.load, lambda: [saved(np.savez, a=PIXELS, b=np.arange(3.0))]),
    "npz of images": (
        read_npz,
        lambda: [saved(save, images=PIXELS, labels=np.arange(4)) for save in (np.savez, np.savez_compressed)],
    ),
    "csv": (read_csv, lambda: [table()]),
    "cifar": (read_archive, lambda: [archive()]),
    "tar": (read_tar, lambda: [gzip.decompress(archive())]),
    "picture": (
        read_picture,
        lambda: [picture("PNG"), picture("PNG", "P"), picture("PNG", "RGBA"), picture("JPEG")],
    ),
}
LARGE = [
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x00\x00\xff\xff",
    b"999999999",
    b"1e999",
    b"\x00" * 8,
    b"-1",
]


def mutant(content, draw):
    """A content with a few bits flipped, bytes put in or taken out, pieces moved, or numbers made large."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 5])):
        at = draw.randrange(len(content) + 1)
        kind = draw.randrange(6)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            content[at:at] = draw.randbytes(draw.choice([1, 4, 40]))
        elif kind == 2:
            del content[at : at + draw.choice([1, 4, 40])]
        elif kind == 3:
            start = draw.randrange(len(content) + 1)
            content[at : at + 16] = content[start : start + 16]
        elif kind == 4:
            large = draw.choice(LARGE)
            content[at : at + len(large)] = large
        else:
            del content[at:]
        if not content:
            break
    return bytes(content)


def check(read, path, content):
    """Read a file, within the limits for time and memory."""
    path.write_bytes(content)
    tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.process_time()
    try:
        read(path)
    except ValueError as error:
        message = str(error)
        assert message.startswith(str(path)), message
        assert message.isprintable(), message
        assert len(message) < len(str(path)) + 400, message
    assert time.process_time() - start < 2
    peak = tracemalloc.get_traced_memory()[1] - before
    # what Pillow, or our pieces, take for any file; the archive unpacks to 12 pictures of 12 KB as floats
    own = 4 << 20 if read is read_picture else 3 << 19
    assert peak < 4 * len(content) + own, f"{peak} bytes for a file of {len(content)}"


def fuzz(name, count, folder, monkeypatch):
    monkeypatch.chdir(folder)
    read, make = PARSERS[name]
    seeds, draw, path = make(), random.Random(name), Path("a file")
    for seed in (*seeds, b"nothing"):  # what is imported meanwhile is no memory of theirs
        check(read, path, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracemalloc.start()
        try:
            for number in range(count):
                content = mutant(draw.choice(seeds), draw)
                try:
                    check(read, path, content)
                except BaseException:
                    Path(f"found-{number}").write_bytes(content)
                    raise
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("name", PARSERS)
def test_damaged_files_are_refused_in_one_line(name, tmp_path, monkeypatch):
    fuzz(name, 200, tmp_path, monkeypatch)


@pytest.mark.thorough
@pytest.mark.parametrize("name", PARSERS)
def test_a_hundred_thousand_damaged_files(name, tmp_path, monkeypatch, record_property):
    fuzz(name, 100_000, tmp_path, monkeypatch)
    record_property(f"count: damaged files of {name}", 100_000)


def test_a_picture_that_claims_far_more_than_it_holds_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    content = bytearray(picture("PNG"))
    content[16:24] = (30_000).to_bytes(4, "big") * 2
    (tmp_path / "a" / "x.png").write_bytes(content)
    for read in (lambda: read_picture(tmp_path / "a" / "x.png"), lambda: read_folder(tmp_path)):
        with pytest.raises(ValueError, match="expected a picture"):
            read()
    content = picture("PNG")
    at = content.index(b"IDAT")
    longer = content[: at - 4] + b"\x2d\x00\x00\x00" + content[at:]
    tracemalloc.start()
    try:
        check(read_picture, tmp_path / "x.png", longer)  # a part that claims 720 MB
    finally:
        tracemalloc.stop()
