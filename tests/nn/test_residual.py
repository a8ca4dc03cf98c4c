import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import nn


def test_it_adds_block_and_input():
    layer = nn.Residual(nn.Dense(3, 3))
    params, state = layer.init(np.random.default_rng(0))
    x = np.ones((2, 3), np.float32)
    assert state == {}
    assert_array_equal(
        layer(params, state, x)[0], x @ params["block"]["weight"] + params["block"]["bias"] + x
    )
    assert_array_equal(
        tg.grad(lambda x: nn.Residual(nn.ReLU())({}, {}, x)[0].sum())(np.array([-1.0, 2.0])), [1, 2]
    )


def test_a_shortcut_has_parameters_and_state_of_its_own():
    layer = nn.Residual(
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2)),
        nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)),
    )
    params, state = layer.init(np.random.default_rng(0))
    assert list(params) == list(state) == ["block", "shortcut"]
    x = np.random.default_rng(1).standard_normal((4, 1, 5, 6)).astype(np.float32)
    y, new = layer(params, state, x, train=True)
    parts = [
        part(params[name], state[name], x, train=True)
        for name, part in (("block", layer.block), ("shortcut", layer.shortcut))
    ]
    assert_array_equal(y, parts[0][0] + parts[1][0])
    assert_array_equal(new["shortcut"]["1"]["running_mean"], parts[1][1]["1"]["running_mean"])
    assert tg.tree.structure(new) == tg.tree.structure(state)


def test_randomness_reaches_the_block():
    layer = nn.Residual(nn.Dropout(0.5))
    x = np.ones((100,))
    y, _ = layer({}, {}, x, train=True, rng=np.random.default_rng(0))
    assert set(np.unique(y)) == {1.0, 3.0}
    with pytest.raises(ValueError, match="Dropout: training needs an explicit Generator"):
        layer({}, {}, x, train=True)
