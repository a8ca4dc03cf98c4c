"""A zero cotangent stays exactly zero through a singular derivative, to any order that `where` asks for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg

EXAMPLES = settings(deadline=None, max_examples=30 if settings.default.max_examples < 1000 else 1000)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy says that the values are singular

ZERO, ONE = np.array(0.0), np.array(1.0)
# each with the points at which its derivative is infinite or undefined
SINGULAR = {
    "sqrt": (tg.sqrt, [0.0, -1.0, np.inf]),
    "log": (tg.log, [0.0, -1.0]),
    "log1p": (tg.log1p, [-1.0, -2.0]),
    "divide by x": (lambda x: 1.0 / x, [0.0]),
    "zero divided by x": (lambda x: 0.0 / x, [0.0]),
    "divide a small number": (lambda x: x / 0.0, [0.0, 1.0]),
    "square root as a power": (lambda x: x**0.5, [0.0, -1.0]),
    "inverse as a power": (lambda x: x**-1, [0.0]),
    "power with a fraction": (lambda x: x**1.5, [0.0, -1.0]),
    "base and exponent": (lambda x: tg.power(x, x), [0.0, -1.5]),
    "exponent of zero": (lambda x: tg.power(ZERO, x), [0.0, -1.0]),
    "exponent of a negative": (lambda x: tg.power(-ONE, x), [0.5]),
    "hypot": (lambda x: tg.hypot(x, 0.0), [0.0]),
    "norm": (lambda x: tg.norm(tg.stack([x, x * 0.0]), 0), [0.0]),
    "std": (lambda x: tg.std(tg.stack([x, x]), 0), [0.1, 3.0]),
    "std of one": (lambda x: tg.std(tg.stack([x]), 0, ddof=1), [1.0]),
    "root of a sum of squares": (lambda x: tg.sqrt(tg.sum(tg.square(tg.stack([x, x])), 0)), [0.0]),
    "log of a product": (lambda x: tg.log(x * x), [0.0]),
    "root of a root": (lambda x: tg.sqrt(tg.sqrt(x)), [0.0]),
    "logsumexp": (lambda x: tg.logsumexp(tg.stack([x, x]), 0), [-np.inf]),
    "log_softmax": (lambda x: tg.log_softmax(tg.stack([x, np.ones(x.shape, x.dtype)]), 0)[0], [-np.inf]),
    "exp": (tg.exp, [1e4]),
    "expm1": (tg.expm1, [1e4]),
    "sinh and cosh": (lambda x: tg.sinh(x) * tg.cosh(x), [-1e4, 1e4]),
    "sin, cos and sinc": (lambda x: tg.sin(x) + tg.cos(x) + tg.sinc(x), [-np.inf, np.inf]),
    "square": (tg.square, [-np.inf]),
    "times its reciprocal": (lambda x: x * (1.0 / x), [0.0]),
    "hypot of infinity": (lambda x: tg.hypot(x, 1.0), [np.inf]),
    "max and min": (lambda x: tg.max(tg.stack([x, x * 2.0]), 0) + tg.min(tg.stack([x, -x]), 0), [np.nan]),
    "log of a sigmoid": (lambda x: tg.log(tg.sigmoid(x)), [-800.0]),
}


@st.composite
def problems(draw, points):
    """Some regular elements, some singular ones, and a cotangent that is 0 at the latter."""
    n = draw(st.integers(1, 6))
    is_singular = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = np.where(is_singular, rng.choice(points, n), rng.uniform(0.5, 2.0, n)).astype(dtype)
    return x, is_singular, rng.uniform(0.5, 2.0, n).astype(dtype)


@pytest.mark.parametrize("name", SINGULAR)
def test_what_where_has_not_chosen_has_gradient_zero(name):
    f, points = SINGULAR[name]

    @EXAMPLES
    @given(problems(points))
    def zero(problem):
        x, is_singular, weights = problem

        def chosen(x):
            return tg.sum(weights * tg.where(is_singular, 0.0, f(x)))

        gradient = tg.grad(chosen)(x)
        assert gradient.dtype == x.dtype
        assert_array_equal(gradient[is_singular], 0)
        regular = tg.grad(lambda x: tg.sum(weights[~is_singular] * f(x)))(x[~is_singular])
        assert_array_equal(gradient[~is_singular], regular)

    zero()


@pytest.mark.parametrize(
    "name", ["sqrt", "log", "log1p", "divide by x", "square root as a power", "hypot", "norm"]
)
def test_a_zero_cotangent_is_zero_for_every_element(name):
    f, points = SINGULAR[name]
    x = np.array([points[0], 1.0])
    value, pullback = tg.vjp(f, x)
    assert_array_equal(pullback(np.zeros(value.shape))[0], [0, 0])


@pytest.mark.parametrize("name", ["sqrt", "log", "log1p", "divide by x", "square root as a power"])
def test_the_second_derivative_of_what_was_not_chosen_is_zero_too(name):
    f, points = SINGULAR[name]
    x = np.array([points[0], 1.0])
    second = tg.grad(
        lambda x: tg.sum(tg.grad(lambda x: tg.sum(tg.where(x == points[0], 0.0, f(x)) ** 2))(x))
    )(x)
    expected = tg.grad(lambda x: tg.sum(tg.grad(lambda x: tg.sum(f(x) ** 2))(x)))(x[1:])
    assert_array_equal(second, [0, expected[0]])
