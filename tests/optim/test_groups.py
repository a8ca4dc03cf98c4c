"""Groups move each parameter as its own optimizer would, and leave frozen ones alone."""

import copy

import numpy as np
import pytest

from tinygrad_cnn import Tensor, compile, optim, tree


def _params():
    rng = np.random.default_rng(0)
    return {
        "conv": {"weight": rng.standard_normal((2, 3)), "bias": rng.standard_normal(2)},
        "rest": [rng.standard_normal(4), {"bias": rng.standard_normal(1)}],
    }


def _makers():
    return {
        "rest.0": None,
        "*.bias": lambda p: optim.SGD(p, lr=0.5, momentum=0.9),
        "*": lambda p: optim.AdamW(p, lr=optim.Cosine(0.1, 3)),
    }


def _grads(step):
    return tree.map(lambda x: np.full_like(x, step + 1.0) * np.sign(x), _params())


def _leaf(params):
    return Tensor(params, requires_grad=True)


def test_each_parameter_moves_as_by_an_optimizer_of_its_own():
    params, alone = _params(), _params()
    optimizer = optim.groups(params, _makers())
    biases = [alone["conv"]["bias"], alone["rest"][1]["bias"]]
    sgd = optim.SGD(biases, lr=0.5, momentum=0.9)
    adam = optim.AdamW([alone["conv"]["weight"]], lr=optim.Cosine(0.1, 3))
    for step in range(3):
        assert optimizer.lr == max(adam.lr, 0.5)
        g = _grads(step)
        optimizer.step(g)
        sgd.step([g["conv"]["bias"], g["rest"][1]["bias"]])
        adam.step([g["conv"]["weight"]])
        np.testing.assert_equal(params, alone)
    assert optimizer.steps == 3
    np.testing.assert_array_equal(params["rest"][0], _params()["rest"][0])


def test_its_state_is_a_tree_that_is_saved_and_loaded_like_any_other():
    first, second = (optim.groups(p, _makers()) for p in (_params(), _params()))
    assert list(first.state["conv"]["bias"]) == ["velocity"]
    assert first.state["rest"][0] == {}
    first.step(_grads(0))
    tree.copy_into([second.params, second.state], tree.map(np.copy, [first.params, first.state]))
    second.steps = first.steps
    for optimizer in (first, second):
        optimizer.step(_grads(1))
    np.testing.assert_equal((second.params, second.state, second.steps), (first.params, first.state, 2))


def test_a_compiled_step_moves_them_alike():
    def step(optimizer, g):
        rest = [g.reshape(-1)[:4], {"bias": g[0, :1]}]
        optimizer.step({"conv": {"weight": g * 2, "bias": g[:, 0]}, "rest": rest})

    compiled, (first, second) = compile(step), (optim.groups(_params(), _makers()) for _ in range(2))
    for seed in range(3):
        g = np.random.default_rng(seed).standard_normal((2, 3))
        step(first, g)
        compiled(second, g)
    np.testing.assert_equal((second.params, second.state, second.steps), (first.params, first.state, 3))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_has_a_state_of_its_own(duplicate):
    optimizer = optim.groups(_params(), _makers())
    optimizer.step(_grads(0))
    twin = duplicate(optimizer)
    before = tree.map(np.copy, optimizer.state)
    twin.step(_grads(1))
    np.testing.assert_equal(optimizer.state, before)
    assert not np.array_equal(twin.state["conv"]["bias"]["velocity"], before["conv"]["bias"]["velocity"])


def test_gradients_of_leaf_tensors_are_taken():
    params = {"a": _leaf(np.ones(2)), "b": _leaf(np.ones(2))}
    optimizer = optim.groups(params, {"a": lambda p: optim.SGD(p, lr=1.0), "b": None})
    (params["a"] * params["b"]).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    assert params["a"].grad is params["b"].grad is None
    assert params["a"].data.tolist() == [0, 0]
    assert params["b"].data.tolist() == [1, 1]


def test_a_rate_that_is_not_finite_updates_nothing():
    params = _params()
    makers = {"conv.*": lambda p: optim.SGD(p, lr=1.0), "*": lambda p: optim.SGD(p, lr=lambda step: np.nan)}
    optimizer = optim.groups(params, makers)
    with pytest.raises(ValueError, match="lr at step 0"):
        optimizer.step(_grads(0))
    np.testing.assert_equal(params, _params())


@pytest.mark.parametrize(
    ("makers", "error", "said"),
    [
        ({"conv.*": None}, ValueError, r"'rest\.0' matches none of the patterns 'conv\.\*'"),
        ({"*": None, "conv.*": None}, ValueError, r"'conv\.\*' is not the first to match"),
        ({"*": lambda p: p}, TypeError, r"'\*': expected an Optimizer, got dict"),
        ({"*": 0.1}, TypeError, r"'\*': expected a function"),
    ],
)
def test_patterns_that_do_not_fit_are_refused(makers, error, said):
    with pytest.raises(error, match=said):
        optim.groups(_params(), makers)


def test_the_rate_of_all_groups_is_not_assigned():
    optimizer = optim.groups(_params(), _makers())
    with pytest.raises(AttributeError, match="give each a schedule"):
        optimizer.lr = 0.1
