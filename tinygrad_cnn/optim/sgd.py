"""Stochastic gradient descent."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..checks import flag, within
from ..kernels.descent import bound_descent, subtract_scaled
from .optimizer import Optimizer, Schedule, State

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov's variant and weight decay, in PyTorch's form.

    The gradient is ``g``, the parameter ``p`` and the velocity ``v`` (zero at first)::

        g = g + weight_decay * p
        v = momentum * v + g
        p = p - lr * (g + momentum * v   if nesterov else   v)

    Parameters
    ----------
    params : tree of ndarray or Tensor
        The parameters, which are updated in place.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate``.
    momentum : float
        The share of the velocity that a step keeps, in ``[0, 1)``. With 0 there is no velocity.
    nesterov : bool
        Whether to look ahead along the velocity, which needs momentum.
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
    The state of a parameter is its ``velocity``. Where the gradient stays 0, the velocity decays to subnormal
    numbers and not to 0, because 0.9 times the smallest of them rounds to itself. The values do not suffer,
    but processors that are slow at such numbers take longer for a step.

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
        self.momentum = within("SGD", "momentum", momentum, "[0, 1)")
        self.weight_decay = within("SGD", "weight_decay", weight_decay, "[0, inf]")
        flag("SGD: nesterov", nesterov)
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov looks ahead along the velocity: it needs momentum > 0")
        self.nesterov = nesterov
        super().__init__(params, lr)

    def init(self, param: np.ndarray) -> State:
        """Start with a velocity of zero, or with nothing where there is no momentum."""
        return {"velocity": np.zeros_like(param)} if self.momentum else {}

    def update(self, param: np.ndarray, g: np.ndarray, lr: float, state: State) -> None:
        """Update one parameter in place; see the formula of the class."""
        if self.weight_decay:
            g = g + self.weight_decay * param
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += g
            g = g + self.momentum * velocity if self.nesterov else velocity
        subtract_scaled(param, g, lr)

    def bound_step(self, grads: Sequence[np.ndarray]) -> Callable[..., None]:
        """Return the step of `Optimizer`; it is faster as long as the gradients are these very arrays."""
        step, slots = super().bound_step(grads), self._slots
        is_plain = all(g.dtype == slot.param.dtype for g, slot in zip(grads, slots, strict=True))
        if not (is_plain and self.momentum) or type(self).update is not SGD.update:
            return step
        velocities = [slot.state["velocity"] for slot in slots]
        descend = bound_descent([slot.param for slot in slots], grads, velocities)

        def quick_step(*given: np.ndarray) -> None:
            now = [slot.state["velocity"] for slot in slots]
            is_other = not all(map(operator.is_, [*given, *now], [*grads, *velocities]))
            if is_other or self.nesterov or self.weight_decay or not self.momentum:
                return step(*given)
            self._binding.check()
            descend(self.momentum, self.lr)
            self.steps += 1
            return None

        return quick_step
