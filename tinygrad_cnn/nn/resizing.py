"""The layers that give images another size by their own elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .. import checks, ops
from ..ops.resizing import MODES
from .layer import Parameterless

__all__ = ["PixelShuffle", "Upsample"]


@dataclass(frozen=True)
class Upsample(Parameterless):
    """Interpolation to another size; see `tinygrad_cnn.interpolate`.

    Parameters
    ----------
    size : int or tuple of int, optional
        The size of the result in space.
    scale_factor : float or tuple of float, optional
        What the size is multiplied by, given instead of ``size``.
    mode : "nearest", "linear", "bilinear" or "trilinear"
        How an output element is made.
    align_corners : bool
        Whether the outermost elements stay where they are.

    Examples
    --------
    >>> import numpy as np
    >>> Upsample(scale_factor=2)({}, {}, np.array([[[1.0, 3.0]]]))[0]
    array([[[1., 1., 3., 3.]]])
    """

    size: int | tuple[int, ...] | None = None
    scale_factor: float | tuple[float, ...] | None = None
    mode: Literal["nearest", "linear", "bilinear", "trilinear"] = "nearest"
    align_corners: bool = False

    def __post_init__(self) -> None:
        checks.one_of("Upsample", "mode", self.mode, tuple(MODES))
        checks.flag("Upsample: align_corners", self.align_corners)
        if self.size is not None:
            checks.sizes("Upsample", size=self.size)
        factors = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,)
        for factor in factors if self.scale_factor is not None else ():
            checks.within("Upsample", "scale_factor", factor, "(0, inf)")
        if (self.size is None) == (self.scale_factor is None):
            raise ValueError(
                f"Upsample: expected size or scale_factor, got size={self.size} and "
                f"scale_factor={self.scale_factor}"
            )

    def apply(self, x: Any) -> Any:
        """Interpolate."""
        return ops.interpolate(x, self.size, self.scale_factor, self.mode, align_corners=self.align_corners)


@dataclass(frozen=True)
class PixelShuffle(Parameterless):
    """Channels to space; see `tinygrad_cnn.pixel_shuffle`.

    Parameters
    ----------
    upscale_factor : int
        What height and width are multiplied by; its square divides the channels.

    Examples
    --------
    >>> import numpy as np
    >>> PixelShuffle(2)({}, {}, np.zeros((1, 8, 3, 3)))[0].shape
    (1, 2, 6, 6)
    """

    upscale_factor: int

    def __post_init__(self) -> None:
        checks.integer("PixelShuffle: upscale_factor", self.upscale_factor, 1)

    def apply(self, x: Any) -> Any:
        """Move channels to space."""
        return ops.pixel_shuffle(x, self.upscale_factor)
