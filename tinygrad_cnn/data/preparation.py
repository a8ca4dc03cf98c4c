"""Pictures of a digit, drawn or photographed, as MNIST would have them."""

from __future__ import annotations

import numpy as np

from ..types import ArrayLike, NDArray

__all__ = ["prepare_digit"]

_SIDE, _BOX = 28, 20  # MNIST fits every digit into a box of 20 x 20 pixels inside its 28 x 28
_LARGEST = 200  # pixels of the longer side of a picture that is looked at


def prepare_digit(image: ArrayLike) -> NDArray:
    """Turn the picture of one digit into an image as those of MNIST: light on black, in size and place.

    The background, which may be brighter at one side as on a photograph, is taken away, dark ink becomes
    light, the digit is cut out and scaled so that its longer side has 20 pixels, and its centre of mass is
    moved to the pixel (14, 14) of 28 x 28.

    Parameters
    ----------
    image : array_like, shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)
        The picture, grey or in colours, with values from 0 to 255 if they are integers, or else from 0 to 1.
        A fourth channel says how opaque a pixel is; what is transparent counts as white.

    Returns
    -------
    ndarray of float32, shape (1, 28, 28)
        The image, with values in [0, 1]. A picture without any ink gives an image of zeros.

    Raises
    ------
    ValueError
        If the array is no picture, or not finite.

    Examples
    --------
    >>> paper = np.full((60, 40), 255, np.uint8)
    >>> paper[20:50, 10:14] = 30  # a 1 in dark ink
    >>> digit = prepare_digit(paper)
    >>> digit.shape, float(digit.max()), int((digit > 0.5).any(2).sum())
    ((1, 28, 28), 1.0, 20)
    """
    ink = _ink(_reduced(_grey(image)))
    found = ink > 0
    if not found.any():
        return np.zeros((1, _SIDE, _SIDE), np.float32)
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = _BOX / max(digit.shape)
    height, width = (max(1, round(scale * size)) for size in digit.shape)
    small = _averages(digit.shape[0], height) @ digit @ _averages(digit.shape[1], width).T
    small /= small.max()
    return _centred(small)[None].astype(np.float32)


def _grey(image: ArrayLike) -> NDArray:
    """Return the brightness of each pixel, from 0 to 1."""
    pixels = np.asarray(image)
    if pixels.dtype.kind in "bui":
        pixels = pixels / (1 if pixels.dtype.kind == "b" else np.iinfo(pixels.dtype).max)
    pixels = pixels.astype(np.float64)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size:
        raise ValueError(f"prepare_digit: image: expected shape (H, W) or (H, W, 3), got {np.shape(image)}")
    if not np.isfinite(pixels).all():
        raise ValueError("prepare_digit: image: expected finite values, got others")
    if pixels.shape[2] == 4:
        opaque = pixels[..., 3:]
        pixels = opaque * pixels[..., :3] + (1 - opaque)
    weights = [1.0] if pixels.shape[2] == 1 else [0.299, 0.587, 0.114]  # the luma of ITU-R BT.601
    return pixels @ np.array(weights)


def _reduced(grey: NDArray) -> NDArray:
    """Average the pixels of a large picture, which has more of them than a digit needs."""
    scale = _LARGEST / max(grey.shape)
    if scale >= 1:
        return grey
    height, width = (max(1, round(scale * size)) for size in grey.shape)
    return _averages(grey.shape[0], height) @ grey @ _averages(grey.shape[1], width).T


def _ink(grey: NDArray) -> NDArray:
    """Return how much ink each pixel has, from 0 to 1, without the background and its noise."""
    difference = grey - _background(grey)
    edge = np.abs(difference)
    # Ink is what differs most; it is dark on paper and light on a blackboard.
    sign = 1.0 if difference[edge > 0.5 * edge.max()].sum() > 0 else -1.0
    ink = np.clip(sign * difference, 0, None)
    top = np.quantile(ink, 0.998)
    top = top if top > 0.25 * ink.max() else ink.max()
    if top < 0.04:  # a picture of nothing but noise
        return np.zeros_like(ink)
    ink = np.clip(ink / top, 0, 1)
    level = _threshold(ink)
    noise = np.sqrt(np.mean(np.square(ink[ink < 0.5 * level])))
    low = min(0.5 * level, 3 * noise)
    ink = np.clip((ink - low) / (1 - low), 0, 1)
    return np.where(_widened(_large_parts(ink > 0.5 * level)), ink, 0)


def _background(grey: NDArray) -> NDArray:
    """Fit a plane of brightness to the background, and again without what lies far from it."""
    height, width = grey.shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones(grey.size), rows.ravel(), columns.ravel()], axis=1)
    values = grey.ravel()
    border = np.zeros(grey.shape, bool)
    thickness = max(1, min(height, width) // 12)
    border[:thickness] = border[-thickness:] = border[:, :thickness] = border[:, -thickness:] = True
    near = border.ravel()
    fitted = np.full(values.shape, np.median(values[near]))
    for _ in range(4):
        distance = np.abs(values - fitted)
        spread = max(2.5 * np.median(distance[near]), 0.06)
        used = distance < spread
        if used.sum() < 12:
            break
        fitted = terms @ np.linalg.lstsq(terms[used], values[used], rcond=None)[0]
        near = used
    return fitted.reshape(grey.shape)


def _threshold(ink: NDArray) -> float:
    """Return the level that parts ink from background best (Otsu 1979)."""
    counts, edges = np.histogram(ink, 64, (0, 1))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    total, mass = below[-1], np.cumsum(counts * middles)
    above = total - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return float(edges[1:][np.nanargmax(between)])


def _large_parts(ink: NDArray) -> NDArray:
    """Return where there is ink, without specks of dirt: parts far smaller than the largest one."""
    labels = _parts(ink)
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    return (sizes >= 0.08 * sizes.max())[labels] & ink


def _widened(ink: NDArray) -> NDArray:
    """Return where there is ink, or some beside it: the soft edge of a line."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(ink, 1), (3, 3))
    return np.asarray(windows.any((2, 3)))


def _parts(ink: NDArray) -> NDArray:
    """Number the connected parts of ink from 1 on, also over corners; the background has number 0.

    A pixel takes the least number of its neighbours, and then that of the pixel which this number names. So
    the numbers fall fast, and a part of any length takes a few rounds.
    """
    outside = ink.size + 1
    padded = np.full((ink.shape[0] + 2, ink.shape[1] + 2), outside)
    numbers = padded[1:-1, 1:-1]
    numbers[ink] = np.flatnonzero(ink) + 1
    while True:
        before = numbers[ink]
        rows = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
        numbers[ink] = np.minimum(np.minimum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])[ink]
        numbers[ink] = numbers.ravel()[numbers[ink] - 1]
        if np.array_equal(numbers[ink], before):
            break
    parts = np.zeros(ink.shape, np.int64)
    parts[ink] = np.unique(before, return_inverse=True)[1] + 1
    return parts


def _averages(before: int, after: int) -> NDArray:
    """Return the matrix that turns so many pixels of a line into fewer or more, each the mean of its part."""
    edges = np.linspace(0, before, after + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixels = np.arange(before)
    overlap = np.clip(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0, None)
    return overlap / overlap.sum(1, keepdims=True)


def _centred(digit: NDArray) -> NDArray:
    """Put a digit into the frame so that its centre of mass is at the pixel (14, 14), or next to it."""
    frame = np.zeros((_SIDE, _SIDE))
    corner = []
    for axis, size in enumerate(digit.shape):
        mass = digit.sum(1 - axis)
        centre = (mass @ np.arange(size)) / mass.sum()
        corner.append(int(np.clip(round(_SIDE / 2 - centre), 0, _SIDE - size)))
    top, left = corner
    frame[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return frame
