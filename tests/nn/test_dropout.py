"""Dropout, as a layer and as an operation: its rate, what it draws, and derivatives through its mask."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tinygrad_cnn as tg
from tinygrad_cnn import nn

RNG = np.random.default_rng


def test_dropout_keeps_the_expectation_and_drops_at_its_rate():
    x = np.full(200_000, 3.0)
    for rate in (0.1, 0.5, 0.9):
        y, _ = nn.Dropout(rate)({}, {}, x, train=True, rng=RNG(0))
        dropped = (y == 0).mean()
        assert abs(dropped - rate) < 6 * np.sqrt(rate * (1 - rate) / x.size)
        assert_allclose(y[y != 0], 3 / (1 - rate))
        assert abs(y.mean() / 3 - 1) < 6 * np.sqrt(rate / (1 - rate) / x.size)


def test_dropout_is_the_identity_at_inference_and_at_rate_zero():
    x = np.ones(5)
    assert nn.Dropout(0.5)({}, {}, x)[0] is x
    assert nn.Dropout(0.5)({}, {}, x, rng=RNG(0))[0] is x
    assert nn.Dropout(0.0)({}, {}, x, train=True)[0] is x


def test_a_rate_that_is_a_numpy_scalar_keeps_float32():
    y, _ = nn.Dropout(np.float64(0.5))({}, {}, np.ones(5, np.float32), train=True, rng=RNG(0))
    assert y.dtype == np.float32


def test_dropout_in_training_needs_a_generator():
    with pytest.raises(ValueError, match=r"Dropout: training needs an explicit Generator: pass rng="):
        nn.Dropout(0.5)({}, {}, np.ones(3), train=True)
    with pytest.raises(TypeError, match=r"Dropout: rng: expected a numpy.random.Generator, got 0: pass np"):
        nn.Dropout(0.5)({}, {}, np.ones(3), train=True, rng=0)


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
