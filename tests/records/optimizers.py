"""One record for each optimizer and each schedule: its formula, its options, PyTorch's name for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_cnn import optim


@dataclass(frozen=True, kw_only=True)
class OptimizerRecord:
    """An optimizer of the package.

    Parameters
    ----------
    make : class
        The optimizer, called with the parameters, the learning rate and the options.
    formula : callable
        ``(p, g, lr, memory, **options) -> p``, written independently of the package; ``memory`` is a dict,
        empty before the first step.
    options : tuple of dict
        Options to test, the first of which are the defaults.
    intervals : dict of str to str
        Where each number must lie; a name may end in the index of an entry, as ``betas[0]``.
    refused : tuple of (dict, str)
        Other options that are refused, with the message.
    """

    make: Callable[..., optim.Optimizer]
    formula: Callable[..., Any]
    options: tuple[dict[str, Any], ...]
    intervals: Mapping[str, str]
    refused: tuple[tuple[dict[str, Any], str], ...] = ()

    @property
    def name(self) -> str:
        """The name of the class, which is PyTorch's name for it too."""
        return self.make.__name__


def sgd(p, g, lr, memory, *, momentum=0.0, nesterov=False, weight_decay=0.0):
    g = g + weight_decay * p
    v = memory["v"] = momentum * memory.get("v", 0.0) + g
    return p - lr * (g + momentum * v if nesterov else v)


def adam(p, g, lr, memory, *, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    g = g + weight_decay * p
    t = memory["t"] = memory.get("t", 0) + 1
    m = memory["m"] = betas[0] * memory.get("m", 0.0) + (1 - betas[0]) * g
    v = memory["v"] = betas[1] * memory.get("v", 0.0) + (1 - betas[1]) * g**2
    return p - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)


def adamw(p, g, lr, memory, *, weight_decay=0.01, **options):
    return adam(p * (1 - lr * weight_decay), g, lr, memory, **options)


def rmsprop(p, g, lr, memory, *, alpha=0.99, eps=1e-8, momentum=0.0, weight_decay=0.0):
    g = g + weight_decay * p
    s = memory["s"] = alpha * memory.get("s", 0.0) + (1 - alpha) * g**2
    v = memory["v"] = momentum * memory.get("v", 0.0) + g / (np.sqrt(s) + eps)
    return p - lr * v


def adagrad(p, g, lr, memory, *, eps=1e-10, weight_decay=0.0, initial_accumulator_value=0.0):
    g = g + weight_decay * p
    s = memory["s"] = memory.get("s", initial_accumulator_value) + g**2
    return p - lr * g / (np.sqrt(s) + eps)


ADAM_INTERVALS = {"betas[0]": "[0, 1)", "betas[1]": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"}

OPTIMIZERS = [
    OptimizerRecord(
        make=optim.SGD,
        formula=sgd,
        options=(
            {},
            {"momentum": 0.9},
            {"momentum": 0.9, "nesterov": True},
            {"weight_decay": 0.05},
            {"momentum": 0.8, "weight_decay": 0.05},
            {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
        ),
        intervals={"momentum": "[0, 1)", "weight_decay": "[0, inf]"},
        refused=(({"nesterov": True}, r"SGD: nesterov .* needs momentum > 0"),),
    ),
    OptimizerRecord(
        make=optim.Adam,
        formula=adam,
        options=({}, {"betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.05}, {"betas": (0.0, 0.0)}),
        intervals=ADAM_INTERVALS,
    ),
    OptimizerRecord(
        make=optim.AdamW,
        formula=adamw,
        options=({}, {"betas": (0.0, 0.9), "eps": 0.1, "weight_decay": 0.3}, {"weight_decay": 0.0}),
        intervals=ADAM_INTERVALS,
    ),
    OptimizerRecord(
        make=optim.RMSprop,
        formula=rmsprop,
        options=(
            {},
            {"alpha": 0.5, "eps": 0.1, "weight_decay": 0.05},
            {"alpha": 0.9, "momentum": 0.8},
            {"alpha": 0.0, "momentum": 0.5, "eps": 0.01},
        ),
        intervals={"alpha": "[0, 1)", "momentum": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
    ),
    OptimizerRecord(
        make=optim.Adagrad,
        formula=adagrad,
        options=({}, {"eps": 0.1, "weight_decay": 0.05}, {"initial_accumulator_value": 0.5}),
        intervals=dict.fromkeys(("eps", "weight_decay", "initial_accumulator_value"), "[0, inf]"),
    ),
]


@dataclass(frozen=True, kw_only=True)
class ScheduleRecord:
    """A schedule of the package.

    Parameters
    ----------
    make : class
        The schedule.
    formula : callable
        ``(step, **options) -> rate``, written independently of the package.
    options : tuple of dict
        All arguments by name, to test.
    torch : callable
        ``(torch.optim.lr_scheduler, optimizer, **options)``, which makes PyTorch's counterpart. Up to step
        ``steps`` it gives the same rates.
    intervals : dict of str to str
        Where each number must lie.
    """

    make: Callable[..., Callable[[int], float]]
    formula: Callable[..., float]
    options: tuple[dict[str, Any], ...]
    torch: Callable[..., Any]
    intervals: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.make.__name__


def half_cosine(start, end, share):
    return start * (1 + math.cos(math.pi * share)) / 2 + end * (1 - math.cos(math.pi * share)) / 2


def one_cycle(step, *, lr, steps, rise=0.3, start=25.0, end=1e4):
    top = rise * steps - 1
    if step < top:
        return half_cosine(lr / start, lr, step / top)
    return half_cosine(lr, lr / start / end, min((step - top) / (steps - 1 - top), 1))


def torch_one_cycle(schedulers, optimizer, *, lr, steps, rise=0.3, start=25.0, end=1e4):
    shares = {"pct_start": rise, "div_factor": start, "final_div_factor": end}
    return schedulers.OneCycleLR(optimizer, lr, steps, cycle_momentum=False, **shares)


RATE = {"lr": "[0, inf)"}

SCHEDULES = [
    ScheduleRecord(
        make=optim.Constant,
        formula=lambda step, *, lr: lr,
        options=({"lr": 0.3},),
        torch=lambda schedulers, optimizer, *, lr: schedulers.ConstantLR(optimizer, factor=1),
        intervals=RATE,
    ),
    ScheduleRecord(
        make=optim.Step,
        formula=lambda step, *, lr, every, factor=0.1: lr * factor ** (step // every),
        options=({"lr": 1.0, "every": 3, "factor": 0.5}, {"lr": 0.3, "every": 1}, {"lr": 0.3, "every": 7}),
        torch=lambda schedulers, optimizer, *, lr, every, factor=0.1: schedulers.StepLR(
            optimizer, every, gamma=factor
        ),
        intervals=RATE | {"every": "[1, inf]", "factor": "[0, inf)"},
    ),
    ScheduleRecord(
        make=optim.Cosine,
        formula=lambda step, *, lr, steps, end=0.0: half_cosine(lr, end, min(step / steps, 1)),
        options=(
            {"lr": 1.0, "steps": 8, "end": 0.2},
            {"lr": 0.3, "steps": 40},
            {"lr": 0.3, "steps": 1, "end": 0.1},
        ),
        torch=lambda schedulers, optimizer, *, lr, steps, end=0.0: schedulers.CosineAnnealingLR(
            optimizer, steps, eta_min=end
        ),
        intervals=RATE | {"steps": "[1, inf]", "end": "[0, inf)"},
    ),
    ScheduleRecord(
        make=optim.OneCycle,
        formula=one_cycle,
        options=(
            {"lr": 1.0, "steps": 21, "rise": 0.25, "start": 10.0, "end": 100.0},  # the top is between steps
            {"lr": 0.3, "steps": 10, "rise": 0.5},
            {"lr": 0.3, "steps": 40},
        ),
        torch=torch_one_cycle,
        intervals=RATE | {"steps": "[2, inf]", "rise": "(0, 1)", "start": "(0, inf)", "end": "(0, inf)"},
    ),
    ScheduleRecord(
        make=optim.WarmUp,
        formula=lambda step, *, schedule, steps: (
            schedule(0) * (step + 1) / steps if step < steps else schedule(step - steps)
        ),
        options=(
            {"schedule": optim.Constant(0.3), "steps": 4},
            {"schedule": optim.Constant(0.3), "steps": 1},
            {"schedule": optim.Step(1.0, every=2, factor=0.5), "steps": 3},
        ),
        torch=lambda schedulers, optimizer, *, schedule, steps: schedulers.LinearLR(
            optimizer, start_factor=1 / steps, total_iters=max(steps - 1, 1)
        ),
        intervals={"steps": "[1, inf]"},
    ),
]
