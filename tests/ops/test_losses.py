"""Cross-entropy: values, its gradient (p - y) / N, soft targets, extreme and masked logits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, grad

LABELS = np.array([2, 0, 3, 0])
LOGITS = np.random.default_rng(0).standard_normal((4, 5)) * 3


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@pytest.mark.parametrize(
    "labels", [LABELS, LABELS.tolist(), LABELS.astype(np.uint8), Tensor(LABELS)], ids=repr
)
def test_labels_may_be_of_any_integer_kind(labels):
    expected = (softmax(LOGITS) - np.eye(5)[LABELS]) / 4
    assert_allclose(grad(lambda z: tg.cross_entropy(z, labels))(LOGITS), expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_is_p_minus_y_over_n_also_for_logits_of_ten_thousand(dtype):
    logits = np.array([[1e4, 0.0, -1e4], [0.0, 0.0, 1e4], [-1e4, 1e4, 1e4]], dtype)
    labels = np.array([1, 2, 0])
    value, gradient = tg.value_and_grad(lambda z: tg.cross_entropy(z, labels))(logits)
    p = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.5, 0.5]])
    assert value.dtype == gradient.dtype == dtype
    assert_allclose(value, (1e4 + 0 + 2e4 + np.log(2)) / 3, rtol=1e-6)
    assert_allclose(gradient, (p - np.eye(3)[labels]) / 3, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target_dtype", [np.float32, np.float64, np.int64])
def test_one_hot_rows_are_labels_and_do_not_change_the_dtype(dtype, target_dtype):
    logits, rows = LOGITS.astype(dtype), np.eye(5, dtype=target_dtype)[LABELS]
    hard = tg.value_and_grad(lambda z: tg.cross_entropy(z, LABELS))(logits)
    soft = tg.value_and_grad(lambda z: tg.cross_entropy(z, rows))(logits)
    assert soft[0].dtype == dtype
    assert tg.cross_entropy(logits, rows).dtype == dtype
    assert_allclose(soft[0], hard[0], rtol=1e-6)
    assert_allclose(soft[1], hard[1], rtol=1e-6, atol=1e-8)


def test_a_masked_class_has_no_part_and_no_gradient():
    logits = np.array([[0.0, -np.inf, 1.0]])
    for targets in (np.array([2]), np.array([[0.0, 0.0, 1.0]])):
        value, gradient = tg.value_and_grad(lambda z, t=targets: tg.cross_entropy(z, t))(logits)
        assert_allclose(value, np.log(1 + np.exp(-1.0)))
        assert gradient[0, 1] == 0
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("rows", [softmax(LOGITS[::-1]), np.eye(5)[LABELS]], ids=["soft", "one-hot"])
def test_probability_rows_are_differentiable_too(rows):
    found = grad(lambda t: tg.cross_entropy(LOGITS, t))(rows)
    assert_allclose(found, -np.log(softmax(LOGITS)) / 4, rtol=1e-10)


def test_ndarrays_give_a_scalar():
    assert isinstance(tg.cross_entropy(LOGITS, LABELS), np.float64)
    assert_array_equal(tg.cross_entropy(Tensor(LOGITS), LABELS).shape, ())


def test_logits_that_are_no_floating_numbers():
    with pytest.raises(TypeError, match="cross_entropy: logits: expected a floating array, got int64"):
        tg.cross_entropy(LOGITS.astype(np.int64), LABELS)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_infinite_cotangent_goes_to_the_labels_alone(reduction):
    x, labels = np.zeros((2, 3)), np.array([0, 2])
    _, pullback = tg.vjp(lambda x: tg.nll_loss(x, labels, reduction=reduction), x)
    expected = [[-np.inf, 0, 0], [0, 0, -np.inf]]
    assert_array_equal(pullback(np.array(np.inf))[0], expected)


def test_a_certain_prediction_costs_a_positive_zero():
    logits, labels = np.tile([1e3, 0.0, 0.0], (2, 1)), np.zeros(2, int)
    for reduction in ("mean", "sum"):
        assert not np.signbit(tg.cross_entropy(logits, labels, reduction=reduction))
