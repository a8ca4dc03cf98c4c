"""The mutation guard: what it finds, what it lets pass, and that it is gone after its block."""

import threading

import numpy as np
import pytest
from leaves import leaf
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import debug, primitive
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


def test_blocks_overlap_also_in_threads():
    first, second = debug.guard_mutation(), debug.guard_mutation()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert Primitive.record is not PLAIN
    second.__exit__(None, None, None)
    assert Primitive.record is PLAIN

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


@pytest.mark.parametrize("derivative", [tg.grad, lambda loss: lambda p: tg.hvp(loss, [p], [p])])
def test_results_are_the_same_under_guard(derivative):
    model = tg.models.baseline_bn()
    params, state = model.init(np.random.default_rng(0))
    x, labels = np.random.default_rng(1).random((2, 1, 28, 28), dtype=np.float32), np.array([3, 7])
    f = derivative(lambda p: tg.cross_entropy(model(p, state, x, train=True)[0], labels))
    expected = f(params)
    with debug.guard_mutation():
        found = f(params)
    tg.tree.map(assert_array_equal, found, expected)


def test_a_change_of_a_parameter_by_an_optimizer_too_early_is_found():
    params = {"w": leaf([1, 2])}
    optimizer = tg.optim.SGD(params, lr=0.1)
    with debug.guard_mutation():
        first, second = (params["w"] ** 2).sum(), (params["w"] ** 3).sum()
        first.backward()
        optimizer.step()
        with pytest.raises(RuntimeError, match="'power': 'x' was changed"):
            second.backward()


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x, a: x * a, "'multiply': 'b' was changed between the call and the backward"),
        (lambda x, a: x**2, "'power': 'x' was changed"),
        (lambda x, a: tg.exp(x), "'exp': 'out' was changed"),
        (lambda x, a: tg.where(a > 0, x, a), "'where': 'condition' was changed"),
        (lambda x, a: x[a.astype(int)], "'getitem': 'key' was changed"),
        (lambda x, a: tg.einsum("i,i->", x, a), "'einsum': 'xs' was changed"),
    ],
    ids=["array", "operand", "output", "constant", "index", "list of operands"],
)
def test_whatever_a_rule_needs_is_guarded(f, message):
    with debug.guard_mutation():
        y = f(leaf([1.0, 2.0]), np.array([1.0, 0.0]))
        kept = [x for x in tg.tree.leaves(y.node.values) if isinstance(x, np.ndarray)]
        kept[-1][...] = ~kept[-1] if kept[-1].dtype == bool else 1 - kept[-1]
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


def test_a_rule_that_changes_its_cotangent_is_found():
    def rule(g):
        g *= 0.5
        return g

    scaled = primitive(lambda x: 0.5 * x)
    scaled.defvjp(x=rule)
    with debug.guard_mutation(), pytest.raises(RuntimeError, match="'<lambda>': the rule of 'x' changes 'g'"):
        tg.grad(lambda x: ((scaled(x * 1.0) + x) * 2.0).sum())(np.ones(2))
    with pytest.raises(ValueError, match="read-only") as error:  # a cotangent that is a broadcast anyway
        tg.grad(lambda x: scaled(x).sum())(np.ones(2))
    assert "in the gradient rule of '<lambda>' for operand 'x'" in error.value.__notes__


def test_a_rule_that_changes_an_operand_is_found():
    def rule(g, b):
        b *= g
        return b

    product = primitive(lambda a, b: a * b)
    product.defvjp(a=rule)
    with debug.guard_mutation(), pytest.raises(RuntimeError, match="'<lambda>': the rule of 'a' changes 'b'"):
        tg.grad(lambda a: product(a, np.full(2, 3.0)).sum() * 2.0)(np.ones(2))


def test_a_call_that_changes_its_operand_is_found():
    @primitive
    def clipped(x, top):
        x[x > top] = top
        return x * 1

    clipped.defvjp(x=lambda g: g)
    with debug.guard_mutation(), pytest.raises(RuntimeError, match="'clipped' changes its operand 'x'"):
        clipped(leaf([1.0, 5.0]) * 1, 2.0)
