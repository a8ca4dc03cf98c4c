"""Images, filters and feature maps in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ..types import ArrayLike, NDArray
from .picture import WIDTH, grid, heat, picture, show, tiled

__all__ = ["feature_maps", "filters", "mistakes"]


def filters(weight: ArrayLike) -> Figure:
    """Draw the filters of a first convolution.

    Parameters
    ----------
    weight : array_like, shape (O, C, KH, KW)
        The weights, with 1 or 3 channels. One channel is drawn in grey, where the grey in the middle is 0,
        black is negative and white positive; three are drawn as colours in the same way.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> len(filters(np.ones((8, 1, 3, 3))).axes[0].images)
    1
    """
    kernels = np.asarray(weight)
    if kernels.ndim != 4 or kernels.shape[1] not in (1, 3):
        raise ValueError(f"filters: weight: expected shape (O, 1 or 3, KH, KW), got {kernels.shape}")
    size = max(float(np.abs(kernels).max(initial=0)), np.finfo(float).tiny)
    columns = 8
    rows = -(-len(kernels) // columns)
    figure, panels = grid(rows, columns, 0.7 + 0.3 / rows)
    for axes, kernel in zip(panels.flat, kernels, strict=False):
        show(axes, (kernel / size + 1) / 2)
    figure.suptitle(f"filters: black is {-size:.2g}, grey 0, white {size:.2g}", fontsize="medium")
    return figure


def feature_maps(image: ArrayLike, maps: Mapping[str, ArrayLike]) -> Figure:
    """Draw an image, and what each layer makes of it.

    Parameters
    ----------
    image : array_like, shape (C, H, W)
        The image.
    maps : mapping of str to array_like, each of shape (K, h, w) or (K,)
        The outputs of layers for this image by the names of the layers. What `insight.outputs` returns has
        the batch axis before these: ``{path: y[0] for path, y in found.items()}``.

    Returns
    -------
    matplotlib.figure.Figure
        Each layer has a scale of its own, from its lowest value to its highest.

    Raises
    ------
    ValueError
        If an output has another number of axes.

    Examples
    --------
    >>> figure = feature_maps(np.zeros((1, 8, 8)), {"conv": np.ones((8, 8, 8)), "dense": np.ones(10)})
    >>> [axes.get_title(loc="left").split(":")[0] for axes in figure.axes]
    ['image', 'conv', 'dense']
    """
    mosaics = {name: _mosaic(name, np.asarray(values)) for name, values in maps.items()}
    ratios = [1.0, *(max(height, 0.15) for _, height in mosaics.values())]
    figure = picture(sum(ratios) + 0.35 * len(ratios))
    first, *rest = figure.subplots(len(ratios), squeeze=False, height_ratios=ratios)[:, 0]
    show(first, np.asarray(image))
    first.set_anchor("W")
    first.set_title("image", loc="left", fontsize="small")
    for axes, (name, (mosaic, _)) in zip(rest, mosaics.items(), strict=True):
        low, high = float(np.nanmin(mosaic)), float(np.nanmax(mosaic))
        show(axes, mosaic, cmap=heat(), vmin=low, vmax=high)
        axes.set_anchor("W")
        for spine in axes.spines.values():
            spine.set_visible(False)
        sizes = " x ".join(map(str, np.shape(maps[name])))
        axes.set_title(f"{name}: {sizes}, from {low:.2g} to {high:.2g}", loc="left", fontsize="small")
    return figure


def _mosaic(name: str, values: NDArray) -> tuple[NDArray, float]:
    """Lay the maps of a layer side by side; return the mosaic, and its height in inches."""
    if values.ndim == 3 and values.shape[1:] != (1, 1):
        across, size = 8, 1.0
        mosaic = tiled(values, across, gap=max(1, values.shape[1] // 14))
    elif values.ndim in (1, 3):
        across, size = 64, 0.25
        mosaic = tiled(values.reshape(-1, 1, 1), across, gap=0)
    else:
        raise ValueError(f"feature_maps: '{name}': expected shape (K, h, w) or (K,), got {values.shape}")
    width = min(WIDTH, size * min(across, len(values)))  # a few maps do not fill it, or they would be huge
    return mosaic, width * mosaic.shape[0] / mosaic.shape[1]


def mistakes(
    images: ArrayLike, labels: Sequence[str], taken_for: Sequence[str], confidence: ArrayLike
) -> Figure:
    r"""Draw images that a network got wrong, each with what it is and what it was taken for.

    Parameters
    ----------
    images : array_like, shape (N, C, H, W)
        The images, such as those that `insight.worst_mistakes` has found.
    labels, taken_for : sequence of str, of length N
        The names of the right classes, and of those that they were taken for.
    confidence : array_like, shape (N,)
        The probabilities of the classes that they were taken for.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = mistakes(np.zeros((1, 1, 8, 8)), ["4"], ["9"], [0.98])
    >>> figure.axes[0].get_title()
    '4\nnot 9\n98% sure'
    """
    columns = 4
    rows = max(-(-len(labels) // columns), 1)
    figure, panels = grid(rows, columns, 1.9)
    for axes, image, label, other, sure in zip(
        panels.flat, np.asarray(images), labels, taken_for, np.asarray(confidence), strict=False
    ):
        show(axes, image)
        axes.set_title(f"{label}\nnot {other}\n{sure:.0%} sure", fontsize="small")
    return figure
