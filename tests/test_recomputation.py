"""`checkpoint` gives the same values and derivatives for less memory; `stop_gradient` gives none."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, checkpoint, grad, stop_gradient

X = np.array([0.5, -1.0, 2.0])


def block(w, x):
    return tg.tanh(tg.sin(w["a"] * x) * w["b"])


def weights():
    return {"a": np.array([1.0, 2.0, 3.0]), "b": np.array(0.5)}


def test_values_and_gradients_are_bit_equal():
    def derivatives(f):
        return tg.value_and_grad(lambda w, x: tg.sum(f(w, x) ** 2), (0, 1))(weights(), X)

    tg.tree.map(assert_array_equal, derivatives(checkpoint(block)), derivatives(block))
    assert_array_equal(checkpoint(block)(weights(), X), block(weights(), X))
    assert isinstance(checkpoint(block)(weights(), X), np.ndarray)


def f(x):
    return tg.sin(x) * tg.exp(x)


@pytest.mark.parametrize(
    ("ours", "plain"),
    [(checkpoint(f), f), (checkpoint(lambda x: checkpoint(f)(x) * x), lambda x: f(x) * x)],
    ids=["once", "nested"],
)
def test_higher_orders(ours, plain):
    for _ in range(3):
        ours, plain = (grad(lambda x, g=g: tg.sum(g(x))) for g in (ours, plain))
        assert_allclose(ours(X), plain(X), rtol=1e-13)


def test_a_dropout_drops_the_same_elements():
    x = np.ones(1000)

    def drop(x, rng):
        return tg.dropout(x * x, 0.5, rng=rng)

    value, pullback = tg.vjp(lambda x: checkpoint(drop)(x, np.random.default_rng(3)), x)
    assert_array_equal(value, drop(x, np.random.default_rng(3)))
    (gradient,) = pullback(np.ones(1000))
    assert_array_equal(gradient, 2 * value)
    assert_array_equal(pullback(np.ones(1000))[0], gradient)  # however often


@pytest.mark.parametrize("share", [lambda rng: rng, lambda rng: np.random.Generator(rng.bit_generator)])
def test_arguments_that_draw_from_one_source_keep_doing_so(share):
    def both(x, first, second):
        return (tg.dropout(x, 0.5, rng=first) * tg.dropout(x, 0.5, rng=second)).sum()

    def gradient(f):
        rng = np.random.default_rng(0)
        return tg.grad(f)(np.ones(40), rng, share(rng))

    assert_array_equal(gradient(tg.checkpoint(both)), gradient(both))


def test_a_generator_moves_on_once_for_each_call():
    rngs = [np.random.default_rng(5), np.random.default_rng(5)]
    x = np.ones(50)

    def drop(x, tools):
        return tg.dropout(x, 0.5, rng=tools["rng"])

    def twice(f, rng):
        return lambda x: tg.sum(f(x, {"rng": rng}) * np.arange(50)) + tg.sum(f(x, {"rng": rng}))

    assert_array_equal(grad(twice(checkpoint(drop), rngs[0]))(x), grad(twice(drop, rngs[1]))(x))
    assert rngs[0].random() == rngs[1].random()  # the backward walk has not moved it


def test_it_keeps_less():
    def chain(x):
        for _ in range(20):
            x = tg.sin(x)
        return x

    def kept(f):
        x = Tensor(np.ones(50_000), requires_grad=True)
        tracemalloc.start()
        try:
            y = f(x)
            size, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert y.requires_grad
        return size

    array = 50_000 * 8
    assert kept(chain) > 18 * array
    assert kept(checkpoint(chain)) < 2 * array


def test_a_tensor_from_outside_is_an_error():
    w, x = Tensor(2.0, requires_grad=True), Tensor(X, requires_grad=True)
    with pytest.raises(
        TypeError, match=r"checkpoint: .* depends on a tensor that is not among its arguments"
    ):
        checkpoint(lambda x: x * w)(x)
    with pytest.raises(TypeError, match="not among its arguments"):
        grad(lambda w: tg.sum(checkpoint(lambda x: x * w)(X)))(3.0)
    assert_array_equal(checkpoint(lambda x: x * 2.0)(X), X * 2)  # a constant may come from anywhere
    with pytest.raises(TypeError, match="checkpoint: expected a function that returns one array, got tuple"):
        checkpoint(lambda x: (x, x))(x)


def test_an_operand_that_is_not_used_has_gradient_zero():
    gradients = grad(lambda a, b: tg.sum(checkpoint(lambda a, b: a * 2)(a, b)), (0, 1))(X, X)
    assert_array_equal(gradients[0], [2, 2, 2])
    assert_array_equal(gradients[1], [0, 0, 0])


def test_stop_gradient():
    assert grad(lambda x: x * stop_gradient(x))(3.0) == 3
    assert grad(lambda x: stop_gradient(x) * 1.0)(3.0) == 0
    assert grad(grad(lambda x: x * x * stop_gradient(x)))(3.0) == 6
    assert stop_gradient(X) is X
    kept = stop_gradient({"a": Tensor(X, requires_grad=True), "b": [X, None]})
    assert isinstance(kept["a"], Tensor)
    assert not kept["a"].requires_grad
    assert kept["b"][0] is X


def test_the_arguments_of_a_checkpointed_call_are_freed_without_the_garbage_collector():
    # memory is what a checkpoint is for, so nothing may wait for the collector
    argument = tg.Tensor(np.ones(3), requires_grad=True) * 2.0
    gone = weakref.ref(argument.data)
    gc.disable()
    try:
        loss = tg.checkpoint(lambda x: tg.exp(x) * x)(argument).sum()
        del argument
        loss.backward()
        assert gone() is None
    finally:
        gc.enable()
