"""Scores are those of the whole data set, and are computed in bounded pieces."""

import numpy as np
import pytest

from tinygrad_cnn import cross_entropy, nn
from tinygrad_cnn.train import Score, accuracy, confusion_matrix, evaluate, metrics, score


def _logits(n):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 4)), rng.integers(0, 4, n)


@pytest.mark.parametrize(
    ("logits", "labels", "said"),
    [
        ((3, 2), (2,), r"\(3, 2\), \(2,\)"),
        ((3,), (3,), r"\(3,\), \(3,\)"),
        ((0, 2), (0,), "at least one sample"),
        ((3, 2), (3, 3), r"\(3, 2\), \(3, 3\)"),
    ],
)
def test_accuracy_of_what_does_not_fit_is_an_error(logits, labels, said):
    with pytest.raises(ValueError, match=said):
        accuracy(np.zeros(logits), np.zeros(labels, int))


@pytest.mark.parametrize("n", [1, metrics.BATCH, metrics.BATCH + 1, 2 * metrics.BATCH + 77])
def test_evaluate_scores_the_whole_set_whatever_the_size_of_the_last_piece(n):
    logits, labels = _logits(n)
    found = evaluate(nn.Sequential(), {}, {}, (logits, labels))
    assert isinstance(found, Score)
    assert found.loss == pytest.approx(cross_entropy(logits, labels), rel=1e-12)
    assert found.accuracy == pytest.approx((logits.argmax(1) == labels).mean(), rel=1e-12)


def test_evaluate_infers_in_pieces_of_bounded_size():
    calls = []

    class Spy(nn.Sequential):
        def __call__(self, params, state, x, *, train=False, rng=None):
            calls.append((len(x), train))
            return x, state

    evaluate(Spy(), {}, {}, _logits(2 * metrics.BATCH + 77))
    assert calls == [(metrics.BATCH, False), (metrics.BATCH, False), (77, False)]


@pytest.mark.parametrize(("n", "said"), [(0, "at least one sample"), (10, r"0\.\.3, got -1")])
def test_evaluate_refuses_nothing_and_labels_out_of_range(n, said):
    logits, labels = _logits(n)
    labels[3:4] = -1
    with pytest.raises(ValueError, match=said):
        evaluate(nn.Sequential(), {}, {}, (logits, labels))


def test_a_confusion_matrix_counts_each_pair():
    rng = np.random.default_rng(0)
    predicted, labels = rng.integers(0, 4, (2, 50))
    matrix = confusion_matrix(predicted, labels, 5)
    for i in range(5):
        for j in range(5):
            assert matrix[i, j] == sum((labels == i) & (predicted == j))
    with pytest.raises(ValueError, match=r"confusion_matrix: labels: expected values in 0\.\.3, got 4"):
        confusion_matrix([0], [4], 4)


def test_a_score_is_that_of_an_evaluation():
    logits, labels = _logits(30)
    assert score(logits, labels) == pytest.approx(evaluate(nn.Sequential(), {}, {}, (logits, labels)))
