"""What every optimizer does: bind a tree of parameters, collect gradients, keep the step count."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..tape import Box, Leaf, raw

__all__ = ["Optimizer", "require_fraction", "require_not_negative"]

Schedule = Callable[[int], float]


class Optimizer:
    """The part that optimizers share; a subclass defines ``update``.

    It is bound to the arrays it is given and updates these very arrays in place, off the tape. Rebuilding the
    parameter tree would detach it: load values with `tinygrad_cnn.tree.copy_into`.

    Parameters
    ----------
    params : tree of ndarray or Tensor
        Writable floating arrays, or leaf tensors.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate``, the first step being 0.
    """

    def __init__(self, params: Any, lr: float | Schedule):
        self.params = params
        self._arrays = [
            _parameter(path, x) for path, x in zip(tree.paths(params), tree.leaves(params), strict=True)
        ]
        self._schedule: Schedule = lr if callable(lr) else _constant(lr)
        self.steps = 0

    @property
    def lr(self) -> float:
        """The learning rate of the next step; assignable."""
        return float(self._schedule(self.steps))

    @lr.setter
    def lr(self, value: float | Schedule) -> None:
        self._schedule = value if callable(value) else _constant(value)

    def step(self, grads: Any = None) -> None:
        """Update every parameter once.

        Parameters
        ----------
        grads : tree of ndarray, optional
            Of the structure and shapes of the parameters. By default the ``grad`` that `Tensor.backward`
            has left in each leaf tensor; a leaf without one is not updated.

        Raises
        ------
        ValueError
            If there are no gradients to take, or structures or shapes differ; nothing is updated then.
        """
        found = self._own_gradients() if grads is None else self._checked(grads)
        lr = self.lr
        for index, (array, g) in enumerate(zip(self._arrays, found, strict=True)):
            if g is not None:
                self.update(index, array, g, lr)
        self.steps += 1

    def update(self, index: int, param: np.ndarray, g: np.ndarray, lr: float) -> None:
        """Update one parameter in place.

        Parameters
        ----------
        index : int
            Of the parameter among the leaves, to find its state.
        param, g : ndarray
            The parameter, and its gradient, which must not be changed.
        lr : float
        """
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Forget the gradients that `Tensor.backward` has accumulated in the leaf tensors."""
        for leaf in tree.leaves(self.params):
            if isinstance(leaf, Box) and isinstance(leaf.node, Leaf):
                leaf.node.grad = None

    def _own_gradients(self) -> list[np.ndarray | None]:
        found = [getattr(leaf, "grad", None) for leaf in tree.leaves(self.params)]
        if not any(g is not None for g in found):
            raise ValueError(
                "step: no gradients: pass step(grads), or call backward() first, on leaf tensors"
            )
        return found

    def _checked(self, grads: Any) -> list[np.ndarray]:
        found = [np.asarray(raw(g)) for g in tree.matching_leaves(self.params, grads)]
        for index, (p, g) in enumerate(zip(self._arrays, found, strict=True)):
            if g.shape != p.shape:
                path = tree.paths(self.params)[index]
                raise ValueError(f"step: '{path}': expected a gradient of shape {p.shape}, got {g.shape}")
            if g.dtype.kind not in "fiu":
                path = tree.paths(self.params)[index]
                raise TypeError(f"step: '{path}': expected a real gradient, got {g.dtype}")
        return found


def _constant(lr: Any) -> Schedule:
    rate = float(lr)
    if not 0 <= rate < math.inf:
        raise ValueError(f"optimizer: lr: expected a finite number not below 0, got {lr}")
    return lambda step: rate


def _parameter(path: str, leaf: Any) -> np.ndarray:
    array = raw(leaf)
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        kind = array.dtype if isinstance(array, np.ndarray) else type(leaf).__name__
        raise TypeError(f"optimizer: '{path}': expected a floating array, got {kind}")
    if not array.flags.writeable:
        raise ValueError(
            f"optimizer: '{path}': the array is read-only, and would be updated in place: copy it"
        )
    return array


def require_fraction(optimizer: str, name: str, value: float) -> None:
    """Check that a decay rate lies in ``[0, 1)``.

    Parameters
    ----------
    optimizer, name : str
        For the message.
    value : float

    Raises
    ------
    ValueError
        If it does not.

    Examples
    --------
    >>> require_fraction("SGD", "momentum", 0.9)
    """
    if not 0 <= value < 1:
        raise ValueError(f"{optimizer}: {name}: expected a number in [0, 1), got {value}")


def require_not_negative(optimizer: str, name: str, value: float) -> None:
    """Check that a number is not below 0.

    Parameters
    ----------
    optimizer, name : str
        For the message.
    value : float

    Raises
    ------
    ValueError
        If it is, or is NaN.

    Examples
    --------
    >>> require_not_negative("SGD", "weight_decay", 0.0)
    """
    if not value >= 0:
        raise ValueError(f"{optimizer}: {name}: expected a number not below 0, got {value}")
