"""Singular points, ties and kinks beyond the table in ``docs/subgradients.md``, and overflow on the way."""

import math

import numpy as np
import pytest
import references
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad, nn, vjp
from tinygrad_cnn.ops import elementary


def slope(f):
    """The derivative of the sum of what ``f`` returns."""
    return grad(lambda x: f(x).sum())


MASKED, WEIGHTS = np.array([0.0, -np.inf, 0.0]), np.array([1.0, 5.0, 3.0])


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x**0.0, [0.0, -1.0, 2.0], [0, 0, 0]),
        (lambda x: x ** np.array(0.0), [0.0, -1.0, 2.0], [0, 0, 0]),
        (lambda x: x ** np.array([0.0, 1.0, 2.0]), [0.0, 0.0, 0.0], [0, 1, 0]),
        (slope(lambda x: x**1), [0.0], [0]),
        (slope(lambda x: x**2), [0.0], [2]),
        (slope(lambda x: x**2.0), [0.0], [2]),
        (slope(lambda x: x**3), [0.0], [0]),
        (slope(tg.prod), [0.0, 0.0, 3.0], [3, 3, 0]),
        (tg.prod, [2.0**-600, 2.0**-600, 2.0**500], [2.0**-100, 2.0**-100, 0]),  # no quotient of the product
        (lambda x: tg.std(x, axis=1), [[0.1] * 3, [0.7] * 3], np.zeros((2, 3))),  # their means are rounded
        (lambda x: tg.std(x, axis=1), [[0.1] * 3, [1, 2, 3]], [[0] * 3, [-(6**-0.5), 0, 6**-0.5]]),
        (lambda x: tg.log_softmax(x)[1], [1e4, 0.0], [-1, 1]),
        (lambda x: tg.log_softmax(x)[0], [1e4, 0.0], [0, 0]),
        (lambda x: tg.softmax(x) * WEIGHTS, MASKED, [-0.5, 0, 0.5]),
        (tg.logsumexp, [1e4, 0.0], [1, 0]),
        (tg.logsumexp, [-1e4, -1e4], [0.5, 0.5]),
        (tg.silu, [-800.0], [0]),
        (tg.softplus, [-800.0], [0]),
        (tg.log_sigmoid, [-800.0], [1]),
    ],
)
def test_derivatives_that_are_exact_where_a_quotient_or_an_exponential_is_not(f, x, expected):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert_allclose(slope(f)(np.asarray(x)), expected, rtol=1e-12)


def test_values_at_extremes():
    assert_array_equal(tg.log_softmax(np.array([1e4, 0.0])), [0, -1e4])
    assert_array_equal(tg.softmax(MASKED), [0.5, 0, 0.5])
    assert tg.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    assert_allclose(tg.var(np.array([1e8, 1e8 + 1, 1e8 + 2])), 2 / 3, rtol=1e-12)


def test_a_cosine_is_known_where_the_length_overflows():
    side = np.float64(1.5e308)
    with np.errstate(over="raise"):
        assert_allclose(elementary._cosine(side, side), 0.5**0.5, rtol=1e-15)


def test_an_infinite_slope_is_expected_and_gives_no_warning():
    with np.errstate(divide="raise"):  # no warning, no error: the rules expect it
        _, pullback = vjp(tg.sqrt, np.array([0.0, 0.0, 4.0]))
        assert_array_equal(pullback(np.array([1.0, 0.0, 1.0]))[0], [np.inf, 0, 0.25])


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0])
def test_an_exponent_that_is_itself_differentiated_is_no_constant(p):
    """d2/dx dp of x**p is x**(p - 1) (1 + p log x): no shortcut for the square may lose it."""
    x = 0.25
    mixed = grad(lambda p: grad(lambda x: tg.power(x, p))(x))(p)
    assert mixed == pytest.approx(x ** (p - 1) * (1 + p * math.log(x)))


@pytest.mark.parametrize("x", [0.0, np.array([0.0, 2.0])], ids=["scalar", "array"])
def test_the_mixed_derivative_of_the_power_zero_is_finite_at_zero(x):
    mixed = grad(lambda e: slope(lambda x: tg.power(x, e))(x).sum())(0.0)
    assert np.isfinite(mixed)


def test_a_pullback_of_sinh_overflows_without_warning_wherever_it_is_called():
    with np.errstate(over="ignore"):
        _, pullback = vjp(tg.sinh, np.array([1000.0]))
    assert_array_equal(pullback(np.array([1.0]))[0], [np.inf])


def test_batch_norm_of_a_constant_channel_is_its_bias_with_a_finite_gradient():
    x = np.full((4, 2, 3, 3), 1e6, np.float32)
    weight, bias = np.ones(2, np.float32), np.array([3.0, 5.0], np.float32)
    y, pullback = tg.vjp(lambda x: tg.batch_norm(x, weight, bias), x)
    assert_array_equal(y, np.broadcast_to(bias[:, None, None], x.shape))
    assert np.isfinite(pullback(np.ones(x.shape))[0]).all()


def test_batch_normalization_of_a_single_value_is_finite():
    layer = nn.BatchNorm2d(2)
    params, state = layer.init(np.random.default_rng(0))
    x = np.array([[[[3.0]], [[5.0]]]], np.float32)
    y, state = layer(params, state, x, train=True)
    assert_array_equal(y, np.zeros((1, 2, 1, 1)))
    assert_allclose(state["running_var"], [0.9, 0.9], rtol=1e-6)  # 0.9 * 1 + 0.1 * 0
    assert_allclose(state["running_mean"], [0.3, 0.5], rtol=1e-6)
    gradient = grad(lambda x: (layer(params, state, x, train=True)[0] * x).sum())(x)
    assert np.isfinite(gradient).all()


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered:RuntimeWarning")
def test_a_masked_division_by_zero_does_not_matter():
    def masked(x, n):
        return tg.where(np.array([True, False]), 0.0, x / n).sum()

    x, n = np.array([0.0, 1.0]), np.array([0.0, 2.0])
    by_x, by_n = grad(masked, (0, 1))(x, n)
    assert_array_equal(by_x, [0, 0.5])
    assert_array_equal(by_n, [0, -0.25])


def test_a_large_cotangent_of_a_saturated_tanh_meets_the_small_factors_first():
    gradient = vjp(tg.tanh, np.array([12.0], np.float32))[1](np.array([3e38], np.float32))[0]
    assert np.isfinite(gradient).all()


def test_division_by_a_small_number_does_not_underflow_in_the_gradient():
    tiny = np.float32(1e-30)
    found = grad(lambda b: np.float32(1e-30) / b)(tiny)
    assert_allclose(found, -1 / tiny, rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_sinc_lose_no_digits_near_zero(order):
    x, f = np.array([0.0, *np.geomspace(1e-9, 0.9, 40)]), tg.sinc
    for _ in range(order):
        f = slope(f)
    assert_allclose(f(x), references.sinc(x, order=order), rtol=1e-12)


@pytest.mark.parametrize(
    ("f", "x"),
    [(lambda x: x**0.5, np.array([-4.0, 1.0])), (lambda x: tg.max(x), np.array([np.nan, 1.0]))],
    ids=["power", "max"],
)
def test_a_gradient_of_nan_does_not_warn_a_second_time(f, x):
    with np.errstate(all="ignore"):
        out, pullback = tg.vjp(f, x)
    assert np.isnan(pullback(np.ones(np.shape(out)))[0][0])  # a warning here is an error


def test_logsumexp_of_masked_slices_keeps_its_dtype_and_is_differentiable_twice():
    x = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [0.0, np.log(3.0)]], np.float32)
    gradient = slope(lambda x: tg.logsumexp(x, 1))(x)
    assert_allclose(gradient, [[0.0, 0.0], [1.0, 0.0], [0.25, 0.75]], rtol=1e-6)
    assert gradient.dtype == np.float32
    second = slope(lambda x: slope(lambda x: tg.logsumexp(x, 1))(x)[:, 0])(x)
    assert_allclose(second, [[0.0, 0.0], [0.0, 0.0], [0.1875, -0.1875]], rtol=1e-5, atol=1e-7)


# --- ties and kinks ----------------------------------------------------------------------------------------


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
