"""Special functions take arrays whose memory is in any order, also those of which NumPy repeats elements."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg

COLUMN = np.linspace(-2.9, 2.9, 5)[:, None]
SHAPE = (3, 5, 2)


@pytest.mark.parametrize("name", ["erf", "gelu", "sigmoid", "silu", "sinc", "tanh"])
def test_a_repeated_element_has_its_value_and_its_derivative_wherever_it_stands(name):
    value, pullback = tg.vjp(getattr(tg, name), np.broadcast_to(COLUMN, SHAPE))
    expected, pullback_of_one = tg.vjp(getattr(tg, name), COLUMN)
    (slope,), (expected_slope,) = pullback(np.ones(SHAPE)), pullback_of_one(np.ones_like(COLUMN))
    assert_array_equal(value, np.broadcast_to(expected, SHAPE))
    assert_array_equal(slope, np.broadcast_to(expected_slope, SHAPE))
