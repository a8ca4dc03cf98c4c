"""The MNIST family, whose data sets are four IDX files in one folder each."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..checks import printable
from .dataset import Dataset
from .idx import read_idx

__all__ = ["fashion_mnist", "kmnist", "mnist"]

_SIDE = 28  # pixels
_CLASSES = 10


def mnist(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Read MNIST, the handwritten digits, from its four original files.

    Nothing is downloaded. Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to
    document recognition", Proceedings of the IEEE 86, 1998.

    Parameters
    ----------
    path : str or path
        The folder that holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, each plain or with the suffix ``.gz``.
        Names with a dot in the place of the hyphen before ``idx`` are read too, and a folder ``raw`` below.

    Returns
    -------
    train, test : Dataset
        60,000 and 10,000 images of shape (1, 28, 28), pixels divided by 255.

    Raises
    ------
    FileNotFoundError
        If one of the files is missing.
    ValueError
        If a file is not valid IDX, the images are not uint8 of 28 x 28, a label is not in 0..9, or the
        numbers of images and labels differ.

    Examples
    --------
    >>> train, test = mnist("data/mnist")  # doctest: +SKIP
    >>> train.images.shape  # doctest: +SKIP
    (60000, 1, 28, 28)
    """
    return _read_both_parts(Path(path))


def fashion_mnist(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Read Fashion-MNIST, ten kinds of clothing in files that are named and shaped as those of MNIST.

    Nothing is downloaded. Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms", arXiv:1708.07747, 2017.

    Parameters
    ----------
    path : str or path
        The folder that holds the four files, whose names are those that `mnist` expects.

    Returns
    -------
    train, test : Dataset
        60,000 and 10,000 images of shape (1, 28, 28), pixels divided by 255.

    Raises
    ------
    FileNotFoundError
        If one of the files is missing.
    ValueError
        If a file is damaged, for the same reasons as in `mnist`.

    Examples
    --------
    >>> train, test = fashion_mnist("data/fashion-mnist")  # doctest: +SKIP
    >>> test.labels.shape  # doctest: +SKIP
    (10000,)
    """
    return _read_both_parts(Path(path))


def kmnist(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Read Kuzushiji-MNIST, ten cursive Japanese characters in files named and shaped as those of MNIST.

    Nothing is downloaded. Source: Clanuwat et al., "Deep learning for classical Japanese literature",
    arXiv:1812.01718, 2018.

    Parameters
    ----------
    path : str or path
        The folder that holds the four files, whose names are those that `mnist` expects.

    Returns
    -------
    train, test : Dataset
        60,000 and 10,000 images of shape (1, 28, 28), pixels divided by 255.

    Raises
    ------
    FileNotFoundError
        If one of the files is missing.
    ValueError
        If a file is damaged, for the same reasons as in `mnist`.

    Examples
    --------
    >>> train, test = kmnist("data/kmnist")  # doctest: +SKIP
    >>> test.labels.shape  # doctest: +SKIP
    (10000,)
    """
    return _read_both_parts(Path(path))


def _read_both_parts(folder: Path) -> tuple[Dataset, Dataset]:
    return _read_part(folder, "train"), _read_part(folder, "t10k")


def _read_part(folder: Path, part: str) -> Dataset:
    images = _read_images(_find(folder, f"{part}-images-idx3-ubyte"))
    labels_path = _find(folder, f"{part}-labels-idx1-ubyte")
    return Dataset(images, _read_labels(labels_path, len(images)))


def _find(folder: Path, name: str) -> Path:
    """Find the file of this name in the folder; the plain file is preferred to the compressed one."""
    for place in (folder, folder / "raw"):  # torchvision keeps the files in such a folder
        for variant in (name, name.replace("-idx", ".idx")):
            for path in (place / variant, place / f"{variant}.gz"):
                if path.exists():
                    return path
    raise FileNotFoundError(f"{folder}: expected a file {name} or {name}.gz, found neither")


def _read_images(path: Path) -> NDArray[np.float32]:
    def check(dtype: np.dtype, shape: tuple[int, ...]) -> None:
        if dtype != np.uint8 or len(shape) != 3 or shape[1:] != (_SIDE, _SIDE):
            raise ValueError(
                f"{path}: expected uint8 images of shape (N, {_SIDE}, {_SIDE}), "
                f"got {dtype.name} of shape {printable(str(shape))}"
            )

    pixels = read_idx(path, check)
    images: NDArray[np.float32] = np.divide(pixels[:, None], 255, dtype=np.float32)  # (N, 1, 28, 28)
    return images


def _read_labels(path: Path, count: int) -> NDArray[np.int64]:
    def check(dtype: np.dtype, shape: tuple[int, ...]) -> None:
        if dtype != np.uint8 or len(shape) != 1:
            found = printable(str(shape))
            raise ValueError(
                f"{path}: expected uint8 labels of shape (N,), got {dtype.name} of shape {found}"
            )
        if shape[0] != count:
            raise ValueError(f"{path}: expected {count} labels, one an image, got {shape[0]}")

    labels = read_idx(path, check)
    if labels.size and labels.max() >= _CLASSES:
        raise ValueError(f"{path}: expected labels in 0..{_CLASSES - 1}, got {labels.max()}")
    return labels.astype(np.int64)
