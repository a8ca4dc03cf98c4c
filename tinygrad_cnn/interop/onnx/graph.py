"""What an ONNX model is made of, without the classes of protocol buffers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...types import NDArray


@dataclass(frozen=True, eq=False)
class Node:
    """One call of an operator: the names of inputs and outputs, "" for one that is left out."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    name: str = ""

    def __str__(self) -> str:
        return f"{self.op} '{self.name}'" if self.name else self.op


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which they can be computed.

    Parameters
    ----------
    name : str
        The name in the file.
    nodes : list of Node
        The calls.
    inputs, outputs : tuple of str
        The names of the arguments, without those that have a value in ``arrays``, and of the results.
    arrays : dict of str to ndarray
        The initializers: parameters and constants by name.
    opset : int
        The version of the operators.
    """

    name: str
    nodes: list[Node]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    arrays: dict[str, NDArray]
    opset: int
    free: list[tuple[str, ...]] = field(default_factory=list)  # the names that nobody needs after each node
