"""The way from the text of a skeleton to the matrices that draw it.

A Catmull-Rom spline is linear in its points. So one matrix product draws a skeleton, and skeletons that are
padded to the same size are drawn together, each with its own deformed points.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["SEGMENT", "SHEET", "Skeletons", "stack_skeletons"]

SHEET = 100.0  # the side of the sheet on which skeletons are drawn
SEGMENT = 3.5  # the longest piece of a stroke: 0.7 pixels on a sheet 20 pixels wide, finer than any pen


class Skeletons(NamedTuple):
    """Skeletons that are padded to common sizes, so that one product draws them all.

    Parameters
    ----------
    points : ndarray of float32, shape (V, P, 2)
        The distinct points of each of V skeletons. The sheet has side 1 here, and its centre is the origin.
    starts, ends : ndarray of float32, shape (V, K, P)
        ``starts @ points`` and ``ends @ points`` are the two ends of K short segments along the strokes.
        The padding is made of segments of length 0 at the last end, which carry no ink.

    Examples
    --------
    >>> drawn = stack_skeletons(["0,0 50,0 100,0"])
    >>> drawn.points[0].tolist()
    [[-0.5, -0.5], [0.0, -0.5], [0.5, -0.5]]
    >>> (drawn.starts[0, :1] @ drawn.points[0]).tolist()
    [[-0.5, -0.5]]
    """

    points: NDArray[np.float32]
    starts: NDArray[np.float32]
    ends: NDArray[np.float32]


def stack_skeletons(texts: list[str]) -> Skeletons:
    """Parse skeletons and stack them in the given order.

    Parameters
    ----------
    texts : list of str
        The skeletons, in the notation that `tinygrad_cnn.data.strokes` describes.

    Returns
    -------
    Skeletons
        One skeleton for each text.

    Examples
    --------
    >>> stack_skeletons(["50,0 50,100", "0,0 50,0 ; 50,0 50,100"]).points.shape
    (2, 3, 2)
    """
    drawn = [_skeleton(text) for text in texts]
    size = max(len(points) for points, _, _ in drawn)
    length = max(len(starts) for _, starts, _ in drawn)
    stack = Skeletons(
        np.zeros((len(drawn), size, 2), np.float32),
        np.zeros((len(drawn), length, size), np.float32),
        np.zeros((len(drawn), length, size), np.float32),
    )
    for v, (points, starts, ends) in enumerate(drawn):
        k, p = starts.shape
        stack.points[v, :p] = points
        stack.starts[v, :k, :p] = starts
        stack.ends[v, :k, :p] = ends
        stack.starts[v, k:] = stack.ends[v, k:] = stack.ends[v, k - 1]
    return stack


def _skeleton(text: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Parse one skeleton into its distinct points and the matrices of the two ends of its segments."""
    strokes = [[_point(point) for point in stroke.split()] for stroke in text.split(";")]
    points = sorted({point for stroke in strokes for point in stroke})
    sheet = np.array(points) / SHEET - 0.5
    nodes = [_evenly_spaced([points.index(point) for point in stroke], sheet) for stroke in strokes]
    return sheet, np.concatenate([n[:-1] for n in nodes]), np.concatenate([n[1:] for n in nodes])


def _point(text: str) -> tuple[float, float]:
    x, y = map(float, text.split(","))
    return x, y


def _evenly_spaced(stroke: list[int], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix that draws one stroke with nodes evenly spaced along it, shape (nodes, P)."""
    fine = np.linspace(0, len(stroke) - 1, 50 * len(stroke))
    curve = _catmull_rom(stroke, fine, len(points)) @ points
    travelled = np.append(0.0, np.cumsum(np.hypot(*np.diff(curve, axis=0).T)))
    count = int(np.ceil(travelled[-1] * SHEET / SEGMENT))
    even = np.interp(np.linspace(0, travelled[-1], count + 1), travelled, fine)
    return _catmull_rom(stroke, even, len(points))


def _catmull_rom(stroke: list[int], at: NDArray[np.float64], n_points: int) -> NDArray[np.float64]:
    """Return the weights of the points in the spline at the parameters `at`, shape (len(at), n_points).

    Parameter i belongs to the i-th point of the stroke. A closed stroke (its first point is its last) takes
    its neighbours around the seam, and an open one repeats its end points. Source: Catmull, Rom, "A class of
    local interpolating splines", 1974 (the uniform form).
    """
    last = len(stroke) - 1
    before = np.minimum(at.astype(int), last - 1)
    t = at - before
    basis = 0.5 * np.array(
        [
            -t + 2 * t**2 - t**3,
            2 - 5 * t**2 + 3 * t**3,
            t + 4 * t**2 - 3 * t**3,
            -(t**2) + t**3,
        ]
    )  # (4, len(at))
    neighbours = before + np.arange(-1, 3)[:, None]  # (4, len(at))
    closed = stroke[0] == stroke[-1]
    neighbours = neighbours % last if closed else np.clip(neighbours, 0, last)
    weights = np.zeros((len(at), n_points))
    np.add.at(weights, (np.arange(len(at)), np.array(stroke)[neighbours]), basis)
    return weights
