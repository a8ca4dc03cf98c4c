"""Saved models, which are ``.npz`` files of plain arrays and never pickles.

A file holds the name of the model under ``model``, and each array under its dotted path in the trees, such as
``params.conv1.weight`` or ``state.norm1.running_mean``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import nn, tree
from ..models import MODELS

__all__ = ["Checkpoint", "load", "save"]


class Checkpoint(NamedTuple):
    """The contents of a file that `save` has written.

    Parameters
    ----------
    model_name : str
        The name of the model, as it was given to `save`.
    params, state : tree of ndarray
        The parameters and the state of the model.
    """

    model_name: str
    params: Any
    state: Any


def save(path: str | os.PathLike[str], model_name: str, params: Any, state: Any) -> None:
    """Write the parameters and the state of a model to a file.

    A file that exists is replaced in one move at the end, so a save that fails leaves it as it was.

    Parameters
    ----------
    path : str or path
        The file to write. The name is taken as it is: no suffix is added.
    model_name : str
        The name under which `load` finds the model.
    params, state : tree of ndarray
        The floating arrays to save.

    Raises
    ------
    TypeError
        If a leaf is not a floating array.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from tinygrad_cnn.models import baseline
    >>> params, state = baseline().init(np.random.default_rng(0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder) / "model.npz", "baseline", params, state)
    ...     load(Path(folder) / "model.npz").params["conv1"]["weight"].shape
    (8, 1, 3, 3)
    """
    arrays = _by_path(params, state)
    for name, array in arrays.items():
        if not _is_floating(array):
            raise TypeError(f"save: '{name}': expected a floating array, got {_describe(array)}")
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:  # NumPy would add a suffix to a name
            np.savez(file, model=np.array(model_name), **arrays)
        part.replace(path)  # the older file stays until the new one is complete
    finally:
        part.unlink(missing_ok=True)


def load(path: str | os.PathLike[str], models: Mapping[str, Callable[[], nn.Layer]] = MODELS) -> Checkpoint:
    """Read a file that `save` has written.

    Parameters
    ----------
    path : str or path
        The file to read.
    models : mapping of str to callable
        For each known name a function that makes the model. The arrays in the file must fit its model.

    Returns
    -------
    Checkpoint
        The name of the model, its parameters and its state.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or is not a saved model, if the model is unknown, or if a name, shape or dtype
        does not fit it. The message names the file, what was expected and what came.

    Examples
    --------
    >>> load("model.npz").model_name  # doctest: +SKIP
    'baseline'
    """
    path = Path(path)
    arrays = _read(path)
    name = str(arrays.pop("model", "(none)"))
    if name not in models:
        raise ValueError(f"{path}: expected a model out of {', '.join(models)}, got '{name}'")
    like = models[name]().init(np.random.default_rng(0))
    _check(path, name, arrays, _by_path(*like))
    params, state = tree.unflatten(tree.structure(like), [arrays[p] for p in _by_path(*like)])
    return Checkpoint(name, params, state)


def _by_path(params: Any, state: Any) -> dict[str, Any]:
    """Return the leaves of both trees by their dotted paths."""
    both = {"params": params, "state": state}
    return dict(zip(tree.paths(both), tree.leaves(both), strict=True))


def _read(path: Path) -> dict[str, np.ndarray]:
    """Return all arrays of a file by their names."""
    with path.open("rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            return {name: archive[name] for name in archive.files}
        except Exception as error:  # zipfile, zlib and NumPy raise a dozen types for a damaged file
            raise ValueError(f"{path}: expected a saved model (.npz), got a damaged or other file") from error


def _check(path: Path, model: str, arrays: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """Raise a ValueError unless the arrays have the names, the shapes and the kind that are expected."""
    for problem, names in (
        ("lacks", expected.keys() - arrays.keys()),
        ("has unknown", arrays.keys() - expected.keys()),
    ):
        if names:
            raise ValueError(f"{path}: does not fit model '{model}': {problem} {', '.join(sorted(names))}")
    for name, like in expected.items():
        array = arrays[name]
        if not _is_floating(array) or array.shape != like.shape:
            raise ValueError(
                f"{path}: '{name}': expected a floating array of shape {like.shape}, got {_describe(array)}"
            )


def _is_floating(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _describe(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__
