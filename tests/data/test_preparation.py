"""A picture of a digit comes out as MNIST would have it, however it was made."""

import numpy as np
import pytest

from tinygrad_cnn.data import digits, prepare_digit


def seven(scale=6, thickness=0.8):
    """A 7 in light on black, thick enough to be seen, on a square of 28 x scale pixels."""
    size = 28 * scale
    rows, columns = np.mgrid[:size, :size] / scale
    top = (abs(rows - 8) < thickness) & (columns > 9) & (columns < 19)
    slanted = (abs((columns - 19) * 14 + (rows - 8) * 7) < 14 * thickness) & (rows >= 8) & (rows < 21)
    return (top | slanted).astype(float)


PLAIN = prepare_digit(seven())


def near(found, expected=PLAIN, least=0.9):
    return np.corrcoef(found.ravel(), expected.ravel())[0, 1] > least


def test_size_and_place_are_those_of_mnist():
    assert (PLAIN.shape, PLAIN.dtype) == ((1, 28, 28), np.float32)
    assert PLAIN.max() == 1
    rows, columns = (np.flatnonzero((PLAIN[0] > 0.05).any(axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    for axis in (0, 1):
        mass = PLAIN[0].sum(1 - axis)
        assert abs(mass @ np.arange(28) / mass.sum() - 14) <= 0.51


@pytest.mark.parametrize("move", [(0, 0), (60, -50), (-60, 0)])
@pytest.mark.parametrize("scale", [2, 3, 9, 20])
def test_where_it_stands_and_how_large_it_is_do_not_matter(scale, move):
    large = np.zeros((40 * scale, 50 * scale))
    large[6 * scale : 34 * scale, 11 * scale : 39 * scale] = seven(scale)
    shifted = np.roll(large, (move[0] * scale // 20, move[1] * scale // 20), (0, 1))
    assert near(prepare_digit(shifted))


def photograph(rng, dark=True):
    """The 7 in ink on paper that is lit from one side, with noise, a shadow and a speck of dirt."""
    size = 28 * 6
    rows, columns = np.mgrid[: 1 : size * 1j, : 1 : size * 1j]
    paper = 0.8 - 0.25 * rows - 0.2 * columns if dark else 0.1 + 0.2 * columns
    ink = seven()
    picture = paper * (1 - 0.75 * ink) if dark else paper + 0.6 * ink
    picture[10:14, 20:23] = 0.2 if dark else 0.9
    return np.clip(picture + rng.normal(0, 0.02, picture.shape), 0, 1)


@pytest.mark.parametrize("dark", [True, False], ids=["on paper", "on a blackboard"])
def test_a_photograph_is_read(dark):
    for seed in range(5):
        assert near(prepare_digit(photograph(np.random.default_rng(seed), dark)), least=0.8)


def test_bytes_colours_and_transparency_are_the_same_picture():
    light = seven()
    dark = (255 * (1 - light)).astype(np.uint8)
    forms = [
        dark,
        dark[..., None],
        np.stack([dark] * 3, -1),
        np.stack([dark, dark, dark, np.full_like(dark, 255)], -1),
        np.stack([np.zeros_like(dark)] * 3 + [255 - dark], -1),  # black ink on nothing
        dark / 255,
        dark.astype(np.uint16) * 257,
        dark > 100,
        dark.astype(np.float32)[:, ::-1][:, ::-1] / 255,
    ]
    for form in forms:
        np.testing.assert_allclose(prepare_digit(form), PLAIN, atol=1e-6)


def test_digits_as_mnist_has_them_stay_nearly_as_they_are():
    images = digits(50, 0)[0].images
    assert np.mean([near(prepare_digit(image[0]), image, 0.85) for image in images]) > 0.9


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_empty_picture_has_no_ink_also_with_noise(value):
    assert not prepare_digit(np.full((40, 30), value)).any()
    noise = np.random.default_rng(0).normal(0, 0.005, (40, 30))
    assert not prepare_digit(np.clip(value + noise, 0, 1)).any()


def test_a_picture_of_any_size_is_taken():
    for shape in ((1, 1), (1, 50), (50, 1), (3, 4), (2000, 10), (28, 28)):
        picture = np.zeros(shape)
        picture[shape[0] // 2, shape[1] // 2] = 1
        assert prepare_digit(picture).shape == (1, 28, 28)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros(5), "expected shape"),
        (np.zeros((5, 5, 2)), "expected shape"),
        (np.zeros((0, 5)), "expected shape"),
        (np.full((5, 5), np.nan), "finite"),
    ],
)
def test_what_is_no_picture_is_refused(picture, said):
    with pytest.raises(ValueError, match=f"prepare_digit: image: .*{said}"):
        prepare_digit(picture)
