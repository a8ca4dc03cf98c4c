"""What a function may go by beside shapes and dtypes: a program must not freeze it in silence."""

import collections
import functools
import random
import sys
import threading
import warnings

import numpy as np
import pytest
from played import assert_plays, bits

import tinygrad_cnn as tg
from tinygrad_cnn.program import RecordingError

X = np.arange(6.0) + 0.5
Pair = collections.namedtuple("Pair", "first second")

# --- arguments ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "before", "now"),
    [
        (lambda x, kind: 2 * x if kind == "a" else 3 * x, np.str_("a"), np.str_("b")),
        (lambda x, factor: x * factor.real, np.complex128(1), np.complex128(2)),
        (np.copysign, 0.0, -0.0),
    ],
    ids=["text of NumPy", "complex", "zero"],
)
def test_another_constant_is_another_program(function, before, now):
    played = tg.compile(function)
    for constant in (before, now, before):
        np.testing.assert_array_equal(played(X, constant), function(X, constant))


@pytest.mark.parametrize(
    "function",
    [
        lambda d: sum(i * x for i, x in enumerate(d.values())),
        lambda d: Pair(d, [*d.values()]),
    ],
)
@pytest.mark.parametrize("around", [lambda d: d, collections.OrderedDict])
def test_the_order_of_keys_is_that_of_the_call(function, around):
    played = tg.compile(function)
    for d in ({"a": X, "b": 3 * X}, {"b": X, "a": 3 * X}):
        expected, found = function(around(d)), played(around(d))
        assert bits(found) == bits(expected)
        assert [*tg.tree.paths(found)] == [*tg.tree.paths(expected)]


@pytest.mark.parametrize("record", [lambda f, *args: tg.trace(f, *args), lambda f, *args: tg.compile(f)])
def test_keys_in_another_order_inside_of_another_container_do_not_change_places(record):
    function = lambda pair: pair.first["a"] - 2 * pair.first["b"]  # noqa: E731
    played = record(function, Pair({"a": X, "b": X}, 0))
    for d in ({"a": X, "b": 3 * X}, {"b": X, "a": 3 * X}):
        np.testing.assert_array_equal(played(Pair(d, 0)), function(Pair(d, 0)))


def test_negative_labels_of_a_small_dtype_are_refused_with_many_classes():
    """As an unsigned number of eight bits, -1 is 255, which is an index of 300 classes."""
    played, scores = tg.compile(tg.cross_entropy), np.zeros((2, 300))
    played(scores, np.array([1, 2], np.int8))
    with pytest.raises(ValueError, match="labels"):
        played(scores, np.array([1, -1], np.int8))


# --- chance -------------------------------------------------------------------------------------------------

OUTSIDE = np.random.default_rng(0)


class Noisy:
    """A layer with a generator of its own."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, x):
        return x if self.rng.random() < 0.5 else -x

    def scaled(self, x):
        return x * self.rng.random()


DRAWS = {
    "OUTSIDE": tg.grad(lambda x: (x * OUTSIDE.random()).sum()),
    "rng": Noisy(),
    "np.random": lambda x: x * np.random.rand(),  # noqa: NPY002 - what people write
    "random": lambda x: x if random.random() < 0.5 else -x,
    "own": functools.partial(lambda x, own: x * own.random(), own=np.random.default_rng(0)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_number_drawn_from_a_generator_that_is_no_argument_is_an_error_that_names_it(name):
    with pytest.raises(RecordingError, match=f"draws from '{name}'"):
        tg.compile(DRAWS[name])(X)


def test_a_method_that_draws_from_a_generator_of_its_object_is_an_error():
    with pytest.raises(RecordingError, match="draws from 'rng'"):
        tg.compile(Noisy().scaled)(X)


# --- shapes that depend on numbers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x, n: x[:n].sum() / len(x[:n]),
        lambda x, n: x.reshape(n, -1),
        lambda x, n: np.repeat(x, n),
        lambda x, n: np.bincount(np.repeat(n, 3)),
        lambda x, n: np.where(x > n)[0],
    ],
    ids=["slice", "reshape", "repeat", "bincount", "where"],
)
def test_a_shape_that_depends_on_numbers_is_an_error_or_the_same(function):
    played = tg.compile(function)
    with pytest.raises(RecordingError, match="shape"):
        [played(X, np.int64(n)) for n in (2, 3)]


def test_a_window_of_one_size_may_stand_elsewhere():
    assert_plays(lambda x, i: x[i : i + 2] * 2.0, (X, np.int64(0)), (X, np.int64(3)))


# --- writing in place ---------------------------------------------------------------------------------------


def clipped(x):
    y = x * 2.0
    np.clip(y, 0, 1, out=y)
    return y


def clipped_by_position(x):
    y = x * 2.0
    np.clip(y, 0, 1, y)
    return y


def summed(x):
    y = np.zeros_like(x)
    np.cumsum(x, out=y)
    return y + 1.0


def clipped_by_method(x):
    y = np.zeros_like(x)
    x.clip(0, 1, out=y)
    return y


def through_a_view(x):
    y = x * 2.0
    z = y[:2]
    y += 1.0
    return z


def through_a_view_of_another(x):
    y = np.flip(x)
    y += 1.0
    return y


@pytest.mark.parametrize(
    "function",
    [clipped, clipped_by_position, clipped_by_method, summed, through_a_view, through_a_view_of_another],
)
def test_what_is_written_into_an_array_that_others_see_is_an_error(function):
    with pytest.raises(RecordingError, match=r"out=|in place"):
        tg.compile(function)(X.copy())


def test_an_array_may_be_changed_when_nobody_has_a_view_of_it_any_more():
    def function(x):
        y = x * 2.0
        first = y[:2] + 1.0
        y += 1.0
        return first, y

    assert_plays(function, (X,), (-X,))


# --- NumPy --------------------------------------------------------------------------------------------------


def test_several_results_with_names_are_taken_apart_by_name():
    assert_plays(lambda x: np.linalg.svd(x).S, (np.eye(3),), (2 * np.eye(3),))


def test_a_ufunc_of_three_arrays_is_played():
    function = lambda x, low, high: np._core.umath.clip(x, low, high) * 1.0  # noqa: E731
    assert_plays(function, (X, X, 2 * X), (X, 2 * X, 3 * X))


def warned(function, x):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function(x)
    return [str(warning.message) for warning in found]


def test_a_played_softmax_warns_as_in_eager_mode():
    function = lambda x: tg.log_softmax(x) * 1.0  # noqa: E731
    played, scores = tg.compile(function), np.ones((2, 3))
    played(scores)
    scores[0, 0], scores[1] = np.inf, -np.inf
    assert warned(played, scores) == warned(function, scores)


def test_what_is_the_same_at_each_play_warns_at_each_play():
    played = tg.compile(lambda x: x + 1.0 / np.zeros_like(x))
    with np.errstate(all="ignore"):
        played(X)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        played(X)


# --- threads and interruptions ------------------------------------------------------------------------------


def test_threads_play_at_once():
    function = lambda w: tg.grad(lambda w: (tg.softmax(tg.tanh(w @ w)) @ w).sum())(w)  # noqa: E731
    played, wrong = tg.compile(function), []

    def play(seed):
        w = np.random.default_rng(seed).standard_normal((8, 8))
        expected = function(w).tobytes()
        try:
            wrong.extend(seed for _ in range(200) if played(w).tobytes() != expected)
        except IndexError as error:
            wrong.append(error)

    played(np.ones((8, 8)))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=play, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    assert not wrong
