"""Data sets of the user in files of arrays: ``.npz`` as NumPy writes it, and ``.csv``."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import printable
from . import npz
from .dataset import Dataset

__all__ = ["read_csv", "read_npz"]

_NAMES = [("x_train", "y_train"), ("x_test", "y_test")]
_ONE_SET = [("images", "labels"), ("x", "y")]


def read_npz(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset | None]:
    """Read images and labels from an archive of NumPy.

    Parameters
    ----------
    path : str or path
        A file that `numpy.savez` or `numpy.savez_compressed` wrote, with the arrays ``x_train``, ``y_train``,
        ``x_test`` and ``y_test`` as Keras has them, or else ``images`` and ``labels``, or ``x`` and ``y``.
        Images have shape (N, H, W), (N, C, H, W) or (N, H, W, C), where C is 1 or 3. They are divided by 255
        if they are integers, and must be in [0, 1] otherwise. Labels are integers from 0 on.

    Returns
    -------
    train : Dataset
        The images to train on, or all there are.
    test : Dataset or None
        The others, if the file tells them apart.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or its arrays are no images and labels. The message is one line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "data.npz"
    ...     np.savez(file, images=np.zeros((5, 8, 8), np.uint8), labels=np.arange(5))
    ...     read_npz(file)[0].images.shape
    (5, 1, 8, 8)
    """
    shown = printable(str(path), 4096)
    with Path(path).open("rb") as file:
        try:
            contents = npz.read(file, os.fstat(file.fileno()).st_size, compressed=True)
            arrays = contents.read()
        except Exception as error:  # zipfile alone raises a dozen types
            why = printable(str(error), 100)
            raise ValueError(
                f"{shown}: expected an archive of NumPy, got a damaged or other file: {why}"
            ) from error
    names = _NAMES if _NAMES[0][0] in arrays else [next((n for n in _ONE_SET if n[0] in arrays), _ONE_SET[0])]
    found = []
    for images, labels in names:
        for name in (images, labels):
            if name not in arrays:
                known = printable(", ".join(arrays) or "none")
                raise ValueError(f"{shown}: expected an array '{name}', found {known}")
        found.append(_as_dataset(shown, arrays[images], arrays[labels]))
    return found[0], found[1] if len(found) > 1 else None


def read_csv(path: str | os.PathLike[str]) -> Dataset:
    r"""Read images and labels from a table: a line for each image, its label first, then its pixels.

    Parameters
    ----------
    path : str or path
        A file of numbers with commas between them, with or without a line of headings. The pixels are from 0
        to 255, row by row; the image is square, and has three channels, one after the other, if the pixels
        are three times a square.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a line is no such image, or has another length than the first. The message is one line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "data.csv"
    ...     _ = file.write_text("label,p0,p1,p2,p3\n7,0,255,0,255\n")
    ...     read_csv(file).images
    array([[[[0., 1.],
             [0., 1.]]]], dtype=float32)
    """
    shown = printable(str(path), 4096)
    with Path(path).open("rb") as file:
        headings = not _is_number(file.readline(1 << 20).partition(b",")[0])
        file.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # an empty file is a warning for NumPy
                table = np.loadtxt(
                    file, np.float32, delimiter=",", skiprows=int(headings), ndmin=2, comments=None
                )
        except (ValueError, UserWarning, UnicodeError) as error:
            why = printable(" ".join(str(error).split()), 150)
            raise ValueError(f"{shown}: expected lines of numbers with commas between them: {why}") from error
    pixels = table.shape[1] - 1
    channels = 1 if math.isqrt(pixels) ** 2 == pixels else 3
    side = math.isqrt(pixels // channels)
    if not pixels or channels * side * side != pixels:
        raise ValueError(f"{shown}: expected a label and the pixels of a square, got {pixels} pixels")
    values = table[:, 1:]
    if not (np.isfinite(table).all() and values.min() >= 0 and values.max() <= 255):
        raise ValueError(f"{shown}: expected pixels from 0 to 255, got others")
    if (table[:, 0] != table[:, 0].round()).any() or abs(table[:, 0]).max() > 1e6:
        raise ValueError(f"{shown}: expected a whole number as the label of each line, got others")
    return _as_dataset(shown, values.reshape(-1, channels, side, side) / 255, table[:, 0].astype(np.int64))


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_dataset(shown: str, images: Any, labels: Any) -> Dataset:
    """Return arrays as a data set; raise a ValueError that names the file if they are none."""
    images = _channels_first(shown, images)
    if images.dtype.kind in "bui":
        most = 1 if images.dtype.kind == "b" else 255
        if images.size and (images.max() > most or images.min() < 0):
            raise ValueError(f"{shown}: expected integer pixels from 0 to {most}, got others")
        images = np.divide(images, most, dtype=np.float32)
    elif images.dtype.kind != "f" or not (images.size == 0 or (images.min() >= 0 and images.max() <= 1)):
        raise ValueError(f"{shown}: expected images of integers, or of numbers in [0, 1], got others")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # Keras has those of CIFAR-10 in a column
    if labels.ndim != 1 or labels.dtype.kind not in "ui" or len(labels) != len(images):
        raise ValueError(
            f"{shown}: expected {len(images)} integers as labels, got {labels.dtype} of shape {labels.shape}"
        )
    if labels.size and labels.min() < 0:
        raise ValueError(f"{shown}: expected labels from 0 on, got {labels.min()}")
    if not len(images):
        raise ValueError(f"{shown}: expected at least one image, got none")
    return Dataset(np.ascontiguousarray(images, np.float32), labels.astype(np.int64))


def _channels_first(shown: str, images: Any) -> Any:
    """Return images with shape (N, C, H, W), whatever axis had the channels."""
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[1] in (1, 3):
        return images
    if images.ndim == 4 and images.shape[3] in (1, 3):
        return np.moveaxis(images, 3, 1)
    raise ValueError(f"{shown}: expected images of shape (N, H, W) or (N, C, H, W), got {images.shape}")
