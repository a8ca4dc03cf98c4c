"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .optimizer import Optimizer, Schedule, require_fraction, require_not_negative

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov's variant and weight decay, in PyTorch's form.

    With gradient ``g``, parameter ``p``, velocity ``v`` (zero at first)::

        g = g + weight_decay * p
        v = momentum * v + g
        p = p - lr * (g + momentum * v   if nesterov else   v)

    Parameters
    ----------
    params : tree of ndarray or Tensor
        Updated in place.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate``.
    momentum : float
        In ``[0, 1)``; 0 keeps no velocity.
    nesterov : bool
        Look ahead along the velocity; needs momentum.
    weight_decay : float
        Not negative.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a parameter is no floating array.

    Notes
    -----
    The velocity of a parameter whose gradient stays 0 decays to subnormal numbers and not to 0: 0.9 times the
    smallest of them rounds to itself. Values do not suffer; processors that compute with such numbers slowly
    take longer for a step.

    Examples
    --------
    >>> params = {"w": np.array([1.0])}
    >>> optimizer = SGD(params, lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.step({"w": np.array([1.0])})
    >>> params["w"]
    array([0.71])
    """

    def __init__(
        self,
        params: Any,
        lr: float | Schedule,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ):
        require_fraction("SGD", "momentum", momentum)
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov looks ahead along the velocity: it needs momentum > 0")
        require_not_negative("SGD", "weight_decay", weight_decay)
        super().__init__(params, lr)
        self.momentum, self.nesterov, self.weight_decay = float(momentum), nesterov, float(weight_decay)
        self._velocities = [np.zeros_like(array) if momentum else None for array in self._arrays]
        # one after the other in the same memory, which to allocate anew would cost more than to multiply
        memory = np.empty(max((array.nbytes for array in self._arrays), default=0), np.uint8)
        self._changes = [np.ndarray(array.shape, array.dtype, memory) for array in self._arrays]

    def update(self, index, param, g, lr):
        """Update one parameter in place; see `Optimizer.update`."""
        if self.weight_decay:
            g = g + self.weight_decay * param
        velocity = self._velocities[index]
        if velocity is not None:
            velocity *= self.momentum
            velocity += g
            g = g + self.momentum * velocity if self.nesterov else velocity
        change = self._changes[index]
        np.multiply(g, lr, out=change)
        param -= change
