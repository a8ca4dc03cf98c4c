"""The curve of a skeleton passes its points in equal steps, and the padding carries no ink."""

import numpy as np
import pytest

from tinygrad_cnn.data.splines import SEGMENT, SHEET, stack_skeletons
from tinygrad_cnn.data.strokes import SKELETONS

ALL = [text for ways in SKELETONS for text in ways]


def ends_of(skeletons, v):
    return skeletons.starts[v] @ skeletons.points[v], skeletons.ends[v] @ skeletons.points[v]


def test_a_straight_stroke_is_cut_in_equal_segments():
    starts, ends = ends_of(stack_skeletons(["0,50 50,50 100,50"]), 0)
    np.testing.assert_allclose(starts[0], [-0.5, 0], atol=1e-6)
    np.testing.assert_allclose(ends[-1], [0.5, 0], atol=1e-6)
    np.testing.assert_array_equal(starts[1:], ends[:-1])
    steps = np.linalg.norm(ends - starts, axis=-1)
    assert len(steps) == np.ceil(SHEET / SEGMENT)
    np.testing.assert_allclose(steps, 1 / len(steps), rtol=1e-3)


def test_the_curve_passes_its_points():
    points = np.array([[10, 20], [40, 0], [80, 60], [20, 90]])
    starts, ends = ends_of(stack_skeletons([" ".join(f"{x},{y}" for x, y in points)]), 0)
    curve = np.concatenate([starts, ends])
    away = np.linalg.norm(curve[:, None] - (points / SHEET - 0.5), axis=-1).min(0)
    assert away.max() <= SEGMENT / SHEET / 2 + 1e-6


def test_a_closed_stroke_is_smooth_at_the_seam():
    """The first segment goes on where the last one points; a square that is left open turns by 90 degrees."""
    starts, ends = ends_of(stack_skeletons(["20,20 80,20 80,80 20,80 20,20"]), 0)
    first, last = ends[0] - starts[0], ends[-1] - starts[-1]
    np.testing.assert_allclose(starts[0], ends[-1], atol=1e-6)
    assert first @ last / np.linalg.norm(first) / np.linalg.norm(last) > 0.95


def test_strokes_share_equal_points_and_leave_gaps_between_others():
    skeletons = stack_skeletons(["0,0 50,0 ; 50,0 50,50", "0,0 50,0 ; 50,10 50,50"])
    assert [len(np.unique(points, axis=0)) for points in skeletons.points] == [3, 4]
    starts, ends = ends_of(skeletons, 0)
    np.testing.assert_allclose(starts[1:], ends[:-1], atol=1e-6)
    starts, ends = ends_of(skeletons, 1)
    assert np.linalg.norm(starts[1:] - ends[:-1], axis=-1).max() == pytest.approx(0.1, abs=1e-6)


def test_padding_is_segments_of_no_length_at_the_last_end():
    skeletons = stack_skeletons(["0,0 100,0", "0,0 20,0"])
    starts, ends = ends_of(skeletons, 1)
    used = int(np.ceil(20 / SEGMENT))
    np.testing.assert_array_equal(starts[used:], ends[used:])
    np.testing.assert_allclose(ends[used:], np.broadcast_to([-0.3, -0.5], ends[used:].shape), atol=1e-6)


def test_every_row_is_an_average_and_every_segment_is_short():
    """Moving all points moves the curve with them."""
    skeletons = stack_skeletons(ALL)
    np.testing.assert_allclose(skeletons.starts.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(skeletons.ends.sum(-1), 1, atol=1e-5)
    steps = np.linalg.norm((skeletons.ends - skeletons.starts) @ skeletons.points, axis=-1)
    assert steps.max() <= SEGMENT / SHEET * 1.01


def test_ten_digits_with_several_skeletons_each_on_the_sheet():
    assert len(SKELETONS) == 10
    assert min(len(ways) for ways in SKELETONS) >= 3
    assert len(set(ALL)) == len(ALL)
    points = stack_skeletons(ALL).points
    assert points[..., 1].min() >= -0.5
    assert points[..., 1].max() <= 0.5
    assert np.abs(points).max() < 0.8
