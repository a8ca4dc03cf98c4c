"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import within
from .optimizer import Optimizer, Schedule, State

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), in PyTorch's form.

    The gradient is ``g``, the parameter ``p``, the moments are ``m`` and ``v`` (zero at first), and the steps
    are ``t = 1, 2, ...``::

        g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p = p - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    params : tree of ndarray or Tensor
        The parameters, which are updated in place.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate``.
    betas : (float, float)
        The share of each moment that a step keeps, in ``[0, 1)``.
    eps : float
        A number that is added to the root, so that nothing is divided by 0; not negative.
    weight_decay : float
        The multiple of the parameter that is added to its gradient, not negative; `AdamW` shrinks the
        parameter instead.

    Raises
    ------
    ValueError
        If a number is out of range, or parameters share memory.
    TypeError
        If an option has a wrong type, or a parameter is not a floating array.

    Notes
    -----
    The state of a parameter is its ``first_moment``, its ``second_moment``, and the ``count`` of its steps.

    Examples
    --------
    >>> params = {"w": np.array([1.0])}
    >>> Adam(params, lr=0.1).step({"w": np.array([5.0])})
    >>> params["w"].round(6)
    array([0.9])
    """

    decoupled = False

    def __init__(
        self,
        params: Any,
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        name = type(self).__name__
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"{name}: betas: expected a pair of numbers, got {betas!r}")
        self.betas = (
            within(name, "betas[0]", betas[0], "[0, 1)"),
            within(name, "betas[1]", betas[1], "[0, 1)"),
        )
        self.eps = within(name, "eps", eps, "[0, inf]")
        self.weight_decay = within(name, "weight_decay", weight_decay, "[0, inf]")
        super().__init__(params, lr)

    def init(self, param: np.ndarray) -> State:
        """Start with moments of zero and a count of the steps, which a leaf tensor may miss some of."""
        return {
            "first_moment": np.zeros_like(param),
            "second_moment": np.zeros_like(param),
            "count": np.zeros((), np.int64),
        }

    def update(self, param: np.ndarray, g: np.ndarray, lr: float, state: State) -> None:
        """Update one parameter in place; see the formula of the class."""
        (beta1, beta2), m, v = self.betas, state["first_moment"], state["second_moment"]
        state["count"] += 1
        t = int(state["count"])  # a NumPy integer would make the powers below NumPy's, and float32 wider
        if self.decoupled:
            param *= 1 - lr * self.weight_decay
        elif self.weight_decay:
            g = g + self.weight_decay * param
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * np.square(g)
        denominator = np.sqrt(v / (1 - beta2**t))
        denominator += self.eps
        param -= (lr / (1 - beta1**t)) * m / denominator


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), in PyTorch's form.

    It differs from `Adam` in that the decay acts on the parameter: ``p = p * (1 - lr * weight_decay)`` before
    the step.

    Parameters
    ----------
    params, lr, betas, eps
        The same as those of `Adam`.
    weight_decay : float
        The rate at which the parameter shrinks, as a multiple of the learning rate; not negative.

    Raises
    ------
    ValueError
        If a number is out of range, or parameters share memory.
    TypeError
        If an option has a wrong type, or a parameter is not a floating array.

    Examples
    --------
    >>> params = {"w": np.array([1.0])}
    >>> AdamW(params, lr=0.1, weight_decay=0.5).step({"w": np.array([5.0])})
    >>> params["w"].round(6)
    array([0.85])
    """

    decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay)
