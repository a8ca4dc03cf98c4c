"""Trees of arrays as files in the safetensors format, and never as pickles.

Each array stands under its dotted path in the tree, such as ``params.conv1.weight``, so other tools can read
it. The containers are a text beside the arrays, and so is what the caller adds, such as the name of a model.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from .. import tree
from ..checks import printable
from ..data import npz
from ..data.contents import Contents, Spec
from . import atomic, safetensors, structure

__all__ = ["load", "read_metadata", "save"]

_STRUCTURE = f"{safetensors.OURS}structure"


def save(path: str | os.PathLike[str], tree: Any, metadata: Mapping[str, str] | None = None) -> None:
    """Write any tree of arrays to a file, in the safetensors format.

    An older file is replaced in one move when the new one is complete, so a save that fails leaves it as it
    was. It hands on its mode, and a link to it stays a link.

    Parameters
    ----------
    path : str or path
        The file to write. The name is taken as it is: no suffix is added, and none changes the format.
    tree : tree
        Dicts, lists, tuples and None, which come back as they are, and other containers, which `load`
        makes if it is given an example. A key is a text, a number, None or a tuple of such. A leaf is an
        ndarray of booleans, of integers or of float16, float32 or float64 (its byte order and its order in
        memory may change), a scalar of NumPy of such a dtype, or a number or text of Python.
    metadata : mapping of str to str, optional
        Texts beside the tree, also for other readers of the format; `read_metadata` returns them.

    Raises
    ------
    TypeError
        If a key, a leaf or the metadata are of another type. Nothing is written then.
    ValueError
        If two leaves have the same dotted path, containers are nested more than 100 deep, an integer has more
        than 1024 bits, or names and structure take more than 4 MiB. Nothing is written then.
    OSError
        If the file cannot be written, which includes a file that is read-only. If the complete file cannot be
        moved to its name, the error tells under which name it is kept.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder) / "run", {"weights": [np.zeros(2), np.ones(3)], "steps": 7})
    ...     load(Path(folder) / "run")
    {'weights': [array([0., 0.]), array([1., 1., 1.])], 'steps': 7}
    """
    try:
        atomic.write(Path(path), _pieces(tree, dict(metadata or {})))
    except TypeError as error:
        raise TypeError(f"save: {error}") from error
    except ValueError as error:
        raise ValueError(f"save: {error}") from error


def load(path: str | os.PathLike[str], like: Any = None) -> Any:
    """Read the tree from a file that `save` has written, or from any other safetensors file.

    Parameters
    ----------
    path : str or path
        The file to read.
    like : tree, optional
        A tree of the same structure, with arrays of the same shapes and kinds. The result has its containers,
        which may be of any class, such as a named tuple. Without it the containers are those of the file.

    Returns
    -------
    tree
        New arrays, which are writable; from a file of another program a dict of arrays by name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, does not fit ``like``, or has containers that need it. The message is one
        line, which names the file, what was expected and what came.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from typing import NamedTuple
    >>> class Line(NamedTuple):
    ...     slope: np.ndarray
    ...     steps: int
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder) / "line", Line(np.ones(2), 5))
    ...     load(Path(folder) / "line", like=Line(np.zeros(2), 0))
    Line(slope=array([1., 1.]), steps=5)
    """
    with _opened(path) as (contents, shown):
        return _as_saved(contents, shown) if like is None else _fitted(contents, shown, like, "'like'")


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the texts that stand in a file beside its arrays, without reading these.

    Parameters
    ----------
    path : str or path
        The file to read.

    Returns
    -------
    dict of str to str
        The metadata that were given to `save`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged.

    Examples
    --------
    >>> read_metadata("model.safetensors")  # doctest: +SKIP
    {'model': 'baseline'}
    """
    with _opened(path) as (contents, _):
        given = contents.metadata.items()
        return {name: text for name, text in given if not name.startswith(safetensors.OURS)}


def _pieces(tree: Any, metadata: dict[str, str]) -> list[bytes | memoryview]:
    """Return what the file is made of; raise an error if no file can hold it."""
    for text in (*metadata, *metadata.values()):
        if not isinstance(text, str):
            raise TypeError(f"expected texts beside the tree, got {type(text).__name__}")
    if any(name.startswith(safetensors.OURS) for name in metadata):
        raise ValueError(f"metadata: expected names that do not begin with {safetensors.OURS}")
    text, arrays = structure.describe(tree)
    return safetensors.pieces(arrays, {_STRUCTURE: text, **metadata})


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[Contents, str]]:
    """Open a file and read its header; give what it holds, and its name as errors show it."""
    path = Path(path)
    shown = printable(str(path), 4096)
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(f"{shown}: expected a file, got a folder, a device or a pipe")
    with path.open("rb") as file:
        with _damage(shown):
            contents = _contents(file)
        yield contents, shown


def _contents(file: BinaryIO) -> Contents:
    """Read the header of a file in the format that its first bytes tell."""
    size = os.fstat(file.fileno()).st_size
    start = file.read(len(npz.MAGIC))
    file.seek(0)
    return npz.read(file, size) if start == npz.MAGIC else safetensors.read(file, size)


@contextlib.contextmanager
def _damage(shown: str) -> Iterator[None]:
    """Raise a ValueError of one line for all that a damaged file may lead to."""
    try:
        yield
    except structure.ClassNeededError as error:
        cls = printable(str(error), 60)
        raise ValueError(f"{shown}: holds a {cls}, whose class no file can bring: pass like=...") from error
    except Exception as error:  # zipfile alone raises a dozen types
        why = printable(str(error), 100)
        raise ValueError(
            f"{shown}: expected a saved tree (safetensors or .npz), got a damaged or other file: {why}"
        ) from error


def _as_saved(contents: Contents, shown: str) -> Any:
    """Read all arrays, and return them in the containers that the file describes."""
    with _damage(shown):
        arrays = contents.read()
        if _STRUCTURE not in contents.metadata:
            return arrays
        text = contents.metadata[_STRUCTURE]
        return structure.rebuild(text, structure.leaves_by_name(text, arrays))


def _fitted(contents: Contents, shown: str, like: Any, what: str) -> Any:
    """Read all arrays, and return them in the containers of a tree that they have to fit."""
    places = structure.names(like)
    text = contents.metadata.get(_STRUCTURE)
    with _damage(shown):
        found = contents.specs if text is None else contents.specs | structure.scalars(text)
    _check(shown, what, found, places)
    with _damage(shown):
        arrays = contents.read()
        leaves = arrays if text is None else structure.leaves_by_name(text, arrays)
    return tree.unflatten(tree.structure(like), [leaves[name] for name in places])


def _check(shown: str, what: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Raise a ValueError unless the leaves have the names, the shapes and the kinds that are expected."""
    for problem, names in (
        ("lacks", expected.keys() - found.keys()),
        ("has unknown", found.keys() - expected.keys()),
    ):
        if names:
            listed = printable(", ".join(sorted(names)))
            raise ValueError(f"{shown}: does not fit {what}: {problem} {listed}")
    for name, like in expected.items():
        if _kind(found[name]) != _kind(like):
            raise ValueError(
                f"{shown}: '{printable(name, 60)}': expected {_describe(like)}, got {_describe(found[name])}"
            )


def _kind(leaf: Any) -> Any:
    """Return what two leaves must share: an array its shape and the kind of its dtype, others their type."""
    return (leaf.dtype.kind, tuple(leaf.shape)) if hasattr(leaf, "dtype") else type(leaf)


def _describe(leaf: Any) -> str:
    if isinstance(leaf, Spec):
        return str(leaf)
    if not hasattr(leaf, "dtype"):
        return type(leaf).__name__
    kind = "a floating array" if leaf.dtype.kind == "f" else f"an array of {leaf.dtype}"
    return f"{kind} of shape {leaf.shape}"
