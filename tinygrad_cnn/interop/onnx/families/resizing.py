"""Images in another size."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .... import ops
from ....tape import constant_for
from ..registry import Numbers, operator
from .shaping import ints


@operator("Upsample")
def upsample(x: Any, scales_input: Numbers = None, *, mode: str = "nearest", scales: Any = None) -> Any:
    """Resize, as it was before version 10: each place takes what is at or before it."""
    factors = np.asarray(scales if scales_input is None else scales_input, float)
    return resize(
        x, None, factors, mode=mode, coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )


@operator("Resize")
def resize(
    x: Any,
    roi: Numbers = None,
    scales: Numbers = None,
    sizes: Numbers = None,
    *,
    antialias: int = 0,
    axes: tuple[int, ...] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Any:
    """Resize along each axis by a matrix of weights, which are those of the neighbours of each new place."""
    along = tuple(range(x.ndim)) if axes is None else tuple(axis % x.ndim for axis in axes)
    before = [x.shape[axis] for axis in along]
    is_cropped = coordinate_transformation_mode == "tf_crop_and_resize"
    if scales is not None and scales.size:
        factors = [float(s) for s in scales]
        after = [int(n * s) for n, s in zip(before, factors, strict=True)]
    else:
        factors, after = _of_sizes(before, ints(sizes), keep_aspect_ratio_policy)
    for i, axis in enumerate(along):
        if before[i] == after[i] and factors[i] == 1 and not is_cropped:
            continue
        ends = (0.0, 1.0) if roi is None or not roi.size else (float(roi[i]), float(roi[i + len(along)]))
        places = _places(coordinate_transformation_mode, before[i], after[i], factors[i], ends)
        weights = _weights(
            places, before[i], mode, nearest_mode, cubic_coeff_a, bool(exclude_outside),
            min(factors[i], 1.0) if antialias else 1.0,
        )  # fmt: skip
        x = _applied(x, weights.astype(x.dtype), axis)
        if is_cropped:
            x = _with_value_outside(x, places, before[i], axis, extrapolation_value)
    return x


def _with_value_outside(x: Any, places: Any, n: int, axis: int, value: float) -> Any:
    """Put a value where a place lies outside of the axis."""
    outside = ((places < 0) | (places > n - 1)).reshape(tuple(-1 if a == axis else 1 for a in range(x.ndim)))
    if not outside.any():
        return x
    return ops.where(constant_for(x, outside.copy), np.asarray(value, x.dtype)[()], x)


def _of_sizes(before: list[int], sizes: tuple[int, ...], policy: str) -> tuple[list[float], list[int]]:
    factors = [m / n for n, m in zip(before, sizes, strict=True)]
    if policy == "stretch":
        return factors, list(sizes)
    one = min(factors) if policy == "not_larger" else max(factors)
    return [one] * len(factors), [int(np.floor(n * one + 0.5)) for n in before]


def _places(mode: str, n: int, m: int, factor: float, ends: tuple[float, float]) -> Any:
    """Return where in the old axis each new place lies."""
    i = np.arange(m, dtype=float)
    if mode == "asymmetric":
        return i / factor
    if mode == "align_corners":
        return i * (n - 1) / (n * factor - 1) if m > 1 else np.zeros(m)
    if mode == "tf_crop_and_resize":
        start, end = ends
        if m == 1:
            return np.full(1, 0.5 * (start + end) * (n - 1))
        return start * (n - 1) + i * (end - start) * (n - 1) / (m - 1)
    if mode == "pytorch_half_pixel" and m == 1:
        return np.zeros(1) - 0.5 if n == 0 else np.zeros(1)
    if mode == "half_pixel_symmetric":
        centre = n / 2
        return centre * (1 - m / (factor * n)) + (i + 0.5) / factor - 0.5
    return (i + 0.5) / factor - 0.5


def _weights(
    places: Any, n: int, mode: str, nearest: str, a: float, excludes: bool, shrink: float
) -> np.ndarray:
    """Return the matrix (new, old) of the weights of old elements; outside of the axis its end counts."""
    weights = np.zeros((len(places), n))
    for i, place in enumerate(places):
        if mode == "nearest":
            weights[i, int(np.clip(_nearest(nearest, place), 0, n - 1))] = 1
            continue
        reach = (1 if mode == "linear" else 2) / shrink
        found = range(int(np.ceil(place - reach)), int(np.floor(place + reach)) + 1)
        kernel = [_kernel(mode, (j - place) * shrink, a) for j in found]
        if excludes:
            kernel = [k if 0 <= j < n else 0.0 for j, k in zip(found, kernel, strict=True)]
        for j, k in zip(found, kernel, strict=True):
            weights[i, min(max(j, 0), n - 1)] += k / sum(kernel)
    return weights


def _nearest(mode: str, place: float) -> float:
    if mode == "floor":
        return np.floor(place)
    if mode == "ceil":
        return np.ceil(place)
    return np.ceil(place - 0.5) if mode == "round_prefer_floor" else np.floor(place + 0.5)


def _kernel(mode: str, x: float, a: float) -> float:
    """Return the weight of a neighbour at a distance: a triangle, or the cubic of Keys 1981."""
    x = abs(x)
    if mode == "linear":
        return max(1 - x, 0.0)
    if x <= 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a if x < 2 else 0.0


def _applied(x: Any, weights: np.ndarray, axis: int) -> Any:
    """Multiply a matrix with an axis."""
    matrix = constant_for(x, weights.copy)
    moved = ops.matmul(matrix, ops.moveaxis(x, axis, -2)) if x.ndim > 1 else matrix @ x
    return ops.moveaxis(moved, -2, axis) if x.ndim > 1 else moved


@operator("AffineGrid")
def affine_grid(theta: Any, size: Numbers, *, align_corners: int = 0) -> Any:
    """Return the places that an affine map sends the pixels of an image to."""
    shape = ints(size)[2:]
    axes = [
        np.linspace(-1, 1, n) if align_corners else (2 * np.arange(n) + 1) / n - 1 for n in shape
    ]  # in [-1, 1]
    grid = np.meshgrid(*axes, indexing="ij")[::-1]
    points = np.stack([*grid, np.ones(shape)], -1).reshape(-1, len(shape) + 1).astype(theta.dtype)
    moved = ops.matmul(constant_for(theta, points.copy), ops.swapaxes(theta, 1, 2))
    return ops.reshape(moved, (theta.shape[0], *shape, len(shape)))


@operator("GridSample")
def grid_sample(
    x: Any, grid: Any, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros"
) -> Any:
    """Return an image at places that are given, between its pixels."""
    mode = mode.replace("bilinear", "linear").replace("bicubic", "cubic")
    sizes = x.shape[2:]
    places = [_unnormalized(grid[..., -1 - i], n, align_corners) for i, n in enumerate(sizes)]
    if mode != "cubic" and padding_mode != "zeros":
        places = [_inside(p, n, align_corners, padding_mode) for p, n in zip(places, sizes, strict=True)]
    samples = np.arange(x.shape[0]).reshape((-1,) + (1,) * (grid.ndim - 1))
    channels = np.arange(x.shape[1]).reshape((1, -1) + (1,) * (grid.ndim - 2))
    total: Any = 0
    for neighbours in itertools.product(*(_neighbours(p, mode) for p in places)):
        key, weight, is_inside = [], 1.0, True
        for (place, share), n in zip(neighbours, sizes, strict=True):
            if padding_mode != "zeros":
                place = _inside(place, n, align_corners, padding_mode)
            is_inside = is_inside & (place >= 0) & (place <= n - 1)
            key.append(np.expand_dims(np.clip(place, 0, n - 1).astype(int), 1))
            weight = weight * share
        values = ops.getitem(x, (samples, channels, *key))
        total = total + values * np.expand_dims(weight * is_inside, 1)
    return ops.astype(total, x.dtype)


def _unnormalized(g: Any, n: int, align_corners: int) -> Any:
    return (g + 1) / 2 * (n - 1) if align_corners else ((g + 1) * n - 1) / 2


def _inside(place: Any, n: int, align_corners: int, mode: str) -> Any:
    """Move places into the image: to its border, or mirrored at it."""
    if mode == "border":
        return np.clip(place, 0, n - 1)
    low, high = (0.0, n - 1.0) if align_corners else (-0.5, n - 0.5)
    length = high - low
    if length == 0:
        return np.zeros_like(place)
    away = np.mod(place - low, 2 * length)
    return np.clip(low + np.where(away > length, 2 * length - away, away), 0, n - 1)


def _neighbours(place: Any, mode: str) -> list[tuple[Any, Any]]:
    """Return the whole places around a place, with their weights."""
    if mode == "nearest":
        return [(np.rint(place), 1.0)]
    first = np.floor(place)
    offsets = (0, 1) if mode == "linear" else (-1, 0, 1, 2)
    kernel = np.vectorize(lambda d: _kernel(mode, d, -0.75))
    return [(first + i, kernel(first + i - place)) for i in offsets]
