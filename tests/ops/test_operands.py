"""Operands of several kinds in one call: conditions that are tensors, dtypes that differ."""

import numpy as np
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad


def test_where_takes_its_condition_from_a_tensor_too():
    x = tg.Tensor(np.array([1.0, -2.0]), requires_grad=True)
    tg.where(x > 0, x * 3, x * 5).sum().backward()
    assert_array_equal(x.grad, [3.0, 5.0])


def test_astype_casts_the_gradient_back():
    x = tg.Tensor(np.array([1.5, 2.5], np.float32), requires_grad=True)
    tg.astype(x, np.float64).sum().backward()
    assert_array_equal(x.grad, np.ones(2, np.float32), strict=True)


def test_joining_promotes_and_gradients_are_cast_back():
    x, y = np.ones(2, np.float32), np.ones(3)
    dx, dy = grad(lambda x, y: (tg.concatenate([x, y]) * np.arange(5.0)).sum(), (0, 1))(x, y)
    assert_array_equal(dx, np.array([0.0, 1.0], np.float32), strict=True)
    assert_array_equal(dy, [2.0, 3.0, 4.0])
