"""The mutation guard; pitfalls A1 and A3 say what it must find."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, debug
from tinygrad_cnn.tape import Plan, Primitive

PLAIN = Primitive.record


def leaf(*values):
    return Tensor(np.array(values, float), requires_grad=True)


def test_it_is_off_outside_of_the_block_whatever_happens_inside():
    def interrupted():
        with debug.guard_mutation():
            assert Primitive.record is not PLAIN
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert Primitive.record is PLAIN
    x, scale = leaf(1, 2), np.array([3.0, 4.0])
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
    a, b = leaf(1, 2), np.array([3.0, 4.0])
    with debug.guard_mutation():
        loss = tg.einsum("i,i->", a, b)
        b[1] = 0
        with pytest.raises(RuntimeError, match="'einsum': 'xs' was changed"):
            loss.backward()


def test_a_change_of_a_parameter_by_an_optimizer_too_early_is_found():
    params = {"w": leaf(1, 2)}
    optimizer = tg.optim.SGD(params, lr=0.1)
    with debug.guard_mutation():
        first, second = (params["w"] ** 2).sum(), (params["w"] ** 3).sum()
        first.backward()
        optimizer.step()
        with pytest.raises(RuntimeError, match="'power': 'x' was changed"):
            second.backward()
