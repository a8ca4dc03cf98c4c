"""Weights of PyTorch come in and go out: both networks compute the same, and go on to do so in training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import models, nn, optim, tree
from tinygrad_cnn.interop import torch as bridge

torch = pytest.importorskip("torch", reason="PyTorch is what models come from (the extra 'peers')")
from torch_networks import RESNET_NAMES, LeNet, ResNet8, trained  # noqa: E402

NETWORKS = {"lenet": (models.lenet, LeNet, None), "resnet8": (models.resnet8, ResNet8, RESNET_NAMES)}


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("name", NETWORKS)
def test_logits_are_equal_both_ways(name, suffix, tmp_path):
    make, peer, names = NETWORKS[name]
    net, layer, path = trained(peer), make(), tmp_path / f"w.{suffix}"
    if suffix == "pt":
        torch.save(net.state_dict(), path)
    else:
        pytest.importorskip("safetensors.torch").save_file(net.state_dict(), path)
    x = np.random.default_rng(0).standard_normal((4, 1, 28, 28)).astype(np.float32)
    params, state = bridge.to_layer(layer, bridge.load(path), names)
    assert_allclose(layer(params, state, x)[0], net(torch.from_numpy(x)).detach(), rtol=1e-5, atol=1e-5)

    params = tree.map(lambda a: a * np.float32(1.25), params)
    bridge.save(path, bridge.from_layer(layer, params, state, names))
    load = torch.load if suffix == "pt" else __import__("safetensors.torch").torch.load_file
    net.load_state_dict(load(path))
    assert_allclose(layer(params, state, x)[0], net(torch.from_numpy(x)).detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_ten_steps_here_and_there_give_the_same_parameters(name):
    make, peer, names = NETWORKS[name]
    net, layer = trained(peer, torch.float64).train(), make()
    params, state = bridge.to_layer(layer, net.state_dict(), names)
    loss = tg.value_and_grad(lambda p, s, x, t: _loss(layer, p, s, x, t), has_aux=True)
    ours = optim.SGD(params, lr=0.05, momentum=0.9)
    theirs = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    rng = np.random.default_rng(1)
    for _ in range(10):
        x, labels = rng.standard_normal((4, 1, 28, 28)), rng.integers(0, 10, 4)
        (_, state), grads = loss(params, state, x, labels)
        ours.step(grads)
        theirs.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(labels)).backward()
        theirs.step()
    found, wanted = bridge.from_layer(layer, params, state, names), net.state_dict()
    for key in wanted.keys() - {key for key in wanted if key.endswith("tracked")}:
        assert_allclose(found[key], wanted[key].numpy(), rtol=1e-5, atol=1e-5, err_msg=key)


def _loss(layer, params, state, x, labels):
    logits, state = layer(params, state, x, train=True)
    return tg.cross_entropy(logits, labels), state


def test_a_functional_model_takes_its_arrays_by_a_tree_of_names():
    names = {"w": bridge.T("fc.weight"), "conv": [{"k": "conv.weight"}]}
    arrays = {"fc.weight": np.arange(6.0).reshape(2, 3), "conv.weight": np.ones((1, 1, 2, 2))}
    params = bridge.to_tree(names, {**arrays, "norm.num_batches_tracked": np.array(3)})
    assert_array_equal(params["w"], arrays["fc.weight"].T)
    back = bridge.from_tree(names, params)
    assert back.keys() == arrays.keys()
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)
    with pytest.raises(ValueError, match=r"lacks 'fc.weight'; has 'other', which no leaf names"):
        bridge.to_tree(names, {"conv.weight": arrays["conv.weight"], "other": 1})
    with pytest.raises(ValueError, match="each name once"):
        bridge.from_tree(["a", "a"], [1.0, 2.0])


def test_all_that_does_not_match_is_listed():
    layer = nn.Sequential(conv=nn.Conv2d(1, 2, 3), fc=nn.Dense(4, 3))
    arrays = {"conv.weight": np.ones((2, 1, 3, 3)), "fc.weight": np.ones((4, 3)), "old.bias": np.ones(2)}
    wanted = (
        r"lacks 'conv.bias', \(2,\); has 'fc.weight' as float64\[4, 3\] and not as \(3, 4\); "
        r"lacks 'fc.bias', \(3,\); has 'old.bias', which no layer has"
    )
    with pytest.raises(ValueError, match=wanted):
        bridge.to_layer(layer, arrays)
    with pytest.raises(ValueError, match="expected paths of layers, got head"):
        bridge.to_layer(layer, arrays, {"head": "fc"})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool])
def test_tensors_of_any_layout_are_read(dtype, tmp_path):
    base = torch.arange(24).reshape(2, 3, 4).to(dtype)
    tensors = {"t": base.transpose(0, 2), "part": base[1, 1:], "none": base[:0], "one": base[0, 0, 0]}
    torch.save({"model": tensors, "epoch": 3}, tmp_path / "a.pt")
    found = bridge.load(tmp_path / "a.pt")
    for name, tensor in tensors.items():
        assert_array_equal(
            found[f"model.{name}"], tensor.float().numpy() if dtype.is_floating_point else tensor
        )


def double(x, y):
    return tg.tanh(x @ y) * tg.sin(y[0]), tg.exp(x).sum()


@pytest.mark.parametrize("f", [double, lambda x, y: tg.log_softmax(x * y, 1)])
def test_a_function_of_ours_is_derived_twice_by_pytorch(f):
    x, y = (torch.randn(3, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    called = bridge.function(f)
    assert torch.autograd.gradcheck(called, (x, y))
    assert torch.autograd.gradgradcheck(called, (x, y))


def test_what_needs_no_gradient_gets_none():
    labels = torch.tensor([0, 2])
    scores = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    loss = bridge.function(tg.cross_entropy)(scores, labels)
    (ours,) = torch.autograd.grad(loss, scores)
    (theirs,) = torch.autograd.grad(torch.nn.functional.cross_entropy(scores, labels), scores)
    assert_allclose(ours, theirs, rtol=1e-12)


def test_a_constant_tensor_is_taken_without_a_copy():
    x = tg.Tensor(np.arange(3.0), requires_grad=True)
    shared = torch.from_dlpack(x.detach())
    assert np.shares_memory(shared.numpy(), x.data)
    with pytest.raises(TypeError, match="DLPack would take"):
        torch.from_dlpack(x)


def test_a_function_of_pytorch_is_derived_to_any_order_here():
    op = bridge.primitive(lambda x, y: torch.special.erfc(x) * y)
    x, y = np.array([0.3, -0.2]), np.array([1.0, 2.0])
    tg.testing.check_grads(op, x, y, order=2)
    third = tg.grad(lambda x: tg.grad(lambda x: tg.grad(lambda x: op(x, 2.0))(x))(x))(0.5)
    assert_allclose(third, -4 / np.sqrt(np.pi) * np.exp(-0.25) * (4 * 0.25 - 2), rtol=1e-10)
