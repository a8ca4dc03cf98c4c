"""Weights in the conventions of two libraries on JAX: Flax (channels last) and Equinox (channels first)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import nn, tree
from ..types import NDArray
from .conventions import Kept, Shapes, nested, read, written
from .layouts import from_hwio, to_hwio

__all__ = ["from_equinox", "from_flax", "to_equinox", "to_flax"]


def __dir__() -> list[str]:
    return __all__


# --- Flax ----------------------------------------------------------------------------------------------


def from_flax(
    layer: nn.Layer,
    variables: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
    *,
    flattened: Shapes | None = None,
) -> tuple[Any, Any]:
    """Return the parameters and the state of a layer from the variables of a Flax module (``flax.linen``).

    Parameters
    ----------
    layer : Layer
        The network.
    variables : mapping
        What ``module.init`` returns: dicts under ``"params"`` and, for running statistics, ``"batch_stats"``.
    names : mapping of str to str, optional
        The modules that are called otherwise there, as in ``{"conv1": "Conv_0"}``; see
        `interop.torch.to_layer`.
    flattened : mapping of str to (int, int, int), optional
        For each dense layer after images: the channels, rows and columns that are flattened before it, which
        Flax does with the channels last.

    Returns
    -------
    params, state : dict
        New arrays.

    Raises
    ------
    ValueError
        If an array is missing, of another shape, or left over. The message lists all of them.

    Examples
    --------
    >>> layer = nn.Sequential(fc=nn.Dense(3, 2, bias=False))
    >>> variables = {"params": {"Dense_0": {"kernel": np.ones((3, 2))}}}
    >>> params, state = from_flax(layer, variables, {"fc": "Dense_0"})
    >>> params["fc"]["weight"].shape
    (3, 2)
    """
    arrays = {}
    for collection, values in variables.items():
        for path, array in zip(tree.paths(values), tree.leaves(values), strict=True):
            arrays[_with_collection(path, collection)] = np.asarray(array)
    return read("from_flax", _of_flax, layer, arrays, names, flattened=flattened)


def to_flax(
    layer: nn.Layer,
    params: Any,
    state: Any,
    names: Mapping[str, str] | None = None,
    *,
    flattened: Shapes | None = None,
) -> dict[str, Any]:
    """Return the variables of Flax's counterpart of a layer, for ``module.apply``.

    Parameters
    ----------
    layer : Layer
        The network.
    params, state : dict
        Its parameters and state.
    names, flattened : mapping, optional
        See `from_flax`.

    Returns
    -------
    dict
        Dicts of new arrays under ``"params"`` and ``"batch_stats"``.

    Examples
    --------
    >>> layer = nn.Sequential(norm=nn.BatchNorm2d(2))
    >>> variables = to_flax(layer, *layer.init(np.random.default_rng(0)))
    >>> list(variables["params"]["norm"]), list(variables["batch_stats"]["norm"])
    (['scale', 'bias'], ['mean', 'var'])
    """
    found = written(_of_flax, layer, params, state, names, flattened=flattened)
    collections: dict[str, Any] = {}
    for name, array in found.items():
        path, _, last = name.rpartition(".")
        collection = "batch_stats" if last in _STATISTICS.values() else "params"
        collections.setdefault(collection, {})[f"{path}.{last}" if path else last] = array
    return {collection: nested(arrays) for collection, arrays in collections.items()}


_STATISTICS = {"running_mean": "mean", "running_var": "var"}
_NORMS = (nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d)


def _with_collection(path: str, collection: str) -> str:
    """Return a name that tells a statistic by its last part, as `_of_flax` does."""
    last = path.rpartition(".")[2]
    if (collection == "batch_stats") != (last in _STATISTICS.values()):
        return f"{collection}.{path}"  # which no layer has, and an error will name
    return path


def _of_flax(layer: nn.Layer, name: str) -> Kept:
    """Say how Flax keeps an array of a layer."""
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d) and name == "weight":
        return Kept("kernel", to_hwio, from_hwio)
    if isinstance(layer, nn.Dense) and name == "weight":
        return Kept("kernel")
    if isinstance(layer, _NORMS) and name == "weight":
        return Kept("scale")
    return Kept(_STATISTICS.get(name, name))


# --- Equinox -------------------------------------------------------------------------------------------


def from_equinox(
    layer: nn.Layer, arrays: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> tuple[Any, Any]:
    """Return the parameters and the state of a layer from the arrays of an Equinox module.

    Parameters
    ----------
    layer : Layer
        The network, without batch normalisation: Equinox keeps its statistics outside of the module.
    arrays : mapping of str to array
        The arrays by the paths of their attributes, such as ``"conv1.weight"`` or ``"layers.0.weight"``.
    names : mapping of str to str, optional
        The layers that are called otherwise there; see `interop.torch.to_layer`.

    Returns
    -------
    params, state : dict
        New arrays.

    Raises
    ------
    ValueError
        If an array is missing, of another shape, or left over. The message lists all of them.

    Examples
    --------
    >>> layer = nn.Sequential(conv=nn.Conv2d(3, 8, 5))
    >>> arrays = {"conv.weight": np.ones((8, 3, 5, 5)), "conv.bias": np.ones((8, 1, 1))}
    >>> from_equinox(layer, arrays)[0]["conv"]["bias"].shape
    (8,)
    """
    return read("from_equinox", _of_equinox, layer, arrays, names)


def to_equinox(
    layer: nn.Layer, params: Any, state: Any, names: Mapping[str, str] | None = None
) -> dict[str, NDArray]:
    """Return the arrays of Equinox's counterpart of a layer, by the paths of their attributes.

    Parameters
    ----------
    layer : Layer
        The network, without batch normalisation.
    params, state : dict
        Its parameters and state.
    names : mapping of str to str, optional
        See `from_equinox`.

    Returns
    -------
    dict of str to ndarray
        New arrays, for ``equinox.tree_at``.

    Examples
    --------
    >>> layer = nn.Sequential(fc=nn.Dense(3, 2))
    >>> to_equinox(layer, *layer.init(np.random.default_rng(0)))["fc.weight"].shape
    (2, 3)
    """
    return written(_of_equinox, layer, params, state, names)


def _of_equinox(layer: nn.Layer, name: str) -> Kept:
    """Say how Equinox keeps an array of a layer."""
    if isinstance(layer, nn.BatchNorm2d):
        raise ValueError("equinox: a batch normalisation keeps its statistics outside of the module")
    if isinstance(layer, nn.Dense) and name == "weight":
        return Kept(name, np.transpose, np.transpose)
    axes = next(
        (n for n, cls in enumerate((nn.Conv1d, nn.Conv2d, nn.Conv3d), 1) if isinstance(layer, cls)), 0
    )
    if axes and name == "bias":
        return Kept(name, lambda x: np.reshape(x, (-1, *(1,) * axes)), np.ravel)
    return Kept(name)
