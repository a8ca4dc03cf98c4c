import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn import tree
from tinygrad_cnn.optim import clip_by_global_norm


def gradients(dtype=np.float64):
    return {"a": np.array([[3.0, 0.0]], dtype), "b": [np.array(4.0, dtype), np.array([12.0], dtype)]}


def test_the_norm_is_that_of_all_leaves_together():
    given = gradients()
    clipped, norm = clip_by_global_norm(given, 6.5)
    assert norm == 13
    assert tree.structure(clipped) == tree.structure(gradients())
    tree.map(lambda g, original: assert_array_equal(g, original / 2), clipped, gradients())
    tree.map(assert_array_equal, given, gradients())  # they are not changed
    assert clip_by_global_norm(clipped, 100.0)[1] == pytest.approx(6.5)


def test_small_gradients_are_handed_back():
    given = gradients()
    clipped, norm = clip_by_global_norm(given, 13.0)
    assert norm == 13
    assert all(a is b for a, b in zip(tree.leaves(clipped), tree.leaves(given), strict=True))
    assert clip_by_global_norm({"w": np.zeros(3)}, 1.0)[1] == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_squares_that_overflow_the_dtype_do_not(dtype):
    large = np.full(4, np.finfo(dtype).max / 4, dtype)
    clipped, norm = clip_by_global_norm({"w": large}, 1.0)
    assert norm == pytest.approx(2 * float(large[0]))
    assert clipped["w"].dtype == dtype
    assert_allclose(clipped["w"], 0.5, rtol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_gradients_that_are_not_finite_are_left_to_the_caller(value):
    given = {"w": np.array([value, 1.0])}
    clipped, norm = clip_by_global_norm(given, 1.0)
    assert not np.isfinite(norm)
    assert clipped["w"] is given["w"]


@pytest.mark.parametrize("limit", [0.0, -1.0, np.nan])
def test_the_limit_is_above_zero(limit):
    with pytest.raises(ValueError, match="clip_by_global_norm: max_norm: expected a number above 0"):
        clip_by_global_norm(gradients(), limit)


@pytest.mark.parametrize("wrong", ["text", {1.0}, object()])
def test_what_is_no_gradient_is_named_by_its_path(wrong):
    with pytest.raises(TypeError, match=r"clip_by_global_norm: 'a\.1': expected a real array, got"):
        clip_by_global_norm({"a": [np.ones(2), wrong]}, 1.0)
