import itertools

import numpy as np
import pytest
import references
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_cnn.kernels import normalization

SHAPES = [(6, 3, 4, 5), (7, 3), (5, 3, 4), (2, 3, 2, 3, 2)]
EPS = 1e-3


def channel_axes(x):
    return (0, *range(2, x.ndim))


def draw(shape):
    rng = np.random.default_rng(0)
    return [rng.normal(2, 3, shape), *rng.normal(size=(2, shape[1])), rng.normal(size=shape)]


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_and_its_gradients_equal_the_loops(shape):
    x, weight, bias, g = draw(shape)
    pairs = [
        (
            normalization.batch_norm(x, weight, bias, EPS),
            references.batch_norm(x, weight, bias, eps=EPS),
        ),
        (
            normalization.batch_norm_input_gradient(g, x, weight, EPS),
            references.batch_norm_input(g, x, weight, eps=EPS),
        ),
        (
            normalization.batch_norm_weight_gradient(g, x, EPS),
            references.batch_norm_weight(g, x, eps=EPS),
        ),
    ]
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@given(st.sampled_from(SHAPES), st.data())
@settings(max_examples=60, deadline=None)
def test_moments_equal_numpy_over_any_axes(shape, data):
    x = draw(shape)[0]
    axes = tuple(data.draw(st.lists(st.integers(-x.ndim, x.ndim - 1), unique_by=lambda a: a % x.ndim)))
    mean, var = normalization.moments(x, axes)
    np.testing.assert_allclose(mean, x.mean(axis=axes), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(var, x.var(axis=axes), rtol=1e-12, atol=1e-14)
    assert np.shape(mean) == np.shape(var) == x.mean(axis=axes).shape


def test_the_mean_that_is_subtracted_is_not_rounded_to_half_precision():
    _, var = normalization.moments(np.array([[2048, 2050, 2050, 2050]], np.float16), (1,))
    np.testing.assert_array_equal(var, [0.75])


@pytest.mark.parametrize("axes", [(0, 2, 3), (1, 2, 3)])
def test_variance_survives_a_large_mean(axes):
    x = draw((64, 8, 5, 5))[0].astype(np.float32)
    _, var = normalization.moments(x + np.float32(1e4), axes)
    assert var.dtype == np.float32
    np.testing.assert_allclose(var, x.var(axis=axes), rtol=1e-2)


@pytest.mark.parametrize("axes", [(0, 2, 3), (1, 2, 3)])
def test_float16_is_summed_in_float32(axes):
    x = np.full((70, 70, 32, 32), 2, np.float16)
    mean, var = normalization.moments(x, axes)
    assert mean.dtype == var.dtype == np.float16
    assert np.all(mean == 2)
    assert np.all(var == 0)


@pytest.mark.parametrize("axes", [(0,), (1,)])
def test_a_mean_is_not_rounded_to_float16_before_the_variance(axes):
    x = np.array([[2048, 2050], [2050, 2048]], np.float16)  # 2049 has no float16 of its own
    np.testing.assert_array_equal(normalization.moments(x, axes)[1], [1, 1])


def test_one_element_a_channel_gives_the_bias():
    x, weight, bias = np.full((1, 3), 7.0), np.ones(3), np.arange(3.0)
    np.testing.assert_array_equal(normalization.batch_norm(x, weight, bias, EPS), [bias])
    np.testing.assert_array_equal(
        normalization.batch_norm_input_gradient(x, x, weight, EPS), np.zeros((1, 3))
    )


def test_no_images():
    x, weight = np.ones((0, 3, 4, 4)), np.ones(3)
    assert normalization.batch_norm(x, weight, weight, EPS).shape == x.shape
    assert normalization.batch_norm_input_gradient(x, x, weight, EPS).shape == x.shape
    np.testing.assert_array_equal(normalization.batch_norm_weight_gradient(x, x, EPS), np.zeros(3))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_any_memory_layout_gives_the_same_and_nothing_is_shared(layout, dtype):
    x, weight, bias, g = (array.astype(dtype) for array in draw((6, 3, 4, 5)))
    lx, lweight, lbias, lg = (layout(array).astype(dtype, copy=False) for array in (x, weight, bias, g))

    def every_kernel(x, weight, bias, g):
        return [
            normalization.batch_norm(x, weight, bias, EPS),
            normalization.batch_norm_input_gradient(g, x, weight, EPS),
            normalization.batch_norm_weight_gradient(g, x, EPS),
            *normalization.moments(x, channel_axes(x)),
        ]

    results, expected = every_kernel(lx, lweight, lbias, lg), every_kernel(x, weight, bias, g)
    for got, reference in zip(results, expected, strict=True):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, reference)
    for before, after in ((x, lx), (weight, lweight), (bias, lbias), (g, lg)):
        np.testing.assert_array_equal(before, after)
    for a, b in itertools.combinations([lx, lweight, lbias, lg, *results], 2):
        assert not np.shares_memory(a, b)
    for array in results[:2]:
        assert array.transpose(1, 2, 3, 0).flags.c_contiguous
