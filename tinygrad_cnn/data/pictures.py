"""Pictures in files, PNG, JPEG or what else Pillow reads, and folders of them as data sets."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..checks import printable
from ..types import NDArray
from .contents import MAX_RATIO, read_at_most
from .dataset import Dataset

__all__ = ["read_folder", "read_picture", "scale_picture"]

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm"}
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")  # all by Pillow itself, which runs no other program
_MOST_PIXELS = 1 << 26  # of one picture: more than cameras have, and 64 MB in grey
_MOST_BYTES = 1 << 28  # of the file of one
_SMALL = 1 << 22  # pixels that may be in a file of any size, as those of an empty page are


def read_picture(source: str | os.PathLike[str] | IO[bytes], *, channels: int = 3) -> NDArray:
    """Read a picture from a file; this needs Pillow.

    Parameters
    ----------
    source : str, path or binary file
        The file, or an open one.
    channels : int
        1 for brightness, 3 for colours. What is transparent counts as white.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, 3)

    Raises
    ------
    ImportError
        If Pillow is not installed.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, is no picture, or claims more pixels than it can hold. It is one line.

    Examples
    --------
    >>> read_picture("seven.png", channels=1).shape  # doctest: +SKIP
    (28, 28)
    """
    pillow = _pillow()
    shown = printable(str(source), 4096) if isinstance(source, str | os.PathLike) else "standard input"
    content = _content(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong with a file is an error, or no matter
            with pillow.open(io.BytesIO(content), formats=_FORMATS) as picture:
                _check_size(picture.size, len(content))
                return np.asarray(_on_white(pillow, picture).convert("L" if channels == 1 else "RGB"))
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises whatever its decoders run into
        is_known = not isinstance(error, pillow.UnidentifiedImageError)  # which shows an object of Python
        why = printable(" ".join(str(error).split()), 150) if is_known else "a format that is not known"
        raise ValueError(f"{shown}: expected a picture, got a damaged or other file: {why}") from error


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("pictures need Pillow: pip install 'tinygrad-cnn[pictures]'") from None
    return Image


def _content(source: str | os.PathLike[str] | IO[bytes]) -> bytearray:
    """Read a file to its end: Pillow makes room for whatever a file claims that it goes on with."""
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            return read_at_most(file, _MOST_BYTES)
    return read_at_most(source, _MOST_BYTES)


def _check_size(size: tuple[int, int], packed: int) -> None:
    """Raise a ValueError if a picture claims more pixels than its file can hold, or than a camera has."""
    if size[0] * size[1] > min(_MOST_PIXELS, max(_SMALL, MAX_RATIO * packed)):
        raise ValueError(f"it claims {size[0]} x {size[1]} pixels, in {packed} bytes")


def _on_white(pillow: Any, picture: Any) -> Any:
    """Return the picture upright, and on white where it is transparent."""
    from PIL import ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode == "I;16":  # a scale to 65535, which `convert` would clip at 255
        return pillow.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return pillow.alpha_composite(pillow.new("RGBA", picture.size, "white"), picture)
    return picture


def read_folder(
    path: str | os.PathLike[str], shape: tuple[int, int, int] | None = None
) -> tuple[Dataset, tuple[str, ...]]:
    """Read pictures from a folder in which each folder is a class; this needs Pillow.

    Parameters
    ----------
    path : str or path
        The folder. The names of the folders in it are the classes, in alphabetical order.
    shape : tuple of int, optional
        The channels (1 or 3), rows and columns that each picture is scaled to; by default those of the first
        picture, which all others must share.

    Returns
    -------
    dataset : Dataset
        Images of float32 in [0, 1], in the order of classes and names.
    classes : tuple of str
        The names of the classes, whose places are the labels.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    FileNotFoundError
        If there is no such folder.
    ValueError
        If there is no class, a class has no picture, or a picture is damaged or has another size.

    Examples
    --------
    >>> dataset, classes = read_folder("flowers", shape=(3, 32, 32))  # doctest: +SKIP
    """
    folder = Path(path)
    shown = printable(str(folder), 4096)
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != ".")
    if not classes:
        raise ValueError(f"{shown}: expected a folder for each class, found none")
    images, labels, scale = [], [], shape is not None
    for label, name in enumerate(classes):
        files = sorted(file for file in (folder / name).iterdir() if file.suffix.lower() in _SUFFIXES)
        if not files:
            raise ValueError(f"{shown}: expected pictures in the folder '{printable(name)}', found none")
        for file in files:
            picture = read_picture(file, channels=shape[0] if shape else _channels_of(file))
            own = (1 if picture.ndim == 2 else 3, *picture.shape[:2])
            if shape is not None and not scale and own != shape:
                raise ValueError(
                    f"{printable(str(file), 4096)}: expected {shape[1:]} pixels as in the first picture, got "
                    f"{own[1:]}: pass shape (--image-shape) to scale all"
                )
            shape = shape or own
            images.append(scale_picture(picture, shape))
            labels.append(label)
    return Dataset(np.stack(images), np.array(labels, np.int64)), tuple(classes)


def _channels_of(file: Path) -> int:
    """Return 1 for a picture in grey and 3 for one in colours."""
    try:
        with _pillow().open(io.BytesIO(_content(file)), formats=_FORMATS) as picture:
            return 1 if picture.mode in ("1", "L", "I", "I;16") else 3
    except Exception:
        return 3  # and `read_picture` tells what is wrong


def scale_picture(picture: NDArray, shape: tuple[int, int, int]) -> NDArray:
    """Turn a picture into an image of a shape, by Pillow's bilinear scaling.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W) or (H, W, 3)
        What `read_picture` has returned.
    shape : tuple of int
        The channels, which must be those of the picture, the rows and the columns.

    Returns
    -------
    ndarray of float32, of that shape
        The image, with values in [0, 1].

    Examples
    --------
    >>> scale_picture(np.full((2, 2), 255, np.uint8), (1, 2, 2))
    array([[[1., 1.],
            [1., 1.]]], dtype=float32)
    """
    _, height, width = shape
    if picture.shape[:2] != (height, width):
        pillow = _pillow()
        picture = np.asarray(pillow.fromarray(picture).resize((width, height), pillow.Resampling.BILINEAR))
    image = np.divide(picture, 255, dtype=np.float32)
    return image[None] if image.ndim == 2 else np.ascontiguousarray(np.moveaxis(image, 2, 0))
