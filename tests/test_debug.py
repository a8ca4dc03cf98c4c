"""The mutation guard: what it finds, what it lets pass, and that it is gone after its block."""

import threading

import numpy as np
import pytest
from leaves import leaf
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, debug, primitive
from tinygrad_cnn.tape import Plan, Primitive

PLAIN = Primitive.record


def test_it_is_off_outside_of_the_block_whatever_happens_inside():
    def interrupted():
        with debug.guard_mutation():
            assert Primitive.record is not PLAIN
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert Primitive.record is PLAIN
    x, scale = leaf([1, 2]), np.array([3.0, 4.0])
    loss = (x * scale).sum()
    assert type(loss.node.plan) is Plan
    scale[...] = 0
    loss.backward()
    assert_array_equal(x.grad, [0, 0])


def test_blocks_nest_and_overlap():
    first, second = debug.guard_mutation(), debug.guard_mutation()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert Primitive.record is not PLAIN
    second.__exit__(None, None, None)
    assert Primitive.record is PLAIN


def test_threads_share_it():
    def work():
        for _ in range(50):
            with debug.guard_mutation():
                tg.grad(lambda x: x * x)(3.0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Primitive.record is PLAIN


@pytest.mark.parametrize("order", [1, 2])
def test_results_are_the_same_under_guard(order):
    model = tg.models.baseline_bn()
    params, state = model.init(np.random.default_rng(0))
    x, labels = np.random.default_rng(1).random((2, 1, 28, 28), dtype=np.float32), np.array([3, 7])

    def loss(p):
        return tg.cross_entropy(model(p, state, x, train=True)[0], labels)

    def derivative(p):
        return tg.grad(loss)(p) if order == 1 else tg.hvp(loss, [p], [p])

    expected = derivative(params)
    with debug.guard_mutation():
        found = derivative(params)
    for a, b in zip(tg.tree.leaves(expected), tg.tree.leaves(found), strict=True):
        assert_array_equal(a, b)


def test_a_change_in_a_list_of_operands_is_found():
    a, b = leaf([1, 2]), np.array([3.0, 4.0])
    with debug.guard_mutation():
        loss = tg.einsum("i,i->", a, b)
        b[1] = 0
        with pytest.raises(RuntimeError, match="'einsum': 'xs' was changed"):
            loss.backward()


def test_a_change_of_a_parameter_by_an_optimizer_too_early_is_found():
    params = {"w": leaf([1, 2])}
    optimizer = tg.optim.SGD(params, lr=0.1)
    with debug.guard_mutation():
        first, second = (params["w"] ** 2).sum(), (params["w"] ** 3).sum()
        first.backward()
        optimizer.step()
        with pytest.raises(RuntimeError, match="'power': 'x' was changed"):
            second.backward()


def test_a_change_between_forward_and_backward_is_found():
    x, scale = leaf([1, 2]), np.array([3.0, 4.0])
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
def test_whatever_a_rule_needs_is_guarded(f, message):
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


def test_what_no_rule_needs_may_change():
    x, offset = leaf([1, 2]), np.array([3.0, 4.0])
    with debug.guard_mutation():
        loss = ((x + offset) * 2.0).sum()
        offset[...] = 0
        x.data[...] = 7
        loss.backward()
    assert_array_equal(x.grad, [2, 2])


def mutating_rule():
    @primitive
    def scaled(x):
        return 0.5 * x

    def rule(g):
        g *= 0.5
        return g

    scaled.defvjp(x=rule)
    return scaled


def test_a_rule_that_changes_its_cotangent_is_found():
    scaled = mutating_rule()
    with debug.guard_mutation(), pytest.raises(RuntimeError, match="'scaled': the rule of 'x' changes 'g'"):
        tg.grad(lambda x: ((scaled(x * 1.0) + x) * 2.0).sum())(np.ones(2))
    with pytest.raises(ValueError, match="read-only") as error:  # a cotangent that is a broadcast anyway
        tg.grad(lambda x: scaled(x).sum())(np.ones(2))
    assert "in the gradient rule of 'scaled' for operand 'x'" in error.value.__notes__


def test_a_rule_that_changes_an_operand_is_found():
    @primitive
    def product(a, b):
        return a * b

    def rule(g, b):
        b *= g
        return b

    product.defvjp(a=rule)
    with debug.guard_mutation(), pytest.raises(RuntimeError, match="'product': the rule of 'a' changes 'b'"):
        tg.grad(lambda a: product(a, np.full(2, 3.0)).sum() * 2.0)(np.ones(2))


def test_a_call_that_changes_its_operand_is_found():
    @primitive
    def clipped(x, top):
        x[x > top] = top
        return x * 1

    clipped.defvjp(x=lambda g: g)
    with debug.guard_mutation(), pytest.raises(RuntimeError, match="'clipped' changes its operand 'x'"):
        clipped(leaf([1.0, 5.0]) * 1, 2.0)
