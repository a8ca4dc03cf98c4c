"""`SGD` and what it inherits: values against PyTorch, updates in place, gradients of both styles, errors."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, tree
from tinygrad_cnn.optim import SGD, Cosine, Optimizer

RNG = np.random.default_rng


def parameters(dtype=np.float64):
    rng = RNG(0)
    return {
        "conv": {
            "weight": rng.standard_normal((2, 3)).astype(dtype),
            "bias": rng.standard_normal(2).astype(dtype),
        },
        "list": [np.array(0.5, dtype), None],
    }


def gradients(seed=1, dtype=np.float64):
    rng = RNG(seed)
    return {
        "list": [np.asarray(rng.standard_normal(), dtype), None],  # another order of keys
        "conv": {
            "bias": rng.standard_normal(2).astype(dtype),
            "weight": rng.standard_normal((2, 3)).astype(dtype),
        },
    }


OPTIONS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.05},
    {"momentum": 0.8, "weight_decay": 0.05},
    {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
]


# --- values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_fifty_steps_are_those_of_pytorch(options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, a peer (pip install '.[peers]')")
    rng = RNG(3)
    matrix, start = rng.standard_normal((6, 4)), rng.standard_normal(4)

    def loss(w, module):
        return ((module.tanh(matrix_of[module] @ w) - 0.3) ** 2).sum()

    twin = torch.from_numpy(start.copy()).requires_grad_()
    matrix_of = {tg: matrix, torch: torch.from_numpy(matrix)}
    theirs = torch.optim.SGD([twin], lr=0.03, **options)
    params = {"w": start.copy()}
    mine = SGD(params, lr=0.03, **options)
    for _ in range(50):
        theirs.zero_grad()
        loss(twin, torch).backward()
        theirs.step()
        mine.step(tg.grad(lambda p: loss(p["w"], tg))(params))
        assert_allclose(params["w"], twin.detach().numpy(), rtol=1e-9)
    assert np.abs(params["w"] - start).max() > 0.1


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_steps_follow_the_formula_of_the_docstring(options):
    params = parameters()
    optimizer = SGD(params, lr=0.1, **options)
    momentum, decay = options.get("momentum", 0.0), options.get("weight_decay", 0.0)
    w, v = params["conv"]["weight"].copy(), np.zeros((2, 3))
    for seed in range(4):
        grads = gradients(seed)
        optimizer.step(grads)
        g = grads["conv"]["weight"] + decay * w
        v = momentum * v + g
        w = w - 0.1 * (g + momentum * v if options.get("nesterov") else v)
        assert_allclose(params["conv"]["weight"], w, rtol=1e-13)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(OPTIONS), st.integers(0, 2**32 - 1))
def test_a_parameter_does_not_see_the_others(options, seed):
    rng = RNG(seed)
    start, steps = rng.standard_normal((3, 5)), rng.standard_normal((4, 3, 5))
    together = [row.copy() for row in start]
    whole = {"all": start.copy()}
    one, many = SGD(whole, lr=0.1, **options), SGD(together, lr=0.1, **options)
    for g in steps:
        one.step({"all": g})
        many.step(list(g))
    assert_allclose(np.stack(together), whole["all"], rtol=1e-12, atol=1e-14)


# --- in place ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_the_very_arrays_are_updated_and_gradients_are_not_changed(options):
    params, grads = parameters(), gradients()
    before, copies = tree.leaves(params), tree.map(np.copy, grads)
    values = tree.map(np.copy, params)
    optimizer = SGD(params, lr=0.1, **options)
    for array in tree.leaves(grads):
        array.flags.writeable = False
    for _ in range(3):
        optimizer.step(grads)
    assert all(a is b for a, b in zip(tree.leaves(params), before, strict=True))
    assert all((a != b).all() for a, b in zip(tree.leaves(params), tree.leaves(values), strict=True))
    tree.map(assert_array_equal, grads, copies)


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
@pytest.mark.parametrize(
    "lr", [0.1, np.float64(0.1), np.array(0.1), Cosine(0.1, 10), lambda step: np.float64(0.1)]
)
def test_float32_parameters_keep_float32_state(options, lr):
    params = parameters(np.float32)
    optimizer = SGD(params, lr=lr, **options)
    optimizer.step(gradients(dtype=np.float32))
    optimizer.step(gradients(dtype=np.float64))
    assert {a.dtype for a in tree.leaves(params)} == {np.dtype(np.float32)}
    assert {v.dtype for v in optimizer._velocities if v is not None} <= {np.dtype(np.float32)}


def test_without_momentum_no_velocity_is_kept():
    assert SGD(parameters(), lr=0.1)._velocities == [None, None, None]


def test_parameters_of_any_memory_layout_are_updated():
    base = np.zeros((4, 6))
    params = [base[:, ::2].T, base[::-1, 1::2]]
    SGD(params, lr=1.0, momentum=0.5).step([np.ones((3, 4)), np.full((4, 3), 2.0)])
    assert_array_equal(base, np.tile([-1.0, -2.0], (4, 3)))


def test_copy_into_keeps_the_optimizer_bound():
    params = parameters()
    optimizer = SGD(params, lr=1.0)
    tree.copy_into(params, tree.map(np.zeros_like, params))
    grads = gradients()
    optimizer.step(grads)
    tree.map(lambda p, g: assert_array_equal(p, -g), params, grads)


# --- gradients ---------------------------------------------------------------------------------------------


def tensors():
    return tree.map(lambda a: Tensor(a, requires_grad=True), parameters())


def test_leaf_tensors_are_updated_by_their_own_gradients():
    params, arrays = tensors(), parameters()
    grads = gradients()
    mine, same = SGD(params, lr=0.1, momentum=0.9), SGD(arrays, lr=0.1, momentum=0.9)
    for _ in range(3):
        mine.zero_grad()
        sum(
            (t * g).sum()
            for t, g in zip(tree.leaves(params), tree.leaves(ordered(params, grads)), strict=True)
        ).backward()
        mine.step()
        same.step(grads)
    tree.map(lambda t, a: assert_allclose(t.data, a, rtol=1e-14), params, arrays)
    assert all(t.requires_grad for t in tree.leaves(params))  # the step itself is not on the tape
    assert tree.leaves(params)[0].node.plan is None


def ordered(like, other):
    return tree.map(lambda _, x: x, like, other)


def test_gradients_may_be_passed_for_tensors_and_may_be_tensors():
    params = tensors()
    before = tree.map(lambda t: t.data.copy(), params)
    grads = gradients()
    SGD(params, lr=1.0).step(tree.map(Tensor, grads))
    tree.map(lambda t, b, g: assert_allclose(t.data, b - g), params, before, grads)


def test_zero_grad_forgets_the_gradients():
    params = tensors()
    optimizer = SGD(params, lr=0.1)
    for leaf in tree.leaves(params):
        leaf.sum().backward()
    optimizer.zero_grad()
    assert [leaf.grad for leaf in tree.leaves(params)] == [None] * 3
    SGD(parameters(), lr=0.1).zero_grad()  # nothing to forget on ndarrays


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
    with pytest.raises(
        ValueError, match=r"step: no gradients: pass step\(grads\), or call backward\(\) first"
    ):
        optimizer.step()
    assert optimizer.steps == 0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda g: g["conv"].update(weight=np.ones((3, 2))),
            r"'conv\.weight': expected .*\(2, 3\), got \(3, 2\)",
        ),
        (
            lambda g: g["list"].__setitem__(0, np.ones(1)),
            r"'list\.0': expected a gradient of shape \(\), got \(1,\)",
        ),
        (lambda g: g["conv"].pop("bias"), r"different structure, at conv"),
        (lambda g: g["conv"].update(more=np.ones(2)), r"different structure, at conv"),
        (lambda g: g["conv"].update(bias=None), r"different structure, at conv\.bias"),
        (lambda g: g.pop("list"), r"different structure, at the root"),
    ],
)
def test_gradients_that_do_not_fit_raise_and_update_nothing(change, match):
    params, grads = parameters(), gradients()
    change(grads)
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    with pytest.raises(ValueError, match=match):
        optimizer.step(grads)
    tree.map(assert_array_equal, params, parameters())
    assert optimizer.steps == 0
    assert not any(v.any() for v in optimizer._velocities)


# --- parameters and numbers that are refused ---------------------------------------------------------------


def test_read_only_parameters_are_refused():
    frozen = np.ones(2)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match=r"optimizer: 'a\.0': the array is read-only"):
        SGD({"a": [frozen]}, lr=0.1)
    with pytest.raises(ValueError, match="read-only"):
        SGD({"a": Tensor(np.broadcast_to(1.0, (2,)))}, lr=0.1)


@pytest.mark.parametrize(
    ("leaf", "came"),
    [(np.ones(2, int), "int64"), (1.0, "float"), ("text", "str"), (np.ones(1, complex), "complex128")],
)
def test_parameters_that_are_no_floating_arrays_are_refused(leaf, came):
    with pytest.raises(TypeError, match=f"optimizer: 'w': expected a floating array, got {came}"):
        SGD({"ok": np.ones(1), "w": leaf}, lr=0.1)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"momentum": 1.0}, r"momentum: expected a number in \[0, 1\), got 1.0"),
        ({"momentum": -0.1}, r"momentum: .* got -0.1"),
        ({"momentum": float("nan")}, r"momentum: .* got nan"),
        ({"nesterov": True}, r"nesterov .* needs momentum > 0"),
        ({"weight_decay": -1e-4}, r"weight_decay: expected a number not below 0, got -0.0001"),
        ({"weight_decay": float("nan")}, r"weight_decay: .* got nan"),
    ],
)
def test_numbers_out_of_range_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        SGD(parameters(), lr=0.1, **options)


def test_a_learning_rate_that_is_no_number_is_refused_at_once():
    for wrong in ("fast", None, [0.1, 0.2]):
        with pytest.raises((TypeError, ValueError)):
            SGD(parameters(), lr=wrong)


def test_the_base_class_updates_nothing_by_itself():
    with pytest.raises(NotImplementedError):
        Optimizer({"w": np.ones(1)}, 0.1).step({"w": np.ones(1)})


# --- learning rates ----------------------------------------------------------------------------------------


def test_a_schedule_is_asked_for_each_step_from_zero():
    asked = []

    def schedule(step):
        asked.append(step)
        return [1.0, 0.1, 0.01][step]

    params = {"w": np.zeros(1)}
    optimizer = SGD(params, lr=schedule)
    for _ in range(3):
        optimizer.step({"w": np.ones(1)})
    assert_allclose(params["w"], [-1.11])
    assert sorted(set(asked)) == [0, 1, 2]
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
    assert optimizer.lr == pytest.approx(0.5)  # half way: one step is done


def test_the_cosine_falls_from_the_rate_to_zero_and_stays():
    rate = Cosine(0.2, steps=10)
    values = [rate(step) for step in range(15)]
    assert values[0] == 0.2
    assert values[5] == pytest.approx(0.1)
    assert values[10:] == [0.0] * 5
    assert all(a > b for a, b in itertools.pairwise(values[:11]))
    assert values[3] == pytest.approx(0.1 * (1 + np.cos(0.3 * np.pi)))


def test_a_cosine_is_frozen_and_needs_a_step():
    assert Cosine(0.1, 5) == Cosine(0.1, 5)
    assert hash(Cosine(0.1, 5)) == hash(Cosine(0.1, 5))
    with pytest.raises(ValueError, match="steps: expected at least 1, got 0"):
        Cosine(0.1, steps=0)


def test_velocities_are_the_optimizers_own():
    params, grads = {"w": np.zeros(2)}, {"w": np.ones(2)}
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    optimizer.step(grads)
    grads["w"][:] = 100.0  # reusing the buffer of a gradient does not reach the velocity
    optimizer.step({"w": np.ones(2)})
    assert_allclose(params["w"], [-0.1 - 0.19] * 2)
