"""Products of matrices, exactly, in every shape that is treated on its own."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_cnn.kernels.product import product

sides = st.sampled_from([0, 1, 2, 3, 16, 17, 48, 128])


def draw(seed, *shape):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float64)


WHOLE = {"SMALLEST_CUT": 1 << 18, "SMALL_PRODUCT": 1_000_000}
CUT = {"SMALLEST_CUT": 1, "SMALL_PRODUCT": 2000}  # else these sizes are too small to be cut


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sides, sides, sides, st.booleans(), st.booleans(), st.booleans())
def test_equals_the_sum_of_outer_products(set_thresholds, m, k, n, a_transposed, b_transposed, is_cut):
    a = draw(0, k, m).T if a_transposed else draw(0, m, k)
    b = draw(1, n, k).T if b_transposed else draw(1, k, n)
    expected = np.zeros((m, n))
    for column, row in zip(a.T, b, strict=True):
        expected += column[:, None] * row
    set_thresholds(**CUT if is_cut else WHOLE)
    found = product(a, b)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)


def test_any_memory_layout_gives_the_same(layout, integers):
    a, b = integers(70, 90), integers(90, 80)
    np.testing.assert_array_equal(product(layout(a), layout(b)), product(a, b))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_an_outer_product_is_exact_in_every_dtype_and_keeps_infinities_and_nan(dtype):
    a, b = draw(0, 300, 1).astype(dtype), draw(1, 1, 200).astype(dtype)
    if np.dtype(dtype).kind == "f":
        a[:3, 0], b[0, :2] = (np.inf, np.nan, 0), (0, -np.inf)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(product(a, b), a * b, strict=True)


def test_dtypes_are_promoted():
    a, b = draw(0, 300, 1).astype(np.float32), draw(1, 1, 200)
    assert product(a, b).dtype == np.float64
    assert product(a[:64].T, a[:64]).dtype == np.float32
