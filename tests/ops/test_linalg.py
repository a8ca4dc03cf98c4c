"""Matrix products in all the shapes that NumPy allows."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

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
    for x, d, product in ((a, da, lambda s: np.matmul(s, b)), (b, db, lambda s: np.matmul(a, s))):
        for index in np.ndindex(x.shape):  # the product is linear in each: a difference by one is exact
            step = np.zeros_like(x)
            step[index] = 1
            assert d[index] == (product(step) * g).sum()


@pytest.mark.parametrize(
    ("left", "right"), [((), (3,)), ((3,), ()), ((2, 3), (2, 3)), ((2, 3), (4,)), ((2, 1), (2, 1))]
)
def test_shapes_that_do_not_fit(left, right):
    for a, b in ((np.ones(left), np.ones(right)), (tg.Tensor(np.ones(left)), np.ones(right))):
        with pytest.raises(ValueError, match="matmul"):
            tg.matmul(a, b)
