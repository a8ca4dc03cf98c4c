"""Reductions: axes, ties, empty slices and narrow dtypes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

X = np.random.default_rng(0).standard_normal((2, 3, 4))
AXES = [None, 0, 1, -1, (0, 2), (-1, 0), (0, 1, 2), ()]
REDUCTIONS = ["sum", "mean", "max", "min", "var", "std"]


def slope(f, x):
    return grad(lambda x: f(x).sum())(np.asarray(x))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_values_are_numpys_for_every_kind_of_axis(name, axis, keepdims):
    found = getattr(tg, name)(X, axis, keepdims=keepdims)
    assert_allclose(found, getattr(np, name)(X, axis=axis, keepdims=keepdims), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("axis", AXES)
def test_logsumexp_is_the_logarithm_of_the_sum_of_exponentials(axis):
    assert_allclose(tg.logsumexp(X, axis), np.log(np.exp(X).sum(axis=axis)), rtol=1e-13)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("name", ["var", "std"])
def test_degrees_of_freedom(name, ddof):
    assert_allclose(getattr(tg, name)(X, 1, ddof=ddof), getattr(np, name)(X, axis=1, ddof=ddof))
    difference = slope(lambda x: getattr(tg, name)(x, 1, ddof=ddof), X)
    assert_allclose(difference.sum(axis=1), 0, atol=1e-14)  # a shift changes neither


@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
@pytest.mark.parametrize("shape", [(2, 3, 4), (20, 30, 40)])
def test_a_cotangent_goes_to_every_element_of_few_and_of_many(shape, axis):
    x = np.random.default_rng(0).standard_normal(shape)
    c = np.random.default_rng(1).standard_normal(np.sum(x, axis=axis).shape)
    kept = c if axis is None else np.expand_dims(c, axis)
    count = x.size / c.size
    for f, expected in ((tg.sum, kept), (tg.mean, kept / count)):
        found = grad(lambda x, f=f: (f(x, axis) * c).sum())(x)
        assert_allclose(found, np.broadcast_to(expected, shape), rtol=1e-15)
        found += 1  # one's own


def test_tied_maxima_share_evenly_in_their_slice():
    assert_array_equal(slope(tg.max, [1.0, 1.0, 0.0]), [0.5, 0.5, 0.0])
    assert_array_equal(slope(lambda x: tg.max(x, 1), [[1.0, 1.0], [3.0, 2.0]]), [[0.5, 0.5], [1.0, 0.0]])
    assert_array_equal(slope(tg.min, [2.0, 1.0, 1.0, 1.0]), np.array([0, 1, 1, 1]) / 3)
    x = np.arange(8.0).reshape(2, 2, 2)
    assert_array_equal(slope(lambda x: tg.max(x, (1, 2)), x), x == x.max((1, 2), keepdims=True))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_seventy_thousand_ties_in_a_narrow_dtype(dtype):
    gradient = slope(tg.max, np.ones(70_000, dtype))
    assert gradient.dtype == dtype
    assert_allclose(gradient, 1 / 70_000, rtol=2e-2 if dtype == np.float16 else 1e-6)


def test_float16_accumulates_wide():
    x = np.full(70_000, 0.5, np.float16)
    # 6e4 + 6e4 does not exist in float16, and 2048 + 1 rounds to 2048 in it, however the sum is split
    assert tg.sum(np.array([[6e4], [6e4], [-6e4]], np.float16), 0) == np.float16(6e4)
    assert (tg.sum(np.ones((4096, 2), np.float16), 0) == 4096).all()
    assert tg.mean(x) == np.float16(0.5)
    assert_allclose(slope(tg.mean, x), 1 / 70_000, rtol=2e-2)
    assert slope(tg.mean, x).dtype == np.float16


@pytest.mark.parametrize("name", [*REDUCTIONS, "logsumexp"])
def test_float32_gives_float32_gradients(name):
    x = X.astype(np.float32)
    op = getattr(tg, name)
    assert op(x, (0, 1)).dtype == np.float32
    assert slope(lambda x: op(x, (0, 1)), x).dtype == np.float32


def test_nan_in_a_maximum_reaches_the_gradient():
    gradient = slope(lambda x: tg.max(x, 1), [[np.nan, 1.0], [3.0, 2.0]])
    assert np.isnan(gradient[0]).all()
    assert_array_equal(gradient[1], [1.0, 0.0])


def test_a_constant_slice_has_a_zero_derivative_of_std():
    assert_array_equal(slope(tg.std, [2.0, 2.0, 2.0]), [0.0, 0.0, 0.0])
    assert_array_equal(slope(tg.std, [2.0]), [0.0])
    mixed = slope(lambda x: tg.std(x, 1), [[2.0, 2.0], [1.0, 3.0]])
    assert_allclose(mixed, [[0.0, 0.0], [-0.5, 0.5]])


def test_variance_does_not_cancel():
    x = np.array([1e8, 1e8 + 1, 1e8 + 2])
    assert_allclose(tg.var(x), 2 / 3, rtol=1e-12)


def test_logsumexp_at_extremes():
    assert_allclose(slope(tg.logsumexp, [1e4, 0.0]), [1.0, 0.0])
    assert_allclose(slope(tg.logsumexp, [-1e4, -1e4]), [0.5, 0.5])
    assert_array_equal(tg.logsumexp(np.array([-np.inf, -np.inf])), -np.inf)
    assert_array_equal(slope(tg.logsumexp, [-np.inf, -np.inf]), [0.0, 0.0])
    assert_array_equal(slope(tg.logsumexp, [-np.inf, 5.0]), [0.0, 1.0])


def test_empty_arrays():
    assert tg.sum(np.ones((0, 3))) == 0
    assert_array_equal(slope(lambda x: tg.sum(x, 0), np.ones((0, 3))), np.ones((0, 3)))
    assert slope(lambda x: tg.mean(x, 1), np.ones((0, 3))).shape == (0, 3)


def test_logsumexp_of_masked_slices_keeps_its_dtype_and_is_differentiable_twice():
    x = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [0.0, np.log(3.0)]], np.float32)
    gradient = slope(lambda x: tg.logsumexp(x, 1), x)
    assert_allclose(gradient, [[0.0, 0.0], [1.0, 0.0], [0.25, 0.75]], rtol=1e-6)
    assert gradient.dtype == np.float32
    second = slope(lambda x: grad(lambda x: tg.logsumexp(x, 1).sum())(x)[:, 0], x)
    assert_allclose(second, [[0.0, 0.0], [0.0, 0.0], [0.1875, -0.1875]], rtol=1e-5, atol=1e-7)
