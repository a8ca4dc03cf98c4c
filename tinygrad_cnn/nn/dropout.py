"""The dropout layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .. import checks, ops
from .layer import Arrays, Layer

__all__ = ["Dropout", "Dropout2d"]


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout, in training only; see `tinygrad_cnn.dropout`.

    Parameters
    ----------
    rate : float
        The probability of a zero, in ``[0, 1)``.

    Examples
    --------
    >>> Dropout(0.5)({}, {}, np.ones(3))[0]
    array([1., 1., 1.])
    """

    rate: float = 0.5

    _drop: ClassVar[Callable[..., Any]] = staticmethod(ops.dropout)

    def __post_init__(self) -> None:
        checks.within(type(self).__name__, "rate", self.rate, "[0, 1)")

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Drop elements when training; see `Layer.__call__`."""
        if not train or self.rate == 0:
            return x, {}
        owner = type(self).__name__
        if rng is None:
            raise ValueError(
                f"{owner}: training needs an explicit Generator: pass rng=np.random.default_rng(seed)"
            )
        checks.generator(owner, rng)
        return self._drop(x, self.rate, rng=rng), {}


@dataclass(frozen=True)
class Dropout2d(Dropout):
    """Dropout of whole channels, in training only; see `tinygrad_cnn.dropout2d`.

    Parameters
    ----------
    rate : float
        The probability that a channel becomes zero, in ``[0, 1)``.

    Examples
    --------
    >>> Dropout2d(0.5)({}, {}, np.ones((1, 3, 1, 1)))[0].reshape(-1)
    array([1., 1., 1.])
    """

    _drop = staticmethod(ops.dropout2d)
