"""What a network makes of a drawing: probabilities, feature maps, saliency, and the lines behind them."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Any

import numpy as np

from .. import data, ops
from ..autodiff import value_and_grad
from ..data.families import FAMILIES
from ..ops import softmax
from ..program import Program
from ..program.printed.source import SourceWriter, Statement
from ..program.stepping import steps
from ..program.tracing import trace
from ..train import SavedModel
from ..types import NDArray
from .pictures import maps, short

SIDE = 96
"""The rows and the columns of a drawing."""


def check_reads_digits(model: SavedModel) -> None:
    """Raise a ValueError unless a network takes images of digits as MNIST has them."""
    digits = FAMILIES["mnist"]
    if model.shape != digits.shape or model.classes != digits.classes:
        raise ValueError(
            f"expected a model of the ten digits, on images of shape {digits.shape}; got one of "
            f"{len(model.classes)} classes ({model.classes[0]} …), on images of shape {model.shape}"
        )


class Reader:
    """A network that looks at drawings.

    The program is recorded once. It computes the logits of an image, and the gradient of one of them with
    respect to the image, and is played line by line for each drawing.

    Parameters
    ----------
    model : SavedModel
        A network that reads digits.

    Raises
    ------
    ValueError
        If the network takes other images, or tells other classes.
    """

    def __init__(self, model: SavedModel) -> None:
        check_reads_digits(model)
        self.model = model
        self._lock = (
            threading.Lock()
        )  # drawings are read one after the other: all of them want the same cores

    def read(self, ink: bytes, target: int | None = None) -> dict[str, Any]:
        """Tell what a drawing is taken for, and what each line computes on the way.

        Parameters
        ----------
        ink : bytes
            The ink of each pixel of `SIDE` rows, from 0 to 255.
        target : int, optional
            The class whose logit the saliency is of; by default the likeliest.

        Raises
        ------
        ValueError
            If the sizes are others.
        """
        if len(ink) != SIDE * SIDE:
            raise ValueError(f"expected {SIDE * SIDE} bytes of ink, got {len(ink)}")
        image = data.prepare_digit(np.frombuffer(ink, np.uint8).reshape(SIDE, SIDE))
        with self._lock:
            logits = self.model.logits(image[None])[0]
            label = int(logits.argmax()) if target is None else target
            return {
                "image": maps(image),
                "logits": [float(x) for x in logits],
                "probabilities": [float(x) for x in softmax(logits)],
                "target": label,
                **self._played(image, label),
            }

    def described(self) -> dict[str, Any]:
        """Describe the network and its program, which are the same for all drawings."""
        statements = [
            {
                "text": statement.text,
                "shape": statement.kind,
                "layer": statement.line.layer,
                "backward": statement.backward,
            }
            for statement in self._statements
        ]
        return {"name": self.model.name, "classes": self.model.classes, "side": SIDE, "program": statements}

    def _arguments(self, image: NDArray, label: int) -> tuple[Any, ...]:
        params = self.model.params
        chosen = np.zeros((1, 10), np.float32)
        chosen[0, label] = 1
        return params, self.model.state, self.model.normalization(image[None]), chosen

    @cached_property
    def _program(self) -> Program:
        layer = self.model.layer

        def saliency(params: Any, state: Any, image: Any, chosen: Any) -> Any:
            def score(image: Any) -> Any:
                return ops.sum(layer(params, state, image)[0] * chosen)

            return value_and_grad(score)(image)

        return trace(saliency, *self._arguments(np.zeros((1, 28, 28), np.float32), 0))

    @cached_property
    def _statements(self) -> list[Statement]:
        return [x for x in SourceWriter(self._program).statements if x.kind]

    def _played(self, image: NDArray, label: int) -> dict[str, Any]:
        """Play the program, and keep what each line and each layer has computed."""
        args = self._arguments(image, label)
        shown = {x.line: i for i, x in enumerate(self._statements)}
        lines: list[dict[str, Any]] = [{}] * len(shown)
        layers: dict[str, int] = {}
        last: Any = None
        for step in steps(self._program, args, {}):
            if step.line in shown:
                place = shown[step.line]
                lines[place] = _summary(step.result)
                if not step.line.backward:
                    layers[step.line.layer.partition(".")[0]] = place
            last = step.result
        layers.pop("", None)
        return {
            "lines": lines,
            "layers": [{"name": name, "line": place} for name, place in layers.items()],
            "saliency": maps(np.asarray(last)[0]),
        }


def _summary(result: Any) -> dict[str, Any]:
    """Show the array that a line has computed: of a batch, its one image."""
    array = np.asarray(result, np.float32)
    if array.ndim in (2, 4) and len(array) == 1:
        array = array[0]
    if array.ndim == 4:  # the kernels of a convolution, one after the other
        array = array.reshape(-1, *array.shape[2:])
    if array.ndim == 2:
        array = array[None]
    return {**maps(array if array.ndim else array.reshape(1)), "range": _range(array)}


def _range(array: NDArray) -> str:
    if array.size == 1:
        return short(float(array.reshape(())))
    return f"{short(float(array.min()))} … {short(float(array.max()))}"
