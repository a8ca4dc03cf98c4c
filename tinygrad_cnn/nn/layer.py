"""What a layer is: frozen data with ``init`` and a pure call."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Layer", "Parameterless", "require_sizes", "require_within"]


class Layer:
    """A description of a function of ``(params, state, x)``; it holds no arrays.

    Subclasses are frozen dataclasses: comparable, hashable, printable.
    """

    def init(self, rng: np.random.Generator, *, dtype: Any = np.float32) -> tuple[dict, dict]:
        """Draw fresh parameters and make the initial state.

        Parameters
        ----------
        rng : numpy.random.Generator
        dtype : dtype_like
            Of the parameters; the values are drawn in float64 and cast.

        Returns
        -------
        params, state : dict of ndarray
            Both empty for a layer without.

        Examples
        --------
        >>> from tinygrad_cnn import nn
        >>> params, state = nn.Dense(3, 2).init(np.random.default_rng(0))
        >>> {name: array.shape for name, array in params.items()}, state
        ({'weight': (3, 2), 'bias': (2,)}, {})
        """
        return {}, {}

    def __call__(
        self,
        params: dict,
        state: dict,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, dict]:
        """Apply the layer; pure: always returns ``(y, state)`` and changes nothing.

        Parameters
        ----------
        params, state : dict
            Of the structure that `init` returns.
        x : ndarray or Tensor
        train : bool
            Training behaviour: batch statistics, dropout.
        rng : numpy.random.Generator, optional
            For the layers that draw random numbers in training.

        Returns
        -------
        y : ndarray or Tensor
        state : dict
            The state for the next call.
        """
        raise NotImplementedError


class Parameterless(Layer):
    """A layer that is a plain function of its input: subclasses define ``apply``."""

    def apply(self, x: Any) -> Any:
        """The function.

        Parameters
        ----------
        x : ndarray or Tensor

        Returns
        -------
        ndarray or Tensor
        """
        raise NotImplementedError

    def __call__(self, params, state, x, *, train=False, rng=None):
        """Apply the function; see `Layer.__call__`."""
        return self.apply(x), {}


def require_sizes(layer: str, **sizes: Any) -> None:
    """Check that sizes are integers of 1 or more.

    Parameters
    ----------
    layer : str
        For the message.
    **sizes : int or tuple of int
        By the names of the layer's parameters.

    Raises
    ------
    TypeError
        If one is not made of integers.
    ValueError
        If one is below 1, or an empty tuple.

    Examples
    --------
    >>> require_sizes("Conv2d", in_channels=3, kernel_size=(3, 5))
    """
    for name, size in sizes.items():
        parts = size if isinstance(size, tuple) else (size,)
        if any(isinstance(n, bool) or not isinstance(n, int | np.integer) for n in parts):
            raise TypeError(f"{layer}: {name}: expected integers, got {size!r}")
        if not parts or min(parts) < 1:
            raise ValueError(f"{layer}: {name}: expected at least 1, got {size}")


def require_within(layer: str, name: str, value: float, low: float, high: float) -> None:
    """Check that a number lies in ``[low, high]``.

    Parameters
    ----------
    layer, name : str
        For the message.
    value, low, high : float

    Raises
    ------
    ValueError
        If it does not, or is NaN.

    Examples
    --------
    >>> require_within("BatchNorm2d", "momentum", 0.1, 0, 1)
    """
    if not low <= value <= high:
        raise ValueError(f"{layer}: {name}: expected a number in [{low}, {high}], got {value}")
