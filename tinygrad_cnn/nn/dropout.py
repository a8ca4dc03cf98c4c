"""The dropout layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks, ops
from .layer import Arrays, Layer

__all__ = ["Dropout"]


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

    def __post_init__(self) -> None:
        checks.within("Dropout", "rate", self.rate, "[0, 1)")

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
        if rng is None:
            raise ValueError(
                "Dropout: training needs an explicit Generator: pass rng=np.random.default_rng(seed)"
            )
        checks.generator("Dropout", rng)
        return ops.dropout(x, self.rate, rng=rng), {}
