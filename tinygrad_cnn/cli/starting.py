"""The parameters that a training starts from, where they are those of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import interop, nn, train, tree
from ..checks import printable
from ..types import NDArray

_LISTED = 3  # of each kind of what does not fit, since the reader has one line


def start_from(path: Path, layer: nn.Layer, params: Any, state: Any) -> tuple[Any, Any]:
    """Return the parameters and the state of a file, in the containers and the dtypes of initial ones.

    A file of PyTorch is the state dict of the same network. Any other is a saved model, a checkpoint, or what
    another program has written: arrays by their paths. One that holds parameters alone, with or without
    ``params.`` before their paths, leaves the state as it is.
    """
    initial = {"params": params, "state": state}
    found = _of_torch(path, layer) if path.suffix in (".pt", ".pth") else _arrays_by_path(path)
    if not any(name.startswith("state.") for name in found):
        initial["state"] = {}
    places = dict(zip(tree.paths(initial), tree.leaves(initial), strict=True))
    if problems := _problems(found, places):
        raise ValueError(f"--from: {path}: does not fit the model: {'; '.join(problems)}")
    arrays = [found[name].astype(like.dtype) for name, like in places.items()]
    started = tree.unflatten(tree.structure(initial), arrays)
    return started["params"], started["state"] or state


def _of_torch(path: Path, layer: nn.Layer) -> dict[str, NDArray]:
    """Read the parameters and the state of a state dict of PyTorch, by our paths."""
    arrays = interop.torch.load(path)
    try:
        params, state = interop.torch.to_layer(layer, arrays)
    except ValueError as error:
        raise ValueError(f"--from: {path}: does not fit the model: {error}") from error
    found = {"params": params, "state": state}
    return dict(zip(tree.paths(found), tree.leaves(found), strict=True))


def _arrays_by_path(path: Path) -> dict[str, NDArray]:
    """Read the parameters and the state of a file, by paths that begin with ``params.`` and ``state.``."""
    saved = train.load(path)
    leaves = dict(zip(tree.paths(saved), tree.leaves(saved), strict=True))
    arrays = {name: leaf for name, leaf in leaves.items() if isinstance(leaf, np.ndarray)}
    if not any(name.startswith("params.") for name in arrays):
        return {f"params.{name}": array for name, array in arrays.items()}
    return {name: array for name, array in arrays.items() if name.startswith(("params.", "state."))}


def _problems(found: dict[str, NDArray], places: dict[str, NDArray]) -> list[str]:
    """Say what keeps the arrays of a file from standing in the places of the initial ones."""
    others = [
        f"{name} ({array.dtype}{list(array.shape)} for {list(places[name].shape)})"
        for name, array in found.items()
        if name in places and (array.dtype.kind != "f" or array.shape != places[name].shape)
    ]
    broken = [
        name for name, array in found.items() if array.dtype.kind == "f" and not np.isfinite(array).all()
    ]
    kinds = {
        "it lacks": [name for name in places if name not in found],
        "has unknown": [name for name in found if name not in places],
        "has arrays of another kind or shape": others,
        "has values that are not finite in": broken,
    }
    return [f"{kind} {_listed(names)}" for kind, names in kinds.items() if names]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(printable(name, 60) for name in names[:_LISTED]) + more
