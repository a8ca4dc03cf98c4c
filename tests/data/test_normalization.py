"""Normalised images have mean 0 and deviation 1 in each channel."""

import numpy as np
import pytest

from tinygrad_cnn.data import Dataset, Normalization, split


def test_normalised_images_have_mean_0_and_deviation_1():
    images = np.random.default_rng(0).gamma(2, 3, (50, 3, 5, 7)).astype(np.float32)
    images[:, 2] = 4
    found = Normalization.of(images)(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std((0, 2, 3)), [1, 1, 0], atol=1e-5)
    np.testing.assert_array_equal(Normalization.none(3)(images), images)


@pytest.mark.parametrize("shape", [(0, 1, 2, 2), (5, 2, 2)])
def test_what_is_no_set_of_images_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected shape \(N, C, H, W\)"):
        Normalization.of(np.zeros(shape))


def test_a_split_holds_out_the_share_of_each_class_and_every_example_is_in_one_part():
    labels = np.repeat([0, 1, 2], [50, 20, 7])
    images = np.arange(77, dtype=np.float32).reshape(77, 1, 1, 1)
    rest, held_out = split(Dataset(images, labels), 0.2, np.random.default_rng(0))
    assert np.bincount(held_out.labels).tolist() == [10, 4, 1]
    assert sorted([*rest.images.ravel(), *held_out.images.ravel()]) == list(range(77))
    for part in (rest, held_out):
        np.testing.assert_array_equal(labels[part.images.ravel().astype(int)], part.labels)
    again = split(Dataset(images, labels), 0.2, np.random.default_rng(0))[1]
    np.testing.assert_array_equal(again.images, held_out.images)


@pytest.mark.parametrize(("n", "share"), [(77, 1.0), (77, 0), (1, 0.5), (0, 0.5)])
def test_a_split_that_leaves_a_part_empty_is_refused(n, share):
    with pytest.raises(ValueError, match="split: "):
        split(Dataset(np.zeros((n, 1, 1, 1)), np.zeros(n, int)), share, np.random.default_rng(0))
