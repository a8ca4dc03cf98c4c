"""Losses and their options, against plain formulas; PyTorch's values are in tests/peers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

RNG = np.random.default_rng(0)
LOGITS, LABELS, WEIGHT = RNG.standard_normal((5, 3)), np.array([0, 2, 1, 1, 0]), np.array([1.0, 2.0, 0.5])


IMAGES, MAPS = RNG.standard_normal((5, 3, 2, 2)), np.arange(20).reshape(5, 2, 2) % 3

BINARY = tg.binary_cross_entropy_with_logits


def test_labels_and_one_hot_rows_agree():
    rows = tg.one_hot(LABELS, 3, dtype=np.float64)
    for options in ({}, {"label_smoothing": 0.2}, {"reduction": "sum", "weight": WEIGHT}):
        by_label = grad(lambda x, o=options: tg.cross_entropy(x, LABELS, **o))(LOGITS)
        assert_allclose(
            grad(lambda x, o=options: tg.cross_entropy(x, rows, **o))(LOGITS), by_label, atol=1e-15
        )


@pytest.mark.parametrize("scale", [1e4, 1e30, 1e300])
def test_large_logits_are_finite(scale):
    logits = np.array([[scale, -scale], [scale, -scale]])
    for smoothing in (0.0, 0.1):
        value, gradient = tg.value_and_grad(
            lambda x, s=smoothing: tg.cross_entropy(x, np.array([0, 1]), label_smoothing=s)
        )(logits)
        assert value == pytest.approx(scale)  # one right, one wrong by 2 * scale, smoothed or not
        assert np.isfinite(gradient).all()
    value, gradient = tg.value_and_grad(
        lambda z: tg.binary_cross_entropy_with_logits(z, np.array([1.0, 0.0]), reduction="sum")
    )(np.array([-scale, scale]))
    assert value == 2 * scale
    assert_array_equal(gradient, [-1, 1])


def test_minus_infinity_masks_a_class():
    logits = np.array([[0.0, -np.inf, 0.0], [-np.inf, -np.inf, 3.0]])
    value, gradient = tg.value_and_grad(lambda x: tg.cross_entropy(x, np.array([0, 2]), reduction="sum"))(
        logits
    )
    assert value == pytest.approx(np.log(2))
    assert_allclose(gradient, [[-0.5, 0, 0.5], [0, 0, 0]])
    rows = np.array([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])
    value, by_rows = tg.value_and_grad(lambda x: tg.cross_entropy(x, rows, reduction="sum"))(logits)
    assert value == pytest.approx(np.log(2))
    assert_allclose(by_rows, [[0, 0, 0], [0, 0, 0]], atol=1e-15)
    assert tg.cross_entropy(np.array([[0.0, -np.inf]]), np.array([1])) == np.inf


def test_an_infinite_binary_logit():
    z = np.array([np.inf, -np.inf])
    loss, gradient = tg.value_and_grad(
        lambda z: tg.binary_cross_entropy_with_logits(z, np.array([1.0, 0.0]), reduction="sum")
    )(z)
    assert loss == 0
    assert_array_equal(gradient, [0, 0])
    assert tg.binary_cross_entropy_with_logits(z, np.array([0.0, 0.0]), reduction="none")[0] == np.inf


def test_an_infinite_binary_logit_that_is_right_has_no_slope_in_its_target():
    slopes = grad(lambda t: BINARY(np.array([-np.inf, np.inf]), t, reduction="sum"))(np.array([0.0, 1.0]))
    assert_array_equal(slopes, [0, 0])


def test_ignored_samples_have_no_gradient_and_do_not_count():
    labels = np.array([0, -1, 1, -1, 0])
    kept = [0, 2, 4]
    for loss in (tg.cross_entropy, tg.nll_loss):
        value, gradient = tg.value_and_grad(lambda x, loss=loss: loss(x, labels, ignore_index=-1))(LOGITS)
        assert value == pytest.approx(loss(LOGITS[kept], labels[kept]))
        assert not gradient[[1, 3]].any()
        assert_allclose(gradient[kept], grad(lambda x, loss=loss: loss(x, labels[kept]))(LOGITS[kept]))


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_the_mean_of_nothing_is_nan_and_its_sum_is_zero():
    labels = np.full(5, 7)
    assert np.isnan(tg.cross_entropy(LOGITS, labels, ignore_index=7))
    value, gradient = tg.value_and_grad(
        lambda x: tg.cross_entropy(x, labels, ignore_index=7, reduction="sum")
    )(LOGITS)
    assert value == 0
    assert not gradient.any()


def test_binary_cross_entropy_is_differentiable_in_its_targets():
    """The loss is linear in them, with slope -logit, at certain ones too."""
    logits, targets = np.array([2.0, -3.0, 0.5]), np.array([0.0, 1.0, 0.25])

    def loss(z, t):
        return tg.binary_cross_entropy_with_logits(z, t, reduction="sum")

    by_logits, by_targets = tg.grad(loss, (0, 1))(logits, targets)
    assert_allclose(by_targets, -logits, rtol=1e-15)
    assert_allclose(by_logits, tg.sigmoid(logits) - targets, rtol=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: tg.cross_entropy(LOGITS[0], LABELS),
            ValueError,
            r"cross_entropy: logits: .*\(N, C, ...\), got \(3,\)",
        ),
        (
            lambda: tg.cross_entropy(LOGITS, LABELS[:2]),
            ValueError,
            r"labels: expected shape \(5,\).*got \(2,\)",
        ),
        (lambda: tg.cross_entropy(LOGITS, LABELS, reduction="avg"), ValueError, r"reduction: .*got 'avg'"),
        (
            lambda: tg.cross_entropy(LOGITS, LABELS, label_smoothing=1.0),
            ValueError,
            r"label_smoothing: .*\[0, 1\)",
        ),
        (
            lambda: tg.cross_entropy(LOGITS, LABELS, weight=np.ones(2)),
            ValueError,
            r"weight: expected shape \(3,\)",
        ),
        (
            lambda: tg.cross_entropy(LOGITS, np.ones((5, 2))),
            ValueError,
            r"rows \(5, 3\), got \(5, 2\)",
        ),
        (
            lambda: tg.cross_entropy(LOGITS, np.ones((5, 3)), ignore_index=0),
            ValueError,
            r"ignore_index: goes with",
        ),
        (
            lambda: tg.nll_loss(LOGITS, LABELS + 1),
            ValueError,
            r"nll_loss: labels: expected values in 0\.\.2, got 3",
        ),
        (
            lambda: tg.nll_loss(LOGITS[0], LABELS),
            ValueError,
            r"nll_loss: log_probabilities: expected shape",
        ),
        (lambda: tg.nll_loss(LOGITS.astype(int), LABELS), TypeError, "nll_loss: log_probabilities"),
        (
            lambda: tg.mse_loss(LOGITS, LABELS),
            ValueError,
            r"mse_loss: target: expected shape \(5, 3\), got \(5,\)",
        ),
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
        (lambda: BINARY(LOGITS, LABELS), ValueError, r"targets: expected shape \(5, 3\), got \(5,\)"),
        (lambda: BINARY(LOGITS, LOGITS), ValueError, r"targets: expected probabilities in \[0, 1\]"),
    ],
)
def test_errors_name_the_loss_the_operand_and_both_sides(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("shape", [(5, 3), (3,), (5, 1), ()])
def test_binary_choices_are_weighted_by_element_and_by_answer(shape):
    targets, (weight, pos_weight) = RNG.uniform(size=(5, 3)), RNG.uniform(0.5, 2, (2, *shape))
    p = 1 / (1 + np.exp(-LOGITS))
    for t in (targets, np.round(targets)):
        expected = -weight * (pos_weight * t * np.log(p) + (1 - t) * np.log(1 - p))
        for options in ({"weight": weight, "pos_weight": pos_weight}, {"weight": weight}):
            if "pos_weight" not in options:
                expected = -weight * (t * np.log(p) + (1 - t) * np.log(1 - p))
            assert_allclose(BINARY(LOGITS, t, reduction="none", **options), expected, rtol=1e-12)
    with pytest.raises(
        ValueError, match=r"pos_weight: expected a shape that broadcasts to \(5, 3\), got \(2,\)"
    ):
        BINARY(LOGITS, targets, pos_weight=np.ones(2))


def test_long_masked_means_of_single_precision_keep_their_digits():
    labels, rows = np.arange(2**20) % 2, np.full((2**20, 2), -1, np.float32)
    loss = tg.nll_loss(rows, labels, weight=np.array([1.0, 1.1]), ignore_index=0)
    assert_allclose(loss, 1, rtol=1e-6)


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
