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


def test_relu_is_flat_at_zero_and_below():
    assert_array_equal(slope(tg.relu, [-1.0, -0.0, 0.0, 2.0]), [0.0, 0.0, 0.0, 1.0])
    assert np.isnan(tg.relu(np.array([np.nan]))).all()
    assert tg.relu(np.array([-1, 2])).dtype == np.int64


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
    assert_array_equal(op(x), op(x.astype(np.float64)), strict=True)
    assert_array_equal(op(x.tolist()), op(x.astype(np.float64)), strict=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("op", [tg.relu, tg.sigmoid, tg.softmax, tg.log_softmax, tg.tanh])
def test_dtypes_are_kept(op, dtype):
    x = np.array([[-2.0, 0.5, 3.0]], dtype)
    assert op(x).dtype == dtype
    assert slope(op, x).dtype == dtype


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from([0, 1, -1, (0, 1)]))
def test_softmax_sums_to_one_and_log_softmax_is_its_logarithm(x, axis):
    p, log_p = tg.softmax(x, axis), tg.log_softmax(x, axis)
    assert_allclose(p.sum(axis=axis), 1, rtol=1e-12)
    assert_allclose(np.exp(log_p), p, rtol=1e-9, atol=1e-300)
    assert (log_p <= 0).all()
    assert_allclose(tg.softmax(x + 1000, axis), p, rtol=1e-9, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_a_shift_of_the_logits_changes_nothing_so_gradients_sum_to_zero(x):
    weights = np.arange(float(x.size)).reshape(x.shape)
    for op in (tg.softmax, tg.log_softmax):
        g = grad(lambda x, op=op: (op(x) * weights).sum())(x)
        assert_allclose(g.sum(axis=-1), 0, atol=1e-9)


def test_extreme_logits():
    uniform = np.full(4, -np.inf)
    assert_array_equal(tg.softmax(uniform), [0.25] * 4)
    masked = np.array([0.0, -np.inf, 0.0])
    assert_array_equal(tg.softmax(masked), [0.5, 0.0, 0.5])
    assert_array_equal(
        grad(lambda x: (tg.softmax(x) * np.array([1.0, 5.0, 3.0])).sum())(masked), [-0.5, 0.0, 0.5]
    )


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: tg.glu(np.ones((2, 3))),
            ValueError,
            r"glu: x: expected an even length along axis 1, got .*\(2, 3\)",
        ),
        (lambda: tg.glu(np.ones(2), axis=1), ValueError, "glu: axis"),
        (
            lambda: tg.prelu(np.ones((2, 3)), np.ones(2)),
            ValueError,
            r"prelu: weight: .* x \(2, 3\), got \(2,\)",
        ),
        (lambda: tg.prelu(np.ones(3), np.ones(3)), ValueError, "prelu: weight: expected"),
        (
            lambda: tg.hardtanh(1.0, min_val=1.0),
            ValueError,
            "hardtanh: expected min_val below max_val, got 1.0",
        ),
        (lambda: tg.hardshrink(1.0, lambd=-1.0), ValueError, "hardshrink: lambd: .* not below 0, got -1.0"),
        (lambda: tg.softshrink(1.0, lambd="1"), TypeError, "softshrink: lambd: .*, got '1'"),
        (lambda: tg.threshold(1.0, None, 0.0), TypeError, "threshold: threshold: expected a number"),
    ],
)
def test_activations_name_what_they_refuse(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("activation", "below"),
    [
        (tg.relu6, 0), (tg.hardsigmoid, 0), (tg.hardswish, 0), (tg.softshrink, -np.inf), (tg.mish, 0),
        (tg.softsign, -1), (tg.tanhshrink, -np.inf), (tg.selu, -1.7580993408473766),
    ],
)  # fmt: skip
def test_activations_have_their_limits_and_keep_nan(activation, below):
    assert activation(np.array([-np.inf, np.nan])).tolist() == pytest.approx([below, np.nan], nan_ok=True)
