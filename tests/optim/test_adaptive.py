"""Adam, AdamW and RMSprop, by the formulas of their docstrings; PyTorch's are in tests/peers."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn import Tensor
from tinygrad_cnn.optim import Adam, AdamW, RMSprop


def by_adam(p, g, lr, state, *, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = g + weight_decay * p
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = betas[0] * state.get("m", 0.0) + (1 - betas[0]) * g
    v = state["v"] = betas[1] * state.get("v", 0.0) + (1 - betas[1]) * g**2
    return p - lr * (m / (1 - betas[0] ** t)) / (math.sqrt(v / (1 - betas[1] ** t)) + eps)


def by_adamw(p, g, lr, state, *, weight_decay=0.01, **options):
    return by_adam(p * (1 - lr * weight_decay), g, lr, state, **options)


def by_rmsprop(p, g, lr, state, *, alpha=0.99, eps=1e-8, momentum=0.0, weight_decay=0.0):
    g = g + weight_decay * p
    v = state["v"] = alpha * state.get("v", 0.0) + (1 - alpha) * g**2
    b = state["b"] = momentum * state.get("b", 0.0) + g / (math.sqrt(v) + eps)
    return p - lr * b


CASES = [
    (Adam, by_adam, {}),
    (Adam, by_adam, {"betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.05}),
    (AdamW, by_adamw, {}),
    (AdamW, by_adamw, {"betas": (0.0, 0.9), "eps": 0.1, "weight_decay": 0.3}),
    (RMSprop, by_rmsprop, {}),
    (RMSprop, by_rmsprop, {"alpha": 0.5, "eps": 0.1, "weight_decay": 0.05}),
    (RMSprop, by_rmsprop, {"alpha": 0.9, "momentum": 0.8}),
]


@pytest.mark.parametrize(("make", "formula", "options"), CASES)
def test_fifty_steps_follow_the_formula(make, formula, options):
    rng = np.random.default_rng(0)
    params = {"w": rng.standard_normal(3)}
    expected, states = params["w"].tolist(), [{}, {}, {}]
    optimizer = make(params, 0.05, **options)
    for _ in range(50):
        g = params["w"] ** 3 + rng.standard_normal(3)
        before = g.copy()
        optimizer.step({"w": g})
        assert_array_equal(g, before)
        expected = [
            formula(p, float(d), 0.05, s, **options) for p, d, s in zip(expected, g, states, strict=True)
        ]
        assert_allclose(params["w"], expected, rtol=1e-12)


@pytest.mark.parametrize("make", [Adam, AdamW])
def test_a_tensor_that_missed_steps_corrects_its_bias_from_its_own_first(make):
    late, always = (Tensor(np.ones(1), requires_grad=True) for _ in range(2))
    optimizer = make({"late": late, "always": always}, 0.1, weight_decay=0.0)
    for _ in range(3):
        always.grad = np.ones(1)
        optimizer.step()
    assert_array_equal(late.data, [1])
    late.grad = np.full(1, 5.0)
    optimizer.step()
    assert_allclose(late.data, [0.9], rtol=1e-8)  # a first step is lr long, whatever the gradient


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: Adam(p, betas=(1.0, 0.9)), r"Adam: betas\[0\]: expected a number in \[0, 1\), got 1.0"),
        (
            lambda p: AdamW(p, betas=(0.9, -0.1)),
            r"AdamW: betas\[1\]: expected a number in \[0, 1\), got -0.1",
        ),
        (lambda p: Adam(p, eps=-1.0), "Adam: eps: expected a number not below 0, got -1.0"),
        (lambda p: AdamW(p, weight_decay=-1.0), "AdamW: weight_decay: expected a number not below 0"),
        (lambda p: RMSprop(p, alpha=1.0), r"RMSprop: alpha: expected a number in \[0, 1\), got 1.0"),
        (lambda p: RMSprop(p, momentum=1.0), r"RMSprop: momentum: expected a number in \[0, 1\), got 1.0"),
        (lambda p: RMSprop(p, eps=np.nan), "RMSprop: eps: expected a number not below 0, got nan"),
        (lambda p: RMSprop(p, weight_decay=-1.0), "RMSprop: weight_decay: expected a number not below 0"),
    ],
)
def test_numbers_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make({"w": np.ones(1)})
