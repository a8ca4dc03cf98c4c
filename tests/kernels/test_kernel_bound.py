"""Bound kernels give the bits of the kernels that they stand for, call after call."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_cnn.kernels import bound_conv, bound_pool, conv, parallel, pool, product
from tinygrad_cnn.kernels.calls import Operand, call
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


class Bound:
    """A bound kernel as a function of its operands: each the same array at each run, or another one."""

    def __init__(self, bind, *examples, is_known):
        self.examples, self.is_known = examples, is_known
        self.given = [Operand(x, None if is_known else i) for i, x in enumerate(examples)]
        self.calls = bind(*self.given)

    def __call__(self, *arrays):
        if self.is_known:
            for held, array in zip(self.examples, arrays, strict=True):
                held[...] = array
        for function, args, kwargs in self.calls:
            out = function(*(self.found(x, arrays) for x in args), **kwargs)
        return out

    def found(self, x, arrays):
        if not isinstance(x, Operand):
            return x
        if x.is_known:
            return x.array
        array = x.source if isinstance(x.source, np.ndarray) else arrays[x.source]
        return x.make(array) if x.make else array


def into(out, bind):
    """Bind a kernel that writes to an array, and return what it has written."""
    return lambda *operands: [*bind(*operands, out), call(lambda: out)]


def copies(arrays):
    return [array.copy("K") for array in arrays]


@given(convolutions(), st.booleans(), st.booleans())
def test_a_bound_convolution_gives_the_bits_of_the_kernel(problem, keeps, is_known):
    spec, (x, weight, bias, y) = problem
    scratch, kept = bound_conv.Scratch(), []
    keeps = keeps and bound_conv.shared_block(x, len(weight), spec) is not None

    def bind_forward(x, weight, bias, out):
        kept.append(bound_conv.forward(x, weight, bias, spec, out, None if keeps else scratch))
        return kept[0].calls

    def bind_input(y, weight, out):
        return bound_conv.input_gradient(y, weight, spec, out, scratch)

    def bind_weight(x, y, out):
        return bound_conv.weight_gradient(x, y, spec, out, kept[0] if keeps else None, scratch)

    out = batch_last_like(conv.forward(x, weight, bias, spec))
    forward = Bound(into(out, bind_forward), *copies((x, weight, bias)), is_known=is_known)
    out = batch_last_like(conv.input_gradient(y, weight, spec))
    back = Bound(into(out, bind_input), *copies((y, weight)), is_known=is_known)
    to_weight = Bound(into(np.empty_like(weight), bind_weight), *copies((x, y)), is_known=is_known)
    for _ in range(2):  # with other numbers
        for found, kernel in (
            (forward(x, weight, bias), conv.forward(x, weight, bias, spec)),
            (back(y, weight), conv.input_gradient(y, weight, spec)),
            (to_weight(x, y), conv.weight_gradient(x, y, spec)),
        ):
            np.testing.assert_array_equal(found, kernel)
        x, weight = -2 * x, weight + 1


@given(
    st.tuples(SMALL, SMALL, st.integers(1, 9), st.integers(1, 9)),
    st.tuples(SMALL, SMALL),
    FLOATS,
    st.integers(0, 99),
    st.booleans(),
)
def test_a_bound_pooling_gives_the_bits_of_the_kernel(shape, kernel, dtype, seed, is_known):
    assume(kernel[0] <= shape[2] and kernel[1] <= shape[3])
    spec, rng = PoolSpec.of(shape, kernel), np.random.default_rng(seed)
    x = rng.integers(-2, 3, shape).astype(dtype)  # with ties
    x[rng.random(shape) < 0.05] = np.nan
    y = pool.max_forward(x, spec)
    g = rng.standard_normal(y.shape).astype(dtype)
    bind = into(batch_last_like(y), lambda x, out: bound_pool.maximum(x, spec, out))
    maximum = Bound(bind, *copies([x]), is_known=is_known)
    bind = into(batch_last_like(x), lambda g, x, y, out: bound_pool.scatter(g, x, y, spec, out))
    scatter = Bound(bind, *copies((g, x, y)), is_known=is_known)
    for _ in range(2):
        np.testing.assert_array_equal(maximum(x), pool.max_forward(x, spec))
        np.testing.assert_array_equal(scatter(g, x, y), pool.max_scatter(g, x, spec, y))
        g = -g


@given(st.tuples(*[st.sampled_from([1, 2, 3, 64, 100])] * 3), st.booleans(), FLOATS, st.booleans())
def test_a_bound_product_gives_the_bits_of_the_kernel(sizes, is_transposed, dtype, is_known):
    (m, k, n), rng = sizes, np.random.default_rng(0)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    b = np.asfortranarray(b) if is_transposed else b
    bind = into(np.empty((m, n), dtype), product.bound_product)
    multiply = Bound(bind, *copies((a, b)), is_known=is_known)
    for scale in (1, 3):
        np.testing.assert_array_equal(multiply(scale * a, b), product.product(scale * a, b))


@pytest.mark.parametrize("is_known", [True, False])
def test_bound_kernels_share_their_work_among_threads(is_known):
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(s).astype(np.float32) for s in ((64, 16, 28, 28), (16, 16, 3, 3)))
    spec, pooling = ConvSpec.of(x.shape, weight.shape, padding=1), PoolSpec.of(x.shape, 2)
    a, b, scratch = rng.standard_normal((900, 100)), rng.standard_normal((100, 200)), bound_conv.Scratch()
    parallel.set_threads(2)
    try:
        y, maxima = conv.forward(x, weight, None, spec), pool.max_forward(x, pooling)
        routed = pool.max_scatter(maxima, x, pooling, maxima)
        for operands, expected, bind in (
            ((x, weight), y, lambda x, w, o: bound_conv.forward(x, w, None, spec, o, scratch).calls),
            (
                (x, y),
                conv.weight_gradient(x, y, spec),
                lambda x, y, o: bound_conv.weight_gradient(x, y, spec, o, None, scratch),
            ),
            ((x,), maxima, lambda x, o: bound_pool.maximum(x, pooling, o)),
            ((maxima, x, maxima), routed, lambda g, x, y, o: bound_pool.scatter(g, x, y, pooling, o)),
            ((a, b), product.product(a, b), product.bound_product),
        ):
            bound = Bound(into(np.empty_like(expected), bind), *copies(operands), is_known=is_known)
            assert parallel.run in [function for function, _, _ in bound.calls]
            np.testing.assert_array_equal(bound(*operands), expected)
    finally:
        parallel.set_threads(1)
