"""Checks of arguments: what they let pass, and what their errors say."""

import re

import numpy as np
import pytest

from tinygrad_cnn import checks

BELOW, ABOVE = np.nextafter(0.0, -1.0), np.nextafter(1.0, 2.0)


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[0, 1]", [0, 0.5, 1], [BELOW, ABOVE]),
        ("[0, 1)", [0, 0.5], [BELOW, 1, ABOVE]),
        ("(0, 1]", [0.5, 1], [BELOW, 0, ABOVE]),
        ("(0, 1)", [0.5], [BELOW, 0, 1, ABOVE]),
        ("[0, inf)", [0, 1e308], [BELOW, np.inf]),
        ("(0, inf]", [1e-308, np.inf], [0, -np.inf]),
    ],
)
def test_an_interval_includes_the_ends_that_have_a_bracket(interval, inside, outside):
    for value in inside:
        checks.within("owner", "x", value, interval)
    for value in [*outside, np.nan]:
        with pytest.raises(ValueError, match=re.escape(f"got {value}")):
            checks.within("owner", "x", value, interval)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ("[0, 1)", "a number in [0, 1)"),
        ("[0, inf]", "a number not below 0"),
        ("[0.5, inf)", "a finite number not below 0.5"),
        ("(0, inf]", "a number above 0"),
        ("(0, inf)", "a finite number above 0"),
    ],
)
def test_an_error_describes_the_interval_in_words(interval, words):
    with pytest.raises(ValueError, match=re.escape(f"SGD: lr: expected {words}, got -1")):
        checks.within("SGD", "lr", -1, interval)


def test_sizes_are_integers_of_at_least_one():
    checks.sizes("Layer", a=1, b=np.int64(2), c=(1, 3))
    for wrong in (0, -1, (1, 0), ()):
        with pytest.raises(ValueError, match="Layer: b: expected at least 1"):
            checks.sizes("Layer", a=1, b=wrong)
    for wrong in (1.0, True, np.True_, "1", (1, 2.0), None, [1]):
        with pytest.raises(TypeError, match="Layer: b: expected integers, got"):
            checks.sizes("Layer", a=1, b=wrong)


def test_indices_count_from_zero_to_below_a_number():
    assert checks.indices("op", "labels", [[0], [2]], 3).tolist() == [[0], [2]]
    assert checks.indices("op", "labels", np.zeros(0, int), 0).shape == (0,)
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=rf"op: labels: expected values in 0\.\.2, got {wrong}"):
            checks.indices("op", "labels", [0, wrong], 3)


def test_an_array_of_floats_is_told_from_anything_else():
    checks.floating("op", "x", np.zeros(2, np.float16))
    for wrong, came in ((np.zeros(2, int), "int64"), (np.zeros(2, complex), "complex128"), ([1.0], "list")):
        with pytest.raises(TypeError, match=f"op: x: expected a floating array, got {came}"):
            checks.floating("op", "x", wrong)
