"""Bound kernels give the bits of the kernels that they stand for, call after call."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_cnn.kernels import bound_conv, bound_pool, conv, parallel, pool, product
from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec
from tinygrad_cnn.kernels.memory import batch_first, batch_last

FLOATS = st.sampled_from([np.float32, np.float64])
SMALL = st.integers(1, 4)


def batch_last_like(x):
    """Memory for an array of the shape of one that a kernel has returned."""
    return batch_first(np.full_like(batch_last(x), np.nan))


@st.composite
def convolutions(draw):
    """A geometry, and arrays (x, weight, bias, y) in one of the memory orders in which they may come."""
    dtype, groups, n = draw(FLOATS), draw(st.integers(1, 2)), draw(st.sampled_from([1, 2, 3, 40]))
    c, o = groups * draw(SMALL), groups * draw(st.sampled_from([1, 2, 9]))
    size, kernel = draw(st.tuples(st.integers(1, 9), st.integers(1, 9))), draw(st.tuples(SMALL, SMALL))
    options = {
        name: draw(st.integers(least, 2)) for name, least in (("stride", 1), ("padding", 0), ("dilation", 1))
    }
    x_shape, w_shape = (n, c, *size), (o, c // groups, *kernel)
    try:
        spec = ConvSpec.of(x_shape, w_shape, groups=groups, **options)
    except ValueError:
        assume(False)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    arrays = [
        rng.standard_normal(s).astype(dtype) for s in (x_shape, w_shape, (o,), (n, o, *spec.output_size))
    ]
    if draw(st.booleans()):
        arrays = [np.asfortranarray(a) if a.ndim == 4 and i != 1 else a for i, a in enumerate(arrays)]
    return spec, arrays


@given(convolutions(), st.booleans())
def test_a_bound_convolution_gives_the_bits_of_the_kernel(problem, keeps):
    spec, (x, weight, bias, y) = problem
    scratch = bound_conv.Scratch()
    keeps = keeps and bound_conv.shared_block(x, len(weight), spec) is not None
    expected = conv.forward(x, weight, bias, spec), conv.input_gradient(y, weight, spec)
    forward = bound_conv.Forward(x, weight, spec, batch_last_like(expected[0]), None if keeps else scratch)
    back = bound_conv.input_gradient(y, weight, spec, batch_last_like(expected[1]), scratch)
    to_weight = bound_conv.WeightGradient(x, y, spec, forward if keeps else None, scratch)
    for scale in (1, -2):  # the same arrays with other numbers, then other arrays
        for copied in (lambda a: a, lambda a: a.copy("K")):
            given = [copied(a) for a in (x, weight, bias, y)]
            for found, kernel in (
                (forward(*given[:3]), conv.forward(*given[:3], spec)),
                (back(given[3], given[1]), conv.input_gradient(given[3], given[1], spec)),
                (to_weight(given[0], given[3]), conv.weight_gradient(given[0], given[3], spec)),
            ):
                np.testing.assert_array_equal(found, kernel)
        x *= scale
        weight += 1


@given(
    st.tuples(SMALL, SMALL, st.integers(1, 9), st.integers(1, 9)),
    st.tuples(SMALL, SMALL),
    FLOATS,
    st.integers(0, 99),
)
def test_a_bound_pooling_gives_the_bits_of_the_kernel(shape, kernel, dtype, seed):
    assume(kernel[0] <= shape[2] and kernel[1] <= shape[3])
    spec, rng = PoolSpec.of(shape, kernel), np.random.default_rng(seed)
    x = rng.integers(-2, 3, shape).astype(dtype)  # with ties
    x[rng.random(shape) < 0.05] = np.nan
    y = pool.max_forward(x, spec)
    g = rng.standard_normal(y.shape).astype(dtype)
    maximum = bound_pool.Maximum(x, spec, batch_last_like(y))
    scatter = bound_pool.Scatter(g, x, y, spec, batch_last_like(x))
    for _ in range(2):
        np.testing.assert_array_equal(maximum(x), pool.max_forward(x, spec))
        np.testing.assert_array_equal(scatter(g, x, y), pool.max_scatter(g, x, spec, y))
        g = -g


@given(st.tuples(*[st.sampled_from([1, 2, 3, 64, 100])] * 3), st.booleans(), FLOATS)
def test_a_bound_product_gives_the_bits_of_the_kernel(sizes, is_transposed, dtype):
    (m, k, n), rng = sizes, np.random.default_rng(0)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    b = np.asfortranarray(b) if is_transposed else b
    multiply = product.bound_product(a, b, np.empty((m, n), dtype))
    for scale in (1, 3):
        np.testing.assert_array_equal(multiply(scale * a, b), product.product(scale * a, b))


def test_bound_kernels_share_their_work_among_threads():
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(s).astype(np.float32) for s in ((64, 16, 28, 28), (16, 16, 3, 3)))
    spec = ConvSpec.of(x.shape, weight.shape, padding=1)
    pooling = PoolSpec.of(x.shape, 2)
    parallel.set_threads(2)
    try:
        y = conv.forward(x, weight, None, spec)
        scratch, out = bound_conv.Scratch(), batch_last_like(y)
        np.testing.assert_array_equal(bound_conv.Forward(x, weight, spec, out, scratch)(x, weight), y)
        gradient = bound_conv.WeightGradient(x, y, spec, None, scratch)
        np.testing.assert_array_equal(gradient(x, y), conv.weight_gradient(x, y, spec))
        maxima = pool.max_forward(x, pooling)
        maximum = bound_pool.Maximum(x, pooling, batch_last_like(maxima))
        np.testing.assert_array_equal(maximum(x), maxima)
        scatter = bound_pool.Scatter(maxima, x, maxima, pooling, batch_last_like(x))
        np.testing.assert_array_equal(
            scatter(maxima, x, maxima), pool.max_scatter(maxima, x, pooling, maxima)
        )
    finally:
        parallel.set_threads(1)
