"""`Sequential` and `Residual`: the names of their layers in the trees, and what reaches each layer."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import nn, tree

RNG = np.random.default_rng
IMAGES = RNG(1).standard_normal((3, 2, 4, 4)).astype(np.float32)


def test_layers_are_named_by_position_or_name_and_those_without_parameters_have_no_key():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), head=nn.Dense(8, 3))
    params, state = model.init(RNG(0))
    assert tree.paths(params) == [
        f"{layer}.{what}" for layer in ("0", "1", "head") for what in ("weight", "bias")
    ]
    assert tree.paths(state) == ["1.running_mean", "1.running_var"]
    assert model.children() == model.layers
    assert [name for name, _ in model.layers] == ["0", "1", "2", "head"]
    with pytest.raises(ValueError, match="Sequential: the name '0' is used twice"):
        nn.Sequential(nn.ReLU(), **{"0": nn.Dense(1, 1)})


def test_layers_draw_and_apply_one_after_the_other():
    first, second = nn.Dense(4, 3), nn.Dense(3, 2)
    params, _ = nn.Sequential(a=first, relu=nn.ReLU(), b=second).init(RNG(0))
    rng = RNG(0)
    a, b = first.init(rng)[0], second.init(rng)[0]
    tree.map(assert_array_equal, params, {"a": a, "b": b})
    x = np.ones((5, 4), np.float32)
    y, new_state = nn.Sequential(a=first, relu=nn.ReLU(), b=second)(params, {}, x)
    assert_array_equal(y, second(b, {}, np.maximum(first(a, {}, x)[0], 0))[0])
    assert new_state == {}


def test_train_and_rng_reach_every_layer_also_in_a_sequence_of_sequences():
    inner = nn.Sequential(norm=nn.BatchNorm2d(2), drop=nn.Dropout(0.5))
    model = nn.Sequential(inner=inner, again=nn.BatchNorm2d(2))
    params, state = model.init(RNG(0))
    y, moved = model(params, state, IMAGES, train=True, rng=RNG(0))
    assert all((a != b).any() for a, b in zip(tree.leaves(moved), tree.leaves(state), strict=True))
    assert (inner(params["inner"], state["inner"], IMAGES, train=True, rng=RNG(0))[0] == 0).any()
    same, kept = model(params, state, IMAGES)
    assert all(a is b for a, b in zip(tree.leaves(kept), tree.leaves(state), strict=True))
    assert (same != y).any()


def test_an_empty_sequence_is_the_identity():
    x = np.ones(3)
    assert nn.Sequential().init(RNG(0)) == ({}, {})
    assert nn.Sequential()({}, {}, x)[0] is x


def test_a_function_is_a_layer():
    model = nn.Sequential(nn.Dense(3, 2), tg.relu, out=np.tanh)
    params, state = model.init(RNG(0))
    assert list(params) == ["0"]
    x = RNG(1).standard_normal((4, 3)).astype(np.float32)
    hidden = x @ params["0"]["weight"] + params["0"]["bias"]
    assert_array_equal(model(params, state, x)[0], np.tanh(np.maximum(hidden, 0)))
    assert model == nn.Sequential(nn.Dense(3, 2), tg.relu, out=np.tanh)
    assert model != nn.Sequential(nn.Dense(3, 2), tg.sigmoid, out=np.tanh)
    assert "('1', Lambda(relu)), ('out', Lambda(tanh))" in repr(model)
    assert [row.layer for row in nn.summary(model, (3,)).rows] == ["Dense", "relu", "tanh"]
    assert repr(nn.Lambda(functools.partial(tg.softmax, axis=1))) == "Lambda(partial)"


def test_a_residual_adds_block_and_input():
    layer = nn.Residual(nn.Dense(3, 3))
    params, state = layer.init(RNG(0))
    x = np.ones((2, 3), np.float32)
    block = params["block"]
    assert state == {}
    assert_array_equal(layer(params, state, x)[0], x @ block["weight"] + block["bias"] + x)
    gradient = tg.grad(lambda x: nn.Residual(nn.ReLU())({}, {}, x)[0].sum())(np.array([-1.0, 2.0]))
    assert_array_equal(gradient, [1, 2])


def test_a_shortcut_has_parameters_and_state_of_its_own():
    layer = nn.Residual(
        nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)),
        nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)),
    )
    params, state = layer.init(RNG(0))
    assert list(params) == list(state) == ["block", "shortcut"]
    y, moved = layer(params, state, IMAGES, train=True)
    (block, block_state), (shortcut, shortcut_state) = (
        child(params[name], state[name], IMAGES, train=True) for name, child in layer.children()
    )
    assert_array_equal(y, block + shortcut)
    tree.map(assert_array_equal, moved, {"block": block_state, "shortcut": shortcut_state})
