"""`subtract_scaled`, on both sides of the size from which it borrows memory, and `drop_subnormals`."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tinygrad_cnn.kernels.descent import drop_subnormals, subtract_scaled
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


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_subnormal_numbers_become_zero_and_no_others_change(dtype):
    x = np.arange(-3, 4).astype(dtype)
    if x.dtype.kind == "f":
        tiny = np.finfo(dtype).tiny
        x = np.array(
            [[tiny, -tiny / 2, tiny / 4, 0, -0.0, np.nan], [-tiny, np.inf, -np.inf, 1, -1, 3]], dtype
        )
    expected = x.copy()
    if x.itemsize > 2:  # NumPy computes with halves in single precision, where they are normal
        expected[(x != 0) & (abs(x) < (np.finfo(dtype).tiny if x.dtype.kind == "f" else 0))] = 0
    drop_subnormals(x)
    assert_array_equal(x, expected, strict=True)
