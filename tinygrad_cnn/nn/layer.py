"""What a layer is: frozen data with ``init`` and a pure call."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Layer", "Parameterless"]


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
