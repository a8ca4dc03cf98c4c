"""What is exported computes the same elsewhere, for any number of samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_cnn as tg
from tinygrad_cnn import models, nn
from tinygrad_cnn.interop import onnx as exchange

onnx = pytest.importorskip("onnx", reason="the package onnx (the extra 'onnx')")
reference = pytest.importorskip("onnx.reference")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is a peer to compare with")


def run(model, *inputs):
    """The outputs of onnxruntime, which have to be those of onnx.reference too."""
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    named = dict(zip((x.name for x in model.graph.input), inputs, strict=True))
    found = session.run(None, named)
    for ours, theirs in zip(found, reference.ReferenceEvaluator(model).run(None, named), strict=True):
        assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    return found


def check(f, weights, *inputs, expected=None):
    """The model has the values of the function, for any number of samples, and comes back as it was."""
    model = exchange.export(f, weights, inputs)
    call = (lambda *args: f(*args)[0]) if isinstance(f, nn.Layer) else expected or f
    network, params, state = exchange.load(model.SerializeToString())
    for count in (len(inputs[0]), 1, 3):
        sized = [np.resize(x, (count, *x.shape[1:])) for x in inputs]
        wanted = call(*weights, *sized)
        close = {"rtol": 1e-5, "atol": 1e-5 * max(1.0, float(np.abs(wanted).max(initial=0)))}
        assert_allclose(run(model, *sized)[0], wanted, **close)
        assert_allclose(network(params, state, *sized)[0], wanted, **close)
    return model


ACTIVATIONS = [
    tg.relu, tg.sigmoid, tg.tanh, tg.silu, tg.gelu, tg.elu, tg.selu, tg.celu, tg.mish, tg.softplus,
    tg.softsign, tg.leaky_relu, tg.relu6, tg.hardswish, tg.hardsigmoid, tg.log_sigmoid, tg.tanhshrink,
    tg.hardtanh, tg.erf, tg.sin, tg.abs, tg.square, tg.arctan, lambda x: tg.gelu(x, approximate="tanh"),
    lambda x: tg.clip(x, -0.5, 0.75), lambda x: tg.where(x > 0, x, 0.3 * x), lambda x: tg.exp(-x * x),
    lambda x: tg.sqrt(x * x + 1), lambda x: tg.maximum(x, 0.1) - tg.minimum(x, 0.2),
    lambda x: 1 / (2 + tg.cos(x)),
]  # fmt: skip
ON_IMAGES = [
    lambda x: tg.pad(x, ((0, 0), (0, 0), (1, 0), (0, 2))),
    lambda x: tg.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "edge"),
    lambda x: tg.swapaxes(x, 2, 3),
    lambda x: x.transpose(0, 1, 3, 2),
    lambda x: tg.flip(x, 3),
    lambda x: x[:, :, 1:, ::2],
    lambda x: tg.concatenate([x, tg.sin(x)], 1),
    lambda x: x * tg.sigmoid(x.mean((2, 3), keepdims=True)),
    lambda x: x - tg.max(x, 1, keepdims=True),
    lambda x: tg.moveaxis(tg.softmax(x, 1), 2, 3),
    lambda x: x / tg.sqrt(tg.var(x, (1, 2, 3), keepdims=True) + 1),
    lambda x: tg.interpolate(x, scale_factor=2),
    lambda x: tg.adaptive_avg_pool2d(x, 3),
    lambda x: tg.expand_dims(x, 1)[:, 0],
    lambda x: tg.repeat(x, 2, 1),
    lambda x: tg.cumsum(x, 2),
]
INTO_VECTORS = [
    nn.Flatten(),
    nn.Sequential(nn.GlobalAvgPool2d(), nn.Flatten()),
    lambda x: tg.max(x, (2, 3)),
    lambda x: tg.sum(x, (2, 3)),
    lambda x: tg.einsum("nchw,nchw->nc", x, x),
    lambda x: tg.reshape(x, (len(x), -1)),
]
ON_VECTORS = [tg.softmax, tg.log_softmax, lambda x: x[:, ::-1], lambda x: x - x.mean(1, keepdims=True)]


@st.composite
def image_layers(draw, channels):
    """A layer that keeps images large enough, with the number of channels after it."""
    kind = draw(st.integers(0, 6))
    if kind == 0:
        after, groups = draw(st.sampled_from([(4, 1), (6, 2), (channels, channels)]))
        groups = groups if channels % groups == 0 else 1
        size, stride = draw(st.sampled_from([1, 3])), draw(st.integers(1, 2))
        return nn.Conv2d(
            channels, after, size, stride=stride, padding=1, groups=groups, bias=draw(st.booleans())
        ), after
    if kind == 1:
        return draw(
            st.sampled_from(
                [
                    nn.BatchNorm2d(channels),
                    nn.InstanceNorm2d(channels, affine=True),
                    nn.GroupNorm(1, channels),
                ]
            )
        ), channels
    if kind == 2:
        pool = draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))
        return pool(3, stride=draw(st.integers(1, 2)), padding=1, ceil_mode=draw(st.booleans())), channels
    if kind == 3:
        return nn.Residual(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU())), channels
    if kind == 4:
        change = draw(st.integers(0, len(ON_IMAGES) - 1))
        return ON_IMAGES[change], channels * (2 if change in (6, 14) else 1)
    return draw(st.sampled_from(ACTIVATIONS)), channels


@st.composite
def networks(draw):
    """A network of some layers, with the channels and the seed of an example of what it takes."""
    first = channels = draw(st.integers(1, 4))
    seed = draw(st.integers(0, 99))
    layers = []
    for _ in range(draw(st.integers(1, 5))):
        layer, channels = draw(image_layers(channels))
        layers.append(layer)
    layers.append(draw(st.sampled_from(INTO_VECTORS)))
    rng = np.random.default_rng(0)
    before = nn.Sequential(*layers)
    features = before(*before.init(rng), images(first, seed))[0].shape[1]
    layers += [nn.Dense(features, 5), draw(st.sampled_from([*ACTIVATIONS, *ON_VECTORS, nn.LayerNorm(5)]))]
    return nn.Sequential(*layers), first, seed


def images(channels, seed):
    return np.random.default_rng(seed).standard_normal((2, channels, 8, 8)).astype(np.float32)


def check_network(layer, channels, seed):
    check(layer, layer.init(np.random.default_rng(1)), images(channels, seed))


@settings(max_examples=10)
@given(networks())
def test_random_networks_agree_in_onnxruntime(drawn):
    check_network(*drawn)


@pytest.mark.slow
@settings(max_examples=200)
@given(networks())
def test_two_hundred_random_networks_agree_in_onnxruntime(drawn):
    check_network(*drawn)


def test_arrays_have_their_names_in_the_tree():
    layer = models.resnet8((1, 12, 12))
    params, state = layer.init(np.random.default_rng(0))
    model = check(layer, (params, state), np.ones((2, 1, 12, 12), np.float32))
    names = {array.name for array in model.graph.initializer}
    assert {"conv.weight", "block2.shortcut.norm.running_var", "dense.bias"} <= names
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [
        "N",
        1,
        12,
        12,
    ]


def test_the_forward_half_of_a_function_that_derives():
    layer = nn.Sequential(nn.Dense(3, 4), nn.ReLU(), nn.Dense(4, 2))
    params, _ = layer.init(np.random.default_rng(0))

    def loss(p, x, labels):
        return tg.cross_entropy(layer(p, {}, x)[0], labels)

    x, labels = np.ones((4, 3), np.float32), np.array([0, 1, 1, 0])
    model = check(tg.value_and_grad(loss), (params,), x, labels, expected=loss)
    assert [node.op_type for node in model.graph.node][-2:] != ["Identity", "Identity"]


def test_a_program_is_exported_with_its_sizes():
    program = tg.trace(lambda w, x: tg.tanh(x @ w), np.ones((3, 2)), np.ones((4, 3)))
    model = exchange.export(program, (np.full((3, 2), 0.5),), (np.ones((4, 3)),))
    assert_allclose(run(model, np.ones((4, 3)))[0], np.tanh(np.full((4, 2), 1.5)))
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [4, 3]


def test_what_onnx_cannot_say_is_an_error_with_the_line():
    x = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"export: sinc has no counterpart in ONNX, recorded at .*tg.sinc"):
        exchange.export(lambda x: tg.sinc(x), (), (x,))
    with pytest.raises(ValueError, match=r"follows from the number of samples.*free_batch=False"):
        exchange.export(lambda x: x / len(x), (), (x,))
    model = exchange.export(lambda x: x / len(x), (), (x,), free_batch=False)
    assert_allclose(run(model, x)[0], x / 2)
