"""Singular points beyond the table in ``docs/subgradients.md``, and overflow on the way to finite values."""

import functools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad, nn, vjp


def total(f):
    return lambda x: f(x).sum()


def test_an_infinite_slope_is_expected_and_gives_no_warning():
    with np.errstate(divide="raise"):  # no warning, no error: the rules expect it
        _, pullback = vjp(tg.sqrt, np.array([0.0, 0.0, 4.0]))
        assert_array_equal(pullback(np.array([1.0, 0.0, 1.0]))[0], [np.inf, 0, 0.25])


def test_the_second_derivative_of_a_product_with_zeros():
    second = tg.hessian(tg.prod)(np.array([0.0, 0.0, 3.0]))
    assert_array_equal(second, [[0, 3, 0], [3, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("exponent", [0, 0.0, np.array(0.0)], ids=["int", "float", "array"])
def test_the_power_zero_is_flat(exponent):
    assert_array_equal(grad(total(lambda x: x**exponent))(np.array([0.0, -1.0, 2.0])), [0, 0, 0])


def test_each_power_of_an_array_of_exponents_is_exact_at_zero():
    assert_array_equal(grad(total(lambda x: x ** np.array([0.0, 1.0, 2.0])))(np.zeros(3)), [0, 1, 0])


@pytest.mark.parametrize("exponent", [1, 2, 3, 2.0])
def test_a_power_at_zero_divides_by_nothing(exponent):
    expected = 1.0 if exponent == 1 else 0.0
    assert grad(lambda x: x**exponent)(0.0) == expected
    assert grad(grad(lambda x: x**exponent))(0.0) == {1: 0, 2: 2, 3: 0}[exponent]


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0])
def test_an_exponent_that_is_itself_differentiated_is_no_constant(p):
    """d2/dx dp of x**p is x**(p - 1) (1 + p log x): no shortcut for the square may lose it."""
    x = 0.25
    mixed = grad(lambda p: grad(lambda x: tg.power(x, p))(x))(p)
    assert mixed == pytest.approx(x ** (p - 1) * (1 + p * math.log(x)))


@pytest.mark.parametrize("x", [0.0, np.array([0.0, 2.0])], ids=["scalar", "array"])
def test_the_mixed_derivative_of_the_power_zero_is_finite_at_zero(x):
    mixed = grad(lambda e: grad(total(lambda x: tg.power(x, e)))(x).sum())(0.0)
    assert np.isfinite(mixed)


def test_a_pullback_of_sinh_overflows_without_warning_wherever_it_is_called():
    with np.errstate(over="ignore"):
        _, pullback = vjp(tg.sinh, np.array([1000.0]))
    assert_array_equal(pullback(np.array([1.0]))[0], [np.inf])


@pytest.mark.parametrize("x", [np.full(3, 2.5), np.array([7.0]), np.full((2, 3), 0.1)])
def test_the_deviation_of_a_constant_is_flat(x):
    assert_array_equal(grad(lambda x: tg.std(x))(x), np.zeros(x.shape))
    assert_array_equal(grad(lambda x: tg.std(x, -1).sum())(x), np.zeros(x.shape))


def test_only_the_constant_rows_have_a_flat_deviation():
    x = np.array([[0.1] * 3, [0.7] * 3, [1.0, 2.0, 4.0]])  # the means of the first two are rounded
    gradient = grad(lambda x: tg.std(x, axis=1).sum())(x)
    assert_array_equal(gradient[:2], np.zeros((2, 3)))
    assert gradient[2].all()


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


def test_eps_stands_inside_the_root():
    x = np.array([[1.0], [3.0]])  # variance 1
    y = tg.batch_norm(x, np.ones(1), np.zeros(1), eps=3.0)
    assert_allclose(y, [[-0.5], [0.5]])


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered:RuntimeWarning")
def test_a_masked_division_by_zero_does_not_matter():
    def masked(x, n):
        return tg.where(np.array([True, False]), 0.0, x / n).sum()

    x, n = np.array([0.0, 1.0]), np.array([0.0, 2.0])
    by_x, by_n = grad(masked, (0, 1))(x, n)
    assert_array_equal(by_x, [0, 0.5])
    assert_array_equal(by_n, [0, -0.25])


def test_log_softmax_and_sigmoid_do_not_overflow():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        x = np.array([1e4, 0.0])
        assert_array_equal(tg.log_softmax(x), [0, -1e4])
        assert_array_equal(grad(lambda x: tg.log_softmax(x)[1])(x), [-1, 1])
        assert_array_equal(grad(lambda x: tg.log_softmax(x)[0])(x), [0, 0])
        for f in (tg.sigmoid, tg.silu, tg.softplus):
            assert grad(f)(-800.0) == 0
        assert grad(tg.sigmoid)(800.0) == 0
        assert grad(tg.log_sigmoid)(-800.0) == 1
        losses = tg.cross_entropy(np.array([[1e4, 0.0]]), np.array([1]))
        assert losses == 1e4


def test_sinc_is_flat_at_zero_and_curved():
    assert grad(tg.sinc)(0.0) == pytest.approx(0, abs=1e-15)
    assert grad(grad(tg.sinc))(0.0) == pytest.approx(-(math.pi**2) / 3, rel=1e-14)
    assert grad(tg.sinc)(1e-9) == pytest.approx(-(math.pi**2) / 3 * 1e-9, rel=1e-6)


def test_a_saturated_tanh_takes_a_large_cotangent():
    """It does not overflow before it meets the small factor."""
    gradient = vjp(tg.tanh, np.array([12.0], np.float32))[1](np.array([3e38], np.float32))[0]
    assert np.isfinite(gradient).all()


def test_binary_cross_entropy_of_a_certain_mistake_has_a_slope():
    for dtype in (np.float64, np.float32):
        value, gradient = tg.value_and_grad(
            lambda z: tg.binary_cross_entropy_with_logits(z, np.ones(1, z.dtype))
        )(np.array([-1e4], dtype))
        assert value == 1e4
        assert_array_equal(gradient, [-1])


def test_division_by_a_small_number_does_not_underflow_in_the_gradient():
    tiny = np.float32(1e-30)
    found = grad(lambda b: np.float32(1e-30) / b)(tiny)
    assert_allclose(found, -1 / tiny, rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_sinc_lose_no_digits_near_zero(order):
    """Against the power series, whose terms fall below 1 soon for these x."""
    x = np.geomspace(1e-6, 0.9, 40)
    terms = [
        (-1) ** k * math.pi ** (2 * k) * math.perm(2 * k, order) / math.factorial(2 * k + 1)
        for k in range(30)
    ]
    expected = [math.fsum(c * v ** (2 * k - order) for k, c in enumerate(terms) if c) for v in x]
    f = tg.sinc
    for _ in range(order):
        f = functools.partial(lambda f, x: grad(lambda x: f(x).sum())(x), f)
    assert_allclose(f(x), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("f", "x"),
    [(lambda x: x**0.5, np.array([-4.0, 1.0])), (lambda x: tg.max(x), np.array([np.nan, 1.0]))],
    ids=["power", "max"],
)
def test_a_gradient_of_nan_does_not_warn_a_second_time(f, x):
    with np.errstate(all="ignore"):
        out, pullback = tg.vjp(f, x)
    assert np.isnan(pullback(np.ones(np.shape(out)))[0][0])  # a warning here is an error
