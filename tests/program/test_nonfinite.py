"""`first_nonfinite` names the line that makes the first NaN or infinity, forward or backward."""

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import debug
from tinygrad_cnn.program import RecordingError


def normalized(x, scale):
    total = tg.sum(x * x)
    norm = tg.sqrt(total)
    return (scale * x / norm).sum()


def test_nothing_is_found_where_all_numbers_are_finite():
    assert debug.first_nonfinite(tg.value_and_grad(normalized), np.ones(3), 2.0) is None


def test_the_first_line_of_the_forward_half_is_named():
    with np.errstate(all="ignore"):
        found = debug.first_nonfinite(tg.value_and_grad(normalized), np.zeros(3), np.float64(2.0))
    assert (found.operation, found.found, found.backward) == ("divide", "3 NaN of 3 numbers", False)
    assert found.text.startswith("divide = multiply_2 / norm")
    assert found.place.endswith(": return (scale * x / norm).sum()")
    assert found.operands == ("multiply_2: float64[3], from 0 to 0", "norm: float64[], from 0 to 0")
    assert str(found).splitlines()[0] == "divide made 3 NaN of 3 numbers:"


def test_the_way_back_is_looked_at_too():
    def loss(x):
        y = tg.sqrt(x)
        return (y * 3.0).sum()

    assert debug.first_nonfinite(loss, np.array([0.0, 4.0])) is None
    found = debug.first_nonfinite(tg.grad(loss), np.array([0.0, 4.0]))
    assert (found.operation, found.found, found.backward) == ("sqrt", "1 infinite of 2 numbers", True)
    assert found.place.endswith(": y = tg.sqrt(x)")
    assert "on the way back, in the gradient of test_nonfinite.py:" in str(found)


def test_an_argument_that_is_not_finite_is_named():
    found = debug.first_nonfinite(lambda p: tg.exp(p["w"]), {"w": np.array([1.0, np.nan, np.inf])})
    assert str(found) == "the argument w has 1 NaN and 1 infinite of 3 numbers"


def test_several_results_of_one_line_and_generators():
    def f(a, rng):
        return tg.linalg.slogdet(a * rng.random()).logabsdet

    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    found = debug.first_nonfinite(f, np.zeros((2, 2)), rng)
    assert found.found == "1 infinite of 1 number"
    assert rng.bit_generator.state == before


def test_the_optimizer_is_not_moved():
    def step(optimizer, x):
        optimizer.step({"w": x / optimizer.params["w"]})
        return optimizer.params["w"].sum()

    optimizer = tg.optim.SGD({"w": np.zeros(2)}, lr=0.1)
    assert debug.first_nonfinite(step, optimizer, np.ones(2)).operation == "divide"
    np.testing.assert_array_equal(optimizer.params["w"], 0.0)


def test_what_cannot_be_recorded_is_an_error():
    with pytest.raises(RecordingError, match="needs the numbers"):
        debug.first_nonfinite(lambda x: float(x), np.float64(1.0))
    with pytest.raises(TypeError, match="first_nonfinite: f: expected a function, got 3"):
        debug.first_nonfinite(3)
