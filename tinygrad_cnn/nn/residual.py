"""A block with a way around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .function import Lambda
from .layer import Layer

__all__ = ["Residual"]


@dataclass(frozen=True, init=False)
class Residual(Layer):
    """The sum of a block and a shortcut: ``y = block(x) + shortcut(x)`` (He et al. 2016).

    Its parameters and state stand under ``"block"`` and, for a shortcut that has any, ``"shortcut"``.

    Parameters
    ----------
    block : Layer or callable
        The layer to go through; a function becomes a `Lambda`.
    shortcut : Layer or callable, optional
        The way around it, by default the identity. Where the block changes the shape, a convolution of size
        1 changes it too.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn.nn import Dense
    >>> layer = Residual(Dense(3, 3))
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> list(params), layer(params, state, np.zeros((2, 3), np.float32))[0].shape
    (['block'], (2, 3))
    """

    block: Layer
    shortcut: Layer | None

    def __init__(
        self, block: Layer | Callable[[Any], Any], shortcut: Layer | Callable[[Any], Any] | None = None
    ):
        around = None if shortcut is None else Lambda.of("Residual", "shortcut", shortcut)
        object.__setattr__(self, "block", Lambda.of("Residual", "block", block))  # as in Sequential
        object.__setattr__(self, "shortcut", around)

    def children(self) -> tuple[tuple[str, Layer], ...]:
        """Return the block, and the shortcut if there is one."""
        block = ("block", self.block)
        return (block,) if self.shortcut is None else (block, ("shortcut", self.shortcut))

    def forward(self, x: Any, run: Callable[[str, Layer, Any], Any]) -> Any:
        """Apply the block, then the shortcut, and add."""
        y = run("block", self.block, x)
        return y + (x if self.shortcut is None else run("shortcut", self.shortcut, x))
