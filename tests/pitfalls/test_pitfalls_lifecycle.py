"""Aliasing, mutation, and the life of a graph."""

import copy
import gc
import pickle
import sys
import weakref

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, debug, grad, optim, primitive, value_and_grad


def leaf(*values):
    return Tensor(np.array(values, float), requires_grad=True)


# --- mutation -----------------------------------------------------------------------------------------------


def test_A1_a_change_between_forward_and_backward_is_found():
    x, scale = leaf(1, 2), np.array([3.0, 4.0])
    with debug.guard_mutation():
        loss = (x * scale).sum()
        scale[0] = 0
        with pytest.raises(
            RuntimeError, match="'multiply': 'b' was changed between the call and the backward"
        ):
            loss.backward()


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x, a: x**2, "'power': 'x'"),
        (lambda x, a: tg.exp(x), "'exp': 'out'"),
        (lambda x, a: tg.where(a > 0, x, a), "'where': 'condition'"),
        (lambda x, a: x[a.astype(int)], "'getitem': 'key'"),
    ],
    ids=["operand", "output", "constant", "index"],
)
def test_A1_whatever_a_rule_needs_is_guarded(f, message):
    kept = []
    original = Tensor([1.0, 2.0], requires_grad=True)
    with debug.guard_mutation():
        y = f(original, np.array([1.0, 0.0]))
        kept = [
            array
            for value in y.node.values
            for array in (value if isinstance(value, tuple) else [value])
            if isinstance(array, np.ndarray)
        ]
        kept[0][...] = 1 - kept[0] if kept[0].dtype != bool else ~kept[0]
        with pytest.raises(RuntimeError, match=message):
            y.sum().backward()


def test_A1_what_no_rule_needs_may_change():
    x, offset = leaf(1, 2), np.array([3.0, 4.0])
    with debug.guard_mutation():
        loss = ((x + offset) * 2.0).sum()
        offset[...] = 0
        x.data[...] = 7
        loss.backward()
    assert_array_equal(x.grad, [2, 2])


def test_A2_gradients_share_no_memory_and_are_writable():
    x, y = leaf(1, 2), leaf(3, 4)
    (x + y).sum().backward()
    assert not np.shares_memory(x.grad, y.grad)
    x.grad *= 10
    assert_array_equal(y.grad, [1, 1])
    gradients = grad(lambda p: (p[0] + p[1]).sum() + p[2].sum())([np.ones(3), np.ones(3), np.ones(3)])
    for i, g in enumerate(gradients):
        assert g.flags.writeable
        assert all(not np.shares_memory(g, other) for other in gradients[:i])


def mutating_rule():
    @primitive
    def scaled(x):
        return 0.5 * x

    def rule(g):
        g *= 0.5
        return g

    scaled.defvjp(x=rule)
    return scaled


def test_A3_a_rule_that_changes_its_cotangent_is_found():
    scaled = mutating_rule()
    with debug.guard_mutation(), pytest.raises(RuntimeError, match="'scaled': the rule of 'x' changes 'g'"):
        grad(lambda x: ((scaled(x * 1.0) + x) * 2.0).sum())(np.ones(2))
    with pytest.raises(ValueError, match="read-only") as error:  # a cotangent that is a broadcast anyway
        grad(lambda x: scaled(x).sum())(np.ones(2))
    assert "in the gradient rule of 'scaled' for operand 'x'" in error.value.__notes__


def test_A3_a_rule_that_changes_an_operand_is_found():
    @primitive
    def product(a, b):
        return a * b

    def rule(g, b):
        b *= g
        return b

    product.defvjp(a=rule)
    with debug.guard_mutation(), pytest.raises(RuntimeError, match="'product': the rule of 'a' changes 'b'"):
        grad(lambda a: product(a, np.full(2, 3.0)).sum() * 2.0)(np.ones(2))


# --- rules that return the wrong thing ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "came"),
    [
        (lambda g: None, "NoneType"),
        (lambda g: [1.0, 2.0], "list"),
        (lambda g: 1.0, "float"),
        (lambda g: g[:1], r"float64\[1\]"),
        (lambda g: g[None], r"float64\[1, 2\]"),
        (lambda g: g.astype(np.float32), r"float32\[2\]"),
    ],
    ids=["None", "list", "scalar", "short", "extra axis", "dtype"],
)
def test_A4_a_wrong_cotangent_is_an_error_that_names_op_operand_and_both_sides(returned, came):
    @primitive
    def faulty(a, b):
        return a + b

    faulty.defvjp(b=returned)
    with pytest.raises(
        TypeError, match=rf"'faulty', rule of operand 'b': expected .*float64\[2\].* returned {came}"
    ):
        grad(lambda b: faulty(np.ones(2), b).sum())(np.ones(2))


def test_A4_a_rule_may_return_the_cotangent_or_a_view_of_it():
    @primitive
    def same(x):
        return x.copy()

    same.defvjp(x=lambda g: g)

    @primitive
    def reverse(x):
        return x[::-1].copy()

    reverse.defvjp(x=lambda g: g[::-1])
    x, y = leaf(1, 2), leaf(3, 4)
    z = same(x) + same(y)
    (same(z) + reverse(z)).backward(np.array([1.0, 10.0]))
    for t in (x, y):
        assert_array_equal(t.grad, [11, 11])
        assert t.grad.flags.writeable
    assert not np.shares_memory(x.grad, y.grad)


# --- backward, once and again -------------------------------------------------------------------------------


def test_A5_a_second_backward_is_an_error_unless_the_graph_is_kept():
    x = leaf(1, 2)
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert_array_equal(x.grad, [4, 8])  # twice, and that is said
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        loss.backward()
    assert_array_equal(x.grad, [4, 8])


def test_A6_two_losses_may_share_a_graph():
    x = leaf(1, 2)
    shared = x * x
    first, second = shared.sum(), (shared * 10).sum()
    first.backward()
    second.backward()
    assert_array_equal(x.grad, [22, 44])


def test_A7_functional_gradients_are_fresh_and_zero_grad_clears():
    f = grad(lambda w: (2 * w).sum())
    assert_array_equal([f(np.ones(1)) for _ in range(3)], [[2], [2], [2]])
    w = leaf(1)
    optimizer = optim.SGD({"w": w}, lr=0.0)
    for _ in range(3):
        optimizer.zero_grad()
        (2 * w).sum().backward()
        assert_array_equal(w.grad, [2])


def test_A8_backward_of_an_array_needs_a_gradient():
    x = leaf(1, 2)
    with pytest.raises(ValueError, match=r"shape \(2,\) is no scalar: pass a gradient"):
        (x * 2).backward()
    with pytest.raises(TypeError, match=r"floating scalar output, got float64\[2\]"):
        grad(lambda x: x * 2)(np.ones(2))
    with pytest.raises(ValueError, match=r"expected shape \(2,\), got \(3,\)"):
        (x * 2).backward(np.ones(3))


def test_A9_backward_of_a_leaf():
    x = Tensor(5.0, requires_grad=True)
    x.backward()
    assert x.grad == 1
    assert grad(lambda x: x)(5.0) == 1


# --- deep graphs, and what is freed -------------------------------------------------------------------------


def test_A10_a_deep_chain_needs_no_recursion():
    x = leaf(1)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    depth = sys.getrecursionlimit()
    y.sum().backward()
    assert sys.getrecursionlimit() == depth
    assert_array_equal(x.grad, [1])

    z = leaf(1)
    for _ in range(20_000):
        z = z * 1.0
    with pytest.raises(TypeError, match=r"detach\(\) it first"):
        pickle.dumps(z)
    with pytest.raises(TypeError, match=r"detach\(\) it first"):
        copy.deepcopy(z)
    assert_array_equal(copy.deepcopy(z.detach()).data, [1])
    assert_array_equal(pickle.loads(pickle.dumps(z.detach())).data, [1])
    last = weakref.ref(z)
    del z  # frees the whole chain; a recursion through it would overflow the stack
    assert last() is None


def test_A11_a_kept_loss_keeps_no_graph():
    x = Tensor(np.ones(10), requires_grad=True)
    hidden = tg.exp(x)
    array = weakref.ref(hidden.data)
    gc.disable()
    try:
        losses = [hidden.sum()]
        del hidden
        assert array() is not None
        losses[0].backward()
        assert array() is None
        assert losses[0].item() == pytest.approx(10 * np.e)
    finally:
        gc.enable()


def test_A11_value_and_grad_returns_values_off_the_tape():
    value, _ = value_and_grad(lambda x: (x * x).sum())(np.ones(2))
    assert not isinstance(value, Tensor)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1),
        lambda p: optim.Adam(p, 0.1, weight_decay=0.1),
        lambda p: optim.AdamW(p, 0.1),
        lambda p: optim.RMSprop(p, 0.1, momentum=0.9),
    ],
    ids=["SGD", "Adam", "AdamW", "RMSprop"],
)
def test_A12_an_optimizer_step_is_not_recorded(make):
    w = leaf(1, 2)
    node, data = w.node, w.data
    optimizer = make({"w": w})
    for _ in range(3):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert w.node is node
    assert w.data is data
    assert not any(isinstance(x, Tensor) for x in tg.tree.leaves(optimizer.state))


# --- NumPy's functions and operators ------------------------------------------------------------------------


def test_A13_numpy_functions_and_operators_record_or_refuse():
    t, a = leaf(1, 2), np.array([3.0, 4.0])
    for y in (
        np.exp(t),
        a * t,
        a + t,
        a @ t,
        a / t,
        a - t,
        a**t,
        np.float64(2) * t,
        np.multiply(a, t),
        np.sum(t),
    ):
        assert isinstance(y, Tensor)
        assert y.requires_grad
    before = a
    with pytest.raises(TypeError, match=r"np\.add into an ndarray would leave the tape: write a = a \+ t"):
        a += t
    assert a is before
    assert_array_equal(a, [3, 4])
    with pytest.raises(TypeError, match=r"tensor\.numpy\(\)"):
        np.asarray(t)
    with pytest.raises(TypeError, match=r"np\.add\.reduce does not work on a Tensor"):
        np.add.reduce(t)
    with pytest.raises(TypeError, match=r"np\.linalg\.det does not work on a Tensor"):
        np.linalg.det(Tensor(np.eye(2)))


def test_A14_a_checker_replays_the_random_numbers():
    x = np.linspace(-1, 1, 40)

    def f(x, rng):
        return (tg.dropout(x, 0.5, rng=rng) * x).sum()

    rng = np.random.default_rng(0)
    gradient = grad(f)(x, rng)
    step = 1e-6
    for i in (0, 7, 39):
        moved = np.zeros(40)
        moved[i] = step
        slope = (f(x + moved, np.random.default_rng(0)) - f(x - moved, np.random.default_rng(0))) / (2 * step)
        assert_allclose(gradient[i], slope, atol=1e-8)
    assert np.any(f(x, np.random.default_rng(1)) != f(x, np.random.default_rng(2)))
    with pytest.raises(TypeError, match="rng"):
        tg.dropout(x, 0.5)  # no hidden generator
    state = rng.bit_generator.state
    tg.testing.check_grads(f, x, rng)  # each call draws the same mask
    assert rng.bit_generator.state == state

    def draws_twice(x, first, second):
        assert first is second  # as it was given, or the second mask would be the first
        return f(f(x, first) * x, second)

    tg.testing.check_grads(draws_twice, x, rng, rng)
    stateful = np.random.default_rng(0)
    with pytest.raises(tg.testing.GradientError, match="not deterministic"):  # and not a wrong verdict
        tg.testing.check_grads(lambda x: f(x, stateful), x)


def test_A15_rules_see_operands_and_output_as_tensors_when_recorded():
    """So a second derivative sees how what a rule uses depends on the operands."""
    seen = []

    @primitive
    def cube(x):
        return x**3

    @primitive
    def by_output(x):
        return np.exp(x)

    cube.defvjp(x=lambda g, x: seen.append(type(x)) or g * 3 * x**2)
    by_output.defvjp(x=lambda g, out: seen.append(type(out)) or g * out)
    assert grad(grad(cube))(2.0) == 12
    assert grad(grad(grad(cube)))(2.0) == 6
    assert_allclose(grad(grad(by_output))(1.0), np.e)
    assert set(seen) == {Tensor, np.ndarray}


@pytest.mark.parametrize("name", ["batch_norm", "conv2d", "max_pool2d", "log_softmax", "std", "norm", "gelu"])
def test_A15_second_derivatives_of_ops_that_recompute_intermediates(name):
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((2, 2, 3, 4)), rng.standard_normal((2, 2, 3, 4))
    weight = rng.standard_normal((2, 2, 2, 2))
    f = {
        "batch_norm": lambda x: tg.batch_norm(x, weight[0, 0, 0], weight[0, 0, 1]),
        "conv2d": lambda x: tg.conv2d(x * x, weight),
        "max_pool2d": lambda x: tg.max_pool2d(x * x, 2),
        "log_softmax": lambda x: tg.log_softmax(x, 1),
        "std": lambda x: tg.std(x, (0, 2)),
        "norm": lambda x: tg.norm(x, 1),
        "gelu": tg.gelu,
    }[name]

    def loss(x):
        return (f(x) ** 3).sum()

    step = 1e-5
    slope = (grad(loss)(x + step * v) - grad(loss)(x - step * v)) / (2 * step)
    assert_allclose(tg.hvp(loss, [x], [v]), slope, rtol=1e-6, atol=1e-6 * np.abs(slope).max())
