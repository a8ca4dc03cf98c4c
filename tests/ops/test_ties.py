"""Ties and kinks beyond the table in ``docs/subgradients.md``, which is run by a test of its own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad, vjp


def test_a_dilated_window_of_four_is_no_block_of_four():
    """The shortcut for 2x2 blocks fits its sizes: a 3x3 input, of which the window sees the corners."""
    x = np.array([[[[1.0, 9.0, 2.0], [8.0, 7.0, 6.0], [5.0, 4.0, 3.0]]]])
    value, gradient = tg.value_and_grad(lambda x: tg.max_pool2d(x, 2, dilation=2).sum())(x)
    assert value == 5
    assert_array_equal(gradient[0, 0], [[0, 0, 0], [0, 0, 0], [1, 0, 0]])


def test_an_element_of_minus_infinity_still_wins_over_padding():
    x = np.full((1, 1, 2, 2), -np.inf)
    value, pullback = vjp(lambda x: tg.max_pool2d(x, 3, stride=2, padding=1), x)
    assert_array_equal(value, [[[[-np.inf]]]])
    (gradient,) = pullback(np.ones_like(value))
    assert gradient.sum() == 1
    assert gradient[0, 0, 0, 0] == 1


def test_bounds_in_the_wrong_order_give_everything_to_the_upper_one():
    x, low, high = np.array([-0.5, 0.0, 0.5, 1.0, 1.5]), np.full(5, 2.0), np.ones(5)
    value, pullback = vjp(tg.clip, x, low, high)
    assert_array_equal(value, high)  # as NumPy has it
    assert_array_equal(pullback(np.ones(5)), [[0, 0, 0, 1, 0], np.zeros(5), [1, 1, 1, 0, 1]])


@pytest.mark.parametrize(
    "f",
    [
        *(tg.relu, tg.max, tg.min, tg.abs, tg.leaky_relu, tg.elu, tg.logsumexp),
        lambda x: tg.maximum(x, 0.0),
        lambda x: tg.minimum(0.0, x),
        lambda x: tg.clip(x, 0.0, 1.0),
        lambda x: tg.where(x > 0, x, x),
    ],
)
def test_nan_propagates_forward(f):
    assert np.isnan(tg.sum(f(tg.Tensor([np.nan, 1.0]))).data)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_seventy_thousand_ties_in_a_narrow_dtype(dtype):
    gradient = grad(tg.max)(np.ones(70_000, dtype))
    assert gradient.dtype == dtype
    assert_allclose(gradient, 1 / 70_000, rtol=2e-2 if dtype == np.float16 else 1e-6)
