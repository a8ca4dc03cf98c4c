"""What the records of convolution and batch normalization leave out: work that is not needed, constants."""

import numpy as np
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad
from tinygrad_cnn.kernels import conv


def test_a_gradient_that_nobody_asked_for_is_not_computed(monkeypatch):
    def forbidden(*args):
        raise AssertionError("not needed")

    x, weight, bias = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3)), np.ones(3)
    monkeypatch.setattr(conv, "input_gradient", forbidden)
    gradient = grad(lambda w: tg.conv2d(x, w).sum())(weight)  # no bias, and x a constant
    assert_array_equal(gradient, np.full(weight.shape, 4.0))
    monkeypatch.setattr(conv, "weight_gradient", forbidden)
    assert_array_equal(grad(lambda b: tg.conv2d(x, weight, b).sum())(bias), [4, 4, 4])


def test_batch_norm_of_a_constant_channel_is_its_bias_with_a_finite_gradient():
    x = np.full((4, 2, 3, 3), 1e6, np.float32)
    weight, bias = np.ones(2, np.float32), np.array([3.0, 5.0], np.float32)
    y, pullback = tg.vjp(lambda x: tg.batch_norm(x, weight, bias), x)
    assert_array_equal(y, np.broadcast_to(bias[:, None, None], x.shape))
    assert np.isfinite(pullback(np.ones(x.shape))[0]).all()
