"""The layer that enlarges images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import ops
from ..kernels.options import Pair, pair
from ..ops.conv import check_arrays, geometry
from .layer import Parameterless

__all__ = ["Upsample"]


@dataclass(frozen=True)
class Upsample(Parameterless):
    """Enlarge images by repeating each pixel, (N, C, H, W) to (N, C, factor * H, factor * W).

    Parameters
    ----------
    factor : int or (int, int)
        How often to repeat, in height and width.

    Raises
    ------
    ValueError
        If the factor is below 1, or the input has not four axes.
    TypeError
        If the factor is not made of integers, or the input is no array.

    Examples
    --------
    >>> import numpy as np
    >>> Upsample((1, 2))({}, {}, np.array([[[[1.0, 2.0]]]]))[0]
    array([[[[1., 1., 2., 2.]]]])
    """

    factor: int | Pair

    def __post_init__(self) -> None:
        geometry("Upsample", pair, (self.factor, "factor", 1))

    def apply(self, x: Any) -> Any:
        """Return each row and each column repeated."""
        check_arrays("Upsample", x=x)
        if x.ndim != 4:
            raise ValueError(f"Upsample: x: expected shape (N, C, H, W), got {x.shape}")
        height, width = pair(self.factor, "factor", 1)
        return ops.repeat(ops.repeat(x, height, axis=2), width, axis=3)
