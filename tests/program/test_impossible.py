"""What a record of a computation could get wrong, and this one must not: it is an error, or is right."""

import math
import operator
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.program import CapturedArrayError, RecordingError

RNG = np.random.default_rng
X = np.array([0.5, 1.0, 2.0])
BATCH = np.ones((4, 3))


# --- captured data ------------------------------------------------------------------------------------------


def test_a_batch_in_a_closure_is_an_error_that_names_it():
    images = np.ones((4, 3))

    def loss(w):
        return (images @ w).sum()

    with pytest.raises(CapturedArrayError) as caught:
        tg.compile(tg.grad(loss))(X)
    message = str(caught.value)
    for part in ("array float64[4, 3]", "the variable 'images'", "test_impossible.py:", "(images @ w).sum()"):
        assert part in message
    assert "Pass the array as an argument" in message


def test_a_global_array_is_an_error_that_names_it():
    with pytest.raises(CapturedArrayError, match=r"array float64\[4, 3\] .* the global variable 'BATCH'"):
        tg.compile(lambda w: (BATCH @ w).sum())(X)


def test_a_dropout_mask_that_was_drawn_outside_is_an_error():
    mask = RNG(0).random(3) < 0.5
    with pytest.raises(CapturedArrayError, match=r"array bool\[3\] .* the variable 'mask'"):
        tg.compile(tg.grad(lambda x: (x * mask).sum()))(X)


def test_a_mask_that_is_drawn_from_a_generator_in_a_closure_is_an_error():
    rng = RNG(0)
    with pytest.raises(CapturedArrayError, match=r"float64\[3\] .*made while it was recorded"):
        tg.compile(lambda x: (x * rng.random(3)).sum())(X)
    layer = nn.Dropout(0.5)
    with pytest.raises(CapturedArrayError):
        tg.compile(lambda x: layer({}, {}, x, train=True, rng=rng)[0].sum())(X)


def test_a_captured_array_that_is_returned_is_an_error():
    with pytest.raises(CapturedArrayError, match="the global variable 'BATCH'"):
        tg.compile(lambda x: (x, BATCH))(X)


# --- branches on numbers ------------------------------------------------------------------------------------

LEAVING = {
    "if": lambda x: x if x.sum() > 0 else -x,
    "while": lambda x: next(iter([x for _ in iter(lambda: bool(x[0] > 9), True)])),
    "and": lambda x: x[0] and x,
    "float": lambda x: x * float(x[0]),
    "int": lambda x: x * int(x[0]),
    "math": lambda x: x * math.sin(x[0]),
    "index": lambda x: operator.index(x[0]),
    "item": lambda x: x * x[0].item(),
    "tolist": lambda x: x.tolist(),
    "asarray": lambda x: np.asarray(x),
    "array": lambda x: np.array([x[0], x[1]]),
    "text": lambda x: f"{x[0]:.2f}",
    "in": lambda x: 1.0 in x,
    "mask": lambda x: x[x > 1.0].sum(),
    "nonzero": lambda x: np.nonzero(x),
    "unique": lambda x: np.unique(x),
}


@pytest.mark.parametrize("name", LEAVING)
def test_a_branch_on_the_numbers_of_an_argument_is_an_error_with_the_line(name):
    with pytest.raises(RecordingError, match=r"\(at test_impossible.py:\d+: \"?" + name):
        tg.compile(LEAVING[name])(X)


OF_TENSORS = {
    "bool": lambda x: x if bool((x > 0.0).sum()) else -x,
    "item": lambda x: x * x.sum().item(),
    "numpy": lambda x: x * float(x.numpy()[0]),
    "asarray": lambda x: x * np.asarray(x.detach()),
    "max": lambda x: x * max(x.detach()[0], x.detach()[1]),
}


@pytest.mark.parametrize("name", OF_TENSORS)
def test_a_branch_inside_of_a_derivative_is_an_error_too(name):
    """Inside of `grad` the argument is a tensor, whose array stands in for numbers."""
    with pytest.raises(TypeError) as caught:
        tg.compile(tg.grad(lambda x: OF_TENSORS[name](x).sum()))(X)
    assert isinstance(caught.value, RecordingError)
    assert "test_impossible.py" in str(caught.value)


def test_an_array_that_leaves_the_tape_is_computed_at_each_play():
    """The tape takes it for a constant, as in eager mode; a program must not."""
    f = tg.grad(lambda x: (x * x.numpy() * tg.stop_gradient(x) * x.detach()).sum())
    played = tg.compile(f)
    for x in (X, -3.0 * X):
        np.testing.assert_array_equal(played(x), f(x))


def test_what_changes_an_argument_in_place_is_an_error():
    def f(x):
        x += 1.0
        return x

    with pytest.raises(RecordingError, match="changed in place"):
        tg.compile(f)(X.copy())
    with pytest.raises(RecordingError, match=r"sort\(\) changes an array in place"):
        tg.compile(lambda x: x.sort())(X.copy())


def test_a_parameter_of_an_optimizer_that_is_changed_in_place_is_an_error():
    def f(optimizer):
        optimizer.params["w"] += 1.0

    with pytest.raises(RecordingError, match="changed in place"):
        tg.compile(f)(tg.optim.SGD({"w": X.copy()}, lr=0.1))


def test_of_several_results_those_that_are_views_are_not_changed_in_place():
    def f(x, take):
        part, _ = take(x)
        part += 1.0
        return part

    with pytest.raises(RecordingError, match="changed in place"):
        tg.compile(f)(X, lambda x: np.split(x, [1]))
    played = tg.compile(f)
    for x in (X, 2 * X):
        np.testing.assert_array_equal(played(x, np.modf), np.modf(x)[0] + 1.0)


def test_an_array_of_its_own_may_be_changed_in_place():
    def f(x):
        y = x * 2.0
        y += 1.0
        y[0] = 7.0
        return y

    played = tg.compile(f)
    played(X)
    np.testing.assert_array_equal(played(10 * X), [7.0, 21.0, 41.0])


# --- other shapes -------------------------------------------------------------------------------------------


def test_other_shapes_dtypes_and_structures_record_programs_of_their_own():
    calls = []

    def f(x):
        calls.append(1)
        return tg.tree.map(lambda leaf: tg.exp(leaf), x)

    played = tg.compile(f)
    kinds = [X, X.astype(np.float32), X[:2], [X], {"a": X}]
    for _ in range(2):
        for x in kinds:
            for ours, theirs in zip(tg.tree.leaves(played(x)), tg.tree.leaves(x), strict=True):
                np.testing.assert_array_equal(ours, np.exp(theirs))
                assert ours.dtype == theirs.dtype
    assert len(calls) == len(kinds)


def test_more_than_a_handful_of_programs_is_told_with_what_differs():
    played = tg.compile(lambda x: x.sum())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(1, 9):
            played(np.ones(n))
    with pytest.warns(UserWarning, match=r"9 programs .* argument 0 was float64\[8\] and is float64\[9\]"):
        played(np.ones(9))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        played(np.ones(10))


def test_a_number_of_python_is_constant_and_another_records_anew():
    played = tg.compile(lambda x, rate: x * rate)
    np.testing.assert_array_equal(played(X, 2.0), 2.0 * X)
    np.testing.assert_array_equal(played(X, 3.0), 3.0 * X)
    np.testing.assert_array_equal(played(X, 2.0), 2.0 * X)
    assert len(played.programs) == 2


# --- results ------------------------------------------------------------------------------------------------


def test_results_are_the_callers_own():
    """A play neither overwrites what an earlier one returned, nor reads what the caller writes into it."""

    def f(x):
        y = tg.relu(x @ x.T)
        return y, y.sum(0), tg.reshape(y, (-1,)), x

    played, x = tg.compile(f), RNG(0).standard_normal((5, 5))
    first = played(x)
    kept = [np.array(a) for a in first]
    second = played(-2.0 * x)
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, b)
    for a in (*first[:2], *second[:2]):
        a[...] = np.nan
    np.testing.assert_array_equal(played(x)[1], kept[1])


def test_gradients_are_the_callers_own():
    played = tg.compile(tg.grad(lambda p, x: (p["w"] * x + p["b"]).sum()))
    p = {"w": np.ones(3), "b": np.ones(3)}
    grads = played(p, X)
    assert not np.shares_memory(grads["w"], grads["b"])
    grads["w"] += 5.0
    np.testing.assert_array_equal(played(p, X)["w"], X)
    np.testing.assert_array_equal(X, [0.5, 1.0, 2.0])


# --- validation and errors ----------------------------------------------------------------------------------


def message_of(f, *args):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the comparison is what is tested
        f(*args)
    return type(caught.value), str(caught.value)


def test_labels_are_validated_at_each_play():
    step = tg.value_and_grad(lambda scores, labels: tg.cross_entropy(scores, labels))
    played, scores = tg.compile(step), np.zeros((2, 3))
    played(scores, np.array([0, 2]))
    bad = np.array([0, 3])
    assert message_of(played, scores, bad) == message_of(step, scores, bad)
    assert "labels" in message_of(played, scores, bad)[1]
    value, _ = played(scores, np.array([2, 1]))  # an error leaves the program as it was
    assert value == step(scores, np.array([2, 1]))[0]


def test_errors_name_the_operation_and_its_operands_as_in_eager_mode():
    def solve(a, b):
        return tg.linalg.solve(a, b).sum()

    played, b = tg.compile(tg.grad(solve)), np.ones(2)
    played(np.eye(2), b)
    singular = np.zeros((2, 2))
    assert message_of(played, singular, b) == message_of(tg.grad(solve), singular, b)
    with pytest.raises(np.linalg.LinAlgError) as caught:
        played(singular, b)
    with pytest.raises(np.linalg.LinAlgError) as eager:
        tg.grad(solve)(singular, b)
    assert set(eager.value.__notes__) <= set(caught.value.__notes__)
    assert any("solve(a: float64[2, 2]" in note for note in caught.value.__notes__)


def test_what_a_rule_reads_from_data_is_read_at_each_play():
    """A mask, or a winner, of the record would be stale."""
    for f in (
        lambda x: tg.relu(x).sum(),
        lambda x: tg.max(x) * 2.0,
        lambda x: tg.max_pool2d(tg.reshape(x, (1, 1, 2, 2)), 2).sum(),
        lambda x: tg.where(x > 0.0, x**2, -x).sum(),
        lambda x: tg.sort(x)[0],
        lambda x: tg.sqrt(x * x).sum(),
    ):
        played = tg.compile(tg.grad(f))
        played(np.array([-1.0, 2.0, 3.0, -4.0]))
        for x in (np.array([1.0, -2.0, 5.0, 4.0]), np.array([0.0, 0.0, -1.0, 2.0])):
            with np.errstate(all="ignore"):
                np.testing.assert_array_equal(played(x), tg.grad(f)(x))


# --- generators ---------------------------------------------------------------------------------------------


def test_a_generator_is_drawn_from_at_each_play():
    def f(x, rng):
        return tg.dropout(x, 0.5, rng=rng) + rng.standard_normal(3)

    played, ours, theirs = tg.compile(f), RNG(3), RNG(3)
    for _ in range(3):
        np.testing.assert_array_equal(played(X, ours), f(X, theirs))
    assert ours.bit_generator.state == theirs.bit_generator.state


def test_recording_does_not_draw_from_the_generator():
    rng = RNG(3)
    before = rng.bit_generator.state
    tg.trace(lambda x, rng: x * rng.random(3), X, rng)
    assert rng.bit_generator.state == before


# --- different numbers --------------------------------------------------------------------------------------


def test_a_derivative_around_a_compiled_function_differentiates_the_function():
    f = lambda x: (tg.sin(x) ** 2).sum()  # noqa: E731
    played = tg.compile(f)
    played(X)
    np.testing.assert_array_equal(tg.grad(played)(X), tg.grad(f)(X))
    np.testing.assert_array_equal(tg.hvp(played, (X,), (X,)), tg.hvp(f, (X,), (X,)))
