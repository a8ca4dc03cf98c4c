"""Schedules, by their formulas; PyTorch's are in tests/peers."""

import math

import numpy as np
import pytest

from tinygrad_cnn import optim
from tinygrad_cnn.optim import Constant, Cosine, OneCycle, Step, WarmUp


def test_constant_and_step():
    assert [Constant(0.3)(i) for i in (0, 10**9)] == [0.3, 0.3]
    assert [Step(1.0, every=3, factor=0.5)(i) for i in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_cosine_falls_along_half_a_cosine_and_stays():
    rate = Cosine(1.0, steps=8, end=0.2)
    for i in range(9):
        assert rate(i) == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi * i / 8)) / 2)
    assert rate(8) == rate(1000) == pytest.approx(0.2)
    assert rate(4) == pytest.approx(0.6)


def test_warm_up_grows_to_the_first_rate_and_hands_over():
    rate = WarmUp(Cosine(1.0, steps=10), steps=4)
    assert [rate(i) for i in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert [rate(4 + i) for i in range(11)] == [Cosine(1.0, steps=10)(i) for i in range(11)]


def test_one_cycle_rises_falls_and_stays():
    rate = OneCycle(1.0, steps=21, rise=0.25, start=10.0, end=100.0)
    rates = [rate(i) for i in range(21)]
    top = 0.25 * 21 - 1  # between two steps
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == rate(1000) == pytest.approx(0.001)
    assert max(rates) == rates[5] < 1.0
    assert rates[:5] == sorted(rates[:5])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[2] == pytest.approx(1.0 + (0.1 - 1.0) * (1 + math.cos(math.pi * 2 / top)) / 2)


def test_a_peak_at_the_first_step():
    rate = OneCycle(1.0, steps=10, rise=0.1)
    assert rate(0) == pytest.approx(1.0)
    assert rate(9) == pytest.approx(1 / 25 / 1e4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step(1.0, every=0), "Step: every: expected at least 1, got 0"),
        (lambda: Cosine(1.0, steps=0), "Cosine: steps: expected at least 1, got 0"),
        (lambda: WarmUp(Constant(1.0), steps=0), "WarmUp: steps: expected at least 1, got 0"),
        (lambda: OneCycle(1.0, steps=1), "OneCycle: steps: expected at least 2, got 1"),
        (lambda: OneCycle(1.0, steps=9, rise=1.0), r"OneCycle: rise: expected a share in \(0, 1\), got 1.0"),
    ],
)
def test_arguments_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_optimizer_follows_a_schedule_from_step_0():
    params = {"w": np.zeros(1)}
    optimizer = optim.SGD(params, Step(1.0, every=2, factor=0.1))
    moved = []
    for _ in range(4):
        before = params["w"].copy()
        optimizer.step({"w": np.ones(1)})
        moved.append(float(before[0] - params["w"][0]))
    assert moved == pytest.approx([1, 1, 0.1, 0.1])
    assert optimizer.lr == pytest.approx(0.01)
    optimizer.lr = Constant(7.0)
    assert optimizer.lr == 7.0
