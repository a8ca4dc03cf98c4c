"""An optimizer among the arguments of a recorded function: its parameters, and its step as a line."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from ..optim import Optimizer
from .errors import RecordingError
from .traced import TracedArray, TracedSource
from .values import Method, Source

STEP = Method("step")


class TracedOptimizer(TracedSource):
    """What stands for an optimizer while a function is recorded.

    It has the parameters, as arrays of the program, and a step, which is one line.
    """

    def __init__(self, recorder: Any, source: Source, optimizer: Optimizer) -> None:
        self.recorder, self.source, self.hidden = recorder, source, optimizer
        arrays = recorder.run(parameters, (self,), {})
        for path, array in zip(tree.paths(optimizer.params), arrays, strict=True):
            array.value.name = path
            recorder.protect(array)
        self.params = tree.unflatten(tree.structure(optimizer.params), list(arrays))

    def step(self, grads: Any) -> None:
        """Record a step; gradients for all parameters are put in their order."""
        if tree.structure(grads) == tree.structure(self.params):
            grads = tree.map(_checked, self.params, grads)
        self.recorder.write_effect(STEP, (self, grads))

    def __getattr__(self, name: str) -> Any:
        raise RecordingError(
            f"a recorded function asks the optimizer for '{name}', which may change from step to step: a "
            "program has its params and its step(grads) alone"
        )


def _checked(param: TracedArray, g: Any) -> Any:
    if g.shape != param.shape:
        name = param.value.name
        raise ValueError(f"step: '{name}': expected a gradient of shape {param.shape}, got {g.shape}")
    return g


def parameters(optimizer: Optimizer) -> list[np.ndarray]:
    """Return the arrays that an optimizer updates, in the order of its tree."""
    return tree.leaves(tree.map(_array, optimizer.params))


def _array(leaf: Any) -> np.ndarray:
    array: np.ndarray = getattr(leaf, "data", leaf) if not isinstance(leaf, np.ndarray) else leaf
    return array
