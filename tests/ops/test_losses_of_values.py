"""Losses of values, and labels of pixels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg

RNG = np.random.default_rng(0)
LOGITS, LABELS, WEIGHT = RNG.standard_normal((5, 3)), np.array([0, 2, 1, 1, 0]), np.array([1.0, 2.0, 0.5])
IMAGES, MAPS = RNG.standard_normal((5, 3, 2, 2)), np.arange(20).reshape(5, 2, 2) % 3


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: tg.cross_entropy(LOGITS, LABELS.astype(float)),
            TypeError,
            r"labels: expected integers, got float64: .*astype\(int\); prob.*\(5, 3\)",
        ),
        (lambda: tg.nll_loss(LOGITS, LABELS > 0), TypeError, "labels: expected integers, got bool"),
        (lambda: tg.cross_entropy(IMAGES, LABELS), ValueError, r"labels: expected shape \(5, 2, 2\)"),
        (
            lambda: tg.cross_entropy(IMAGES, MAPS - 1),
            ValueError,
            r"labels: expected values in 0\.\.2, got -1",
        ),
        (
            lambda: tg.huber_loss(LOGITS, LOGITS, delta=0),
            ValueError,
            "huber_loss: delta: expected .* above 0",
        ),
        (lambda: tg.smooth_l1_loss(LOGITS, LOGITS, beta=-1), ValueError, "smooth_l1_loss: beta"),
        (lambda: tg.l1_loss(LOGITS, LABELS), ValueError, r"l1_loss: target: expected shape \(5, 3\)"),
        (lambda: tg.kl_div(LOGITS, LOGITS), ValueError, "kl_div: target: expected probabilities, got -"),
        (lambda: tg.kl_div(LOGITS, LOGITS, log_target=1), TypeError, "kl_div: log_target: expected True"),
        (
            lambda: tg.binary_cross_entropy(LOGITS, LOGITS),
            ValueError,
            r"binary_cross_entropy: probabilities: expected probabilities in \[0, 1\]",
        ),
    ],
)
def test_errors_name_the_loss_the_operand_and_both_sides(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_labels_of_pixels_are_those_of_rows():
    """The sum over rows of pixels is written a second time in the records; here are the forms of labels."""
    rows = np.moveaxis(IMAGES, 1, -1).reshape(20, 3)
    for options in ({}, {"weight": WEIGHT, "ignore_index": 1}, {"label_smoothing": 0.1, "reduction": "sum"}):
        expected = tg.cross_entropy(rows, MAPS.reshape(-1).tolist(), **options)
        assert_allclose(tg.cross_entropy(IMAGES, MAPS.tolist(), **options), expected, rtol=1e-14)
        as_tensor = tg.Tensor(MAPS.astype(np.uint8))
        assert_allclose(tg.cross_entropy(IMAGES, as_tensor, **options), expected, rtol=1e-14)


def test_targets_of_integer_predictions_keep_their_fractions():
    assert tg.mse_loss([1, 2], [1.5, 2.0]) == 0.125
    assert tg.l1_loss(np.array([1, 2]), np.array([1.5, 2.0])) == 0.25


def test_what_has_probability_zero_takes_no_part():
    p = np.array([[0.0, 1.0, 0.25]])
    found = tg.grad(lambda x: tg.binary_cross_entropy(x, np.array([[0.0, 1.0, 0.25]]), reduction="sum"))(p)
    assert_allclose(found, [[1.0, -1.0, 0.0]], atol=1e-15)
    assert tg.binary_cross_entropy(p, 1 - p, reduction="none")[0, :2].tolist() == [np.inf, np.inf]
    log_p = np.array([[-np.inf, np.log(0.5), np.log(0.5)]])
    for t, log_target in (([[0.0, 0.5, 0.5]], False), (log_p, True)):
        value, slope = tg.value_and_grad(
            lambda x, t=t, log=log_target: tg.kl_div(x, np.array(t), log_target=log, reduction="sum")
        )(log_p)
        assert value == pytest.approx(0)
        assert_allclose(slope, [[0.0, -0.5, -0.5]])


def test_large_errors_do_not_overflow():
    x = np.array([1e30, -1e30], np.float32)
    for loss in (tg.huber_loss, tg.smooth_l1_loss):
        value, slope = tg.value_and_grad(lambda x, loss=loss: loss(x, 0 * x, reduction="sum"))(x)
        assert value == np.float32(2e30)
        assert_array_equal(slope, [1, -1])
