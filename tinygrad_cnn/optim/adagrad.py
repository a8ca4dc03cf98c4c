"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import within
from .optimizer import Optimizer, Schedule, State

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011), in PyTorch's form.

    The gradient is ``g``, the parameter ``p`` and the sum of squares ``s`` (``initial_accumulator_value`` at
    first)::

        g = g + weight_decay * p
        s = s + g**2
        p = p - lr * g / (sqrt(s) + eps)

    Parameters
    ----------
    params : tree of ndarray or Tensor
        The parameters, which are updated in place.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate``.
    eps : float
        A number that is added to the root, so that nothing is divided by 0; not negative.
    weight_decay : float
        The multiple of the parameter that is added to its gradient; not negative.
    initial_accumulator_value : float
        What the sum of squares starts with; not negative. A larger one makes the first steps shorter.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a parameter is not a floating array.

    Notes
    -----
    The state of a parameter is its ``sum_of_squares``. PyTorch's ``lr_decay`` is a schedule here:
    ``lr=lambda step: lr / (1 + step * lr_decay)``.

    Examples
    --------
    >>> params = {"w": np.array([1.0])}
    >>> Adagrad(params, lr=0.1).step({"w": np.array([5.0])})
    >>> params["w"].round(6)
    array([0.9])
    """

    def __init__(
        self,
        params: Any,
        lr: float | Schedule = 1e-2,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
    ):
        self.eps = within("Adagrad", "eps", eps, "[0, inf]")
        self.weight_decay = within("Adagrad", "weight_decay", weight_decay, "[0, inf]")
        self.initial_accumulator_value = within(
            "Adagrad", "initial_accumulator_value", initial_accumulator_value, "[0, inf]"
        )
        super().__init__(params, lr)

    def init(self, param: np.ndarray) -> State:
        """Start with the sum of squares that was asked for."""
        return {"sum_of_squares": np.full_like(param, self.initial_accumulator_value)}

    def update(self, param: np.ndarray, g: np.ndarray, lr: float, state: State) -> None:
        """Update one parameter in place; see the formula of the class."""
        if self.weight_decay:
            g = g + self.weight_decay * param
        total = state["sum_of_squares"]
        total += np.square(g)
        param -= lr * (g / (np.sqrt(total) + self.eps))
