"""RMSprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from .optimizer import Optimizer, Schedule, require_fraction, require_not_negative

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012), in PyTorch's form.

    With gradient ``g``, parameter ``p``, mean square ``v`` and buffer ``b`` (zero at first)::

        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        b = momentum * b + g / (sqrt(v) + eps)
        p = p - lr * b

    Parameters
    ----------
    params : tree of ndarray or Tensor
        Updated in place.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate``.
    alpha : float
        In ``[0, 1)``.
    eps : float
        Outside the root.
    momentum : float
        In ``[0, 1)``; 0 keeps no buffer.
    weight_decay : float
        Not negative.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a parameter is no floating array.

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
        require_fraction("RMSprop", "alpha", alpha)
        require_fraction("RMSprop", "momentum", momentum)
        require_not_negative("RMSprop", "eps", eps)
        require_not_negative("RMSprop", "weight_decay", weight_decay)
        super().__init__(params, lr)
        self.alpha, self.eps = float(alpha), float(eps)
        self.momentum, self.weight_decay = float(momentum), float(weight_decay)
        self._squares = [np.zeros_like(array) for array in self._arrays]
        self._buffers = [np.zeros_like(array) if momentum else None for array in self._arrays]

    def update(self, index, param, g, lr):
        """Update one parameter in place; see `Optimizer.update`."""
        if self.weight_decay:
            g = g + self.weight_decay * param
        v, buffer = self._squares[index], self._buffers[index]
        v *= self.alpha
        v += (1 - self.alpha) * np.square(g)
        change = g / (np.sqrt(v) + self.eps)
        if buffer is not None:
            buffer *= self.momentum
            buffer += change
            change = buffer
        param -= lr * change
