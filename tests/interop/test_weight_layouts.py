"""Weights in the conventions of Keras, Flax and Equinox: the same network there gives the same numbers."""

import os

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn import nn, tree
from tinygrad_cnn.interop import jax as jax_weights
from tinygrad_cnn.interop import keras as keras_weights
from tinygrad_cnn.interop import layouts

LAYER = nn.Sequential(
    conv=nn.Conv2d(2, 6, 3, stride=2), norm=nn.BatchNorm2d(6), relu=nn.ReLU(),
    grouped=nn.Conv2d(6, 4, 3, groups=2), flatten=nn.Flatten(), dense=nn.Dense(4 * 2 * 1, 3),
)  # fmt: skip
FLATTENED = {"dense": (4, 2, 1)}
NAMES = {"conv": "Conv_0", "norm": "BatchNorm_0", "grouped": "Conv_1", "dense": "Dense_0"}
X = np.random.default_rng(0).standard_normal((3, 2, 10, 8)).astype(np.float32)


def drawn(layer):
    """Parameters and state of which no two numbers are alike."""
    rng = np.random.default_rng(1)
    params, state = layer.init(rng)
    return tree.map(lambda a: rng.uniform(0.5, 1.5, a.shape).astype(np.float32), [params, state])


def same(found, wanted):
    for ours, theirs in zip(found, wanted, strict=True):
        for name, arrays in theirs.items():
            for key, array in arrays.items():
                assert_array_equal(ours[name][key], array)


def test_the_way_back_gives_the_same_arrays():
    images = X[:, :, :4]
    assert_array_equal(layouts.channels_first(layouts.channels_last({"x": images}))["x"], images)
    params, state = drawn(LAYER)
    arrays = keras_weights.from_layer(LAYER, params, state, flattened=FLATTENED)
    same(keras_weights.to_layer(LAYER, arrays, flattened=FLATTENED), (params, state))
    variables = jax_weights.to_flax(LAYER, params, state, NAMES, flattened=FLATTENED)
    same(jax_weights.from_flax(LAYER, variables, NAMES, flattened=FLATTENED), (params, state))


@pytest.mark.slow
def test_keras_computes_the_same(monkeypatch):
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", reason="Keras is a peer to compare with (the extra 'peers')")
    layers = keras.layers
    net = keras.Sequential([
        keras.Input((10, 8, 2)), layers.Conv2D(6, 3, strides=2, name="conv"),
        layers.BatchNormalization(epsilon=1e-5, name="norm"), layers.ReLU(),
        layers.Conv2D(4, 3, groups=2, name="grouped"), layers.Flatten(), layers.Dense(3, name="dense"),
    ])  # fmt: skip
    params, state = drawn(LAYER)
    arrays = keras_weights.from_layer(LAYER, params, state, flattened=FLATTENED)
    for layer in net.layers:
        for weight in layer.weights:
            weight.assign(arrays[f"{layer.name}.{weight.name}"])
    found = np.asarray(net(layouts.channels_last(X)))
    assert_allclose(found, LAYER(params, state, X)[0], rtol=1e-5, atol=1e-5)
    theirs = {f"{layer.name}.{w.name}": np.asarray(w.value) for layer in net.layers for w in layer.weights}
    same(keras_weights.to_layer(LAYER, theirs, flattened=FLATTENED), (params, state))


@pytest.mark.slow
def test_flax_computes_the_same():
    linen = pytest.importorskip("flax.linen", reason="Flax is a peer to compare with (the extra 'peers')")

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x):
            x = linen.Conv(6, (3, 3), strides=2, padding="VALID")(x)
            x = linen.relu(linen.BatchNorm(use_running_average=True)(x))
            x = linen.Conv(4, (3, 3), feature_group_count=2, padding="VALID")(x)
            return linen.Dense(3)(x.reshape(len(x), -1))

    params, state = drawn(LAYER)
    variables = jax_weights.to_flax(LAYER, params, state, NAMES, flattened=FLATTENED)
    found = np.asarray(Net().apply(variables, layouts.channels_last(X)))
    assert_allclose(found, LAYER(params, state, X)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_equinox_computes_the_same():
    eqx = pytest.importorskip("equinox", reason="Equinox is a peer to compare with (the extra 'peers')")
    import jax

    layer = nn.Sequential(
        conv=nn.Conv2d(2, 4, 3), relu=nn.ReLU(), flatten=nn.Flatten(), dense=nn.Dense(192, 3)
    )
    keys = jax.random.split(jax.random.PRNGKey(0))
    conv, dense = eqx.nn.Conv2d(2, 4, 3, key=keys[0]), eqx.nn.Linear(192, 3, key=keys[1])
    parts = {"conv": conv, "dense": dense}
    theirs = {
        f"{n}.{k}": np.asarray(getattr(part, k)) for n, part in parts.items() for k in ("weight", "bias")
    }
    params, state = jax_weights.from_equinox(layer, theirs)
    found = [dense(jax.nn.relu(conv(x)).ravel()) for x in X]
    assert_allclose(found, layer(params, state, X)[0], rtol=1e-5, atol=1e-5)
    back = jax_weights.to_equinox(layer, params, state)
    assert all(np.array_equal(back[name], array) for name, array in theirs.items())
    with pytest.raises(ValueError, match="outside of the module"):
        jax_weights.to_equinox(LAYER, *drawn(LAYER))
