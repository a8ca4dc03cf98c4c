"""The figure that all pictures are drawn into, and the few ways in which they show images."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ..types import NDArray

WIDTH = 5.0
"""The width of every figure in inches."""


class Picture(Figure):
    """A figure that a notebook shows as it is; pyplot, which would keep it alive, knows nothing of it."""

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png")
        return written.getvalue()


def picture(height: float) -> Picture:
    """Make an empty figure of a height in inches, with room between its parts for their texts."""
    return Picture(figsize=(WIDTH, height), layout="constrained")


def grid(rows: int, columns: int, row_height: float) -> tuple[Picture, NDArray]:
    """Make a figure of panels for images, and return these as an array of rows; all are still empty."""
    figure = picture(rows * row_height)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    return figure, panels


def show(axes: Any, image: NDArray, **options: Any) -> Any:
    """Show an image of shape (H, W), (1, H, W) or (3, H, W) inside of a thin frame, and return it.

    A single channel is shown in grey, from 0 in black to 1 in white, unless options say otherwise.
    """
    pixels = image[0] if image.ndim == 3 and len(image) == 1 else image
    if pixels.ndim == 3:
        pixels, options = np.clip(np.moveaxis(pixels, 0, -1), 0, 1), {}
    axes.set_axis_on()
    axes.set_xticks([])
    axes.set_yticks([])
    return axes.imshow(pixels, **{"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest"} | options)


def tiled(maps: NDArray, columns: int, gap: int = 1) -> NDArray:
    """Lay maps of shape (K, h, w) side by side into one, with lines of NaN between them.

    Examples
    --------
    >>> tiled(np.arange(3.0).reshape(3, 1, 1), 2)
    array([[ 0., nan,  1.],
           [nan, nan, nan],
           [ 2., nan, nan]])
    """
    count, height, width = maps.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    found = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for i, one in enumerate(maps):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        found[top : top + height, left : left + width] = one
    return found


def heat() -> Any:
    """Return the colour map of the current style for values that are no images; viridis by default."""
    return mpl.rcParams["image.cmap"]
