"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

import numpy as np

from .optimizer import Optimizer, Schedule, require_fraction, require_not_negative

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), in PyTorch's form.

    With gradient ``g``, parameter ``p``, moments ``m`` and ``v`` (zero at first), at step ``t = 1, 2, ...``::

        g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p = p - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    params : tree of ndarray or Tensor
        Updated in place.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate``.
    betas : (float, float)
        Each in ``[0, 1)``.
    eps : float
        Outside the root.
    weight_decay : float
        Added to the gradient; see `AdamW` for the other way.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a parameter is no floating array.

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
        for i, beta in enumerate(betas):
            require_fraction(name, f"betas[{i}]", beta)
        require_not_negative(name, "eps", eps)
        require_not_negative(name, "weight_decay", weight_decay)
        super().__init__(params, lr)
        self.betas = float(betas[0]), float(betas[1])
        self.eps, self.weight_decay = float(eps), float(weight_decay)
        self._first = [np.zeros_like(array) for array in self._arrays]
        self._second = [np.zeros_like(array) for array in self._arrays]
        self._counts = [0] * len(self._arrays)  # a leaf tensor may have missed steps

    def update(self, index, param, g, lr):
        """Update one parameter in place; see `Optimizer.update`."""
        (beta1, beta2), m, v = self.betas, self._first[index], self._second[index]
        self._counts[index] += 1
        t = self._counts[index]
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

    As `Adam`, but the decay acts on the parameter: ``p = p * (1 - lr * weight_decay)`` before the step.

    Parameters
    ----------
    params, lr, betas, eps
        As for `Adam`.
    weight_decay : float
        By default 0.01.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a parameter is no floating array.

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
