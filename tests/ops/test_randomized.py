"""Dropout as an operation: the mask, its generator, and derivatives that see the mask of the forward pass."""

import numpy as np
from numpy.testing import assert_allclose

import tinygrad_cnn as tg

RNG = np.random.default_rng


def test_a_call_draws_once_whatever_the_dtype():
    for dtype in (np.float32, np.float64):
        used, other = RNG(0), RNG(0)
        y = tg.dropout(np.ones((3, 4), dtype), 0.5, rng=used)
        other.random((3, 4), dtype=np.float32)
        assert used.random() == other.random()
        assert y.dtype == dtype


def test_first_and_second_derivatives_use_the_mask_of_the_value():
    x = RNG(1).standard_normal(50)
    scale = tg.dropout(np.ones(50), 0.4, rng=RNG(0))

    def f(x):
        return (tg.dropout(x, 0.4, rng=RNG(0)) ** 3).sum()

    assert_allclose(tg.grad(f)(x), 3 * scale**3 * x**2)
    assert_allclose(tg.hvp(f, [x], [np.ones(50)]), 6 * scale**3 * x)
