"""CIFAR-10 in its binary version: a byte for the label of each picture, then its 3 x 32 x 32 bytes."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np

from .contents import Readable, most_unpacked, read_at_most
from .dataset import Dataset

__all__ = ["cifar10"]

_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32  # bytes of a label and a picture
_MOST = 50_000  # pictures in one file; the original ones have 10,000 each
_ARCHIVE = "cifar-10-binary.tar.gz"
_FOLDER = "cifar-10-batches-bin"
_TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]
_TEST = ["test_batch.bin"]


def cifar10(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Read CIFAR-10, small photographs of ten classes, from its binary version.

    Nothing is downloaded, and nothing unpacked to the disk. The version for Python is a pickle, which could
    run any code, and is not read. Source: Krizhevsky, "Learning multiple layers of features from tiny
    images", 2009.

    Parameters
    ----------
    path : str or path
        The folder that holds ``cifar-10-binary.tar.gz``, or the six files of it, ``data_batch_1.bin`` to
        ``data_batch_5.bin`` and ``test_batch.bin``, or the folder ``cifar-10-batches-bin`` with these.

    Returns
    -------
    train, test : Dataset
        50,000 and 10,000 images of shape (3, 32, 32), pixels divided by 255.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file does not consist of whole records, or has a label that is not in 0..9.

    Examples
    --------
    >>> train, test = cifar10("data/cifar10")  # doctest: +SKIP
    >>> train.images.shape  # doctest: +SKIP
    (50000, 3, 32, 32)
    """
    folder = Path(path)
    for place in (folder, folder / _FOLDER):
        if (place / _TEST[0]).exists():
            return _both_parts(lambda name, place=place: _of_file(place / name))  # type: ignore[misc]
    archive = folder / _ARCHIVE
    if not archive.exists():
        raise FileNotFoundError(f"{folder}: expected {_ARCHIVE} or {_TEST[0]} and its like, found neither")
    found = _of_archive(archive)
    return _both_parts(lambda name: found[name])


def _both_parts(read: Callable[[str], Dataset]) -> tuple[Dataset, Dataset]:
    parts = []
    for names in (_TRAIN, _TEST):
        images, labels = zip(*map(read, names), strict=True)
        parts.append(Dataset(np.concatenate(images), np.concatenate(labels)))
    return parts[0], parts[1]


def _of_file(path: Path) -> Dataset:
    with path.open("rb") as file:
        return _records(file, str(path))


def _of_archive(path: Path) -> dict[str, Dataset]:
    """Read the files inside of the archive, one after the other as they stand in it."""
    found: dict[str, Dataset] = {}
    try:
        size = path.stat().st_size
        with gzip.open(path) as packed:
            unpacked = _Bounded(packed, size)
            with tarfile.open(fileobj=unpacked, mode="r|") as archive:
                for member in archive:
                    name = member.name.rpartition("/")[2]
                    file = archive.extractfile(member)
                    if name in (*_TRAIN, *_TEST) and name not in found and file is not None:
                        found[name] = _records(file, f"{path}: {name}")
            while unpacked.read(1 << 16):  # to the end, where the checksum of the whole stands
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: expected an intact archive, got a damaged one: {error}") from error
    if missing := [name for name in (*_TRAIN, *_TEST) if name not in found]:
        raise ValueError(f"{path}: expected {', '.join(missing)} in the archive, found none")
    return found


class _Bounded(io.RawIOBase):
    """The content of a compressed file, up to a size beyond which it can only be a bomb."""

    def __init__(self, file: Readable, packed: int) -> None:
        self._file, self._left = file, most_unpacked(packed)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.ReadError("it unpacks to far more than pictures would")
        return data


def _records(file: IO[bytes], shown: str) -> Dataset:
    """Read all records of an open file."""
    body = read_at_most(file, _MOST * _RECORD + 1)
    if len(body) % _RECORD or not body:
        raise ValueError(
            f"{shown}: expected whole records of {_RECORD} bytes, at most {_MOST}, got {len(body)} bytes"
        )
    records = np.frombuffer(body, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0]
    if labels.max() > 9:
        raise ValueError(f"{shown}: expected labels in 0..9, got {labels.max()}")
    images = np.divide(records[:, 1:], 255, dtype=np.float32).reshape(-1, *_SHAPE)
    return Dataset(images, labels.astype(np.int64))
