"""Joining many arrays: time and memory do not grow with the square of their number."""

import sys

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.ops import joining
from tinygrad_cnn.tape import primitive


def steps_of(function):
    """Count the steps of the interpreter that a call takes."""
    steps = 0

    def trace(frame, event, argument):
        nonlocal steps
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    ("join", "arrays", "match"),
    [
        (tg.block, [[np.ones(2)], np.ones(2)], r"block: expected lists nested to one depth, .* \[1, 2\]"),
        (tg.concatenate, [np.ones(2), 1.0], "must have same number of dimensions"),
        (tg.concatenate, [1.0, np.ones(2)], "zero-dimensional arrays cannot be concatenated"),
    ],
)
def test_what_cannot_be_joined_is_refused_with_the_reason(join, arrays, match):
    with pytest.raises(ValueError, match=match):
        join(arrays)


@pytest.mark.parametrize("join", [tg.concatenate, tg.stack])
def test_the_gradient_takes_as_long_for_each_of_many_arrays_as_for_each_of_few(join):
    def steps_of_gradient(count):
        value, pullback = tg.vjp(lambda arrays: join(arrays), [np.ones(2)] * count)
        return steps_of(lambda: pullback(np.ones_like(value)))

    few, many = steps_of_gradient(20), steps_of_gradient(80)
    assert many < 4.1 * few


def test_plans_for_any_choice_and_number_of_operands_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(sys.modules[primitive.__module__], "_MOST_EDGES", 100)
    rng, op = np.random.default_rng(0), joining._concatenate
    x = tg.Tensor(np.ones(1), requires_grad=True)
    for count in rng.integers(2, 60, 200):
        chosen = rng.integers(0, 2, count)
        tg.concatenate([x, *(x if is_boxed else x.data for is_boxed in chosen)])
        assert sum(len(plan.edges) for plan in op._plans.values()) <= 100
    assert len(op._plans) > 1  # they are kept, up to that
