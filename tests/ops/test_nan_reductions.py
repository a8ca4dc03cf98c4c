"""Reductions that leave out NaN give what the plain ones give without it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import ops

NAMES = ["nanmax", "nanmean", "nanmin", "nansum"]
HOLES = np.array([[1.0, np.nan, 3.0, 3.0], [np.nan, -2.0, np.inf, 0.5], [1.0, 4.0, -4.0, np.nan]])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_nan_is_left_out_of_the_value_and_gets_no_gradient(name, dtype):
    x, seed = HOLES.astype(dtype), np.array([1.0, -2.0, 0.5], dtype)
    value, pullback = tg.vjp(lambda x: getattr(ops, name)(x, 1), x)
    assert value.dtype == dtype
    assert_allclose(value, getattr(np, name)(x, 1), rtol=1e-6 if dtype == np.float32 else 1e-15)
    gradient = pullback(seed)[0]
    assert_array_equal(gradient[np.isnan(x)], 0)
    for row, found, g in zip(x, gradient, seed, strict=True):
        plain = getattr(ops, name.removeprefix("nan"))
        alone = tg.vjp(plain, row[~np.isnan(row)])[1](g)[0]
        assert_allclose(found[~np.isnan(row)], alone, rtol=1e-6)


@pytest.mark.parametrize("name", ["nanmax", "nanmean", "nanmin"])
def test_a_slice_of_nan_alone_gives_nan_with_a_warning_and_no_gradient(name):
    x = np.array([[np.nan, np.nan], [1.0, 2.0]])
    with pytest.warns(RuntimeWarning, match=f"{name}: .*a slice of NaN alone"):
        value, pullback = tg.vjp(lambda x: getattr(ops, name)(x, 1), x)
    assert np.isnan(value[0])
    assert value[1] == getattr(np, name)(x[1])
    assert_array_equal(pullback(np.ones(2))[0][0], 0)
