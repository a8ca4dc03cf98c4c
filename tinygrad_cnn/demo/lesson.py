"""A training that goes on as far as the page asks, so that it can be watched, paused and stepped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from .. import data, models, ops, optim, tree
from ..autodiff import value_and_grad
from ..train import SavedModel
from ..types import NDArray
from .pictures import maps

RATES = (0.001, 0.01, 0.05, 0.2, 1.0)
"""The learning rates to choose from: two are too small, one is right, and with the largest it diverges."""

MOST_STEPS = 4000
"""The steps after which a training ends, so that what is kept of it stays small."""

_BATCH, _SAMPLES, _UNSEEN, _EXAMPLES = 32, 2000, 200, 20


class Lesson:
    """The baseline, trained on generated digits from the start, by plain stochastic gradient descent.

    Its `model` can read drawings at any time, with what it has learned so far.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        layer = models.baseline()
        self.model = SavedModel(
            "baseline", layer, *layer.init(np.random.default_rng(0)), data.Normalization.none(1)
        )
        self._restart(RATES[2])

    def _restart(self, rate: float) -> None:
        fresh, _ = self.model.layer.init(np.random.default_rng(0))
        for array, start in zip(tree.leaves(self.model.params), tree.leaves(fresh), strict=True):
            array[...] = start
        self._start = fresh["conv1"]["weight"][:, 0]
        self._rate, self._steps = rate, 0
        self._optimizer = optim.SGD(self.model.params, rate)
        self._batches = self._endless()

    @cached_property
    def _digits(self) -> tuple[data.Dataset, data.Dataset]:
        return data.digits(_SAMPLES, _UNSEEN)

    def _endless(self) -> Iterator[tuple[NDArray, ...]]:
        order = np.random.default_rng(1)
        while True:
            yield from data.batches(self._digits[0], _BATCH, order)

    def restart(self, rate: float) -> dict[str, Any]:
        """Begin anew, with one of `RATES`."""
        with self._lock:
            self._restart(rate)
            return self._seen([])

    def train(self, steps: int) -> dict[str, Any]:
        """Go some steps on, and tell what can be seen of it."""
        with self._lock:
            steps = min(steps, MOST_STEPS - self._steps)
            with np.errstate(all="ignore"):  # a rate that is too high ends in numbers that are none
                return self._seen([self._step() for _ in range(steps)])

    def _step(self) -> float:
        images, labels = next(self._batches)
        layer = self.model.layer

        def loss(params: Any) -> Any:
            return ops.cross_entropy(layer(params, {}, images, train=True)[0], labels)

        found, gradients = value_and_grad(loss)(self.model.params)
        self._optimizer.step(gradients)
        self._steps += 1
        return float(found)

    def _seen(self, losses: list[float]) -> dict[str, Any]:
        images, labels = self._digits[1]
        with np.errstate(all="ignore"):
            read = self.model.logits(images).argmax(1)
        kernels = self.model.params["conv1"]["weight"][:, 0]
        examples = range(_EXAMPLES)
        return {
            "steps": self._steps,
            "most": MOST_STEPS,
            "rate": self._rate,
            "rates": RATES,
            "losses": losses,
            "accuracy": float(np.mean(read == labels)),
            "filters": maps(kernels),
            "changes": maps(kernels - self._start),
            "examples": maps(images[:_EXAMPLES, 0]),
            "read": [int(read[i]) for i in examples],
            "labels": [int(labels[i]) for i in examples],
        }
