"""Changed copies are what a loop over images and pixels gives, and leave the images alone."""

import numpy as np
import pytest

from tinygrad_cnn.data import Crop, Elastic, Flip, InTurn, Rotate, Shift

IMAGES = np.random.default_rng(0).random((6, 2, 7, 9), np.float32)


class Fixed:
    """A generator whose draws are known."""

    def __init__(self, *draws):
        self.draws = list(draws)

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.draws.pop(0)


def read_between(image, row, column):
    """Bilinear interpolation in one image (C, H, W), zero outside, pixel by pixel."""
    total = np.zeros(len(image))
    for r in (int(np.floor(row)), int(np.floor(row)) + 1):
        for c in (int(np.floor(column)), int(np.floor(column)) + 1):
            if 0 <= r < image.shape[1] and 0 <= c < image.shape[2]:
                total += (1 - abs(row - r)) * (1 - abs(column - c)) * image[:, r, c]
    return total


def moved(place):
    """What a loop gives that reads each pixel of each image at a place ``(n, row, column)``."""
    out = np.zeros_like(IMAGES)
    for n, _, row, column in np.ndindex(IMAGES.shape):
        out[n, :, row, column] = read_between(IMAGES[n], *place(n, row, column))
    return out


def test_shift_moves_by_what_is_drawn():
    draws = np.random.default_rng(1).uniform(-9, 9, (2, 6, 1, 1))
    expected = moved(lambda n, row, column: (row - draws[0, n, 0, 0], column - draws[1, n, 0, 0]))
    np.testing.assert_allclose(Shift(9)(IMAGES, Fixed(draws)), expected, atol=1e-5)


def test_rotate_turns_about_the_centre_by_what_is_drawn():
    degrees = np.random.default_rng(1).uniform(-180, 180, (6, 1, 1))

    def place(n, row, column):
        angle = np.radians(degrees[n, 0, 0])
        y, x = row - 3, column - 4
        return 3 + np.cos(angle) * y - np.sin(angle) * x, 4 + np.sin(angle) * y + np.cos(angle) * x

    np.testing.assert_allclose(Rotate(180)(IMAGES, Fixed(degrees)), moved(place), atol=1e-5)
    square = IMAGES[..., :7]
    quarter = Rotate(90)(square, Fixed(np.full((6, 1, 1), 90.0)))
    np.testing.assert_allclose(quarter, np.rot90(square, -1, (2, 3)), atol=1e-5)


def test_elastic_displaces_by_a_smooth_field_of_its_strength():
    rng = np.random.default_rng(2)
    columns = np.broadcast_to(np.linspace(0, 1, 40, dtype=np.float32), (400, 1, 40, 40)).copy()
    bent = Elastic(1.5, 3.0)(columns, rng)
    displacement = -(bent - columns)[:, 0, 10:30, 10:30] * 39
    assert displacement.std() == pytest.approx(1.5, rel=0.05)
    neighbours = np.corrcoef(displacement[:, :, :-1].ravel(), displacement[:, :, 1:].ravel())[0, 1]
    assert neighbours == pytest.approx(np.exp(-1 / (4 * 3.0**2)), abs=0.01)


def test_crop_cuts_at_whole_pixels():
    top, left = np.random.default_rng(1).integers(0, 5, (2, 6))
    padded = np.pad(IMAGES, ((0, 0), (0, 0), (2, 2), (2, 2)))
    expected = [padded[n, :, top[n] : top[n] + 7, left[n] : left[n] + 9] for n in range(6)]
    np.testing.assert_array_equal(Crop(2)(IMAGES, Fixed(np.stack([top, left]))), expected)


def test_flip_mirrors_half_of_the_images():
    drawn = np.array([0.1, 0.9, 0.5, 0.49, 0.0, 0.7])
    expected = [image[..., ::-1] if u < 0.5 else image for image, u in zip(IMAGES, drawn, strict=True)]
    np.testing.assert_array_equal(Flip()(IMAGES, Fixed(drawn)), expected)


CHANGES = [Shift(1), Crop(1), Flip(), Rotate(5), Elastic(), InTurn((Shift(1), Flip(), Rotate(5)))]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_the_generator_decides_and_the_images_stay_as_they_are(change):
    before = IMAGES.copy()
    first, again, other = (change(IMAGES, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(IMAGES, before)
    np.testing.assert_array_equal(first, again, strict=True)
    assert not np.array_equal(first, other)
    assert (first.shape, first.dtype) == (IMAGES.shape, np.float32)
    assert first.min() >= 0
    assert first.max() <= IMAGES.max() + 1e-6
    assert not np.array_equal(first[0] - IMAGES[0], first[1] - IMAGES[1])


def test_functions_are_applied_in_turn():
    add, double = lambda x, rng: x + 1, lambda x, rng: 2 * x
    np.testing.assert_array_equal(InTurn((add, double))(IMAGES, None), 2 * (IMAGES + 1))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Shift(0), "Shift: pixels"),
        (lambda: Crop(0), "Crop: padding"),
        (lambda: Rotate(181), "Rotate: degrees"),
        (lambda: Elastic(np.nan), "Elastic: strength"),
        (lambda: Elastic(1, 0), "Elastic: smoothness"),
    ],
)
def test_other_amounts_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
