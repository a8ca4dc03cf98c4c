"""Generated digits keep what is promised of every image, and they are digits."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_cnn.data import Dataset, digits, mnist


@pytest.fixture(scope="module")
def train():
    return digits(3000, 0, seed=0)[0]


def same(a, b):
    return np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)


def linear_classifier(dataset):
    """Fit one-hot labels by least squares with a little ridge; return a function from images to labels."""
    x = dataset.images.reshape(len(dataset.images), -1).astype(np.float64)
    targets = np.eye(10)[dataset.labels]
    weight = np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ (targets - 0.1))
    return lambda images: (images.reshape(len(images), -1) @ weight).argmax(1)


def test_shapes_and_types():
    for part, n in zip(digits(30, 20, seed=5), (30, 20), strict=True):
        assert isinstance(part, Dataset)
        assert (part.images.shape, part.images.dtype) == ((n, 1, 28, 28), np.float32)
        assert part.images.flags.c_contiguous
        assert (part.labels.shape, part.labels.dtype) == ((n,), np.int64)
    defaults = {p.name: p.default for p in inspect.signature(digits).parameters.values()}
    assert (defaults["n_train"], defaults["n_test"]) == (10_000, 2_000)


@given(st.integers(0, 2**32))
def test_the_seed_decides_everything(seed):
    first, again, other = digits(12, 3, seed=seed), digits(12, 3, seed=seed), digits(12, 3, seed=seed + 1)
    for one, same_one, another in zip(first, again, other, strict=True):
        assert same(one, same_one)
        assert not np.array_equal(one.images, another.images)


def test_one_size_does_not_change_the_other_set():
    assert same(digits(20, 10, seed=3)[0], digits(20, 600, seed=3)[0])
    assert same(digits(10, 20, seed=3)[1], digits(600, 20, seed=3)[1])


@pytest.mark.parametrize("n", [0, 1, 9, 10, 103, 512, 513])
def test_classes_are_balanced(n):
    train, _ = digits(n, 0)
    assert train.images.shape == (n, 1, 28, 28)
    counts = np.bincount(train.labels, minlength=10)
    assert len(counts) == 10
    assert counts.max() - counts.min() <= 1


def test_labels_are_shuffled(train):
    runs = (np.diff(train.labels) == 0).mean()
    assert 0.05 < runs < 0.15  # one in ten is expected; sorted labels give 1 and cycling ones 0
    assert (np.diff(train.labels) == 1).mean() < 0.15


@pytest.mark.parametrize(("sizes", "name"), [((-1, 5), "n_train"), ((5, -1), "n_test")])
def test_negative_sizes(sizes, name):
    with pytest.raises(ValueError, match=f"{name} >= 0, got -1"):
        digits(*sizes)


def test_pixels_are_in_range_and_the_background_is_empty(train):
    assert train.images.min() == 0
    assert train.images.max() == 1
    assert 0.7 < (train.images == 0).mean() < 0.9
    assert train.images.max((1, 2, 3)).min() > 0.6  # every image has ink, in every block
    assert train.images[:, :, [0, -1], :].mean() < 0.01
    assert train.images[:, :, :, [0, -1]].mean() < 0.01


def test_no_two_images_are_alike_in_training_or_test(train):
    images = [*train.images, *digits(0, 200, seed=0)[1].images]
    assert len({image.tobytes() for image in images}) == len(images)


def test_centre_of_mass_is_at_the_centre(train):
    pixels = np.arange(28)
    mass = train.images.sum((1, 2, 3))
    across = (train.images * pixels).sum((1, 2, 3)) / mass
    down = (train.images * pixels[:, None]).sum((1, 2, 3)) / mass
    for centre in (across, down):
        assert abs(centre.mean() - 14) < 0.1
        # The saturation of the pen and the noise move it a little off the mass of the bare strokes.
        assert np.quantile(np.abs(centre - 14), 0.9) < 0.5
        assert np.abs(centre - 14).max() < 1.5


def test_the_larger_side_fills_the_box(train):
    inked = train.images[:, 0] > 0.5
    larger = np.maximum(inked.any(1).sum(-1), inked.any(2).sum(-1))
    # Rounded ends of thick lines and half-covered pixels take a little off the 20.
    assert 19 <= larger.mean() <= 20.5
    assert larger.min() >= 17
    assert larger.max() <= 21


@pytest.mark.parametrize(
    ("digit", "axis", "side"),
    [
        *((digit, "x", side) for digit, side in [(3, -1), (6, 1), (7, -1), (9, -1)]),
        *((digit, "y", side) for digit, side in [(2, -1), (6, -1), (7, 1), (9, 1)]),
    ],
)
def test_upright_and_not_mirrored(train, digit, axis, side):
    """The third moment tells where the long, thin tail is: at the bottom of a 9, at the top of a 6."""
    images = train.images[train.labels == digit, 0]
    pixels = (np.arange(28) - 14) ** 3
    moment = (images * (pixels if axis == "x" else pixels[:, None])).sum((1, 2)) / images.sum((1, 2))
    assert side * moment.mean() > 5


def test_lines_vary_in_width(train):
    """A third of the rows of a 1 hold the stem alone, which is as wide as the pen (wider where it leans)."""
    stems = np.quantile(train.images[train.labels == 1, 0, 8:20].sum(-1), 0.3, axis=1)
    assert np.quantile(stems, 0.9) > 1.7 * np.quantile(stems, 0.1)


def test_the_classes_can_be_told_apart(train):
    _, test = digits(0, 1000, seed=0)
    assert (linear_classifier(train)(test.images) == test.labels).mean() > 0.75


def test_what_is_learnt_here_holds_for_real_digits(family_folder, train):
    _, real = mnist(family_folder("mnist"))
    assert (linear_classifier(train)(real.images) == real.labels).mean() > 0.7
