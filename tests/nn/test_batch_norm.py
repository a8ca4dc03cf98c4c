"""The running statistics of `BatchNorm2d`; tests/peers compares them with PyTorch's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn import nn

RNG = np.random.default_rng


def test_running_statistics_move_by_momentum_with_the_unbiased_variance():
    layer = nn.BatchNorm2d(2, momentum=0.25)
    params, state = layer.init(RNG(0), dtype=np.float64)
    x = RNG(1).standard_normal((3, 2, 2, 2))
    _, moved = layer(params, state, x, train=True)
    assert_allclose(moved["running_mean"], 0.25 * x.mean((0, 2, 3)))
    assert_allclose(moved["running_var"], 0.75 + 0.25 * x.var((0, 2, 3), ddof=1))
    _, kept = layer(params, state, x, train=False)
    assert kept is state


@pytest.mark.parametrize("train", [False, True])
def test_a_state_without_running_statistics_is_refused(train):
    model = nn.Sequential(norm=nn.BatchNorm2d(2))
    params, _ = model.init(RNG(0))
    for wrong in ({}, {"norm": {}}, {"norm": None}, {"norm": {"running_mean": np.zeros(2, np.float32)}}):
        with pytest.raises(ValueError, match=r"BatchNorm2d: state: expected .*: pass the state that init"):
            model(params, wrong, np.ones((1, 2, 3, 3), np.float32), train=train)


def test_batch_norm_of_an_empty_batch_keeps_the_running_statistics():
    layer = nn.BatchNorm2d(2)
    params, state = layer.init(RNG(0))
    y, new_state = layer(params, state, np.zeros((0, 2, 3, 3), np.float32), train=True)
    assert y.shape == (0, 2, 3, 3)
    assert_array_equal(new_state["running_var"], np.ones(2, np.float32))
