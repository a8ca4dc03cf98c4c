"""`check_grads` on small networks: no false alarm at any point, and a wrong rule inside one is found."""

import numpy as np
import pytest
from hypothesis import given, settings

import tinygrad_cnn as tg
from tinygrad_cnn.ops import conv, normalization, pool
from tinygrad_cnn.testing import Fault, GradientError, check_grads, strategies

LABELS = np.array([1, 0])


def block(x, weight, bias, gain, offset):
    """Convolution, batch normalisation, relu and maximum pooling, as most networks begin."""
    h = tg.batch_norm(tg.conv2d(x, weight, bias, padding=1), gain, offset)
    return tg.max_pool2d(tg.relu(h), 2)


def parameters(rng):
    return [rng.normal(size=shape) for shape in ((2, 1, 3, 3), 2, 2, 2)]


@given(strategies.arrays((2, 1, 4, 4)))
@settings(max_examples=3, deadline=None)
def test_a_block_is_checked_beside_its_kinks(x):
    check_grads(block, x, *parameters(np.random.default_rng(0)), off_kinks=True, order=1)


@pytest.mark.parametrize(
    ("op", "operand", "rule"),
    [
        (tg.relu, "x", lambda g, x: g * (np.abs(tg.extend.raw(x) - 0.5) < 0.5)),
        (pool.max_pool2d_output, "x", lambda g, x: 0 * x),
        (normalization._batch_norm, "weight", lambda g, x: tg.sum(g * x, (0, 2, 3))),
        (conv.conv2d_output, "weight", lambda g, x, spec: 1.001 * conv.conv2d_weight(x, g, spec=spec)),
    ],
)
def test_a_wrong_rule_in_a_block_is_found(op, operand, rule):
    rng = np.random.default_rng(1)
    with Fault("wrong", op, operand, rule), pytest.raises(GradientError):
        check_grads(block, np.zeros((2, 1, 4, 4)), *parameters(rng), off_kinks=True, order=1)


def drawn_model(rng):
    """A random small network of two convolutions, and its arguments."""
    activation = [tg.relu, tg.tanh, tg.gelu, tg.silu, tg.leaky_relu][rng.integers(5)]
    pooling = [tg.max_pool2d, tg.avg_pool2d][rng.integers(2)]
    normalised, with_mean = rng.integers(3), rng.integers(2)
    loss = [lambda y: tg.cross_entropy(y, LABELS), lambda y: tg.mean(y * y), tg.log_softmax][rng.integers(3)]

    def model(x, first, bias, gain, offset, second, dense):
        h = tg.conv2d(x, first, bias, padding=1)
        if normalised == 1:
            h = tg.batch_norm(h, gain, offset)
        if normalised == 2:
            h = tg.layer_norm(h, gain, offset) if h.shape[-1] == len(gain) else h
        h = tg.conv2d(pooling(activation(h), 2), second)
        h = h.mean((2, 3)) if with_mean else h.reshape(len(x), -1)[:, :2]
        return loss(tg.tanh(h) @ dense)

    shapes = ((2, 1, 3, 3), 2, 2, 2, (2, 2, 2, 2), (2, 2))
    scale = [0.0, 1.0, 10.0][rng.integers(3)]
    image = scale * np.round(rng.normal(size=(2, 1, 4, 4)), int(rng.integers(0, 3)))
    return model, [image, *(np.round(rng.normal(size=shape), 1) for shape in shapes)]


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(200))
def test_no_false_alarm_for_a_random_model(seed):
    model, args = drawn_model(np.random.default_rng(seed))
    check_grads(model, *args, off_kinks=True, seed=seed)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(1000))
def test_no_false_alarm_for_a_block(seed):
    rng = np.random.default_rng(seed)
    x = [np.zeros, np.ones, lambda s: rng.integers(-2, 3, s) / 2, lambda s: rng.normal(size=s)][seed % 4]
    check_grads(block, x((2, 1, 4, 4)), *parameters(rng), off_kinks=True, order=1 + seed % 2, seed=seed)
