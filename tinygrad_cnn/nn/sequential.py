"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .function import Lambda
from .layer import Layer

__all__ = ["Sequential"]


@dataclass(frozen=True, init=False)
class Sequential(Layer):
    """Apply layers in order; their parameters live in a dict by position, or by the names given.

    A layer without parameters or state has no key in the respective tree.

    Parameters
    ----------
    *layers : Layer or callable
        Layers and functions of one argument, named ``"0"``, ``"1"``, ...
    **named : Layer or callable
        Layers and functions that come after the positional ones, named by keyword.

    Attributes
    ----------
    layers : tuple of (str, Layer)
        All of them with their names. A function has become a `Lambda`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import relu
    >>> from tinygrad_cnn.nn import Dense
    >>> model = Sequential(Dense(4, 3), relu, head=Dense(3, 2))
    >>> params, state = model.init(np.random.default_rng(0))
    >>> list(params), state
    (['0', 'head'], {})
    >>> model(params, state, np.ones((5, 4), np.float32))[0].shape
    (5, 2)
    """

    layers: tuple[tuple[str, Layer], ...]

    def __init__(self, *layers: Layer | Callable[[Any], Any], **named: Layer | Callable[[Any], Any]):
        pairs = (*((str(i), layer) for i, layer in enumerate(layers)), *named.items())
        if twice := {name for name, _ in pairs[: len(layers)]} & named.keys():
            raise ValueError(f"Sequential: the name '{min(twice)}' is used twice")
        made = tuple((name, Lambda.of("Sequential", f"'{name}'", layer)) for name, layer in pairs)
        object.__setattr__(self, "layers", made)  # a frozen class has no other way to set a field

    def children(self) -> tuple[tuple[str, Layer], ...]:
        """Return the layers with their names."""
        return self.layers

    def forward(self, x: Any, run: Callable[[str, Layer, Any], Any]) -> Any:
        """Apply every layer to what the one before returned."""
        for name, layer in self.layers:
            x = run(name, layer, x)
        return x
