"""Models that PyTorch exports: the same logits, gradients and steps."""

import io
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tinygrad_cnn as tg
from tinygrad_cnn import optim, train, tree
from tinygrad_cnn.interop import onnx as exchange

pytest.importorskip("onnx", reason="the package onnx (the extra 'onnx')")
torch = pytest.importorskip("torch", reason="PyTorch is what models come from (the extra 'peers')")
from torch_networks import LeNet, MobileNet, ResNet8, trained  # noqa: E402


def exported(net, dtype=torch.float32, **options):
    body = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = {"x": {0: "N"}}
        x = torch.randn(2, 1, 28, 28, dtype=dtype)
        torch.onnx.export(net, (x,), body, dynamo=False, input_names=["x"], dynamic_axes=axes, **options)
    return exchange.load(body.getvalue())


AS_IT_IS = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}


@pytest.mark.parametrize("options", [{}, AS_IT_IS], ids=["folded", "as it is"])
@pytest.mark.parametrize("cls", [LeNet, ResNet8, MobileNet])
def test_logits_are_those_of_pytorch(cls, options):
    net = trained(cls)
    network, params, state = exported(net, **options)
    compiled = tg.compile(lambda p, s, x: network(p, s, x)[0])
    for count in (1, 5):
        x = np.random.default_rng(count).standard_normal((count, 1, 28, 28)).astype(np.float32)
        found, same = network(params, state, x)
        assert same is state
        assert_allclose(found, net(torch.from_numpy(x)).detach(), rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(found, compiled(params, state, x))


@pytest.mark.parametrize("cls", [LeNet, ResNet8])
def test_ten_steps_here_and_there_give_the_same_parameters(cls):
    net = trained(cls, torch.float64)
    network, params, state = exported(net, torch.float64, **AS_IT_IS)
    net.train()
    ours = optim.SGD(params, lr=0.05, momentum=0.9)
    theirs = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

    def loss(p, s, x, labels):
        return tg.cross_entropy(network(p, s, x, train=True)[0], labels)

    rng = np.random.default_rng(1)
    for _ in range(10):
        x, labels = rng.standard_normal((4, 1, 28, 28)), rng.integers(0, 10, 4)
        ours.step(tg.grad(loss)(params, state, x, labels))
        theirs.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(labels)).backward()
        theirs.step()
    found = dict(zip(tree.paths(params), tree.leaves(params), strict=True))
    for name, tensor in net.named_parameters():
        assert_allclose(found[name], tensor.detach(), rtol=1e-5, atol=1e-5, err_msg=name)


def test_an_imported_network_is_trained_as_a_layer_is():
    network, params, state = exported(trained(ResNet8), **AS_IT_IS)
    before = state["norm"]["running_mean"].copy()
    trainer = train.Trainer(network, optim.SGD(params, lr=0.05), state, np.random.default_rng(0))
    x = np.random.default_rng(0).standard_normal((8, 1, 28, 28)).astype(np.float32)
    losses = [trainer.step(x, np.arange(8)) for _ in range(4)]
    assert losses[-1] < losses[0]
    assert not np.array_equal(trainer.state["norm"]["running_mean"], before)


def model_of(op, **options):
    """A model of one node of two numbers."""
    helper = pytest.importorskip("onnx").helper
    x, y = (helper.make_tensor_value_info(name, 1, ["N"]) for name in "xy")
    return helper.make_model(
        helper.make_graph([helper.make_node(op, ["x"], ["y"], **options)], "g", [x], [y])
    )


def test_dropout_draws_from_the_generator_in_training_alone():
    network, params, state = exchange.load(model_of("Dropout"))
    x = np.ones(100, np.float32)
    np.testing.assert_array_equal(network(params, state, x, rng=np.random.default_rng(3))[0], x)
    first, again, other = (
        network(params, state, x, train=True, rng=np.random.default_rng(seed))[0] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert set(first) == {0, 2}
    with pytest.raises(TypeError, match=r"rng: expected a numpy.random.Generator, got None"):
        network(params, state, x, train=True)


def test_what_is_not_imported_is_named():
    for op, options, wanted in (
        ("Relu", {"colour": 1}, "Relu has the attribute colour, which is not imported"),
        ("NonZero", {"x": 1}, "NonZero has the attribute x"),
        ("RandomNormalLike", {}, "it has the operator RandomNormalLike, which is not imported"),
    ):
        with pytest.raises(ValueError, match=wanted):
            exchange.load(model_of(op, **options))
