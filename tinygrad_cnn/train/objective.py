"""What a step of training computes before it updates: the loss, its gradients, and what comes beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import nn, tree
from ..autodiff import value_and_grad
from ..types import NDArray

Loss = Callable[[Any, Any], Any]
"""A function ``(outputs, labels)`` that returns the mean loss of a batch."""


Gradients = Callable[..., tuple[Any, Any]]
"""What `value_and_gradients` is: it returns ``((loss, (outputs, state)), gradients)``."""


Metric = Callable[[Any, Any], float]
"""A function ``(outputs, labels)`` that returns a mean over the samples."""


class Given(NamedTuple):
    """What the loss of a batch is a function of: the arguments of `objective`."""

    params: Any
    model: nn.Layer
    loss: Loss
    state: Any
    x: NDArray
    labels: NDArray
    rng: np.random.Generator


class Result(NamedTuple):
    """The mean loss of a batch, the outputs of the model, its new state, and the gradients."""

    loss: float
    outputs: NDArray
    state: Any
    grads: Any


def objective(
    params: Any, model: nn.Layer, loss: Loss, state: Any, x: NDArray, labels: Any, rng: np.random.Generator
) -> tuple[Any, tuple[Any, Any]]:
    """Return the loss of a batch, and beside it the outputs and the new state of the model.

    All arrays and the generator are arguments, so that one recording of it can serve every step.
    """
    outputs, state = model(params, state, x, train=True, rng=rng)
    return loss(outputs, labels), (outputs, state)


value_and_gradients = value_and_grad(objective, has_aux=True)


def result(gradients: Gradients, given: Given, parts: int) -> Result:
    """Compute the result of a batch, by `value_and_gradients` or a compiled form of it."""
    return _whole(gradients, given) if parts == 1 else _in_parts(gradients, given, parts)


def _whole(gradients: Gradients, given: Given) -> Result:
    (value, (outputs, state)), grads = gradients(*given)
    return Result(float(value), outputs, state, grads)


def _in_parts(gradients: Gradients, given: Given, parts: int) -> Result:
    """Compute the result of a batch part by part, so that memory need only hold the tape of one part.

    The means of the parts are weighted by their sizes, so they add up to the mean over the batch.
    """
    n, state, outputs, total, grads = len(given.x), given.state, [], 0.0, None
    for rows in np.array_split(np.arange(n), min(parts, n)):
        x, labels = given.x[rows], given.labels[rows]
        part = _whole(gradients, given._replace(state=state, x=x, labels=labels))
        weight = len(rows) / n
        state, total = part.state, total + weight * part.loss
        scaled = tree.map(lambda g, weight=weight: weight * g, part.grads)
        grads = scaled if grads is None else tree.map(np.add, grads, scaled)
        outputs.append(part.outputs)
    return Result(total, np.concatenate(outputs), state, grads)


def scores(metrics: Mapping[str, Metric], outputs: Any, labels: Any) -> dict[str, float]:
    """Return the values of all metrics by name."""
    return {name: float(metric(outputs, labels)) for name, metric in metrics.items()}
