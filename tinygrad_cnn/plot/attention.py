"""What a network looks at, and what makes it err: maps of saliency, and adversarial examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..types import ArrayLike, NDArray
from .picture import WIDTH, grid, heat, show

__all__ = ["adversarial", "saliency"]


def saliency(images: ArrayLike, maps: Mapping[str, ArrayLike]) -> Figure:
    """Draw images, and beside each what its class depends on.

    Parameters
    ----------
    images : array_like, shape (N, C, H, W)
        The images.
    maps : mapping of str to array_like, each of shape (N, C, H, W) or (N, h, w)
        Maps by the names of their methods: gradients of the pixels, of which the largest magnitude over the
        channels is drawn, or maps that are smaller than the image, such as those of `insight.grad_cam`.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each image. Each map has a scale of its own, from 0 to its largest value.

    Examples
    --------
    >>> maps = {"gradient": np.ones((2, 1, 8, 8)), "Grad-CAM": np.ones((2, 4, 4))}
    >>> figure = saliency(np.zeros((2, 1, 8, 8)), maps)
    >>> [axes.get_title() for axes in figure.axes]
    ['image', 'gradient', 'Grad-CAM', '', '', '']
    """
    pixels = np.asarray(images)
    columns = 1 + len(maps)
    figure, panels = grid(len(pixels), columns, WIDTH / columns)
    for row, image in zip(panels, pixels, strict=True):
        show(row[0], image)
    for column, (name, values) in enumerate(maps.items(), start=1):
        for axes, one, image in zip(panels[:, column], np.asarray(values), pixels, strict=True):
            _show_map(axes, one, image)
        panels[0, column].set_title(name, fontsize="medium")
    panels[0, 0].set_title("image", fontsize="medium")
    return figure


def _show_map(axes: Any, values: NDArray, image: NDArray) -> None:
    """Show a map over the place of its image, whose outline is drawn upon it."""
    strength = np.abs(values).max(0) if values.ndim == 3 else values
    height, width = image.shape[-2:]
    smooth = "nearest" if strength.shape == (height, width) else "bilinear"
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    high = max(float(strength.max()), np.finfo(float).tiny)
    show(
        axes,
        strength,
        cmap=heat(),
        vmin=0,
        vmax=high,
        extent=extent,
        interpolation=smooth,
    )
    if len(image) == 1 and image.min() < 0.5 < image.max():
        axes.contour(image[0], levels=[0.5], colors="white", linewidths=0.7)


def adversarial(images: ArrayLike, changed: ArrayLike, before: Sequence[str], after: Sequence[str]) -> Figure:
    """Draw images, a small change of each, and the images with this change.

    Parameters
    ----------
    images, changed : array_like, shape (N, C, H, W)
        The images before and after, such as those of `insight.fgsm`.
    before, after : sequence of str, of length N
        What they are taken for, such as ``"7, 99 %"``.

    Returns
    -------
    matplotlib.figure.Figure
        The change is drawn in grey from its most negative value, in black, to its most positive one.

    Examples
    --------
    >>> figure = adversarial(np.zeros((1, 1, 8, 8)), np.ones((1, 1, 8, 8)), ["7, 99 %"], ["3, 81 %"])
    >>> [axes.get_title() for axes in figure.axes]
    ['before: 7, 99 %', 'change, up to 1', 'after: 3, 81 %']
    """
    first, last = np.asarray(images), np.asarray(changed)
    change = last - first
    size = max(float(np.abs(change).max(initial=0)), np.finfo(float).tiny)
    figure, panels = grid(len(first), 3, 2.0)
    titles = zip(before, after, strict=True)
    for row, image, other, moved, (was, now) in zip(panels, first, last, change, titles, strict=True):
        show(row[0], image)
        show(row[1], (moved / size + 1) / 2)
        show(row[2], other)
        for axes, title in zip(
            row, (f"before: {was}", f"change, up to {size:.2g}", f"after: {now}"), strict=True
        ):
            axes.set_title(title, fontsize="small")
    return figure
