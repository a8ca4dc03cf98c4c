"""What optimizers share: binding, gradients of both styles, learning rates, and what is refused."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn import Tensor, compile, tree
from tinygrad_cnn.optim import SGD, Adam, Cosine, Optimizer


class Pair(NamedTuple):
    first: object
    second: object


def parameters():
    return {
        "conv": {"weight": np.arange(6.0).reshape(2, 3), "bias": np.ones(2)},
        "list": [np.array(0.5), None],
        "pair": Pair(np.full(2, 7.0), ()),
    }


def tensors():
    return tree.map(lambda a: Tensor(a, requires_grad=True), parameters())


def gradients():
    return {
        "pair": Pair(np.full(2, -1.0), ()),
        "list": [np.array(3.0), None],
        "conv": {"bias": np.array([1.0, -2.0]), "weight": np.ones((2, 3))},  # the keys in another order
    }


# --- binding -----------------------------------------------------------------------------------------------


def test_parameters_may_be_one_array_and_gradients_integers():
    w = np.ones(3)
    optimizer = SGD(w, lr=1.0, momentum=0.5)
    optimizer.step(np.array([1, 2, 3]))
    assert_array_equal(w, [0, -1, -2])
    assert optimizer.state.keys() == {"velocity"}


def test_without_momentum_nothing_is_remembered():
    assert tree.leaves(SGD(parameters(), lr=0.1).state) == []


def test_copy_into_keeps_the_optimizer_bound():
    params = parameters()
    optimizer = SGD(params, lr=1.0, momentum=0.9)
    tree.copy_into(params, tree.map(np.zeros_like, params))
    optimizer.step(gradients())
    tree.map(lambda p, g: assert_array_equal(p, -g), params, gradients())


def replace_data(tree_):
    leaf = tree_["conv"]["weight"]
    leaf.data = leaf.data.copy()


@pytest.mark.parametrize(
    ("make", "change", "path"),
    [
        (parameters, lambda o: o.params["conv"].update(weight=np.ones((2, 3))), "conv.weight"),
        (parameters, lambda o: o.params.update(conv=dict(o.params["conv"])), "conv"),
        (parameters, lambda o: o.params["list"].__setitem__(0, np.array(0.5)), "list.0"),
        (parameters, lambda o: o.params["list"].clear(), "list.0"),
        (parameters, lambda o: o.params["conv"].pop("bias"), "conv.bias"),
        (tensors, lambda o: replace_data(o.params), "conv.weight"),
        (tensors, lambda o: o.params["conv"].update(bias=Tensor(np.ones(2))), "conv.bias"),
        (tensors, lambda o: setattr(o.params["pair"].first, "data", np.ones(2)), "pair.first"),
        (parameters, lambda o: o.state["conv"].update(weight={}), "state.conv.weight"),
        (parameters, lambda o: o.state.update(conv={}), "state.conv"),
    ],
)
def test_what_was_replaced_between_two_steps_is_named(make, change, path):
    optimizer = Adam(make(), lr=0.1)
    optimizer.step(gradients())
    before = tree.map(lambda x: np.copy(getattr(x, "data", x)), optimizer.state)
    change(optimizer)
    with pytest.raises(ValueError, match=rf"step: '{path}' was replaced .* tree.copy_into"):
        optimizer.step(gradients())
    assert optimizer.steps == 1
    if not path.startswith("state"):
        tree.map(assert_array_equal, optimizer.state, before)


def test_a_parameter_that_was_added_does_not_fit():
    params = {"w": np.ones(2)}
    optimizer = SGD(params, lr=0.1)
    params["more"] = np.ones(2)
    with pytest.raises(ValueError, match="step: 'more': got a gradient, but the optimizer has no"):
        optimizer.step({"w": np.ones(2), "more": np.ones(2)})


@pytest.mark.parametrize("name", ["params", "state"])
def test_the_trees_cannot_be_assigned(name):
    with pytest.raises(AttributeError):
        setattr(SGD(parameters(), lr=0.1), name, {})


def test_a_single_tensor_whose_array_was_replaced():
    optimizer = SGD(t := Tensor(np.ones(2), requires_grad=True), lr=0.1)
    t.data = np.ones(2)
    with pytest.raises(ValueError, match="was replaced"):
        optimizer.step(np.ones(2))


# --- gradients ---------------------------------------------------------------------------------------------


def test_leaf_tensors_are_updated_by_their_own_gradients():
    params, arrays = tensors(), parameters()
    mine, same = SGD(params, lr=0.1, momentum=0.9), SGD(arrays, lr=0.1, momentum=0.9)
    for _ in range(3):
        mine.zero_grad()
        products = tree.map(lambda t, g: (t * g).sum(), params, gradients())
        sum(tree.leaves(products)).backward()
        mine.step()
        same.step(gradients())
    tree.map(lambda t, a: assert_allclose(t.data, a, rtol=1e-14), params, arrays)
    assert all(t.requires_grad for t in tree.leaves(params))
    assert tree.leaves(params)[0].node.plan is None  # the step itself is not on the tape


def test_gradients_may_be_passed_for_tensors_and_may_be_tensors():
    params = tensors()
    SGD(params, lr=1.0).step(tree.map(Tensor, gradients()))
    tree.map(lambda t, b, g: assert_array_equal(t.data, b - g), params, parameters(), gradients())


def test_zero_grad_forgets_the_gradients():
    params = tensors()
    optimizer = SGD(params, lr=0.1)
    for leaf in tree.leaves(params):
        leaf.sum().backward()
    optimizer.zero_grad()
    assert [leaf.grad for leaf in tree.leaves(params)] == [None] * 4
    SGD(parameters(), lr=0.1).zero_grad()  # arrays have nothing to forget


def test_a_leaf_without_a_gradient_is_left_alone_also_a_constant_one():
    frozen = Tensor(np.array([7.0]))
    params = {"used": Tensor(np.array([1.0]), requires_grad=True), "frozen": frozen, "unused": tensors()}
    optimizer = SGD(params, lr=0.5, momentum=0.9, weight_decay=0.1)
    (params["used"] * 2 * frozen).sum().backward()
    optimizer.step()
    assert frozen.data == 7
    assert params["used"].data != 1
    tree.map(lambda t, a: assert_array_equal(t.data, a), params["unused"], parameters())
    optimizer.zero_grad()


@pytest.mark.parametrize("make", [parameters, tensors])
def test_a_step_without_gradients_raises(make):
    optimizer = SGD(make(), lr=0.1)
    with pytest.raises(ValueError, match=r"step: no gradients: pass step\(grads\), or call backward\(\)"):
        optimizer.step()
    assert optimizer.steps == 0


TALL = np.ones((3, 2))


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda g: g["conv"].update(weight=TALL), ValueError, r"'conv\.weight': .*\(2, 3\), got \(3, 2\)"),
        (lambda g: g["list"].__setitem__(0, np.ones(1)), ValueError, r"'list\.0': .* shape \(\), got \(1,\)"),
        (lambda g: g["conv"].update(bias=np.ones(2, bool)), TypeError, r"'conv\.bias': .* real .* bool"),
        (lambda g: g["list"].__setitem__(0, np.array(1j)), TypeError, r"'list\.0': .* real .* complex128"),
        (lambda g: g["conv"].pop("bias"), ValueError, r"step: 'conv\.bias': the gradient is missing"),
        (lambda g: g.pop("list"), ValueError, r"step: 'list\.0': the gradient is missing"),
        (lambda g: g.update(conv=np.ones(2)), ValueError, r"step: 'conv\.weight': the gradient is missing"),
        (lambda g: g["conv"].update(more=np.ones(2)), ValueError, r"step: 'conv\.more': got a gradient, but"),
        (lambda g: g["list"].append(np.ones(2)), ValueError, r"step: 'list\.2': got a gradient, but"),
        (lambda g: g["conv"].update(bias=[1.0, 2.0]), ValueError, r"'conv\.bias': .* an array, got a list"),
    ],
)
def test_gradients_that_do_not_fit_raise_and_update_nothing(change, error, match):
    params, grads = parameters(), gradients()
    change(grads)
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    with pytest.raises(error, match=match):
        optimizer.step(grads)
    tree.map(assert_array_equal, params, parameters())
    assert optimizer.steps == 0
    assert not any(v.any() for v in tree.leaves(optimizer.state))


# --- parameters that are refused ---------------------------------------------------------------------------


def test_read_only_parameters_are_refused():
    frozen = np.ones(2)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match=r"SGD: 'a\.0': the array is read-only"):
        SGD({"a": [frozen]}, lr=0.1)
    with pytest.raises(ValueError, match="read-only"):
        SGD({"a": Tensor(np.broadcast_to(1.0, (2,)))}, lr=0.1)


BASE = np.ones(6)


@pytest.mark.parametrize(
    ("first", "second"),
    [(BASE, BASE), (BASE[:4], BASE[3:]), (BASE[::2], BASE[::4]), (Tensor(BASE), BASE.reshape(2, 3))],
)
def test_parameters_that_share_memory_are_refused(first, second):
    with pytest.raises(ValueError, match=r"^SGD: 'a' and 'c\.0' share memory.* twice"):
        SGD({"a": first, "b": np.ones(2), "c": [second]}, lr=0.1)
    SGD({"a": BASE[::2], "b": BASE[1::2]}, lr=0.1)  # they alternate


@pytest.mark.parametrize(
    ("leaf", "came"),
    [
        (np.ones(2, int), "int64"),
        (1.0, "float"),
        (np.float32(1), "float32"),
        ("text", "str"),
        (np.ones(1, complex), "complex128"),
    ],
)
def test_parameters_that_are_no_floating_arrays_are_refused(leaf, came):
    with pytest.raises(TypeError, match=f"SGD: 'w': expected a floating array, got {came}"):
        SGD({"ok": np.ones(1), "w": leaf}, lr=0.1)


def test_the_base_class_updates_nothing_by_itself():
    with pytest.raises(NotImplementedError):
        Optimizer({"w": np.ones(1)}, 0.1).step({"w": np.ones(1)})


# --- learning rates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["fast", "0.1", None, True, [0.1, 0.2], -0.1, np.nan, np.inf])
def test_a_learning_rate_that_is_no_finite_number_is_refused_before_anything_changes(wrong):
    params = parameters()
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    expected = ": expected a finite number not below 0, got"
    for use in (lambda: SGD(params, lr=wrong), lambda: setattr(optimizer, "lr", wrong)):
        with pytest.raises((TypeError, ValueError), match=f"SGD: lr{expected}"):
            use()
    optimizer.lr = lambda step: wrong
    with pytest.raises((TypeError, ValueError), match=f"SGD: lr at step 0{expected}"):
        optimizer.step(gradients())
    tree.map(assert_array_equal, params, parameters())
    assert not any(v.any() for v in tree.leaves(optimizer.state))
    SGD(params, lr=0)


def test_a_schedule_is_asked_for_each_step_from_zero():
    params = {"w": np.zeros(1)}
    optimizer = SGD(params, lr=lambda step: [1.0, 0.1, 0.01][step])
    for _ in range(3):
        optimizer.step({"w": np.ones(1)})
    assert_allclose(params["w"], [-1.11])
    assert optimizer.steps == 3


def test_the_learning_rate_can_be_read_and_set():
    params = {"w": np.zeros(1)}
    optimizer = SGD(params, lr=0.5)
    assert optimizer.lr == 0.5
    assert isinstance(SGD(params, lr=np.float32(0.5)).lr, float)
    optimizer.lr = 2
    optimizer.step({"w": np.ones(1)})
    assert params["w"] == -2
    optimizer.lr = Cosine(1.0, steps=2)
    assert optimizer.lr == pytest.approx(0.5)  # one of two steps is done


# --- compiled -----------------------------------------------------------------------------------------------


def replace_velocity(optimizer):
    optimizer.state["w"]["velocity"] = 2 * optimizer.state["w"]["velocity"]


OPTIONS = {"lr": 1.0, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1}


@pytest.mark.parametrize(
    "change",
    [
        replace_velocity,
        lambda optimizer: setattr(optimizer, "momentum", 0.0),
        *(lambda optimizer, name=name: setattr(optimizer, name, OPTIONS[name]) for name in OPTIONS),
    ],
)
def test_a_compiled_step_follows_what_is_changed_between_steps(change):
    def step(optimizer, x):
        optimizer.step({name: p * x for name, p in optimizer.params.items()})

    compiled, x = compile(step), np.linspace(-1, 1, 3, dtype=np.float32)
    first, second = (
        SGD({"w": np.ones(3, np.float32), "b": np.ones(3)}, lr=0.1, momentum=0.9) for _ in range(2)
    )
    for _ in range(2):
        for _ in range(3):
            step(first, x)
            compiled(second, x)
        assert_array_equal([*first.params.values()], [*second.params.values()])
        for optimizer in (first, second):
            change(optimizer)
