"""Ties and kinks: what the derivative is where there are several, or none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad, vjp


def slopes(f, x):
    """The derivative of an elementwise function at each element."""
    x = np.asarray(x, np.float64)
    return vjp(f, x)[1](np.ones_like(x))[0]


@pytest.mark.parametrize("reduce", [tg.max, lambda x: -tg.min(-x)], ids=["max", "min"])
def test_K1_tied_maxima_share_the_gradient_evenly(reduce):
    assert_array_equal(grad(reduce)(np.array([1.0, 1.0, 0.0])), [0.5, 0.5, 0.0])


def test_K2_ties_are_counted_in_each_slice():
    x = np.arange(8.0).reshape(2, 2, 2)
    unique = grad(lambda x: tg.max(x, (1, 2)).sum())(x)
    assert_array_equal(unique, [[[0, 0], [0, 1]], [[0, 0], [0, 1]]])
    tied = grad(lambda x: tg.max(x, 1).sum())(np.array([[1.0, 1.0], [2.0, 3.0]]))
    assert_array_equal(tied, [[0.5, 0.5], [0, 1]])


def test_K3_seventy_thousand_equal_halves_share_one():
    gradient = grad(lambda x: tg.max(x))(np.ones(70_000, np.float16))
    assert gradient.dtype == np.float16
    assert_array_equal(gradient, np.float16(1 / 70_000))
    assert gradient[0] > 0


def test_K4_the_first_of_a_tied_window_gets_everything():
    gradient = grad(lambda x: tg.max_pool2d(x, 2).sum())(np.ones((1, 1, 4, 4)))
    assert_array_equal(gradient[0, 0], np.tile([[1, 0], [0, 0]], (2, 2)))


def test_K4_first_means_first_in_row_major_order():
    x = np.array([[[[0.0, 1.0], [1.0, 0.0]]]])
    assert_array_equal(grad(lambda x: tg.max_pool2d(x, 2).sum())(x)[0, 0], [[0, 1], [0, 0]])
    # another code path than the halving of 2x2 windows
    wide = np.array([[[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]]])
    assert_array_equal(grad(lambda x: tg.max_pool2d(x, (2, 3)).sum())(wide)[0, 0], [[0, 0, 1], [0, 0, 0]])


def test_K5_overlapping_windows_accumulate():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 9.0
    expected = np.zeros((3, 3))
    expected[1, 1] = 4.0
    assert_array_equal(grad(lambda x: tg.max_pool2d(x, 2, stride=1).sum())(x)[0, 0], expected)


def test_K6_padding_never_wins_a_maximum():
    x = np.full((1, 1, 1, 1), -1.0)
    value, gradient = tg.value_and_grad(lambda x: tg.max_pool2d(x, 3, padding=1).sum())(x)
    assert value == -1
    assert_array_equal(gradient, [[[[1.0]]]])
    integers = np.full((1, 1, 2, 2), -7)
    assert_array_equal(tg.max_pool2d(integers, 2, padding=1), np.full((1, 1, 2, 2), -7))


def test_K6_an_element_of_minus_infinity_still_wins_over_padding():
    x = np.full((1, 1, 2, 2), -np.inf)
    value, pullback = vjp(lambda x: tg.max_pool2d(x, 3, stride=2, padding=1), x)
    assert_array_equal(value, [[[[-np.inf]]]])
    (gradient,) = pullback(np.ones_like(value))
    assert gradient.sum() == 1
    assert gradient[0, 0, 0, 0] == 1


def test_K7_relu_is_flat_at_zero():
    assert_array_equal(slopes(tg.relu, [-0.0, 0.0]), [0, 0])


@pytest.mark.parametrize("choose", [tg.maximum, tg.minimum])
def test_K8_maximum_and_minimum_give_half_to_each_side_of_a_tie(choose):
    a, b = grad(lambda a, b: choose(a, b).sum(), (0, 1))(np.zeros(3), np.zeros(3))
    assert_array_equal(a, [0.5, 0.5, 0.5])
    assert_array_equal(a + b, [1, 1, 1])
    assert_array_equal(slopes(lambda x: choose(x, 0.0), [0.0]), [0.5])


def test_K8_relu_is_not_maximum():
    assert slopes(tg.relu, 0.0) != slopes(lambda x: tg.maximum(x, 0.0), 0.0)


def test_K9_clip_passes_the_gradient_at_both_bounds():
    x = [-0.5, 0.0, 0.5, 1.0, 1.5]
    assert_array_equal(slopes(lambda x: tg.clip(x, 0.0, 1.0), x), [0, 1, 1, 1, 0])
    assert_array_equal(slopes(lambda x: tg.clip(x, None, 1.0), x), [1, 1, 1, 1, 0])
    assert_array_equal(slopes(lambda x: tg.clip(x, 0.0, None), x), [0, 1, 1, 1, 1])


def test_K9_a_bound_gets_the_gradient_where_it_came_out_and_x_did_not():
    x, low, high = np.array([-0.5, 0.0, 0.5, 1.0, 1.5]), np.zeros(5), np.ones(5)
    gradients = grad(lambda *xs: tg.clip(*xs).sum(), (0, 1, 2))(x, low, high)
    assert_array_equal(gradients, [[0, 1, 1, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    # bounds in the wrong order: NumPy's value is the upper one, everywhere
    value, pullback = vjp(tg.clip, x, low + 2, high)
    assert_array_equal(value, high)
    assert_array_equal(pullback(np.ones(5)), [[0, 0, 0, 1, 0], np.zeros(5), [1, 1, 1, 0, 1]])


def test_K10_the_derivative_of_abs_at_zero_is_zero():
    assert_array_equal(slopes(tg.abs, [-2.0, -0.0, 0.0, 2.0]), [-1, 0, 0, 1])


@pytest.mark.parametrize(
    "f",
    [
        tg.relu,
        tg.max,
        tg.min,
        lambda x: tg.maximum(x, 0.0),
        lambda x: tg.minimum(0.0, x),
        tg.abs,
        lambda x: tg.clip(x, 0.0, 1.0),
        tg.leaky_relu,
        tg.elu,
        lambda x: tg.where(x > 0, x, x),
        lambda x: tg.max_pool2d(x.reshape((1, 1, 1, 2)), (1, 2)),
        tg.logsumexp,
    ],
)
def test_K11_nan_propagates_forward(f):
    assert np.isnan(tg.sum(f(tg.Tensor([np.nan, 1.0]))).data)


def test_K11_nan_in_a_gradient_is_documented():
    x = np.array([[np.nan, 1.0], [2.0, 3.0]])
    assert_array_equal(grad(lambda x: tg.max(x, 1).sum())(x), [[np.nan, np.nan], [0, 1]])
    assert_array_equal(slopes(tg.relu, [np.nan]), [0])


def test_K12_the_gradient_is_the_slope_where_there_is_no_tie():
    """Data whose gaps exceed the step of a difference, so that the difference meets no kink."""
    rng = np.random.default_rng(0)
    x, step = rng.permutation(12).reshape(3, 4) / 4.0, 1e-3
    for f in (
        lambda x: tg.max(x, 0).sum(),
        lambda x: tg.sort(x, 1)[:, 1].sum(),
        lambda x: tg.relu(x - 1.1).sum(),
        lambda x: tg.max_pool2d(tg.reshape(x, (1, 1, 3, 4)), 2, stride=1).sum(),
    ):
        gradient = grad(f)(x)
        for index in np.ndindex(x.shape):
            moved = np.zeros(x.shape)
            moved[index] = step
            assert_allclose(gradient[index], (f(x + moved) - f(x - moved)) / (2 * step), atol=1e-9)


def test_K4_a_dilated_window_of_four_is_no_block_of_four():
    """The shortcut for 2x2 blocks fits its sizes: a 3x3 input, of which the window sees the corners."""
    x = np.array([[[[1.0, 9.0, 2.0], [8.0, 7.0, 6.0], [5.0, 4.0, 3.0]]]])
    value, gradient = tg.value_and_grad(lambda x: tg.max_pool2d(x, 2, dilation=2).sum())(x)
    assert value == 5
    assert_array_equal(gradient[0, 0], [[0, 0, 0], [0, 0, 0], [1, 0, 0]])
