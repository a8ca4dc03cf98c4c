"""The layer between images and vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import ops
from ..tape import raw
from .layer import Parameterless

__all__ = ["Flatten"]


@dataclass(frozen=True)
class Flatten(Parameterless):
    """Join all axes but the first: (N, C, H, W) to (N, C * H * W)."""

    def apply(self, x: Any) -> Any:
        """Return ``x.reshape(N, -1)``, also for N = 0."""
        shape = np.shape(raw(x))
        if not shape:
            raise ValueError("Flatten: x: expected shape (N, ...), got ()")
        return ops.reshape(x, (shape[0], math.prod(shape[1:])))
