"""Singular points: derivatives that are infinite or undefined, and overflow on the way to finite ones."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad, nn, vjp


def total(f):
    return lambda x: f(x).sum()


@pytest.mark.parametrize("f", [tg.norm, lambda x: tg.hypot(x[0], x[1])], ids=["norm", "hypot"])
def test_S1_the_gradient_of_a_length_at_the_zero_vector_is_zero(f):
    assert_array_equal(grad(f)(np.zeros(2)), [0, 0])


def test_S2_a_zero_component_is_not_singular():
    assert_array_equal(grad(tg.norm)(np.array([0.0, 1.0])), [0, 1])
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert_allclose(grad(lambda x: tg.norm(x, 1).sum())(rows), [[0, 0], [0.6, 0.8]])


def test_S3_a_composed_length_meets_an_unused_singularity_with_zero():
    def length(x):
        return tg.sqrt(tg.sum(tg.square(x)))

    with np.errstate(invalid="ignore"):  # infinity times zero: a composition cannot know better
        assert np.isnan(grad(length)(np.zeros(2))).all()
    assert_array_equal(grad(lambda x: tg.where(False, length(x), 0.0))(np.zeros(2)), [0, 0])


def test_S4_the_slope_of_a_root_at_zero_is_infinite_and_zero_times_it_is_zero():
    with np.errstate(divide="raise"):  # no warning, no error: the rules expect it
        _, pullback = vjp(tg.sqrt, np.array([0.0, 0.0, 4.0]))
        assert_array_equal(pullback(np.array([1.0, 0.0, 1.0]))[0], [np.inf, 0, 0.25])


def test_S5_the_gradient_of_a_product_with_zeros():
    assert_array_equal(grad(tg.prod)(np.array([0.0, 3.0])), [3, 0])
    assert_array_equal(grad(tg.prod)(np.array([0.0, 0.0, 3.0])), [0, 0, 0])
    second = tg.hessian(tg.prod)(np.array([0.0, 0.0, 3.0]))
    assert_array_equal(second, [[0, 3, 0], [3, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("exponent", [0, 0.0, np.array(0.0)], ids=["int", "float", "array"])
def test_S6_a_power_of_zero_is_flat(exponent):
    assert_array_equal(grad(total(lambda x: x**exponent))(np.array([0.0, -1.0, 2.0])), [0, 0, 0])


@pytest.mark.parametrize("exponent", [1, 2, 3, 2.0])
def test_S7_a_power_at_zero_divides_by_nothing(exponent):
    expected = 1.0 if exponent == 1 else 0.0
    assert grad(lambda x: x**exponent)(0.0) == expected
    assert grad(grad(lambda x: x**exponent))(0.0) == {1: 0, 2: 2, 3: 0}[exponent]


def test_S8_a_power_of_zero_by_its_exponent():
    def by_exponent(y):
        return grad(lambda y: tg.power(np.array(0.0), y))(np.array(y))

    with np.errstate(divide="ignore"):  # 0 ** -1 itself is infinite, and NumPy says so
        assert by_exponent(2.0) == 0
        assert by_exponent(-1.0) == -np.inf
        assert by_exponent(0.0) == 0


def test_S9_a_negative_base_has_no_derivative_by_its_exponent_but_needs_none():
    assert np.isnan(grad(lambda y: tg.power(np.array(-2.0), y))(np.array(2.0)))
    with np.errstate(all="raise"):  # a logarithm of -2 would raise
        assert grad(lambda x: x**3)(-2.0) == 12
        assert grad(lambda x: x**2)(-2.0) == -4


@pytest.mark.parametrize("x", [np.full(3, 2.5), np.array([7.0]), np.full((2, 3), 0.1)])
def test_S10_the_deviation_of_a_constant_is_flat(x):
    assert_array_equal(grad(lambda x: tg.std(x))(x), np.zeros(x.shape))
    assert_array_equal(grad(lambda x: tg.std(x, -1).sum())(x), np.zeros(x.shape))


def test_S11_batch_normalisation_of_a_single_value_is_finite():
    layer = nn.BatchNorm2d(2)
    params, state = layer.init(np.random.default_rng(0))
    x = np.array([[[[3.0]], [[5.0]]]], np.float32)
    y, state = layer(params, state, x, train=True)
    assert_array_equal(y, np.zeros((1, 2, 1, 1)))
    assert_allclose(state["running_var"], [0.9, 0.9], rtol=1e-6)  # 0.9 * 1 + 0.1 * 0
    assert_allclose(state["running_mean"], [0.3, 0.5], rtol=1e-6)
    gradient = grad(lambda x: (layer(params, state, x, train=True)[0] * x).sum())(x)
    assert np.isfinite(gradient).all()


def test_S11_eps_stands_inside_the_root():
    x = np.array([[1.0], [3.0]])  # variance 1
    y = tg.batch_norm(x, np.ones(1), np.zeros(1), eps=3.0)
    assert_allclose(y, [[-0.5], [0.5]])


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt:RuntimeWarning")
def test_S12_the_unused_branch_of_where_does_not_matter():
    assert grad(lambda x: tg.where(x >= 0, x, tg.sqrt(-x)))(1.0) == 1


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered:RuntimeWarning")
def test_S13_a_masked_division_by_zero_does_not_matter():
    def masked(x, n):
        return tg.where(np.array([True, False]), 0.0, x / n).sum()

    x, n = np.array([0.0, 1.0]), np.array([0.0, 2.0])
    by_x, by_n = grad(masked, (0, 1))(x, n)
    assert_array_equal(by_x, [0, 0.5])
    assert_array_equal(by_n, [0, -0.25])


def test_S14_the_gradient_of_a_guarded_root_is_finite_at_zero():
    x = np.array([0.0, 4.0])
    assert_array_equal(grad(lambda x: tg.where(x > 0, tg.sqrt(x), 0.0).sum())(x), [0, 0.25])


def test_S15_log_softmax_and_sigmoid_do_not_overflow():
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


def test_S16_all_minus_infinity():
    x = np.full(3, -np.inf)
    assert tg.logsumexp(x) == -np.inf
    assert_array_equal(grad(tg.logsumexp)(x), [0, 0, 0])
    assert_array_equal(tg.softmax(x), np.full(3, 1 / 3))
    _, pullback = vjp(tg.softmax, x)
    assert_array_equal(pullback(np.ones(3))[0], [0, 0, 0])


def test_S16_a_masked_class_gets_no_gradient():
    logits = np.array([[1.0, -np.inf, 1.0]])
    value, gradient = tg.value_and_grad(lambda x: tg.cross_entropy(x, np.array([0])))(logits)
    assert_allclose(value, math.log(2))
    assert_allclose(gradient, [[-0.5, 0, 0.5]])
    assert_allclose(grad(tg.logsumexp)(logits), [[0.5, 0, 0.5]])


def test_S17_sinc_is_flat_at_zero_and_curved():
    assert grad(tg.sinc)(0.0) == pytest.approx(0, abs=1e-15)
    assert grad(grad(tg.sinc))(0.0) == pytest.approx(-(math.pi**2) / 3, rel=1e-14)
    assert grad(tg.sinc)(1e-9) == pytest.approx(-(math.pi**2) / 3 * 1e-9, rel=1e-6)


def test_S18_the_second_derivative_of_a_saturated_tanh():
    """Where tanh rounds to 1, by -8 exp(-2x) in the limit, 1 - y**2 keeps half its digits at best."""
    x = 12.0
    assert grad(grad(tg.tanh))(x) == pytest.approx(-8 * math.exp(-2 * x), rel=1e-4)
    # nor does a large cotangent overflow before it meets the small factors
    gradient = vjp(tg.tanh, np.array([x], np.float32))[1](np.array([3e38], np.float32))[0]
    assert np.isfinite(gradient).all()


def test_S19_binary_cross_entropy_of_a_certain_mistake_has_a_slope():
    for dtype in (np.float64, np.float32):
        value, gradient = tg.value_and_grad(
            lambda z: tg.binary_cross_entropy_with_logits(z, np.ones(1, z.dtype))
        )(np.array([-1e4], dtype))
        assert value == 1e4
        assert_array_equal(gradient, [-1])


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0])
def test_S7_an_exponent_that_is_itself_differentiated_is_no_constant(p):
    """d2/dx dp of x**p is x**(p - 1) (1 + p log x): no shortcut for the square may lose it."""
    x = 0.25
    mixed = grad(lambda p: grad(lambda x: tg.power(x, p))(x))(p)
    assert mixed == pytest.approx(x ** (p - 1) * (1 + p * math.log(x)))
