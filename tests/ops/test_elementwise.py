"""Elementwise operations at singular points and kinks, and in narrow dtypes; plain values are NumPy's own."""

import functools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

UNARY = ["abs", "cos", "exp", "floor", "log", "negative", "sign", "sin", "sqrt", "square", "tanh"]
BINARY = ["add", "divide", "maximum", "minimum", "multiply", "power", "subtract"]


def slope(f, x):
    """The gradient of the sum, so that an elementwise function's derivative comes out."""
    return grad(lambda x: f(x).sum())(np.asarray(x, float))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_unary_values_are_numpys(name, dtype):
    x = np.array([[0.5, 1.0], [2.25, 3.0]], dtype)
    assert_array_equal(getattr(tg, name)(x), getattr(np, name)(x), strict=True)


@settings(max_examples=40, deadline=None)
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), st.sampled_from(BINARY))
def test_binary_values_broadcast_and_gradients_have_the_shape_of_their_operands(shapes, name):
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(0.5, 2, shape) for shape in shapes.input_shapes)
    op = getattr(tg, name)
    assert_array_equal(op(a, b), getattr(np, name)(a, b))
    da, db = grad(lambda a, b: op(a, b).sum(), (0, 1))(a, b)
    assert (da.shape, db.shape) == (a.shape, b.shape)


def test_kinks():
    assert_array_equal(slope(tg.abs, [-2.0, 0.0, 3.0]), [-1.0, 0.0, 1.0])
    assert_array_equal(slope(lambda x: tg.maximum(x, 0.0), [-1.0, 0.0, 1.0]), [0.0, 0.5, 1.0])
    assert_array_equal(slope(lambda x: tg.minimum(x, 0.0), [-1.0, 0.0, 1.0]), [1.0, 0.5, 0.0])
    assert_array_equal(slope(lambda x: tg.clip(x, 0.0, 1.0), [-1.0, 0.0, 0.5, 1.0, 2.0]), [0, 1, 1, 1, 0])
    assert_array_equal(slope(lambda x: tg.clip(x, None, 1.0), [-9.0, 2.0]), [1.0, 0.0])
    both = grad(lambda a, b: tg.maximum(a, b).sum(), (0, 1))(np.array([1.0, 2.0]), np.array([1.0, 5.0]))
    assert_array_equal(both, [[0.5, 0.0], [0.5, 1.0]])


def test_powers_at_zero():
    assert_array_equal(slope(lambda x: x**0, [0.0, 2.0]), [0.0, 0.0])
    assert_array_equal(slope(lambda x: x**1, [0.0, 2.0]), [1.0, 1.0])
    assert_array_equal(slope(lambda x: x**2, [0.0, 2.0]), [0.0, 4.0])
    assert_array_equal(slope(lambda x: x**3, [0.0, -2.0]), [0.0, 12.0])
    assert_array_equal(grad(grad(lambda x: x**2))(0.0), 2.0)
    assert_array_equal(grad(grad(lambda x: x**3))(0.0), 0.0)
    assert_array_equal(slope(lambda x: x ** np.array([0.0, 1.0, 2.0]), [0.0, 0.0, 0.0]), [0.0, 1.0, 0.0])


def test_the_exponents_gradient():
    def by_exponent(base, exponent):
        return grad(lambda y: (np.array(base) ** y).sum())(np.array(exponent))

    assert_allclose(by_exponent([2.0], [3.0]), 8 * np.log(2))
    assert_array_equal(by_exponent([0.0], [2.0]), [0.0])
    with np.errstate(divide="ignore"):
        assert_array_equal(by_exponent([0.0], [-1.0]), [-np.inf])
    assert_array_equal(np.isnan(by_exponent([-2.0], [2.0])), [True])


def test_a_negative_base_with_a_constant_exponent_needs_no_logarithm():
    assert_array_equal(slope(lambda x: x**2, [-3.0]), [-6.0])
    assert_array_equal(slope(lambda x: x**-1, [-2.0]), [-0.25])


def test_a_zero_cotangent_stays_zero_through_a_singular_derivative():
    where = tg.where
    with np.errstate(invalid="ignore", divide="ignore"):
        assert_array_equal(slope(lambda x: where(x >= 0, x, tg.sqrt(-x)), [0.0, 1.0]), [1.0, 1.0])
        assert_array_equal(slope(lambda x: where(x > 0, tg.sqrt(x), 0.0), [0.0, 4.0]), [0.0, 0.25])
        assert_array_equal(slope(lambda x: where(x > 0, tg.log(x), 0.0), [0.0, 4.0]), [0.0, 0.25])
        assert_array_equal(slope(lambda x: where(x > 0, 1 / x, 0.0), [0.0, 2.0]), [0.0, -0.25])
        n = np.array([0.0, 2.0])
        assert_array_equal(slope(lambda x: where(n == 0, 0.0, x / n), [0.0, 2.0]), [0.0, 0.5])
        second = grad(lambda x: slope_sum(lambda x: where(x > 0, tg.sqrt(x), 0.0), x))(np.array([0.0, 4.0]))
        assert_array_equal(second, [0.0, -1 / 32])


def slope_sum(f, x):
    return grad(lambda x: f(x).sum())(x).sum()


def test_singular_derivatives_are_what_they_are():
    with np.errstate(divide="ignore"):
        assert_array_equal(slope(tg.sqrt, [0.0]), [np.inf])
        assert_array_equal(slope(tg.log, [0.0]), [np.inf])


def test_division_by_a_small_number_does_not_underflow_in_the_gradient():
    tiny = np.float32(1e-30)
    found = grad(lambda b: np.float32(1e-30) / b)(tiny)
    assert_allclose(found, -1 / tiny, rtol=1e-6)


@pytest.mark.parametrize("x", [0.1, 3.0, 9.0, 14.0, 17.5])
def test_saturated_tanh_loses_no_digits_to_cancellation(x):
    y = Fraction(float(np.tanh(x)))  # exact arithmetic on the rounded output
    assert_allclose(grad(tg.tanh)(x), float(1 - y**2), rtol=1e-15)
    assert_allclose(grad(grad(tg.tanh))(x), float(-2 * y * (1 - y**2)), rtol=1e-15)


def test_where_takes_its_condition_from_a_tensor_too():
    x = tg.Tensor(np.array([1.0, -2.0]), requires_grad=True)
    tg.where(x > 0, x * 3, x * 5).sum().backward()
    assert_array_equal(x.grad, [3.0, 5.0])


def test_nan_propagates():
    with np.errstate(invalid="ignore"):
        for op in (tg.maximum, tg.minimum):
            assert np.isnan(op(np.array([np.nan]), 0.0)).all()
    assert np.isnan(tg.clip(np.array([np.nan]), 0, 1)).all()


def test_astype_casts_the_gradient_back():
    x = tg.Tensor(np.array([1.5, 2.5], np.float32), requires_grad=True)
    tg.astype(x, np.float64).sum().backward()
    assert_array_equal(x.grad, np.ones(2, np.float32), strict=True)


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
