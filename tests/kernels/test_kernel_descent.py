"""`subtract_scaled`, on both sides of the size from which it borrows memory."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tinygrad_cnn.kernels.descent import subtract_scaled
from tinygrad_cnn.kernels.thresholds import MAPPED


@pytest.mark.parametrize("size", [(), 0, 5, MAPPED // 4 - 1, MAPPED // 4, MAPPED])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_product_is_rounded_to_the_dtype_of_the_array(size, dtype):
    rng = np.random.default_rng(0)
    x = np.repeat(rng.standard_normal(size).astype(np.float32)[..., None], 2, -1)[..., 0]  # not contiguous
    g = np.asarray(rng.standard_normal(size), dtype)
    start, before = x.copy(), g.copy()
    subtract_scaled(x, g, 0.1)
    assert_array_equal(x, start - np.asarray(before * 0.1, np.float32), strict=True)
    assert_array_equal(g, before)


def test_a_large_step_takes_no_fresh_memory(spent):
    x, g = np.ones(MAPPED), np.ones(MAPPED)
    subtract_scaled(x, g, 0.5)
    assert spent(lambda: subtract_scaled(x, g, 0.5)) < MAPPED
    assert_array_equal(x, np.zeros(MAPPED))
