"""Reductions: axes, ties, empty slices and narrow dtypes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tinygrad_cnn as tg
from tinygrad_cnn import grad


def slope(f, x):
    return grad(lambda x: f(x).sum())(np.asarray(x))


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


def test_variance_does_not_cancel():
    x = np.array([1e8, 1e8 + 1, 1e8 + 2])
    assert_allclose(tg.var(x), 2 / 3, rtol=1e-12)


def test_logsumexp_of_masked_slices_keeps_its_dtype_and_is_differentiable_twice():
    x = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [0.0, np.log(3.0)]], np.float32)
    gradient = slope(lambda x: tg.logsumexp(x, 1), x)
    assert_allclose(gradient, [[0.0, 0.0], [1.0, 0.0], [0.25, 0.75]], rtol=1e-6)
    assert gradient.dtype == np.float32
    second = slope(lambda x: grad(lambda x: tg.logsumexp(x, 1).sum())(x)[:, 0], x)
    assert_allclose(second, [[0.0, 0.0], [0.0, 0.0], [0.1875, -0.1875]], rtol=1e-5, atol=1e-7)
