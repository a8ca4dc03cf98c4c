"""Data sets by what a user calls them: a name, a folder of pictures, or a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .arrays import read_csv, read_npz
from .dataset import Dataset
from .digits import digits
from .families import FAMILIES
from .fetching import Progress, fetch
from .pictures import read_folder
from .splitting import split

__all__ = ["Parts", "read"]

_MOST_CLASSES = 9999
_SHARE = 0.2  # of a data set without a part to test on, which is held out of it


class Parts(NamedTuple):
    """A data set in two parts.

    Parameters
    ----------
    train, test : Dataset
        The images to train on, and those to test on.
    classes : tuple of str
        The names of the classes.
    """

    train: Dataset
    test: Dataset
    classes: tuple[str, ...]


def read(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    shape: tuple[int, int, int] | None = None,
    progress: Progress | None = None,
) -> Parts:
    """Read a data set by its name.

    Parameters
    ----------
    name : str
        ``"digits"``, which are generated; ``"mnist"``, ``"fashion-mnist"``, ``"kmnist"`` or ``"cifar10"``;
        ``"folder:DIR"`` for pictures, with a folder a class in ``DIR`` or in each of ``DIR/train`` and
        ``DIR/test``; or the path of a file ``.npz`` or ``.csv``. Of a data set without a part to test on, a
        fifth of each class is held out, always the same.
    folder : str or path, optional
        Where the files of a data set with a name are; by default they are fetched, see `fetch`.
    shape : tuple of int, optional
        The channels, rows and columns to scale pictures of a folder to.
    progress : callable, optional
        What shows the progress of fetching; see `fetch`.

    Returns
    -------
    Parts
        The images to train and to test on, and the names of the classes.

    Raises
    ------
    OSError
        If files are missing and cannot be fetched.
    ValueError
        If the name is unknown, or a file is damaged or holds something else. The message is one line.
    ImportError
        If pictures are asked for, and Pillow is not installed.

    Examples
    --------
    >>> read("digits").classes[:3]
    ('0', '1', '2')
    """
    if name == "digits":
        if folder is not None:
            raise ValueError("digits are generated; name what is in the folder, such as mnist")
        return Parts(*digits(), FAMILIES["mnist"].classes)
    if name in FAMILIES:
        family = FAMILIES[name]
        return Parts(
            *family.read(fetch(name, progress=progress) if folder is None else folder), family.classes
        )
    if folder is not None:
        raise ValueError(
            f"a folder is for {', '.join(FAMILIES)}, and not for {name!r}, which says where it is"
        )
    if name.startswith("folder:"):
        return _of_folder(Path(name.removeprefix("folder:")), shape)
    if name.endswith(".npz"):
        return _numbered(*read_npz(name))
    if name.endswith(".csv"):
        return _of_csv(Path(name))
    known = ", ".join(["digits", *FAMILIES])
    raise ValueError(f"data: expected one of {known}, folder:DIR, or a file .npz or .csv, got {name!r}")


def _of_folder(folder: Path, shape: tuple[int, int, int] | None) -> Parts:
    if not ((folder / "train").is_dir() and (folder / "test").is_dir()):
        dataset, classes = read_folder(folder, shape)
        return Parts(*_split(dataset), classes)
    train, classes = read_folder(folder / "train", shape)
    test, others = read_folder(folder / "test", train.images.shape[1:])
    if others != classes:
        raise ValueError(f"{folder}: expected the same classes in train and test, got {classes} and {others}")
    return Parts(train, test, classes)


def _of_csv(path: Path) -> Parts:
    """Read a table, and the one beside it that is named as its counterpart to test on, if there is one."""
    counterpart = path.with_name(path.name.replace("train", "test"))
    test = read_csv(counterpart) if counterpart != path and counterpart.exists() else None
    return _numbered(read_csv(path), test)


def _numbered(train: Dataset, test: Dataset | None) -> Parts:
    """Return both parts of a data set whose classes have numbers for names."""
    if test is None:
        train, test = _split(train)
    if train.images.shape[1:] != test.images.shape[1:]:
        raise ValueError(
            f"data: expected images of one shape to train and to test on, got {train.images.shape[1:]} and "
            f"{test.images.shape[1:]}"
        )
    most = int(max(train.labels.max(initial=0), test.labels.max(initial=0)))
    if most > _MOST_CLASSES:
        raise ValueError(f"data: expected labels up to {_MOST_CLASSES}, got {most}")
    return Parts(train, test, tuple(str(label) for label in range(most + 1)))


def _split(dataset: Dataset) -> tuple[Dataset, Dataset]:
    return split(dataset, _SHARE, np.random.default_rng(0))
