"""What the records of the losses leave out: extreme logits, kinds of labels, targets on the tape, errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, grad

LABELS = np.array([2, 0, 3, 0])
LOGITS = np.random.default_rng(0).standard_normal((4, 5)) * 3
BINARY = tg.binary_cross_entropy_with_logits


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@pytest.mark.parametrize(
    "labels", [LABELS, LABELS.tolist(), LABELS.astype(np.uint8), Tensor(LABELS)], ids=repr
)
def test_labels_may_be_of_any_integer_kind(labels):
    value, gradient = tg.value_and_grad(lambda z: tg.cross_entropy(z, labels))(LOGITS)
    assert isinstance(value, np.float64)
    assert_allclose(gradient, (softmax(LOGITS) - np.eye(5)[LABELS]) / 4, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target_dtype", [np.float32, np.float64, np.int64])
def test_one_hot_rows_are_labels_and_do_not_change_the_dtype(dtype, target_dtype):
    logits, rows = LOGITS.astype(dtype), np.eye(5, dtype=target_dtype)[LABELS]
    hard, soft = (tg.value_and_grad(lambda z, t=t: tg.cross_entropy(z, t))(logits) for t in (LABELS, rows))
    for found, expected in zip(soft, hard, strict=True):
        assert found.dtype == dtype
        assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("rows", [softmax(LOGITS[::-1]), np.eye(5)[LABELS]], ids=["soft", "one-hot"])
def test_probability_rows_are_differentiable_too(rows):
    found = grad(lambda t: tg.cross_entropy(LOGITS, t))(rows)
    assert_allclose(found, -np.log(softmax(LOGITS)) / 4, rtol=1e-10)


def test_binary_cross_entropy_is_differentiable_in_its_targets():
    """The loss is linear in them, with slope -logit, at certain ones too; right infinite logits have none."""
    slopes = grad(lambda t: BINARY(np.array([2.0, -3.0, 0.5]), t, reduction="sum"))(
        np.array([0.0, 1.0, 0.25])
    )
    assert_allclose(slopes, [-2.0, 3.0, -0.5], rtol=1e-15)
    slopes = grad(lambda t: BINARY(np.array([-np.inf, np.inf]), t, reduction="sum"))(np.array([0.0, 1.0]))
    assert_array_equal(slopes, [0, 0])


@pytest.mark.parametrize("scale", [np.float32(1e4), 1e4, 1e30, 1e300], ids=repr)
def test_large_logits_are_finite(scale):
    logits = np.array([[scale, -scale], [scale, -scale]])
    for smoothing in (0.0, 0.1):
        value, gradient = tg.value_and_grad(
            lambda x, s=smoothing: tg.cross_entropy(x, np.array([0, 1]), label_smoothing=s)
        )(logits)
        assert value == pytest.approx(scale)  # one right, one wrong by 2 * scale, smoothed or not
        share = smoothing / 4  # of the class that is not the label
        expected = [[share, -share], [0.5 - share, share - 0.5]]
        assert_allclose(gradient, expected, rtol=1e-6)
    value, gradient = tg.value_and_grad(lambda z: BINARY(z, np.array([1.0, 0.0]), reduction="sum"))(
        np.array([-scale, scale])
    )
    assert value == 2 * scale
    assert value.dtype == gradient.dtype == logits.dtype
    assert_array_equal(gradient, [-1, 1])


@pytest.mark.parametrize(
    ("targets", "expected"),
    [([0, 2], [[-0.5, 0, 0.5], [0, 0, 0]]), ([[0.5, 0, 0.5], [0, 0, 1]], np.zeros((2, 3)))],
    ids=["labels", "rows"],
)
def test_minus_infinity_masks_a_class(targets, expected):
    logits = np.array([[0.0, -np.inf, 0.0], [-np.inf, -np.inf, 3.0]])
    value, gradient = tg.value_and_grad(lambda x: tg.cross_entropy(x, np.array(targets), reduction="sum"))(
        logits
    )
    assert value == pytest.approx(np.log(2))
    assert_allclose(gradient, expected, atol=1e-15)


def test_a_certain_mistake_costs_infinity_and_a_certain_success_a_positive_zero():
    assert tg.cross_entropy(np.array([[0.0, -np.inf]]), np.array([1])) == np.inf
    z = np.array([np.inf, -np.inf])
    assert BINARY(z, np.array([1.0, 0.0]), reduction="sum") == 0
    assert_array_equal(BINARY(z, np.array([0.0, 0.0]), reduction="none"), [np.inf, 0])
    logits, labels = np.tile([1e3, 0.0, 0.0], (2, 1)), np.zeros(2, int)
    for reduction in ("mean", "sum"):
        assert not np.signbit(tg.cross_entropy(logits, labels, reduction=reduction))


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_the_mean_of_nothing_is_nan_and_its_sum_is_zero():
    labels = np.full(4, 7)
    assert np.isnan(tg.cross_entropy(LOGITS, labels, ignore_index=7))
    loss = tg.value_and_grad(lambda x: tg.cross_entropy(x, labels, ignore_index=7, reduction="sum"))
    value, gradient = loss(LOGITS)
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_infinite_cotangent_goes_to_the_labels_alone(reduction):
    x, labels = np.zeros((2, 3)), np.array([0, 2])
    _, pullback = tg.vjp(lambda x: tg.nll_loss(x, labels, reduction=reduction), x)
    assert_array_equal(pullback(np.array(np.inf))[0], [[-np.inf, 0, 0], [0, 0, -np.inf]])


CE, NLL = tg.cross_entropy, tg.nll_loss


@pytest.mark.parametrize(
    ("loss", "x", "targets", "options", "error", "match"),
    [
        (CE, LOGITS.astype(int), LABELS, {}, TypeError, "logits: expected a floating array, got int64"),
        (CE, LOGITS, LABELS, {"reduction": "avg"}, ValueError, "reduction: .*got 'avg'"),
        (CE, LOGITS, LABELS, {"label_smoothing": 1.0}, ValueError, r"label_smoothing: .*\[0, 1\)"),
        (CE, LOGITS, LABELS, {"weight": np.ones(2)}, ValueError, r"weight: expected shape \(5,\)"),
        (CE, LOGITS, LOGITS, {"ignore_index": 0}, ValueError, "ignore_index: goes with labels"),
        (NLL, LOGITS, LABELS + 2, {}, ValueError, r"labels: expected values in 0\.\.4, got 5"),
        (
            NLL,
            LOGITS[0],
            LABELS,
            {},
            ValueError,
            r"log_probabilities: expected shape \(N, C, ...\), got \(5,\)",
        ),
        (NLL, LOGITS.astype(int), LABELS, {}, TypeError, "log_probabilities: expected a floating array"),
        (tg.mse_loss, LOGITS, LABELS, {}, ValueError, r"target: expected shape \(4, 5\), got \(4,\)"),
        (BINARY, LOGITS, LABELS, {}, ValueError, r"targets: expected shape \(4, 5\), got \(4,\)"),
        (BINARY, LOGITS, LOGITS, {}, ValueError, r"targets: expected probabilities in \[0, 1\]"),
    ],
)
def test_errors_name_the_loss_the_operand_and_both_sides(loss, x, targets, options, error, match):
    with pytest.raises(error, match=f"{loss.__name__}: {match}"):
        loss(x, targets, **options)


@pytest.mark.parametrize("shape", [(4, 5), (5,), (4, 1), ()])
def test_binary_choices_are_weighted_by_element_and_by_answer(shape):
    rng = np.random.default_rng(1)
    targets, (weight, pos_weight) = rng.uniform(size=(4, 5)), rng.uniform(0.5, 2, (2, *shape))
    p = 1 / (1 + np.exp(-LOGITS))
    for t in (targets, np.round(targets)):
        for options in ({"weight": weight, "pos_weight": pos_weight}, {"weight": weight}):
            positive = options.get("pos_weight", 1)
            expected = -weight * (positive * t * np.log(p) + (1 - t) * np.log(1 - p))
            assert_allclose(BINARY(LOGITS, t, reduction="none", **options), expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"pos_weight: expected a shape that .* \(4, 5\), got \(2,\)"):
        BINARY(LOGITS, targets, pos_weight=np.ones(2))


def test_long_masked_means_of_single_precision_keep_their_digits():
    labels, rows = np.arange(2**20) % 2, np.full((2**20, 2), -1, np.float32)
    loss = tg.nll_loss(rows, labels, weight=np.array([1.0, 1.1]), ignore_index=0)
    assert_allclose(loss, 1, rtol=1e-6)
