"""The layer between images and vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import ops
from .layer import Parameterless

__all__ = ["Flatten"]


@dataclass(frozen=True)
class Flatten(Parameterless):
    """Join all axes but the first: (N, C, H, W) to (N, C * H * W)."""

    def apply(self, x: Any) -> Any:
        """Return ``x.reshape(N, -1)``, also for N = 0."""
        if x.ndim == 0:
            raise ValueError("Flatten: x: expected shape (N, ...), got ()")
        return ops.reshape(x, (x.shape[0], math.prod(x.shape[1:])))
