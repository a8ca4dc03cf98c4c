"""Optimizers and schedules take the steps that PyTorch's take."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_cnn as tg

torch = pytest.importorskip("torch", reason="PyTorch is the peer to compare with (the extra 'peers')")

IS_THOROUGH = settings.get_current_profile_name() == "thorough"


def examples(default, thorough):
    """Settings for a test by the active profile, which may be hypothesis's own."""
    return settings(max_examples=thorough if IS_THOROUGH else default, deadline=None)


# --- optimizers ---------------------------------------------------------------------------------------------

SMALL = (0.0, 0.01, 0.25)
OPTIMIZERS = {
    "SGD": (tg.optim.SGD, torch.optim.SGD, {"weight_decay": SMALL}),
    "SGD momentum": (tg.optim.SGD, torch.optim.SGD, {"momentum": (0.5, 0.9), "weight_decay": SMALL}),
    "SGD nesterov": (
        tg.optim.SGD,
        torch.optim.SGD,
        {"momentum": (0.5, 0.9), "nesterov": (True,), "weight_decay": SMALL},
    ),
    "Adam": (
        tg.optim.Adam,
        torch.optim.Adam,
        {"betas": ((0.9, 0.999), (0.5, 0.7), (0.0, 0.0)), "eps": (1e-8, 1e-3), "weight_decay": SMALL},
    ),
    "AdamW": (
        tg.optim.AdamW,
        torch.optim.AdamW,
        {"betas": ((0.9, 0.999), (0.5, 0.7)), "eps": (1e-8, 1e-3), "weight_decay": SMALL},
    ),
    "RMSprop": (
        tg.optim.RMSprop,
        torch.optim.RMSprop,
        {"alpha": (0.9, 0.99), "eps": (1e-8, 1e-3), "momentum": (0.0, 0.9), "weight_decay": SMALL},
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_agree_over_50_steps(name):
    ours, theirs, options = OPTIMIZERS[name]
    drawn = st.fixed_dictionaries({key: st.sampled_from(values) for key, values in options.items()})

    @examples(default=12, thorough=200)
    @given(drawn, st.sampled_from([0.001, 0.05]), st.integers(0, 2**16))
    def agree(chosen, lr, seed):
        rng = np.random.default_rng(seed)
        params = {"w": rng.standard_normal((3, 2)), "b": rng.standard_normal(2)}
        tensors = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
        optimizer, peer = ours(params, lr, **chosen), theirs(tensors.values(), lr, **chosen)
        for _ in range(50):
            pull = {key: rng.standard_normal(value.shape) for key, value in params.items()}
            # of the parameters too: an error in one step shows in the gradients of those that follow
            optimizer.step({key: params[key] ** 3 + pull[key] for key in params})
            for key, tensor in tensors.items():
                tensor.grad = tensor.detach() ** 3 + torch.from_numpy(pull[key])
            peer.step()
            for key, tensor in tensors.items():
                assert_allclose(params[key], tensor.detach(), rtol=1e-9, atol=1e-9)

    agree()


# --- schedules ----------------------------------------------------------------------------------------------


def torch_rates(make, lr, steps):
    """The rates that a PyTorch scheduler gives for steps 0, 1, ..."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@examples(default=30, thorough=300)
@given(st.sampled_from([0.01, 0.3]), st.integers(1, 9), st.sampled_from([0.1, 0.5]))
def test_the_step_schedule_agrees(lr, every, factor):
    rates = torch_rates(lambda o: torch.optim.lr_scheduler.StepLR(o, every, gamma=factor), lr, 30)
    assert_allclose([tg.optim.Step(lr, every=every, factor=factor)(i) for i in range(30)], rates, rtol=1e-9)


@examples(default=30, thorough=300)
@given(st.sampled_from([0.01, 0.3]), st.integers(1, 40), st.sampled_from([0.0, 0.001]))
def test_the_cosine_schedule_agrees(lr, steps, end):
    rates = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, steps, eta_min=end), lr, steps + 1
    )
    ours = [tg.optim.Cosine(lr, steps=steps, end=end)(i) for i in range(steps + 1)]
    assert_allclose(ours, rates, rtol=1e-9, atol=1e-12)


@examples(default=30, thorough=300)
@given(
    st.sampled_from([0.01, 0.3]),
    st.integers(10, 60),
    st.sampled_from([0.2, 0.3, 0.5]),
    st.sampled_from([10.0, 25.0]),
    st.sampled_from([1e2, 1e4]),
)
def test_the_one_cycle_schedule_agrees(lr, steps, rise, start, end):
    def make(optimizer):
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, lr, steps, pct_start=rise, div_factor=start, final_div_factor=end, cycle_momentum=False
        )

    rates = torch_rates(make, lr, steps - 1)
    ours = [tg.optim.OneCycle(lr, steps=steps, rise=rise, start=start, end=end)(i) for i in range(steps - 1)]
    assert_allclose(ours, rates, rtol=1e-9, atol=1e-12)


@examples(default=30, thorough=300)
@given(st.sampled_from([0.01, 0.3]), st.integers(1, 9))
def test_the_warm_up_agrees(lr, steps):
    rates = torch_rates(
        lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=1 / steps, total_iters=max(steps - 1, 1)),
        lr,
        20,
    )
    ours = [tg.optim.WarmUp(tg.optim.Constant(lr), steps=steps)(i) for i in range(20)]
    assert_allclose(ours, rates, rtol=1e-9)
