"""A function that stands where a layer would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import checks
from .layer import Layer, Parameterless

__all__ = ["Lambda"]


@dataclass(frozen=True)
class Lambda(Parameterless):
    """A function of one argument as a layer. A layer made of layers makes one of every function it is given.

    Two of them are equal if their functions are.

    Parameters
    ----------
    function : callable
        A function of an ndarray or a Tensor, made of operations of this package.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import tanh
    >>> Lambda(tanh), Lambda(tanh)({}, {}, np.zeros(1))
    (Lambda(tanh), (array([0.]), {}))
    """

    function: Callable[[Any], Any]

    def __post_init__(self) -> None:
        checks.function("Lambda", "function", self.function)

    @staticmethod
    def of(owner: str, name: str, part: Layer | Callable[[Any], Any]) -> Layer:
        """Return a layer as it is and a function as a layer; an error names the layer that they are part of.

        A class is neither: its parentheses are missing.

        Examples
        --------
        >>> Lambda.of("Sequential", "0", abs)
        Lambda(abs)
        """
        if isinstance(part, Layer):
            return part
        if isinstance(part, type) or not callable(part):
            raise TypeError(f"{owner}: {name}: expected a layer or a function of one argument, got {part!r}")
        return Lambda(part)

    def apply(self, x: Any) -> Any:
        """Call the function."""
        return self.function(x)

    def label(self) -> str:
        """Return the name of the function, or of its class if it has none."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def __repr__(self) -> str:
        return f"Lambda({self.label()})"
