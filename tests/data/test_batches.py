"""Mini-batches hold every example once, in the order that the generator decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_cnn.data import Dataset, batches

SIZES = st.integers(0, 40)
BATCH_SIZES = st.integers(1, 45)


def numbered(n):
    """Make a data set whose i-th image is full of i and has label i."""
    labels = np.arange(n)
    images = np.broadcast_to(labels[:, None, None, None], (n, 1, 28, 28)).astype(np.float32)
    return Dataset(images, labels)


def order(dataset, batch_size, rng):
    parts = [labels for _, labels in batches(dataset, batch_size, rng)]
    return np.concatenate(parts).tolist() if parts else []


@given(SIZES, BATCH_SIZES, st.none() | st.integers(0, 9))
def test_every_example_once_with_its_own_label(n, batch_size, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    seen = []
    for images, labels in batches(numbered(n), batch_size, rng):
        assert images.shape == (len(labels), 1, 28, 28)
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images[:, 0, 14, 14], labels)
        seen += labels.tolist()
    assert sorted(seen) == list(range(n))


@given(SIZES, BATCH_SIZES)
def test_all_batches_are_full_but_the_last(n, batch_size):
    lengths = [len(labels) for _, labels in batches(numbered(n), batch_size, np.random.default_rng(0))]
    full, rest = divmod(n, batch_size)
    assert lengths == [batch_size] * full + [rest] * (rest > 0)


def test_without_a_generator_in_order():
    assert order(numbered(10), 3, None) == list(range(10))
    assert [labels.tolist() for _, labels in batches(numbered(4), 3)] == [[0, 1, 2], [3]]


def test_the_seed_decides_the_order():
    def at(seed):
        return order(numbered(100), 7, np.random.default_rng(seed))

    assert at(1) == at(1)
    assert at(1) != at(2)
    assert at(1) != list(range(100))


def test_the_batch_size_does_not_change_the_order():
    assert order(numbered(50), 7, np.random.default_rng(3)) == order(
        numbered(50), 50, np.random.default_rng(3)
    )


def test_two_epochs_of_one_generator_differ():
    rng = np.random.default_rng(0)
    assert order(numbered(100), 10, rng) != order(numbered(100), 10, rng)


def test_a_generator_interleaved_with_other_draws_gives_the_same_batches():
    rng = np.random.default_rng(0)
    seen = []
    for _, labels in batches(numbered(30), 4, rng):
        seen += labels.tolist()
        rng.random(5)  # as dropout would draw
    assert seen == order(numbered(30), 4, np.random.default_rng(0))


def test_batches_are_copies():
    for rng in (None, np.random.default_rng(0)):
        dataset = numbered(6)
        for images, labels in batches(dataset, 3, rng):
            images[:] = -1
            labels[:] = -1
        np.testing.assert_array_equal(dataset.labels, np.arange(6))
        assert dataset.images.min() == 0


def test_any_tuple_of_arrays():
    a, b, c = np.arange(5), np.arange(10.0).reshape(5, 2), np.array(list("vwxyz"))
    (first, *_, last) = batches((a, b, c), 2)
    np.testing.assert_array_equal(first[1], [[0, 1], [2, 3]])
    assert [part.tolist() for part in last] == [[4], [[8.0, 9.0]], ["z"]]


@pytest.mark.parametrize(
    ("dataset", "batch_size", "error", "said"),
    [
        (numbered(3), 0, ValueError, "batch_size >= 1, got 0"),
        (numbered(3), -1, ValueError, "batch_size >= 1, got -1"),
        (numbered(3), 2.0, TypeError, "float"),
        (numbered(3)._replace(labels=np.arange(4)), 2, ValueError, "one length, got images: 3, labels: 4"),
        ((np.arange(3), np.arange(2)), 2, ValueError, "one length, got array 0: 3, array 1: 2"),
        ((), 2, ValueError, "got no array"),
    ],
)
def test_bad_input_is_refused_at_the_call(dataset, batch_size, error, said):
    with pytest.raises(error, match=said):
        batches(dataset, batch_size)
