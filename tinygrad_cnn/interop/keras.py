"""Weights in the convention of Keras: kernels (H, W, I, O), channels last, and names of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import nn
from ..types import NDArray
from .conventions import Kept, Shapes, read, written
from .layouts import from_hwio, to_hwio

__all__ = ["from_layer", "to_layer"]


def __dir__() -> list[str]:
    return __all__


def to_layer(
    layer: nn.Layer,
    arrays: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
    *,
    flattened: Shapes | None = None,
) -> tuple[Any, Any]:
    """Return the parameters and the state of a layer from the weights of a Keras model.

    Parameters
    ----------
    layer : Layer
        The network.
    arrays : mapping of str to array
        The weights by names like ``"conv1.kernel"``:
        ``{f"{layer.name}.{w.name}": w.numpy() for layer in model.layers for w in layer.weights}``.
    names : mapping of str to str, optional
        The layers that are called otherwise there, as in `interop.torch.to_layer`.
    flattened : mapping of str to (int, int, int), optional
        For each dense layer after images: the channels, rows and columns that are flattened before it.
        Keras flattens them with the channels last, so the rows of its weight are in another order.

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
    >>> import numpy as np
    >>> layer = nn.Sequential(conv=nn.Conv2d(3, 8, 5, bias=False))
    >>> params, state = to_layer(layer, {"conv.kernel": np.ones((5, 5, 3, 8))})
    >>> params["conv"]["weight"].shape
    (8, 3, 5, 5)
    """
    return read("to_layer", _kept, layer, arrays, names, flattened=flattened)


def from_layer(
    layer: nn.Layer,
    params: Any,
    state: Any,
    names: Mapping[str, str] | None = None,
    *,
    flattened: Shapes | None = None,
) -> dict[str, NDArray]:
    """Return the weights of Keras's counterpart of a layer, by names like ``"conv1.kernel"``.

    Parameters
    ----------
    layer : Layer
        The network.
    params, state : dict
        Its parameters and state.
    names, flattened : mapping, optional
        See `to_layer`.

    Returns
    -------
    dict of str to ndarray
        New arrays, for ``w.assign(arrays[f"{layer.name}.{w.name}"])``.

    Examples
    --------
    >>> import numpy as np
    >>> layer = nn.Sequential(norm=nn.BatchNorm2d(2))
    >>> list(from_layer(layer, *layer.init(np.random.default_rng(0))))
    ['norm.gamma', 'norm.beta', 'norm.moving_mean', 'norm.moving_variance']
    """
    return written(_kept, layer, params, state, names, flattened=flattened)


_OF_NORMS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def _kept(layer: nn.Layer, name: str) -> Kept:
    """Say how Keras keeps an array of a layer."""
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d) and name == "weight":
        return Kept("kernel", to_hwio, from_hwio)
    if isinstance(layer, nn.Dense) and name == "weight":
        return Kept("kernel")
    if isinstance(layer, nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm):
        return Kept(_OF_NORMS[name])
    return Kept(name)
