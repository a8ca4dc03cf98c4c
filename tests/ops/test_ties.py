"""Ties and kinks beyond the table in ``docs/subgradients.md``, which is run by a test of its own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad, vjp


def slopes(f, x):
    """The derivative of an elementwise function at each element."""
    x = np.asarray(x, np.float64)
    return vjp(f, x)[1](np.ones_like(x))[0]


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


@pytest.mark.parametrize("choose", [tg.maximum, tg.minimum])
def test_maximum_and_minimum_give_half_to_each_side_of_a_tie(choose):
    a, b = grad(lambda a, b: choose(a, b).sum(), (0, 1))(np.zeros(3), np.zeros(3))
    assert_array_equal(a, [0.5, 0.5, 0.5])
    assert_array_equal(a + b, [1, 1, 1])
    assert_array_equal(slopes(lambda x: choose(x, 0.0), [0.0]), [0.5])


def test_a_bound_gets_the_gradient_where_it_came_out_and_x_did_not():
    x, low, high = np.array([-0.5, 0.0, 0.5, 1.0, 1.5]), np.zeros(5), np.ones(5)
    gradients = grad(lambda *xs: tg.clip(*xs).sum(), (0, 1, 2))(x, low, high)
    assert_array_equal(gradients, [[0, 1, 1, 1, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    # bounds in the wrong order: NumPy's value is the upper one, everywhere
    value, pullback = vjp(tg.clip, x, low + 2, high)
    assert_array_equal(value, high)
    assert_array_equal(pullback(np.ones(5)), [[0, 0, 0, 1, 0], np.zeros(5), [1, 1, 1, 0, 1]])


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
def test_nan_propagates_forward(f):
    assert np.isnan(tg.sum(f(tg.Tensor([np.nan, 1.0]))).data)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_seventy_thousand_ties_in_a_narrow_dtype(dtype):
    gradient = grad(tg.max)(np.ones(70_000, dtype))
    assert gradient.dtype == dtype
    assert_allclose(gradient, 1 / 70_000, rtol=2e-2 if dtype == np.float16 else 1e-6)
