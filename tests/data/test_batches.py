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
def test_every_example_once_with_its_own_label_in_full_batches_but_the_last(n, batch_size, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    parts = list(batches(numbered(n), batch_size, rng))
    for images, labels in parts:
        assert images.shape == (len(labels), 1, 28, 28)
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images[:, 0, 14, 14], labels)
    assert sorted(label for _, labels in parts for label in labels) == list(range(n))
    full, rest = divmod(n, batch_size)
    assert [len(labels) for _, labels in parts] == [batch_size] * full + [rest] * (rest > 0)


def test_the_generator_decides_the_order_whatever_the_batch_size():
    def at(seed, batch_size=7):
        return order(numbered(100), batch_size, seed if seed is None else np.random.default_rng(seed))

    assert at(None) == list(range(100))
    assert at(1) == at(1) == at(1, 50)
    assert at(1) not in (at(2), at(None))


def test_every_epoch_has_an_order_of_its_own_that_draws_between_batches_do_not_change():
    rng = np.random.default_rng(0)
    parts, epochs = batches(numbered(30), 4, rng), []
    for _ in range(2):
        epochs.append([])
        for _, labels in parts:
            epochs[-1] += labels.tolist()
            rng.random(5)  # as dropout would draw
    assert epochs[0] == order(numbered(30), 4, np.random.default_rng(0))
    assert epochs[0] != epochs[1]
    assert sorted(epochs[1]) == list(range(30))


@given(SIZES, BATCH_SIZES)
def test_the_length_is_the_number_of_batches(n, batch_size):
    parts = batches(numbered(n), batch_size)
    assert len(parts) == len(list(parts)) == len(list(parts))


def test_two_iterations_at_once_do_not_disturb_each_other():
    def draw():
        parts = batches((np.arange(9),), 2, np.random.default_rng(3))
        pairs = [np.stack([a, b]) for (a,), (b,) in zip(parts, parts, strict=True)]
        return np.concatenate(pairs, axis=1).tolist()

    first, second = draw()
    assert sorted(first) == sorted(second) == list(range(9))
    assert first != second
    assert draw() == [first, second]


@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)])
def test_batches_are_copies(rng):
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
        (numbered(3), 0, ValueError, "batches: batch_size: expected at least 1, got 0"),
        (numbered(3), -1, ValueError, "batches: batch_size: expected at least 1, got -1"),
        (numbered(3), 2.0, TypeError, "batches: batch_size: expected integers, got 2.0"),
        (numbered(3), True, TypeError, "batches: batch_size: expected integers, got True"),
        (np.zeros((3, 2)), 2, TypeError, r"expected a tuple of arrays, .*got one ndarray: write \(x,\)"),
        ({"x": np.zeros(3)}, 2, TypeError, "expected a tuple of arrays, .*got one dict"),
        ((x for x in range(3)), 2, TypeError, "expected a tuple of arrays, .*got one generator"),
        ((np.zeros(3), (x for x in range(3))), 2, TypeError, "array 1: expected an array .*generator"),
        ((np.zeros(3), 3), 2, TypeError, r"array 1: expected an array of examples, got array\(3\)"),
        (numbered(3)._replace(labels=np.arange(4)), 2, ValueError, "one length, got images: 3, labels: 4"),
        ((np.arange(3), np.arange(2)), 2, ValueError, "one length, got array 0: 3, array 1: 2"),
        ((), 2, ValueError, "got no array"),
    ],
)
def test_bad_input_is_refused_at_the_call(dataset, batch_size, error, said):
    with pytest.raises(error, match=said):
        batches(dataset, batch_size)


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match=r"batches: rng: .*got 0: pass np\.random\.default_rng\(seed\)"):
        batches(numbered(3), 2, 0)


@given(SIZES, BATCH_SIZES, st.integers(0, 9))
def test_an_iteration_without_its_first_batches_ends_as_the_whole_one(n, batch_size, count):
    whole = [y.tolist() for _, y in batches(numbered(n), batch_size, np.random.default_rng(3))]
    parts = batches(numbered(n), batch_size, np.random.default_rng(3))
    assert [y.tolist() for _, y in parts.without_first(count)] == whole[count:]
