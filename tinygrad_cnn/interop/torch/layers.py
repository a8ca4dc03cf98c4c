"""State dicts by layer: which array of PyTorch is which of ours, and what is transposed on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import nn
from ...types import NDArray
from ..conventions import Kept, read, written

__all__ = ["from_layer", "to_layer"]

_COUNTER = "num_batches_tracked"


def to_layer(
    layer: nn.Layer, arrays: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> tuple[Any, Any]:
    """Return the parameters and the state of a layer from a state dict of PyTorch.

    Parameters
    ----------
    layer : Layer
        The network, such as a `Sequential`.
    arrays : mapping of str to array
        The arrays by PyTorch's names: what `load` returns, or ``model.state_dict()`` itself.
    names : mapping of str to str, optional
        The layers that are called otherwise there: our dotted path of a layer, and theirs. What a path
        begins with may be enough: ``{"block1.block": "layer1.0"}`` is for ``block1.block.conv1`` too, and
        the longest beginning counts. Without it the names have to be the same.

    Returns
    -------
    params, state : dict
        New arrays, in the dtypes of the state dict. The weight of a `Dense` layer is transposed: ours is
        (in, out). ``num_batches_tracked`` is left out.

    Raises
    ------
    ValueError
        If an array is missing, of another shape, or left over. The message lists all of them.

    Examples
    --------
    >>> layer = nn.Sequential(fc=nn.Dense(3, 2))
    >>> params, state = to_layer(layer, {"fc.weight": np.ones((2, 3)), "fc.bias": np.zeros(2)})
    >>> params["fc"]["weight"].shape
    (3, 2)
    """
    return read("to_layer", _kept, layer, arrays, names, ignored=_COUNTER)


def from_layer(
    layer: nn.Layer, params: Any, state: Any, names: Mapping[str, str] | None = None
) -> dict[str, NDArray]:
    """Return the state dict that PyTorch's counterpart of a layer has.

    Parameters
    ----------
    layer : Layer
        The network.
    params, state : dict
        Its parameters and state.
    names : mapping of str to str, optional
        The layers that are called otherwise there; see `to_layer`.

    Returns
    -------
    dict of str to ndarray
        New arrays, for `save`. A batch normalisation has a ``num_batches_tracked`` of 0, without which
        PyTorch refuses the dict; it counts with ``momentum=None`` alone.

    Examples
    --------
    >>> layer = nn.Sequential(fc=nn.Dense(3, 2))
    >>> arrays = from_layer(layer, *layer.init(np.random.default_rng(0)))
    >>> {name: array.shape for name, array in arrays.items()}
    {'fc.weight': (2, 3), 'fc.bias': (2,)}
    """
    found = written(_kept, layer, params, state, names)
    variances = [name for name in found if name.endswith("running_var")]
    return found | {name.replace("running_var", _COUNTER): np.array(0, np.int64) for name in variances}


def _kept(layer: nn.Layer, name: str) -> Kept:
    """Say how PyTorch keeps an array of a layer: all have our names and layouts, but for one."""
    return (
        Kept(name, np.transpose, np.transpose)
        if isinstance(layer, nn.Dense) and name == "weight"
        else Kept(name)
    )
