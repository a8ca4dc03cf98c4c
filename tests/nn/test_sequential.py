"""`Sequential`: names of layers in the trees, and its layers one after the other."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import nn, tree

RNG = np.random.default_rng


def test_layers_are_named_by_position_and_those_without_parameters_have_no_key():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Dense(8, 3))
    params, state = model.init(RNG(0))
    assert tree.paths(params) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias",
    ]  # fmt: skip
    assert tree.paths(state) == ["1.running_mean", "1.running_var"]


def test_layers_may_be_named_and_mixed_with_positions():
    model = nn.Sequential(nn.Dense(4, 3), nn.ReLU(), head=nn.Dense(3, 2), out=nn.Softmax())
    params, state = model.init(RNG(0))
    assert list(params) == ["0", "head"]
    assert state == {}
    assert [name for name, _ in model.children()] == ["0", "1", "head", "out"]


def test_layers_apply_in_order_with_their_own_parameters():
    first, second = nn.Dense(4, 3), nn.Dense(3, 2)
    model = nn.Sequential(first, nn.ReLU(), second)
    params, state = model.init(RNG(0))
    x = RNG(1).standard_normal((5, 4)).astype(np.float32)
    hidden, _ = first(params["0"], {}, x)
    expected, _ = second(params["2"], {}, np.maximum(hidden, 0))
    y, new_state = model(params, state, x)
    assert_array_equal(y, expected)
    assert new_state == {}


def test_the_layers_draw_one_after_the_other_from_one_generator():
    params, _ = nn.Sequential(a=nn.Dense(4, 4), b=nn.Dense(4, 4)).init(RNG(0))
    assert (params["a"]["weight"] != params["b"]["weight"]).all()
    rng = RNG(0)
    assert_array_equal(params["a"]["weight"], nn.Dense(4, 4).init(rng)[0]["weight"])
    assert_array_equal(params["b"]["weight"], nn.Dense(4, 4).init(rng)[0]["weight"])


def test_train_and_rng_reach_every_layer_also_in_a_sequence_of_sequences():
    inner = nn.Sequential(norm=nn.BatchNorm2d(2), drop=nn.Dropout(0.5))
    model = nn.Sequential(inner=inner, again=nn.BatchNorm2d(2))
    params, state = model.init(RNG(0))
    assert tree.paths(state) == [
        f"{name}.running_{what}" for name in ("inner.norm", "again") for what in ("mean", "var")
    ]
    x = RNG(1).standard_normal((3, 2, 4, 4)).astype(np.float32)
    y, moved = model(params, state, x, train=True, rng=RNG(0))
    assert tree.structure(moved) == tree.structure(state)
    assert all((a != b).any() for a, b in zip(tree.leaves(moved), tree.leaves(state), strict=True))
    assert (inner(params["inner"], state["inner"], x, train=True, rng=RNG(0))[0] == 0).any()
    same, kept = model(params, state, x)
    assert all(a is b for a, b in zip(tree.leaves(kept), tree.leaves(state), strict=True))
    assert (same != y).any()


def test_an_empty_sequence_is_the_identity():
    model = nn.Sequential()
    assert model.init(RNG(0)) == ({}, {})
    x = np.ones(3)
    assert model({}, {}, x)[0] is x


def test_a_function_is_a_layer():
    model = nn.Sequential(nn.Dense(3, 2), tg.relu, out=np.tanh)
    params, state = model.init(RNG(0))
    assert list(params) == ["0"]
    x = RNG(1).standard_normal((4, 3)).astype(np.float32)
    hidden = x @ params["0"]["weight"] + params["0"]["bias"]
    assert_array_equal(model(params, state, x)[0], np.tanh(np.maximum(hidden, 0)))
    assert model == nn.Sequential(nn.Dense(3, 2), tg.relu, out=np.tanh)
    assert hash(model) == hash(nn.Sequential(nn.Dense(3, 2), tg.relu, out=np.tanh))
    assert model != nn.Sequential(nn.Dense(3, 2), tg.sigmoid, out=np.tanh)
    assert "('1', Lambda(relu)), ('out', Lambda(tanh))" in repr(model)
    assert [row.layer for row in nn.summary(model, (3,)).rows] == ["Dense", "relu", "tanh"]
    partial = functools.partial(tg.softmax, axis=1)
    assert repr(nn.Sequential(partial)) == "Sequential(layers=(('0', Lambda(partial)),))"


def test_a_name_used_twice_is_refused():
    with pytest.raises(ValueError, match="Sequential: the name '0' is used twice"):
        nn.Sequential(nn.ReLU(), **{"0": nn.Dense(1, 1)})
