"""How an operator of ONNX becomes a function: its signature says what the operator takes.

An operator of ONNX is a function on our operations. Its positional parameters are the inputs, with a default
where one may be absent, and its keyword parameters the attributes, under ONNX's names and with its defaults.
The keywords of `_CONTEXT` are not attributes: a function that names one of them is told.

The annotation of an input says how it is used:

- `Numbers`: its values decide something, such as a shape, so it has to be known when the graph is run;
- `State`: an array that is not trained. Where the function returns more than the node has outputs, these are
  the new values of its states.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...stand_in import StandIn
from ...tape import constant_for, raw

Numbers = Any
State = Any
_CONTEXT = {"opset", "count", "train", "rng"}


class UnsupportedError(ValueError):
    """The error for an operator, an attribute or a version that is not imported."""


class Operator:
    """One operator of ONNX.

    Parameters
    ----------
    name : str
        What ONNX calls it.
    function : callable
        What it computes.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name, self.function = name, function
        parameters = inspect.signature(function).parameters.values()
        positional = [p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        self.annotations = [p.annotation for p in positional]
        self.is_variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in positional)
        self.most = len(positional)
        self.least = sum(
            p.default is p.empty and p.kind is not inspect.Parameter.VAR_POSITIONAL for p in positional
        )
        keywords = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
        self.asks = [p.name for p in keywords if p.name in _CONTEXT]
        self.attributes = {p.name: p.default for p in keywords if p.name not in _CONTEXT}

    def kind(self, position: int) -> str:
        """Return the annotation of an input."""
        return str(self.annotations[min(position, self.most - 1)])


class Call(NamedTuple):
    """An operator with the attributes of a node."""

    operator: Operator
    options: dict[str, Any]
    wanted: int

    def __call__(self, operands: list[Any], **context: Any) -> tuple[Any, ...]:
        """Compute the outputs, and the new states after them."""
        operands = _beside(self.operator, operands)
        told = {name: self.wanted if name == "count" else context[name] for name in self.operator.asks}
        out = self.operator.function(*operands, **self.options, **told)
        return out if isinstance(out, tuple) else (out,)


TABLE: dict[str, Operator] = {}


def operator(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function into the table, under one or more of ONNX's names."""

    def entered(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            TABLE[name] = Operator(name, function)
        return function

    return entered


class Constant:
    """A constant of a graph, as a function that a line of a recorded program can call."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.__name__ = "constant"

    def __call__(self) -> np.ndarray:
        """Return the array."""
        return self.array


def _beside(operator: Operator, operands: list[Any]) -> list[Any]:
    """Let the constants among the operands be lines, where the others are arrays of a program."""
    like = next((x for x in operands if isinstance(raw(x), StandIn)), None)
    if like is None:
        return operands
    return [
        constant_for(like, Constant(x)) if type(x) is np.ndarray and operator.kind(i) != "Numbers" else x
        for i, x in enumerate(operands)
    ]
