"""Pooling against loops, exactly."""

import itertools

import numpy as np
import pytest
import references
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn.kernels import pool
from tinygrad_cnn.kernels.geometry import PoolSpec


def by_loops(reference, *arrays, spec, **options):
    """A naive pooling; that of averages knows no dilation."""
    return reference(*arrays, kernel=spec.kernel_size, **references.geometry(spec), **options)


@st.composite
def problems(draw, dilated=True):
    """Draw x with many ties, a cotangent, and geometry with nothing square."""
    shape = tuple(draw(st.integers(1, high)) for high in (3, 3, 7, 7))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    if draw(st.booleans()):
        kernel, stride, padding, dilation, ceil_mode = (2, 2), (2, 2), 0, 1, False
    else:
        stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        half = [st.tuples(st.integers(0, k // 2), st.integers(0, k // 2)) for k in kernel]
        padding = draw(st.tuples(*half))
        dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2))) if dilated else 1
        ceil_mode = draw(st.booleans())
    options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    try:
        spec = PoolSpec.of(shape, kernel, **options)
    except ValueError:
        assume(False)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-2, 3, shape).astype(np.float64)
    if draw(st.booleans()):
        x[rng.random(shape) < 0.5] = -np.inf
    return x, rng.integers(-4, 5, (*shape[:2], *spec.output_size)).astype(np.float64), spec


@settings(max_examples=150, deadline=None)
@given(problems())
def test_max_pooling_equals_the_loops(problem):
    x, g, spec = problem
    assert_array_equal(pool.max_forward(x, spec), by_loops(references.max_pool2d, x, spec=spec))
    expected = by_loops(references.max_pool2d_scatter, g, x, spec=spec)
    assert_array_equal(pool.max_scatter(g, x, spec), expected)


@settings(max_examples=200, deadline=None)
@given(problems(), st.sampled_from([0.0, 0.3]))
def test_gather_is_the_adjoint_of_scatter_also_where_there_is_nan(problem, share_of_nan):
    x, g, spec = problem
    x[np.random.default_rng(1).random(x.shape) < share_of_nan] = np.nan
    v = np.random.default_rng(0).integers(-4, 5, x.shape).astype(np.float64)
    assert np.sum(pool.max_gather(v, x, spec) * g) == np.sum(v * pool.max_scatter(g, x, spec))


@settings(max_examples=100, deadline=None)
@given(problems(dilated=False), st.booleans())
def test_average_pooling_equals_the_loops(problem, count_include_pad):
    x, g, spec = problem
    x = np.maximum(x, -2)
    counted = {"count_include_pad": count_include_pad}
    expected = by_loops(references.avg_pool2d, x, spec=spec, **counted)
    assert_allclose(pool.avg_forward(x, spec, count_include_pad), expected, atol=1e-14)
    expected = by_loops(references.avg_pool2d_input, g, size=spec.input_size, spec=spec, **counted)
    assert_allclose(pool.avg_backward(g, spec, count_include_pad), expected, atol=1e-14)


@pytest.mark.parametrize("stride", [1, 2])
def test_gather_does_not_round(stride):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 2, 5, 6))
    v = x * 10.0 ** rng.integers(-40, 40, x.shape)
    spec = PoolSpec.of(x.shape, 2, stride=stride)
    expected = by_loops(references.max_pool2d_gather, v, x, spec=spec)
    assert_array_equal(pool.max_gather(v, x, spec), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.int8])
def test_padding_never_wins(dtype):
    x = np.full((1, 1, 2, 2), -1, dtype)
    spec = PoolSpec.of(x.shape, 2, padding=1)
    y = pool.max_forward(x, spec)
    assert y.dtype == dtype
    assert_array_equal(y, np.full((1, 1, 2, 2), -1))
    assert_array_equal(pool.max_scatter(np.ones_like(y), x, spec), np.ones((1, 1, 2, 2)))


@pytest.mark.parametrize("arguments", [{}, {"stride": 1}, {"padding": 1}])
@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_nan_propagates_and_no_cotangent_is_lost(arguments, place):
    x = np.zeros((1, 1, 2, 2))
    x[0, 0][place] = np.nan
    spec = PoolSpec.of(x.shape, 2, **arguments)
    y = pool.max_forward(x, spec)
    if not arguments.get("padding"):
        assert np.isnan(y).all()
    assert np.isnan(y).sum() == 1
    assert pool.max_scatter(np.full_like(y, 3), x, spec).sum() == 3 * y.size


GEOMETRIES = [{}, {"stride": 1}, {"padding": 1, "stride": (1, 2)}, {"ceil_mode": True}]


def every_kernel(x, g, spec):
    return [
        pool.max_forward(x, spec),
        pool.max_scatter(g, x, spec),
        pool.max_gather(x, x, spec),
        pool.avg_forward(x, spec, False),
        pool.avg_backward(g, spec, False),
    ]


@pytest.mark.usefixtures("exact_memory")
@pytest.mark.parametrize("arguments", GEOMETRIES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_any_memory_layout_and_dtype_gives_the_same(layout, integers, dtype, arguments):
    x = integers(3, 2, 5, 7)
    spec = PoolSpec.of(x.shape, 2, **arguments)
    g = 12 * integers(3, 2, *spec.output_size)  # shares of it are integers
    lx, lg = layout(x.astype(dtype)), layout(g.astype(dtype))
    for found, expected in zip(every_kernel(lx, lg, spec), every_kernel(x, g, spec), strict=True):
        assert found.dtype == dtype
        assert_allclose(found, expected, rtol=np.finfo(dtype).eps)
    assert_array_equal(lx, x)
    assert_array_equal(lg, g)


@pytest.mark.parametrize(
    ("kernel", "arguments"), [(1, {}), (1, {"stride": 2}), *itertools.product((2, (3, 2)), GEOMETRIES)]
)
def test_results_are_fresh_and_batch_last(integers, kernel, arguments):
    x = np.ascontiguousarray(integers(3, 2, 5, 7).transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)
    spec = PoolSpec.of(x.shape, kernel, **arguments)
    g = integers(3, 2, *spec.output_size)
    results = every_kernel(x, g, spec) + every_kernel(x, g, spec)
    for a, b in itertools.combinations([x, g, *results], 2):
        assert not np.shares_memory(a, b)
    for array in results:
        assert array.transpose(1, 2, 3, 0).flags.c_contiguous
        assert array.flags.writeable


@pytest.mark.parametrize("arguments", GEOMETRIES)
@pytest.mark.parametrize(("images", "channels"), [(0, 2), (2, 0)])
def test_sizes_of_zero(arguments, images, channels):
    x = np.ones((images, channels, 5, 7))
    spec = PoolSpec.of(x.shape, 2, **arguments)
    y, dx, picked, mean, spread = every_kernel(x, np.ones((images, channels, *spec.output_size)), spec)
    assert y.shape == picked.shape == mean.shape == (images, channels, *spec.output_size)
    assert dx.shape == spread.shape == x.shape


def test_a_cotangent_of_the_wrong_shape_is_an_error(integers):
    spec, wrong, x = PoolSpec.of((2, 2, 4, 6), 2), integers(2, 2, 3, 2), integers(2, 2, 4, 6)
    for work in (lambda: pool.max_scatter(wrong, x, spec), lambda: pool.avg_backward(wrong, spec, True)):
        with pytest.raises(ValueError, match=r"g must have height and width \(2, 3\), got .*\(2, 2, 3, 2\)"):
            work()
