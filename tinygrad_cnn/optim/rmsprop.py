"""RMSprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import within
from .optimizer import Optimizer, Schedule, State

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012), in PyTorch's form.

    The gradient is ``g``, the parameter ``p``, the mean square ``s`` and the velocity ``v`` (both zero at
    first)::

        g = g + weight_decay * p
        s = alpha * s + (1 - alpha) * g**2
        v = momentum * v + g / (sqrt(s) + eps)
        p = p - lr * v

    Parameters
    ----------
    params : tree of ndarray or Tensor
        The parameters, which are updated in place.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate``.
    alpha : float
        The share of the mean square that a step keeps, in ``[0, 1)``.
    eps : float
        A number that is added to the root, so that nothing is divided by 0; not negative.
    momentum : float
        The share of the velocity that a step keeps, in ``[0, 1)``. With 0 there is no velocity.
    weight_decay : float
        The multiple of the parameter that is added to its gradient; not negative.

    Raises
    ------
    ValueError
        If a number is out of range, or parameters share memory.
    TypeError
        If an option has a wrong type, or a parameter is not a floating array.

    Notes
    -----
    The state of a parameter is its ``mean_square`` and, with momentum, its ``velocity``.

    Examples
    --------
    >>> params = {"w": np.array([1.0])}
    >>> RMSprop(params, lr=0.01).step({"w": np.array([5.0])})
    >>> params["w"].round(6)
    array([0.9])
    """

    def __init__(
        self,
        params: Any,
        lr: float | Schedule = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ):
        self.alpha = within("RMSprop", "alpha", alpha, "[0, 1)")
        self.momentum = within("RMSprop", "momentum", momentum, "[0, 1)")
        self.eps = within("RMSprop", "eps", eps, "[0, inf]")
        self.weight_decay = within("RMSprop", "weight_decay", weight_decay, "[0, inf]")
        super().__init__(params, lr)

    def init(self, param: np.ndarray) -> State:
        """Start with a mean square of zero, and with a velocity of zero where there is momentum."""
        state = {"mean_square": np.zeros_like(param)}
        if self.momentum:
            state["velocity"] = np.zeros_like(param)
        return state

    def update(self, param: np.ndarray, g: np.ndarray, lr: float, state: State) -> None:
        """Update one parameter in place; see the formula of the class."""
        if self.weight_decay:
            g = g + self.weight_decay * param
        mean_square = state["mean_square"]
        mean_square *= self.alpha
        mean_square += (1 - self.alpha) * np.square(g)
        change = g / (np.sqrt(mean_square) + self.eps)
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += change
            change = velocity
        param -= lr * change
