"""`subtract_scaled`, on both sides of the size from which it borrows memory."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tinygrad_cnn.kernels.descent import subtract_scaled
from tinygrad_cnn.kernels.thresholds import MAPPED


@pytest.mark.parametrize("size", [0, 5, MAPPED // 4 - 1, MAPPED // 4, MAPPED])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_product_is_rounded_to_the_dtype_of_the_array(size, dtype):
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal(2 * size).astype(np.float32)[::2], rng.standard_normal(size).astype(dtype)
    start, before = x.copy(), g.copy()
    subtract_scaled(x, g, 0.1)
    assert_array_equal(x, start - (before * 0.1).astype(np.float32), strict=True)
    assert_array_equal(g, before)


def test_an_array_without_axes():
    x = np.array(1.0, np.float32)
    subtract_scaled(x, np.array(2.0), 0.25)
    assert_array_equal(x, np.array(0.5, np.float32), strict=True)


def test_a_large_step_takes_no_fresh_memory():
    x, g = np.ones(MAPPED), np.ones(MAPPED)
    subtract_scaled(x, g, 0.5)
    tracemalloc.start()
    subtract_scaled(x, g, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MAPPED
    assert_array_equal(x, np.zeros(MAPPED))
