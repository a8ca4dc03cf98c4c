"""`BatchNorm2d`: its running statistics, and what it does in training and at inference."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn import nn

RNG = np.random.default_rng


@pytest.mark.parametrize("shape", [(4, 3, 5, 2), (2, 3, 1, 1), (8, 3, 1, 2)])
def test_running_statistics_are_those_of_pytorch_over_several_batches(shape):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, a peer (pip install '.[peers]')")
    layer, twin = nn.BatchNorm2d(3, momentum=0.3), torch.nn.BatchNorm2d(3, momentum=0.3).double()
    params, state = layer.init(RNG(0), dtype=np.float64)
    rng = RNG(1)
    for i in range(5):
        x = rng.standard_normal(shape) * (i + 1) + i
        y, state = layer(params, state, x, train=True)
        assert_allclose(y, twin(torch.from_numpy(x)).detach().numpy(), rtol=1e-9, atol=1e-11)
    assert_allclose(state["running_mean"], twin.running_mean.numpy(), rtol=1e-12)
    assert_allclose(state["running_var"], twin.running_var.numpy(), rtol=1e-12)
    x = rng.standard_normal(shape)
    y, after = layer(params, state, x)
    assert_allclose(y, twin.eval()(torch.from_numpy(x)).detach().numpy(), rtol=1e-10, atol=1e-12)
    assert after is state


def test_batch_norm_normalises_each_channel_in_training():
    layer = nn.BatchNorm2d(3, eps=0.0)
    params, state = layer.init(RNG(0), dtype=np.float64)
    x = RNG(1).standard_normal((8, 3, 4, 5)) * np.array([1.0, 10.0, 0.1])[:, None, None] + 100
    y, _ = layer(params, state, x, train=True)
    assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-11)
    assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-9)


def test_running_statistics_move_by_momentum_with_the_unbiased_variance():
    layer = nn.BatchNorm2d(2, momentum=0.25)
    params, state = layer.init(RNG(0), dtype=np.float64)
    x = RNG(1).standard_normal((3, 2, 2, 2))
    _, moved = layer(params, state, x, train=True)
    assert_allclose(moved["running_mean"], 0.25 * x.mean((0, 2, 3)))
    assert_allclose(moved["running_var"], 0.75 + 0.25 * x.var((0, 2, 3), ddof=1))
    _, kept = layer(params, state, x, train=False)
    assert kept is state


def test_at_inference_a_sample_does_not_depend_on_its_batch():
    layer = nn.BatchNorm2d(3)
    params, state = layer.init(RNG(0), dtype=np.float64)
    _, state = layer(params, state, RNG(2).standard_normal((9, 3, 2, 2)), train=True)
    x = RNG(1).standard_normal((4, 3, 2, 2))
    together, _ = layer(params, state, x)
    alone = np.concatenate([layer(params, state, x[i : i + 1])[0] for i in range(4)])
    assert_array_equal(together, alone)


@pytest.mark.parametrize("train", [False, True])
def test_a_state_without_running_statistics_is_refused(train):
    model = nn.Sequential(norm=nn.BatchNorm2d(2))
    params, state = model.init(RNG(0))
    for wrong in (
        {},
        {"norm": {}},
        {"norm": None},
        {"norm": {"running_mean": state["norm"]["running_mean"]}},
    ):
        with pytest.raises(ValueError, match=r"BatchNorm2d: state: expected .*: pass the state that init"):
            model(params, wrong, np.ones((1, 2, 3, 3), np.float32), train=train)


def test_batch_norm_of_an_empty_batch_keeps_the_running_statistics():
    layer = nn.BatchNorm2d(2)
    params, state = layer.init(RNG(0))
    y, new_state = layer(params, state, np.zeros((0, 2, 3, 3), np.float32), train=True)
    assert y.shape == (0, 2, 3, 3)
    assert_array_equal(new_state["running_var"], np.ones(2, np.float32))
