"""Dropout as an operation: the mask, its generator, and derivatives that see the mask of the forward pass."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg

RNG = np.random.default_rng


def test_what_is_kept_is_scaled_and_the_rest_is_zero():
    x = np.arange(1.0, 1001.0)
    y = tg.dropout(x, 0.25, rng=RNG(0))
    kept = y != 0
    assert_allclose(y[kept], x[kept] / 0.75)
    assert 0.6 < kept.mean() < 0.9


def test_a_call_draws_once_whatever_the_dtype():
    for dtype in (np.float32, np.float64):
        used, other = RNG(0), RNG(0)
        y = tg.dropout(np.ones((3, 4), dtype), 0.5, rng=used)
        other.random((3, 4), dtype=np.float32)
        assert used.random() == other.random()
        assert y.dtype == dtype


def test_arrays_and_tensors_get_the_same_mask():
    x = RNG(1).standard_normal((5, 6))
    assert_array_equal(
        tg.dropout(tg.Tensor(x), 0.5, rng=RNG(0)).data, tg.dropout(x, 0.5, rng=RNG(0)), strict=True
    )


def test_first_and_second_derivatives_use_the_mask_of_the_value():
    x = RNG(1).standard_normal(50)
    scale = tg.dropout(np.ones(50), 0.4, rng=RNG(0))

    def f(x):
        return (tg.dropout(x, 0.4, rng=RNG(0)) ** 3).sum()

    assert_allclose(tg.grad(f)(x), 3 * scale**3 * x**2)
    assert_allclose(tg.hvp(f, [x], [np.ones(50)]), 6 * scale**3 * x)


def test_rate_zero_changes_nothing():
    x = RNG(1).standard_normal(10)
    assert_array_equal(tg.dropout(x, 0.0, rng=RNG(0)), x)
