"""Files of PyTorch: a zip archive with a pickle and the elements of each tensor, or a safetensors file."""

from __future__ import annotations

import math
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ... import train, tree
from ...checks import printable
from ...tape import raw
from ...train import atomic
from ...types import NDArray
from .pickles import Stored, named, parsed

__all__ = ["load", "save"]

_KINDS = {
    "HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8", "BFloat16Storage": "<u2",
    "ByteStorage": "|u1", "CharStorage": "|i1", "ShortStorage": "<i2", "IntStorage": "<i4",
    "LongStorage": "<i8", "BoolStorage": "|b1",
}  # fmt: skip
_NAMES = {np.dtype(code): kind for kind, code in _KINDS.items() if kind != "BFloat16Storage"}
_MOST_NAMES = 64 << 20  # bytes of the pickle, which has the names alone


def load(path: str | os.PathLike[str]) -> dict[str, NDArray]:
    """Read the arrays of a state dict by name, from a ``.pt`` or a safetensors file, without PyTorch.

    The pickle in a ``.pt`` file is read by a machine that knows dicts and tensors and nothing else, so no
    file makes code run. Both formats are told by their content.

    Parameters
    ----------
    path : str or path
        A file of ``torch.save(model.state_dict(), path)`` or of ``safetensors.torch.save_file``. A file of
        ``torch.save`` may hold nested dicts, such as a checkpoint; its numbers and texts are left out.

    Returns
    -------
    dict of str to ndarray
        New arrays. Those of bfloat16 are float32, which holds the same numbers.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or holds more than arrays, such as a whole model. The message is one line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder) / "weights.pt", {"fc.weight": np.ones((2, 3), np.float32)})
    ...     load(Path(folder) / "weights.pt")["fc.weight"].shape
    (2, 3)
    """
    path = Path(path)
    if not zipfile.is_zipfile(path):
        found = train.load(path)
        return dict(zip(tree.paths(found), map(np.asarray, tree.leaves(found)), strict=True))
    shown = printable(str(path), 4096)
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path.stat().st_size)
    except Exception as error:  # zipfile alone raises a dozen types
        why = printable(str(error) or type(error).__name__, 160)
        raise ValueError(
            f"{shown}: expected a state dict of PyTorch, got another or a damaged file: {why}"
        ) from error


def _read(archive: zipfile.ZipFile, size: int) -> dict[str, NDArray]:
    names = archive.namelist()
    if len(set(names)) != len(names):
        raise ValueError("it has two parts of one name")
    (pickle,) = [name for name in names if name.endswith("data.pkl") and name.count("/") == 1] or [""]
    if not pickle:
        raise ValueError("it has no data.pkl")
    folder = pickle.removesuffix("data.pkl")
    byteorder = f"{folder}byteorder"
    if byteorder in names and _part(archive, byteorder, 16) != b"little":
        raise ValueError("it is of a machine that stores the highest byte first")
    stored = dict(named(parsed(_part(archive, pickle, min(size, _MOST_NAMES)))))
    sources: dict[Any, NDArray] = {}
    for tensor in stored.values():
        if tensor.storage not in sources:
            sources[tensor.storage] = _elements(
                _part(archive, f"{folder}data/{tensor.storage.key}", size), tensor
            )
    return {name: _array(sources[tensor.storage], tensor) for name, tensor in stored.items()}


def _part(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > most:
        raise ValueError(f"'{name}' is compressed, or longer than the file")
    return archive.read(info)


def _elements(body: bytes, tensor: Stored) -> NDArray:
    kind = tensor.storage.kind.removeprefix("torch.")
    if kind not in _KINDS:
        raise ValueError(f"it has a tensor of {kind}, which NumPy does not know")
    elements = np.frombuffer(body, _KINDS[kind])
    if len(elements) != tensor.storage.length:
        raise ValueError("a part is of another length than the pickle tells")
    if kind == "BFloat16Storage":  # the upper half of a float32
        return (elements.astype("<u4") << 16).view("<f4")
    if kind == "BoolStorage" and (elements.view(np.uint8) > 1).any():
        raise ValueError("it has truth values other than 0 and 1")
    return elements


def _array(elements: NDArray, tensor: Stored) -> NDArray:
    """Return the array of a tensor, which may be a part of its elements, in another order."""
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    count = math.prod(tensor.shape)
    if count > len(elements) or (count and last >= len(elements)):
        raise ValueError("a tensor reaches beyond its elements")
    if not count:
        return np.zeros(tensor.shape, elements.dtype)
    steps = tuple(step * elements.itemsize for step in tensor.strides)
    view = np.lib.stride_tricks.as_strided(elements[tensor.offset :], tensor.shape, steps, writeable=False)
    return np.array(view, elements.dtype.newbyteorder("="), order="C")


# --- writing ------------------------------------------------------------------------------------------------


def save(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write arrays by name as a file for PyTorch: in its own format (``.pt``, ``.pth``) or as safetensors.

    Parameters
    ----------
    path : str or path
        The file. With the suffix ``.pt`` or ``.pth`` it is for ``torch.load(path)``, with any other for
        ``safetensors.torch.load_file(path)``.
    arrays : mapping of str to ndarray or Tensor
        Such as what `from_layer` returns.

    Raises
    ------
    TypeError
        If an array is of a dtype that PyTorch does not have. Nothing is written then.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> save("model.pt", {"fc.bias": np.zeros(3)})  # doctest: +SKIP
    """
    path = Path(path)
    plain = {name: np.asarray(raw(array), order="C") for name, array in arrays.items()}
    if path.suffix not in (".pt", ".pth"):
        train.save(path, plain)
        return
    for name, array in plain.items():
        if array.dtype.newbyteorder("<") not in _NAMES:
            raise TypeError(f"save: '{name}': expected a dtype that PyTorch has, got {array.dtype}")
    atomic.write(path, [_archive(plain)])


def _archive(arrays: Mapping[str, NDArray]) -> bytes:
    """Return the zip archive with the pickle and the elements."""
    import io

    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("archive/data.pkl", _pickle(arrays))
        archive.writestr("archive/byteorder", b"little")
        for key, array in enumerate(arrays.values()):
            archive.writestr(f"archive/data/{key}", array.astype(array.dtype.newbyteorder("<")).tobytes())
        archive.writestr("archive/version", b"3\n")
    return body.getvalue()


def _pickle(arrays: Mapping[str, NDArray]) -> bytes:
    """Write ``{name: _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())}`` as a pickle."""
    items = b"".join(
        _text(name) + _tensor(str(key), array) for key, (name, array) in enumerate(arrays.items())
    )
    return b"\x80\x02}(" + items + b"u."


def _tensor(key: str, array: NDArray) -> bytes:
    kind = _NAMES[array.dtype.newbyteorder("<")]
    storage = (
        b"(" + _text("storage") + _global("torch", kind) + _text(key) + _text("cpu") + _number(array.size)
    )
    strides = [step // array.itemsize for step in np.empty(array.shape, array.dtype).strides]
    hooks = _global("collections", "OrderedDict") + b")R"
    return (
        _global("torch._utils", "_rebuild_tensor_v2")
        + b"(" + storage + b"tQ" + _number(0) + _numbers(array.shape) + _numbers(strides)
        + b"\x89" + hooks + b"tR"
    )  # fmt: skip


def _text(text: str) -> bytes:
    encoded = text.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def _number(n: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", n)


def _numbers(values: Any) -> bytes:
    return b"(" + b"".join(map(_number, values)) + b"t"


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()
