"""Matrix products in all the shapes that NumPy allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

SHAPES = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((3,), (5, 3, 2)),
    ((5, 2, 3), (3,)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((6, 2, 3), (6, 3, 4)),
    ((1, 2, 3), (6, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((2, 1), (1, 4)),
    ((5, 2, 1), (1, 4)),
    ((2, 1), (5, 1, 4)),
    ((1, 3), (3, 1)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_both_gradients(left, right, dtype):
    rng = np.random.default_rng(0)
    a = rng.integers(-3, 4, left).astype(dtype)  # small integers: everything below is exact
    b = rng.integers(-3, 4, right).astype(dtype)
    value = tg.matmul(a, b)
    assert_array_equal(value, np.matmul(a, b), strict=True)
    g = rng.integers(-3, 4, np.shape(value)).astype(dtype)
    da, db = grad(lambda a, b: (tg.matmul(a, b) * g).sum(), (0, 1))(a, b)
    assert (da.shape, da.dtype, db.shape, db.dtype) == (a.shape, dtype, b.shape, dtype)
    # the product is linear in each: a difference by one is exact
    for index in np.ndindex(left):
        step = np.zeros_like(a)
        step[index] = 1
        assert da[index] == (np.matmul(step, b) * g).sum()
    for index in np.ndindex(right):
        step = np.zeros_like(b)
        step[index] = 1
        assert db[index] == (np.matmul(a, step) * g).sum()


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(SHAPES), st.integers(0, 2**32 - 1))
def test_second_derivatives_are_symmetric(shapes, seed):
    rng = np.random.default_rng(seed)
    p = {"a": rng.standard_normal(shapes[0]), "b": rng.standard_normal(shapes[1])}
    v, w = ({k: rng.standard_normal(x.shape) for k, x in p.items()} for _ in range(2))

    def f(p):
        return tg.tanh(tg.matmul(p["a"], p["b"])).sum()

    def form(v, w):
        product = tg.hvp(f, [p], [v])
        return sum((product[k] * w[k]).sum() for k in w)

    assert_allclose(form(v, w), form(w, v), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("left", "right"), [((), (3,)), ((3,), ()), ((2, 3), (2, 3)), ((2, 3), (4,)), ((2, 1), (2, 1))]
)
def test_shapes_that_do_not_fit(left, right):
    for a, b in ((np.ones(left), np.ones(right)), (tg.Tensor(np.ones(left)), np.ones(right))):
        with pytest.raises(ValueError, match="matmul"):
            tg.matmul(a, b)
