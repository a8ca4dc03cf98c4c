"""What a layer is: frozen data with ``init`` and a pure call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks, tree
from ..types import DTypeLike

__all__ = ["Layer", "Parameterless"]

Arrays = dict[str, Any]
"""Parameters or state: arrays by name, or such dicts by the names of the layers in a layer."""


class Layer:
    """A description of a function of ``(params, state, x)``; it holds no arrays.

    Subclasses are frozen dataclasses, which makes them comparable, hashable and printable. There are three
    kinds. A layer with parameters defines `init` and the call. A layer that is a plain function derives from
    `Parameterless` and defines ``apply``. A layer made of layers defines `children` and `forward`.
    """

    def children(self) -> tuple[tuple[str, Layer], ...]:
        """Return the layers that this layer is made of, with the names of their parameters.

        Returns
        -------
        tuple of (str, Layer)
            Nothing for a layer that is not made of others.
        """
        return ()

    def label(self) -> str:
        """Return the name of the layer in a `summary`, by default that of its class.

        Returns
        -------
        str
        """
        return type(self).__name__

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Draw fresh parameters and make the initial state; by default those of the children, in order.

        Parameters
        ----------
        rng : numpy.random.Generator
            The source of the random values.
        dtype : dtype_like
            The dtype of the parameters. The values are drawn in float64 and cast.

        Returns
        -------
        params, state : dict of ndarray
            Parameters and state by name. What has none has no key.

        Raises
        ------
        TypeError
            If ``rng`` is no Generator, such as a bare seed, or the dtype is not floating.

        Examples
        --------
        >>> from tinygrad_cnn import nn
        >>> params, state = nn.Dense(3, 2).init(np.random.default_rng(0))
        >>> {name: array.shape for name, array in params.items()}, state
        ({'weight': (3, 2), 'bias': (2,)}, {})
        """
        checks.initial(type(self).__name__, rng, dtype)
        params, state = {}, {}
        for name, layer in self.children():
            own_params, own_state = layer.init(rng, dtype=dtype)
            if own_params:
                params[name] = own_params
            if own_state:
                state[name] = own_state
        return params, state

    def forward(self, x: Any, run: Callable[[str, Layer, Any], Any]) -> Any:
        """Say what a layer that is made of layers does with them.

        Parameters
        ----------
        x : ndarray or Tensor
            The input.
        run : callable
            A function ``(name, layer, x) -> y`` that applies a child with its own parameters and state.

        Returns
        -------
        ndarray or Tensor
        """
        raise NotImplementedError

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Apply the layer. The call is pure: it returns ``(y, state)`` and changes nothing.

        Parameters
        ----------
        params, state : dict
            Parameters and state in the structure that `init` returns.
        x : ndarray or Tensor
            The input.
        train : bool
            Whether to behave as in training, with batch statistics and dropout.
        rng : numpy.random.Generator, optional
            The source of the random numbers that some layers draw in training.

        Returns
        -------
        y : ndarray or Tensor
            The output.
        state : dict
            The state for the next call.
        """
        new_state: Arrays = {}

        def run(name: str, layer: Layer, x: Any) -> Any:
            try:
                y, own = layer(params.get(name, {}), state.get(name, {}), x, train=train, rng=rng)
            except Exception as error:
                error.add_note(f"in the layer '{name}', {layer.label()}")
                raise
            if own:
                new_state[name] = own
            return y

        return self.forward(x, run), new_state


tree.register_leaf(Layer)


class Parameterless(Layer):
    """A layer that is a plain function of its input. Subclasses define ``apply``.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Scale(Parameterless):
    ...     factor: float
    ...
    ...     def apply(self, x):
    ...         return x * self.factor
    >>> Scale(2.0)({}, {}, np.ones(2))
    (array([2., 2.]), {})
    """

    def apply(self, x: Any) -> Any:
        """Compute the function.

        Parameters
        ----------
        x : ndarray or Tensor
            The input.

        Returns
        -------
        ndarray or Tensor
        """
        raise NotImplementedError

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Apply the function; see `Layer.__call__`."""
        return self.apply(x), {}
