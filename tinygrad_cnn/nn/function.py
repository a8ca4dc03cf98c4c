"""A function that stands where a layer would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .layer import Parameterless

__all__ = ["Lambda"]


@dataclass(frozen=True)
class Lambda(Parameterless):
    """A function of one argument as a layer. `Sequential` makes one of every function that it is given.

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

    def apply(self, x: Any) -> Any:
        """Call the function."""
        return self.function(x)

    def label(self) -> str:
        """Return the name of the function, or of its class if it has none."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def __repr__(self) -> str:
        return f"Lambda({self.label()})"
