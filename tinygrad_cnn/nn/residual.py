"""A block with a way around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .layer import Layer

__all__ = ["Residual"]


@dataclass(frozen=True)
class Residual(Layer):
    """The sum of a block and a shortcut: ``y = block(x) + shortcut(x)`` (He et al. 2016).

    Its parameters and state stand under ``"block"`` and, for a shortcut that has any, ``"shortcut"``.

    Parameters
    ----------
    block : Layer
    shortcut : Layer, optional
        By default the identity; a 1x1 convolution where the block changes the shape.

    Examples
    --------
    >>> from tinygrad_cnn.nn import Dense
    >>> layer = Residual(Dense(3, 3))
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> list(params), layer(params, state, np.zeros((2, 3), np.float32))[0].shape
    (['block'], (2, 3))
    """

    block: Layer
    shortcut: Layer | None = None

    def parts(self) -> list[tuple[str, Layer]]:
        """The branches, with the names of their parameters."""
        return [("block", self.block), *([("shortcut", self.shortcut)] if self.shortcut else [])]

    def init(self, rng, *, dtype=np.float32):
        """Initialise the block, then the shortcut; see `Layer.init`."""
        made = [(name, *layer.init(rng, dtype=dtype)) for name, layer in self.parts()]
        return {name: p for name, p, _ in made if p}, {name: s for name, _, s in made if s}

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Apply both and add; see `Layer.__call__`."""
        new_state, branches = {}, []
        for name, layer in self.parts():
            y, own = layer(params.get(name, {}), state.get(name, {}), x, train=train, rng=rng)
            branches.append(y)
            if own:
                new_state[name] = own
        return branches[0] + (branches[1] if self.shortcut else x), new_state
