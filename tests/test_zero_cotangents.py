"""A zero cotangent stays exactly zero through a singular derivative, to any order that `where` asks for."""

import numpy as np
import pytest
import records
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg

EXAMPLES = settings(deadline=None, max_examples=30 if settings.default.max_examples < 1000 else 1000)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy says that the values are singular

SINGULAR = {name: one for record in records.RECORDS for name, one in record.singular.items()}


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


@pytest.mark.parametrize("name", SINGULAR)
def test_a_zero_cotangent_is_zero_for_every_element(name):
    f, points = SINGULAR[name]
    value, pullback = tg.vjp(f, np.array([points[0], 1.0]))
    assert_array_equal(pullback(np.zeros(value.shape))[0], [0, 0])


@pytest.mark.parametrize("name", ["sqrt", "log", "log1p", "one divided by x", "square root as a power"])
def test_the_second_derivative_of_what_was_not_chosen_is_zero_too(name):
    f, points = SINGULAR[name]

    def second(g):
        return tg.grad(lambda x: tg.sum(tg.grad(lambda x: tg.sum(g(x) ** 2))(x)))

    found = second(lambda x: tg.where(x == points[0], 0.0, f(x)))(np.array([points[0], 1.0]))
    assert_array_equal(found, [0, *second(f)(np.array([1.0]))])
