"""Moments, and the memory of batch normalisation; its values are held to the loops through the records."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn.kernels.normalization import (
    batch_norm,
    batch_norm_input_gradient,
    batch_norm_weight_gradient,
    moments,
)


def draw(shape):
    """Draw x, weight, bias, and a cotangent."""
    rng = np.random.default_rng(0)
    return [rng.normal(2, 3, shape), *rng.normal(size=(2, shape[1])), rng.normal(size=shape)]


@given(st.sampled_from([(6, 3, 4, 5), (7, 3), (5, 3, 4), (2, 3, 2, 3, 2)]), st.data())
@settings(max_examples=60, deadline=None)
def test_moments_equal_numpy_over_any_axes(shape, data):
    x = draw(shape)[0]
    axes = tuple(data.draw(st.lists(st.integers(-x.ndim, x.ndim - 1), unique_by=lambda a: a % x.ndim)))
    for found, expected in zip(moments(x, axes), (x.mean(axis=axes), x.var(axis=axes)), strict=True):
        assert np.shape(found) == np.shape(expected)
        assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("axes", [(0, 2, 3), (1, 2, 3)])
def test_variance_survives_a_large_mean(axes):
    x = draw((64, 8, 5, 5))[0].astype(np.float32)
    _, var = moments(x + np.float32(1e4), axes)
    assert var.dtype == np.float32
    assert_allclose(var, x.var(axis=axes), rtol=1e-2)


@pytest.mark.parametrize(
    ("x", "axes", "mean", "var"),
    [
        (np.full((70, 70, 32, 32), 2), (0, 2, 3), 2, 0),
        (np.full((70, 70, 32, 32), 2), (1, 2, 3), 2, 0),
        ([[2048, 2050], [2050, 2048]], (0,), 2048, 1),  # 2049 is no half: the mean is rounded at the end
        ([[2048, 2050], [2050, 2048]], (1,), 2048, 1),
        ([[2048, 2050, 2050, 2050]], (1,), 2050, 0.75),
    ],
)
def test_halves_are_summed_in_single_precision(x, axes, mean, var):
    for found, expected in zip(moments(np.array(x, np.float16), axes), (mean, var), strict=True):
        assert found.dtype == np.float16
        assert np.all(found == expected)


def every_kernel(x, weight, bias, g):
    return [
        batch_norm(x, weight, bias, 1e-3),
        batch_norm_input_gradient(g, x, weight, 1e-3),
        batch_norm_weight_gradient(g, x, 1e-3),
        *moments(x, (0, 2, 3)),
    ]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_any_memory_layout_gives_the_same_and_nothing_is_shared(layout, dtype):
    operands = [array.astype(dtype) for array in draw((6, 3, 4, 5))]
    laid_out = [layout(array) for array in operands]
    results = every_kernel(*laid_out)
    for found, expected in zip(results, every_kernel(*operands), strict=True):
        assert_array_equal(found, expected, strict=True)
        assert found.dtype == dtype
    for before, after in zip(operands, laid_out, strict=True):
        assert_array_equal(before, after)
    for a, b in itertools.combinations([*laid_out, *results], 2):
        assert not np.shares_memory(a, b)
    for array in results[:2]:
        assert array.transpose(1, 2, 3, 0).flags.c_contiguous
