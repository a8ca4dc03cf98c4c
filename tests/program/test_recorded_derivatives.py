"""Derivatives of all kinds, and checkpoints, can be recorded, and play bit for bit what they compute."""

import numpy as np
import pytest
from played import assert_plays

import tinygrad_cnn as tg
from tinygrad_cnn.program import CapturedArrayError, RecordingError, compile

RNG = np.random.default_rng


def f(x):
    return tg.sum(tg.tanh(x) * abs(x) ** 3 / (1 + x[::-1] ** 2)) * tg.max(x)


def parts(w, x):
    return {"product": x @ w, "sums": (tg.exp(w).sum(0), tg.prod(w))}


def block(w, x):
    return tg.tanh(tg.sin(x @ w) * w[0])


def dropped(w, x, rng):
    return tg.dropout(tg.tanh(x @ w), 0.5, rng=rng) * rng.normal()


def total(function, *argnums):
    """Return the value and the gradients of a sum of squares."""
    return tg.value_and_grad(lambda *args: tg.sum(function(*args) ** 2), argnums or 0)


checkpointed, drops = tg.checkpoint(block), tg.checkpoint(dropped)

TRANSFORMED = {
    "grad of grad": (tg.grad(lambda x: tg.sum(tg.grad(f)(x) ** 2)), "x"),
    "jvp": (lambda x, v: tg.jvp(f, [x], [v]), "xx"),
    "hvp": (lambda x, v: tg.hvp(f, [x], [v]), "xx"),
    "jacobian": (tg.jacobian(parts, (0, 1)), "wx"),
    "hessian": (tg.hessian(f), "x"),
    "jacobian of a jacobian": (tg.jacobian(tg.jacobian(lambda x: x**3)), "x"),
    "pullback, twice": (lambda x, v: [tg.vjp(tg.sin, x)[1](u) for u in (v, 2 * v)], "xx"),
    "checkpoint without a derivative": (checkpointed, "wx"),
    "checkpoint": (total(checkpointed), "wx"),
    "checkpoint by all": (total(checkpointed, 0, 1), "wx"),
    "checkpoint, second order": (
        tg.grad(lambda w, x: tg.sum(tg.grad(lambda w: tg.sum(checkpointed(w, x) ** 2))(w) ** 2)), "wx"
    ),
    "checkpoint in a checkpoint": (
        total(tg.checkpoint(lambda w, x: checkpointed(w, x) * checkpointed(w, 2 * x))), "wx"
    ),
    "checkpoints that draw": (
        total(lambda w, x, rng: drops(w, x, rng) + drops(w, 2 * x, rng) * rng.normal()), "wxr"
    ),
    "checkpoint that draws, second order": (
        tg.grad(lambda w, x, r: tg.sum(tg.grad(lambda w: tg.sum(drops(w, x, r) ** 2))(w) ** 2)), "wxr"
    ),
}  # fmt: skip


def drawn(kinds, seed):
    rng = RNG(seed)
    make = {
        "x": lambda: rng.standard_normal(3),
        "w": lambda: rng.standard_normal((3, 2)),
        "r": lambda: RNG(seed),
    }
    return [make[kind]() for kind in kinds]


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_transformation_plays_what_it_computes(name):
    function, kinds = TRANSFORMED[name]
    assert_plays(function, *(drawn(kinds, seed) for seed in range(3)))


def test_the_third_order_differs_by_rounding_at_most():
    """There a rule of a rule's rule adds up what it finds before a walk adds that to the rest."""
    third = tg.grad(lambda x: tg.sum(tg.grad(lambda x: tg.sum(tg.grad(f)(x) ** 2))(x) * x))
    compiled = compile(third)
    for seed in range(3):
        (x,) = drawn("x", seed)
        np.testing.assert_allclose(compiled(x), third(x), rtol=1e-12)


def test_tensors_and_slices_among_the_arguments_are_recorded():
    assert_plays(
        lambda x, key: tg.sin(x)[key] * 2, *([tg.Tensor([1.0, seed]), slice(1, 2)] for seed in (2, 3))
    )


def test_a_checkpointed_function_that_computes_with_an_array_of_its_own_is_refused():
    own = np.ones(2)
    with pytest.raises(CapturedArrayError, match="variable 'own'"):
        compile(total(tg.checkpoint(lambda w, x: x @ w + own)))(*drawn("wx", 0))


def test_a_copy_of_a_generator_that_is_ahead_of_it_is_refused():
    import copy

    with pytest.raises(RecordingError, match="a generator is copied"):
        compile(lambda x, rng: x * copy.deepcopy(rng).normal())(*drawn("xr", 0))


def test_a_rule_that_uses_an_operand_for_some_numbers_only_is_noticed():
    @tg.primitive
    def cube(x):
        return x**3

    cube.defvjp(
        x=lambda g, x: g * 3 * x**2 if np.all(tg.extend.raw(x) > 0) else g * 3 * tg.extend.raw(x) ** 2
    )
    second = compile(tg.grad(lambda x: tg.sum(tg.grad(lambda x: tg.sum(cube(x)))(x))))
    second(-np.ones(2))
    with pytest.raises(RecordingError, match="cube"):
        second(np.ones(2))
