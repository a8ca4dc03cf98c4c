"""A zero cotangent stays exactly zero through a singular derivative, to any order that `where` asks for."""

import itertools

import numpy as np
import pytest
import records
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy says that the values are singular

SINGULAR = {name: one for record in records.RECORDS for name, one in record.singular.items()}


@pytest.mark.parametrize("name", SINGULAR)
def test_what_where_has_not_chosen_has_gradient_zero(name):
    f, points = SINGULAR[name]
    rng = np.random.default_rng(0)
    for n, dtype in itertools.product(range(1, 9), (np.float32, np.float64)):
        is_singular = rng.random(n) < 0.5
        x = np.where(is_singular, rng.choice(points, n), rng.uniform(0.5, 2.0, n)).astype(dtype)
        weights = rng.uniform(0.5, 2.0, n).astype(dtype)
        gradient = tg.grad(lambda x: tg.sum(weights * tg.where(is_singular, 0.0, f(x))))(x)  # noqa: B023
        assert gradient.dtype == x.dtype
        assert_array_equal(gradient[is_singular], 0)
        chosen, kept = x[~is_singular], weights[~is_singular]
        assert_array_equal(gradient[~is_singular], tg.grad(lambda x: tg.sum(kept * f(x)))(chosen))  # noqa: B023


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
