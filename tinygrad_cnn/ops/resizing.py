"""Operations that give images another size: interpolation, and moves between channels and space."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from .. import checks
from ..tape import constant_for, in_single, raw
from ..types import Array, NDArray, Out, Shape
from .indexing import getitem
from .operands import of_numbers
from .shaping import as_array, reshape, transpose

__all__ = ["interpolate", "pixel_shuffle", "pixel_unshuffle"]

MODES = {"nearest": (3, 4, 5), "linear": (3,), "bilinear": (4,), "trilinear": (5,)}
"""The modes of interpolation, and the numbers of axes that they take."""


@of_numbers
@in_single
def interpolate(
    x: NDArray | Out,
    size: int | Shape | None = None,
    scale_factor: float | tuple[float, ...] | None = None,
    mode: Literal["nearest", "linear", "bilinear", "trilinear"] = "nearest",
    *,
    align_corners: bool = False,
) -> Out:
    """Change the size of sequences, images or volumes, as PyTorch's function of this name does.

    Output ``i`` of ``M`` stands at position ``(i + 0.5) * N / M - 0.5`` of an axis of length ``N``, or, with
    ``align_corners``, at ``i * (N - 1) / (M - 1)``. It is the mean of the two elements around, by their
    nearness, and beyond the first or last element that element. "nearest" takes ``floor(i * N / M)``.

    Parameters
    ----------
    x : ndarray or Tensor, (N, C, ...)
    size : int or tuple of int, optional
        The size of the result along the axes after the channels.
    scale_factor : float or tuple of float, optional
        What the size is multiplied by, rounded down; given instead of ``size``. Positions are computed with
        the factor itself.
    mode : "nearest", "linear", "bilinear" or "trilinear"
        The last three are one kind of mean, for one, two and three axes.
    align_corners : bool
        Whether the outermost elements stay where they are; not for "nearest".

    Returns
    -------
    ndarray or Tensor, (N, C, ...)

    Raises
    ------
    ValueError
        If the mode does not fit the axes, not one of ``size`` and ``scale_factor`` is given, or one is wrong.

    Examples
    --------
    >>> interpolate(np.array([[[1.0, 3.0]]]), scale_factor=2)
    array([[[1., 1., 3., 3.]]])
    >>> interpolate(np.array([[[1.0, 3.0]]]), size=4, mode="linear")
    array([[[1. , 1.5, 2.5, 3. ]]])
    """
    shape = np.shape(raw(x))
    checks.one_of("interpolate", "mode", mode, tuple(MODES))
    checks.flag("interpolate: align_corners", align_corners)
    if len(shape) not in MODES[mode] or 0 in shape[2:]:
        axes = " or ".join(map(str, MODES[mode]))
        raise ValueError(
            f"interpolate: x: expected {axes} axes for mode {mode!r}, and a length in space, got {shape}"
        )
    if align_corners and mode == "nearest":
        raise ValueError("interpolate: align_corners: goes with means, not with the mode 'nearest'")
    for axis, (m, step) in enumerate(_lengths_and_steps(shape, size, scale_factor), 2):
        lead = (slice(None),) * axis
        if mode == "nearest":
            x = getitem(x, (*lead, constant_for(x, _nearest, shape[axis], m, step)))
            continue
        x = as_array(x)
        below, share = constant_for(x, _between, shape[axis], m, step, align_corners)
        above = np.minimum(below + 1, shape[axis] - 1)
        share = share.astype(x.dtype).reshape(-1, *(1 for _ in shape[axis + 1 :]))
        x = getitem(x, (*lead, below)) * (1 - share) + getitem(x, (*lead, above)) * share
    return x


def _lengths_and_steps(shape: Shape, size: Any, scale_factor: Any) -> list[tuple[int, float]]:
    """Return the length of each axis of the result, and the step in the input from one output to the next."""
    op, space = "interpolate", shape[2:]
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{op}: expected size or scale_factor, got {size=} and {scale_factor=}")
    name, given = ("size", size) if scale_factor is None else ("scale_factor", scale_factor)
    given = given if isinstance(given, tuple) else (given,) * len(space)
    if len(given) != len(space):
        raise ValueError(f"{op}: {name}: expected {len(space)} numbers for x {shape}, got {given}")
    if scale_factor is None:
        found = [(checks.integer(f"{op}: size", m, 1), n / m) for n, m in zip(space, given, strict=True)]
    else:
        factors = [checks.within(op, "scale_factor", factor, "(0, inf)") for factor in given]
        found = [(math.floor(n * factor), 1 / factor) for n, factor in zip(space, factors, strict=True)]
    lengths = tuple(m for m, _ in found)
    if 0 in lengths:
        raise ValueError(f"{op}: scale_factor: expected at least one element, got {given} for x {shape}")
    checks.held(f"{op}: {name}", (*shape[:2], *lengths))
    return found


def _nearest(n: int, m: int, step: float) -> NDArray:
    """Return the element that each output takes along an axis."""
    return np.minimum(np.floor(np.arange(m) * step).astype(int), n - 1)


def _between(n: int, m: int, step: float, align_corners: bool) -> tuple[NDArray, NDArray]:
    """Return the element before each output's position along an axis, and the share of the one after it."""
    if align_corners:
        position = np.arange(m) * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        position = np.maximum((np.arange(m) + 0.5) * step - 0.5, 0)
    below = np.minimum(position.astype(int), n - 1)
    return below, np.minimum(position - below, 1.0)


@of_numbers
def pixel_shuffle(x: NDArray | Out, upscale_factor: int) -> Out:
    """Move channels to space (Shi et al. 2016): ``r * r`` channels become blocks of ``r`` by ``r`` pixels.

    Parameters
    ----------
    x : ndarray or Tensor, (..., C * r * r, H, W)
    upscale_factor : int
        The factor ``r``.

    Returns
    -------
    ndarray or Tensor, (..., C, H * r, W * r)

    Raises
    ------
    ValueError
        If ``r * r`` does not divide the channels.

    Examples
    --------
    >>> pixel_shuffle(np.arange(4.0).reshape(4, 1, 1), 2)
    array([[[0., 1.],
            [2., 3.]]])
    """
    r = checks.integer("pixel_shuffle: upscale_factor", upscale_factor, 1)
    *lead, channels, height, width = _image("pixel_shuffle", x)
    if channels % (r * r):
        raise ValueError(f"pixel_shuffle: x: expected a multiple of {r * r} channels, got {channels}")
    blocks = reshape(x, (*lead, channels // (r * r), r, r, height, width))
    return reshape(_permuted(blocks, (0, 3, 1, 4, 2)), (*lead, channels // (r * r), height * r, width * r))


@of_numbers
def pixel_unshuffle(x: NDArray | Out, downscale_factor: int) -> Out:
    """Move space to channels: blocks of ``r`` by ``r`` pixels become ``r * r`` channels.

    Parameters
    ----------
    x : ndarray or Tensor, (..., C, H * r, W * r)
    downscale_factor : int
        The factor ``r``.

    Returns
    -------
    ndarray or Tensor, (..., C * r * r, H, W)

    Raises
    ------
    ValueError
        If ``r`` does not divide height and width.

    Examples
    --------
    >>> pixel_unshuffle(np.arange(4.0).reshape(1, 2, 2), 2).shape
    (4, 1, 1)
    """
    r = checks.integer("pixel_unshuffle: downscale_factor", downscale_factor, 1)
    *lead, channels, height, width = _image("pixel_unshuffle", x)
    if height % r or width % r:
        raise ValueError(f"pixel_unshuffle: x: expected a multiple of {r}, got {height} by {width}")
    blocks = reshape(x, (*lead, channels, height // r, r, width // r, r))
    return reshape(_permuted(blocks, (0, 2, 4, 1, 3)), (*lead, channels * r * r, height // r, width // r))


def _image(op: str, x: Any) -> Shape:
    shape = np.shape(raw(x))
    if len(shape) < 3:
        raise ValueError(f"{op}: x: expected shape (..., C, H, W), got {shape}")
    return shape


def _permuted(x: Array, order: Shape) -> Array:
    """Permute the last axes."""
    first = x.ndim - len(order)
    return transpose(x, (*range(first), *(first + axis for axis in order)))
