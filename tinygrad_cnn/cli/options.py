"""What the options of `train` ask for: an optimizer with its schedule, and changed copies of images."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import data, optim
from ..types import NDArray

LR = {"sgd": 0.04, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001}
"""The rate at the start of each optimizer."""

LR_BATCH = 64
"""For smaller batches the rate of SGD shrinks in proportion (Goyal et al. 2017, section 2.1)."""

SCHEDULES: dict[str, Callable[[float, int], Callable[[int], float]]] = {
    "cosine": lambda lr, steps: optim.Cosine(lr, steps),
    "constant": lambda lr, steps: optim.Constant(lr),
    "step": lambda lr, steps: optim.Step(lr, every=max(1, steps // 3)),
    "warmup": lambda lr, steps: optim.WarmUp(
        optim.Cosine(lr, max(1, steps - steps // 20)), max(1, steps // 20)
    ),
    "onecycle": lambda lr, steps: optim.OneCycle(lr, max(2, steps)),
}
"""Each makes a schedule of the highest rate and the number of steps of the run."""

AUGMENTATIONS: dict[str, Any] = {
    "shift": data.Shift,
    "crop": data.Crop,
    "flip": data.Flip,
    "rotate": data.Rotate,
    "elastic": data.Elastic,
}
"""The changed copies by the names that ``--augment`` knows."""


def optimizer(args: argparse.Namespace, params: Any, n: int) -> optim.Optimizer:
    """Make the optimizer for n samples an epoch."""
    lr = args.lr
    if lr is None:
        lr = LR[args.optimizer] * (min(1, args.batch_size / LR_BATCH) if args.optimizer == "sgd" else 1)
    schedule = SCHEDULES[args.schedule](lr, args.epochs * math.ceil(n / args.batch_size))
    decay = {} if args.weight_decay is None else {"weight_decay": args.weight_decay}
    if args.optimizer == "sgd":
        return optim.SGD(params, schedule, momentum=args.momentum, **decay)
    return {"adam": optim.Adam, "adamw": optim.AdamW, "rmsprop": optim.RMSprop}[args.optimizer](
        params, schedule, **decay
    )


def augmentation(text: str) -> data.InTurn:
    """Read what ``--augment`` asks for, such as ``shift:2,rotate``."""
    steps = []
    for part in text.split(","):
        name, _, amount = part.partition(":")
        if name not in AUGMENTATIONS or (name == "flip" and amount):
            known = ", ".join(AUGMENTATIONS)
            raise argparse.ArgumentTypeError(
                f"expected some of {known} with commas between them, got '{part}'"
            )
        try:
            number = [int(amount) if name == "crop" else float(amount)] if amount else []
            steps.append(AUGMENTATIONS[name](*number))
        except (TypeError, ValueError):
            raise argparse.ArgumentTypeError(
                f"expected an amount that '{name}' can have, got '{part}'"
            ) from None
    return data.InTurn(tuple(steps))


class Normalized:
    """The normalisation of images in the form of a changed copy."""

    def __init__(self, normalization: data.Normalization) -> None:
        self.normalization = normalization

    def __call__(self, images: NDArray, rng: np.random.Generator) -> NDArray:
        """Return normalised images; nothing is drawn."""
        return self.normalization(images)
