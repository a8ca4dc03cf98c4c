"""The dense layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..ops.conv import check_arrays
from ..types import DTypeLike
from . import init as initializers
from .init import Initializer
from .layer import Arrays, Layer

__all__ = ["Dense"]


@dataclass(frozen=True)
class Dense(Layer):
    """Affine map of the last axis: ``y = x @ weight + bias``.

    Parameters
    ----------
    in_features, out_features : int
        The lengths of the last axis of the input and of the output.
    bias : bool
        Whether to add a bias, which starts at 0.
    weight_init : callable
        A function ``(rng, shape) -> ndarray``, by default ``N(0, 1) * sqrt(2 / in)``.

    Examples
    --------
    >>> layer = Dense(3, 2)
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> layer(params, state, np.zeros((5, 3), np.float32))[0].shape
    (5, 2)
    """

    in_features: int
    out_features: int
    bias: bool = True
    weight_init: Initializer = initializers.he_normal

    def __post_init__(self) -> None:
        checks.sizes("Dense", in_features=self.in_features, out_features=self.out_features)
        checks.held("Dense: weight", (self.in_features, self.out_features))
        checks.flag("Dense: bias", self.bias)
        checks.function("Dense", "weight_init", self.weight_init)

    def init(self, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> tuple[Arrays, Arrays]:
        """Draw ``weight`` (in, out) and a zero ``bias`` (out,); see `Layer.init`."""
        checks.initial("Dense", rng, dtype)
        params = {"weight": self.weight_init(rng, (self.in_features, self.out_features)).astype(dtype)}
        if self.bias:
            params["bias"] = np.zeros(self.out_features, dtype)
        return params, {}

    def __call__(
        self,
        params: Arrays,
        state: Arrays,
        x: Any,
        *,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Arrays]:
        """Multiply and add; see `Layer.__call__`."""
        check_arrays("Dense", x=x, weight=params["weight"], bias=params.get("bias"))
        if x.ndim < 1 or x.shape[-1] != self.in_features:
            raise ValueError(f"Dense: x: expected shape (..., {self.in_features}), got {x.shape}")
        y = x @ params["weight"]
        return (y + params["bias"] if self.bias else y), {}
