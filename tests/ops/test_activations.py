"""Activations: stable values and gradients at both ends of the range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

ROWS = hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(-1e4, 1e4))


def slope(f, x):
    return grad(lambda x: f(x).sum())(np.asarray(x))


def test_sigmoid_saturates_without_warning():
    x = np.array([-800.0, -30.0, 0.0, 30.0, 800.0])
    assert_allclose(tg.sigmoid(x), [0.0, np.exp(-30.0), 0.5, 1.0, 1.0], rtol=1e-12)
    assert_allclose(slope(tg.sigmoid, x), [0.0, np.exp(-30.0), 0.25, np.exp(-30.0), 0.0], rtol=2e-2)
    assert_allclose(tg.sigmoid(x) + tg.sigmoid(-x), 1, rtol=1e-15)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gelu_saturates_for_every_finite_input(dtype, approximate):
    far = np.sqrt(np.finfo(dtype).max) * 2  # its square overflows
    x = np.array([-far, far], dtype)

    def f(x):
        return tg.gelu(x, approximate=approximate)

    assert_array_equal(f(x), [0, x[1]])
    assert_array_equal(slope(f, x), [0, 1])
    assert_array_equal(slope(lambda x: grad(lambda x: f(x).sum())(x), x), [0, 0])


@pytest.mark.parametrize("op", [tg.softmax, tg.log_softmax, lambda x: tg.logsumexp(x, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_integers_are_taken_in_double_precision(op, dtype):
    x = np.array([[1, 0, 1]], dtype)
    for given_x in (x, x.tolist()):
        assert_array_equal(op(given_x), op(x.astype(np.float64)), strict=True)


@pytest.mark.parametrize("op", [tg.relu, tg.sigmoid, tg.softmax, tg.log_softmax, tg.tanh])
def test_halves_are_kept(op):
    x = np.array([[-2.0, 0.5, 3.0]], np.float16)
    assert op(x).dtype == slope(op, x).dtype == np.float16


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from([0, 1, -1, (0, 1)]))
def test_softmax_sums_to_one_and_log_softmax_is_its_logarithm(x, axis):
    p, log_p = tg.softmax(x, axis), tg.log_softmax(x, axis)
    assert_allclose(p.sum(axis=axis), 1, rtol=1e-12)
    assert_allclose(np.exp(log_p), p, rtol=1e-9, atol=1e-300)
    assert (log_p <= 0).all()
    assert_allclose(tg.softmax(x + 1000, axis), p, rtol=1e-9, atol=1e-12)
