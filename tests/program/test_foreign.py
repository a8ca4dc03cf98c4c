"""Functions of the user in a program: they keep, return and count what they like."""

import numpy as np
import pytest
from played import assert_plays, bits

import tinygrad_cnn as tg
from tinygrad_cnn import optim
from tinygrad_cnn.program import CapturedArrayError, RecordingError
from tinygrad_cnn.tape import Primitive

X = np.arange(6.0) + 0.5


def operation(function, rule=lambda g: g):
    op = Primitive(function)
    op.defvjp(x=rule)
    return op


def test_an_operation_that_returns_its_argument_for_some_numbers_returns_no_buffer():
    op = operation(lambda x: x if (x > 0).all() else x.copy())
    played = tg.compile(lambda x: op(x * 2.0))
    played(-X)
    kept = played(X)
    played(5 * X)
    np.testing.assert_array_equal(kept, 2 * X)


def test_a_rule_that_returns_its_argument_for_some_numbers_is_not_taken_for_a_new_array():
    def rule(g, x):
        return x if (np.asarray(x) > 0).all() else x.copy()

    played = tg.compile(tg.grad(lambda x: operation(lambda x: x * 1.0, rule)(x).sum()))
    played(-X)
    assert not np.shares_memory(played(X), X)


def test_what_a_layer_keeps_for_its_backward_is_not_overwritten():
    """As hand-written layers do it, ``self.x = x`` in the forward pass, to be read in the backward pass."""
    kept = {}

    def square(x):
        kept["x"] = x
        return x * x

    op = operation(square, lambda g: g * 2 * kept["x"])
    step = tg.grad(lambda x: (tg.sin(tg.exp(op(tg.sin(x) * 2.0)) * 3.0 + 1.0) ** 2).sum())
    played = tg.compile(step)
    for scale in (0.1, 0.2):
        np.testing.assert_array_equal(played(scale * X), step(scale * X))


def test_an_operation_is_called_at_each_play_even_if_its_arguments_never_change():
    calls = []
    op = operation(lambda x: x + len(calls.append(1) or calls))
    played = tg.compile(lambda x: x + op(np.zeros_like(x)))
    first, second = played(X), played(X)
    np.testing.assert_array_equal(second, first + 1.0)


def test_an_operation_whose_result_nobody_uses_is_called_all_the_same():
    seen = []
    op = operation(lambda x: seen.append(x.sum()) or x)
    played = tg.compile(lambda x: (op(x), 2 * x)[1])
    played(X)
    played(2 * X)
    assert seen[-1] == 2 * X.sum()


def test_an_operation_that_has_the_name_of_one_of_ours_is_not_taken_for_it():
    def _identity(x):
        return 2 * x

    np.testing.assert_array_equal(tg.compile(operation(_identity))(X), 2 * X)


class Halved(optim.SGD):
    """An optimizer with a step of its own, which remembers the gradients."""

    def step(self, grads=None):
        self._last = grads
        super().step(tg.tree.map(lambda g: 0.5 * g, grads))


def run(make, wrap, freeze):
    """Make three steps, and return all that is left."""
    optimizer = make({"w": np.ones(6), "b": np.ones(6)})
    kept = []

    def step(optimizer, x):
        value, grads = tg.value_and_grad(lambda p: (tg.sin(p["w"] * x + p["b"]) * x).sum())(optimizer.params)
        optimizer.step({**grads, "b": None} if freeze else grads)
        return value

    step = wrap(step)
    for k in range(3):
        kept += [step(optimizer, (k + 1) * X), tg.tree.map(np.copy, getattr(optimizer, "_last", ()))]
    return bits((kept, getattr(optimizer, "_last", ()), optimizer.params, optimizer.state)), optimizer.steps


@pytest.mark.parametrize(
    ("make", "freeze"),
    [(lambda p: Halved(p, 0.1), False), (lambda p: optim.Adam(p, 0.1), True)],
    ids=["own", "frozen"],
)
def test_an_optimizer_with_a_step_of_its_own_or_frozen_parameters_steps_as_in_eager_mode(make, freeze):
    assert run(make, tg.compile, freeze) == run(make, lambda step: step, freeze)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_are_clipped_by_the_norm_that_they_have_at_each_play(dtype):
    def function(w, x):
        grads = tg.grad(lambda w: (tg.sin(w["a"] * x) * w["b"]).sum())(w)
        return optim.clip_by_global_norm(grads, 5.0)

    w, x = {"a": np.ones(6, dtype), "b": np.ones((2, 1), dtype)}, X.astype(dtype)
    assert_plays(function, (w, x), (w, 9 * x), (w, x / 90), (w, np.nan * x))
    program = tg.trace(function, w, x)
    space: dict = {}
    exec(program.source, space)
    assert bits(space["function"](w, 9 * x)) == bits(function(w, 9 * x))


def test_parameters_that_are_read_without_a_step_are_those_of_the_moment():
    optimizer = optim.SGD({"w": np.ones(6)}, 0.1)
    played = tg.compile(lambda optimizer, x: (optimizer.params["w"] * x).sum())
    played(optimizer, X)
    optimizer.params["w"] = np.zeros(6)
    assert played(optimizer, X) == 0.0


class Kept(np.ndarray):
    """An array of another class, as those of a mapped file are."""


@pytest.mark.parametrize(
    "captured", [np.ones(6).view(Kept), np.ma.masked_array(np.ones(6), mask=X > 3)], ids=["subclass", "mask"]
)
def test_a_captured_array_of_another_class_is_an_error(captured):
    with pytest.raises(CapturedArrayError, match="'captured'"):
        tg.compile(lambda x: np.multiply(x, captured))(X)


def test_arrays_of_a_mapped_file_are_arguments_as_others_are(tmp_path):
    mapped = np.memmap(tmp_path / "batch", float, "w+", shape=(2, 6))
    mapped[:] = [X, -X]
    played = tg.compile(lambda x: tg.exp(x))
    for row in mapped:
        np.testing.assert_array_equal(played(row), np.exp(row))
    assert len(played.programs) == 1


@pytest.mark.parametrize(
    "array", [np.array(["a", "b"]), np.ma.masked_array([1.0, 2.0])], ids=["text", "mask"]
)
def test_an_argument_whose_numbers_a_program_cannot_take_is_an_error_that_names_it(array):
    with pytest.raises(RecordingError, match="'kinds' is a"):
        tg.compile(lambda x, kinds: x * len(kinds))(X, array)
