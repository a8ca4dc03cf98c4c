"""Every layer can be recorded, in training and at inference, and plays bit for bit what it computes."""

import numpy as np
import pytest
from played import assert_plays
from records.layers import LAYERS

import tinygrad_cnn as tg
from tinygrad_cnn import models, nn, tree

RNG = np.random.default_rng
EXAMPLES = [
    pytest.param(layer, shape, id=f"{record.name}-{i}")
    for record in LAYERS
    for i, (layer, shape) in enumerate(record.examples)
]


def arguments(model, shape, seed, dtype=np.float64):
    """Draw parameters, a state, an input, and a generator."""
    rng = RNG(seed)
    params, state = tree.map(
        lambda a: (a + rng.uniform(0.25, 1.0, a.shape)).astype(dtype), model.init(rng, dtype=dtype)
    )
    return params, state, rng.standard_normal(shape).astype(dtype), RNG(seed)


def both_orders(model, train):
    """Return a step of a layer with its state, and a derivative of the gradient."""

    def loss(params, state, x, rng):
        y, state = model(params, state, x, train=train, rng=rng)
        return tg.sum(y * y * y), (state, y)

    def slope(params, state, x, rng):
        gradients, _ = tg.grad(loss, (0, 2), has_aux=True)(params, state, x, rng)
        return sum(tg.sum(g * g) for g in tree.leaves(gradients))

    return tg.value_and_grad(loss, (0, 2), has_aux=True), tg.grad(slope, (0, 2))


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(("layer", "shape"), EXAMPLES)
def test_a_layer_plays_what_it_computes(layer, shape, train):
    first, second = both_orders(layer, train)
    single = (arguments(layer, shape, seed, np.float32) for seed in range(3))
    assert_plays(first, *single)
    assert_plays(second, *(arguments(layer, shape, seed) for seed in range(2)))


def test_a_program_draws_the_masks_of_dropout_anew():
    layer = nn.Dropout(0.5)

    def step(x, rng):
        return tg.grad(lambda x: tg.sum(layer({}, {}, x, train=True, rng=rng)[0] ** 2))(x)

    compiled, x = tg.compile(step), np.ones(64)
    played, eager = RNG(0), RNG(0)
    masks = [compiled(x, played) for _ in range(3)]
    assert all(np.array_equal(mask, step(x, eager)) for mask in masks)
    assert not np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[1], masks[2])


@pytest.mark.parametrize("make", [models.baseline, models.baseline_bn])
def test_a_training_of_the_networks_plays_what_it_computes(make):
    model = make()

    def loss(params, state, x, labels):
        logits, state = model(params, state, x, train=True)
        return tg.cross_entropy(logits, labels), state

    def drawn(seed):
        params, state = model.init(RNG(seed))
        x = RNG(seed).random((4, 1, 28, 28), dtype=np.float32)
        return params, state, x, RNG(seed).integers(0, 10, 4)

    assert_plays(tg.value_and_grad(loss, has_aux=True), *map(drawn, range(3)))
