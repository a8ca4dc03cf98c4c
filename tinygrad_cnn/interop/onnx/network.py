"""An imported model: its graph, called as a layer is."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ... import tree
from ...tape import raw
from .graph import Graph
from .lookup import bound
from .reading import read
from .registry import Call

__all__ = ["Network", "load"]


class Network:
    """A graph of ONNX as a function of parameters, state and inputs; `load` makes it.

    It is called as a layer is, holds no arrays that are trained, and can be differentiated, compiled and
    given to `train.Trainer`.

    Attributes
    ----------
    inputs, outputs : tuple of str
        The names of the arguments and of the results, in the file.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.inputs, self.outputs = graph.inputs, graph.outputs
        self._calls = [bound(node, graph.opset) for node in graph.nodes]
        self._places = _places(graph, self._calls)
        self._paths = _paths(list(self._places))

    def __reduce__(self) -> tuple[Any, ...]:
        return Network, (self._graph,)  # the calls of its nodes are found anew

    def arrays(self) -> tuple[Any, Any]:
        """Return the parameters and the state as the file has them, in new arrays.

        Returns
        -------
        params, state : dict
            Trees whose keys are the names in the file, taken apart at the dots.
        """
        params: dict[str, Any] = {}
        state: dict[str, Any] = {}
        for name, (*outer, last) in self._paths.items():
            into = params if self._places[name] == "params" else state
            for key in outer:
                into = into.setdefault(key, {})
            into[last] = self._graph.arrays[name].copy()
        return params, state

    def __call__(
        self,
        params: Any,
        state: Any,
        *inputs: Any,
        train: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Any, Any]:
        """Compute the graph.

        Parameters
        ----------
        params, state : dict
            What `load` returned, or trees like these.
        *inputs : ndarray or Tensor
            One for each of the names in ``inputs``.
        train : bool
            Whether to behave as in training, with batch statistics and dropout.
        rng : numpy.random.Generator, optional
            The source of the random numbers of dropout in training.

        Returns
        -------
        y : ndarray or Tensor, or a tuple of them
            The results, a tuple if there are several.
        state : dict
            The state for the next call.

        Raises
        ------
        TypeError
            If there are more or fewer inputs.
        """
        if len(inputs) != len(self.inputs):
            raise TypeError(f"{self!r}: expected the inputs {', '.join(self.inputs)}, got {len(inputs)}")
        values = dict(self._graph.arrays)
        for name, path in self._paths.items():
            values[name] = _at(params if self._places[name] == "params" else state, path)
        values.update(zip(self.inputs, inputs, strict=True))
        moved = self._run(values, train, rng)
        for name, value in moved.items():
            state = _with(state, self._paths[name], raw(value))
        outputs = tuple(values[name] for name in self.outputs)
        return (outputs[0] if len(outputs) == 1 else outputs), state

    def _run(self, values: dict[str, Any], train: bool, rng: Any) -> dict[str, Any]:
        """Compute all nodes, add what they return to the values, and return what the states become."""
        graph = self._graph
        told = {"opset": graph.opset, "train": train, "rng": rng}
        moved: dict[str, Any] = {}
        for node, call, free in zip(graph.nodes, self._calls, graph.free, strict=True):
            operands = [values[name] if name else None for name in node.inputs]
            try:
                out = call(operands, **told)
            except Exception as error:
                error.add_note(f"in the node {node} of the graph '{graph.name}'")
                raise
            values.update((name, x) for name, x in zip(node.outputs, out, strict=False) if name)
            states = [name for i, name in enumerate(node.inputs) if call.operator.kind(i) == "State"]
            moved.update(zip(states, out[len(node.outputs) :], strict=False))
            for name in free:
                values.pop(name, None)
        return {name: value for name, value in moved.items() if name in self._paths}

    def __repr__(self) -> str:
        return f"<network '{self._graph.name}': {', '.join(self.inputs)} -> {', '.join(self.outputs)}>"


tree.register_leaf(Network)


def load(source: str | os.PathLike[str] | bytes | Any) -> tuple[Network, Any, Any]:
    """Read an ONNX model as a function with its parameters and state.

    Parameters
    ----------
    source : str, path, bytes or onnx.ModelProto
        The file, what stands in it, or what the package onnx has made of it.

    Returns
    -------
    network : Network
        The function: ``y, state = network(params, state, x)``.
    params : dict
        The floating arrays that are trained: those with an axis, which decide no shape.
    state : dict
        The running statistics of batch normalisations.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If the package onnx is not installed.
    ValueError
        If the file is damaged, or has an operator, an attribute or a version that is not imported; see
        `operators`. The message is one line.

    Examples
    --------
    >>> network, params, state = load("model.onnx")  # doctest: +SKIP
    >>> logits, _ = network(params, state, images)  # doctest: +SKIP
    """
    network = Network(read(source))
    return network, *network.arrays()


def _places(graph: Graph, calls: list[Call]) -> dict[str, str]:
    """Say for each array that is no constant whether it is one of the parameters or of the state."""
    places = {
        name: "params" for name, array in graph.arrays.items() if array.dtype.kind == "f" and array.ndim
    }
    for node, call in zip(graph.nodes, calls, strict=True):
        for i, name in enumerate(node.inputs):
            if name in places and call.operator.kind(i) == "State":
                places[name] = "state"
    for node, call in zip(graph.nodes, calls, strict=True):
        for i, name in enumerate(node.inputs):
            if call.operator.kind(i) == "Numbers":
                places.pop(name, None)
    return places


def _paths(names: list[str]) -> dict[str, tuple[str, ...]]:
    """Take names apart at the dots, unless one would be a leaf and a branch at once."""
    paths = {name: tuple(name.split(".")) for name in names}
    taken = set(paths.values())
    is_clear = all(path[:end] not in taken for path in taken for end in range(1, len(path)))
    return paths if is_clear and len(taken) == len(names) else {name: (name,) for name in names}


def _at(arrays: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        arrays = arrays[key]
    return arrays


def _with(arrays: Any, path: tuple[str, ...], value: Any) -> Any:
    """Return a tree with another leaf at a path."""
    if not path:
        return value
    return {**arrays, path[0]: _with(arrays[path[0]], path[1:], value)}
