"""Layers one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .layer import Layer

__all__ = ["Sequential"]


@dataclass(frozen=True, init=False)
class Sequential(Layer):
    """Apply layers in order; their parameters live in a dict by position, or by the names given.

    A layer without parameters or state has no key in the respective tree.

    Parameters
    ----------
    *layers : Layer
        Named ``"0"``, ``"1"``, ...
    **named : Layer
        Named by keyword; they come after the positional ones.

    Attributes
    ----------
    layers : tuple of (str, Layer)

    Examples
    --------
    >>> from tinygrad_cnn.nn import Dense, ReLU
    >>> model = Sequential(Dense(4, 3), ReLU(), head=Dense(3, 2))
    >>> params, state = model.init(np.random.default_rng(0))
    >>> list(params), state
    (['0', 'head'], {})
    >>> model(params, state, np.ones((5, 4), np.float32))[0].shape
    (5, 2)
    """

    layers: tuple[tuple[str, Layer], ...]

    def __init__(self, *layers: Layer, **named: Layer):
        pairs = (*((str(i), layer) for i, layer in enumerate(layers)), *named.items())
        if twice := {name for name, _ in pairs[: len(layers)]} & named.keys():
            raise ValueError(f"Sequential: the name '{min(twice)}' is used twice")
        for name, layer in pairs:
            if not isinstance(layer, Layer):
                raise TypeError(f"Sequential: '{name}': expected a Layer, got {layer!r}")
        object.__setattr__(self, "layers", pairs)  # frozen: the one assignment of a constructor

    def init(self, rng, *, dtype=np.float32):
        """Initialise every layer, in order; see `Layer.init`."""
        params, state = {}, {}
        for name, layer in self.layers:
            own_params, own_state = layer.init(rng, dtype=dtype)
            if own_params:
                params[name] = own_params
            if own_state:
                state[name] = own_state
        return params, state

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Apply every layer, in order; see `Layer.__call__`."""
        new_state = {}
        for name, layer in self.layers:
            x, own = layer(params.get(name, {}), state.get(name, {}), x, train=train, rng=rng)
            if own:
                new_state[name] = own
        return x, new_state
