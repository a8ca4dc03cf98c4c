"""From a function to an ONNX model: it is recorded, and each line of the program becomes a few nodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import nn, tree
from ...checks import function as check_function
from ...program.passes import PASSES
from ...program.program import Program, record
from ...tape import raw
from ...train import atomic
from ...types import NDArray
from .merging import Merged, merged
from .network import Network
from .reading import library
from .writer import Writer

__all__ = ["export", "save"]


def export(
    f: Callable[..., Any],
    weights: Sequence[Any],
    inputs: Sequence[Any],
    *,
    free_batch: bool = True,
) -> Any:
    """Return the ONNX model of a function: its forward half, with the weights in it.

    The function is recorded as `tinygrad_cnn.trace` does it, so what `compile` refuses is refused here too.

    Parameters
    ----------
    f : callable, Layer or Program
        A function ``f(*weights, *inputs)`` of arrays. If it derives too, as ``tg.value_and_grad(loss)`` does,
        what it computes on the way forward is exported. Of a layer, it is the output at inference.
    weights : sequence of tree
        The first arguments, such as ``(params, state)``. Their arrays become initializers, which are named by
        their paths in the trees.
    inputs : sequence of array
        Examples of the other arguments, which are the inputs of the model.
    free_batch : bool
        Whether the model takes any number of samples: of all inputs whose first axis is as long as that of
        the first one, this axis is free. The function is recorded twice for this, with another number of
        samples. The sizes of a `Program` are those that it was recorded with.

    Returns
    -------
    onnx.ModelProto
        A model of version 20 of ONNX's operators, that `onnx.checker` has checked.

    Raises
    ------
    ImportError
        If the package onnx is not installed.
    ValueError
        If a line has no counterpart in ONNX, or a number follows from the number of samples in a way that
        no shape can say. The message names the line.
    RecordingError
        If the function cannot be recorded.

    Examples
    --------
    >>> layer = nn.Sequential(fc=nn.Dense(3, 2))
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> model = export(layer, (params, state), (np.ones((1, 3), np.float32),))  # doctest: +SKIP
    >>> [x.op_type for x in model.graph.node], [x.name for x in model.graph.initializer]  # doctest: +SKIP
    (['MatMul', 'Add'], ['fc.weight', 'fc.bias'])
    """
    library()
    if not isinstance(f, Program):
        check_function("export", "f", f)
    if isinstance(f, nn.Layer | Network):
        f = _Output(f)
    examples = [np.asarray(raw(x)) for x in inputs]
    if isinstance(f, Program):
        program = merged(f, f)
    else:
        first = _recorded(f, weights, examples)
        program = merged(first, _recorded(f, weights, _resized(examples)) if free_batch else first)
    return _model(program, f, weights, examples)


class _Output:
    """The output of a layer at inference, as a function of parameters, state and input."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.__name__ = type(layer).__name__

    def __call__(self, params: Any, state: Any, x: Any) -> Any:
        """Apply the layer."""
        return self.layer(params, state, x)[0]


def _recorded(f: Callable[..., Any], weights: Sequence[Any], inputs: Sequence[NDArray]) -> Program:
    return record(f, (*weights, *inputs), {}).through(PASSES)


def _resized(inputs: Sequence[NDArray]) -> list[NDArray]:
    """Return inputs with one sample more."""
    count = next((len(x) for x in inputs if x.ndim), 0)
    is_batch = [x.ndim > 0 and len(x) == count for x in inputs]
    return [
        np.concatenate([x, x[:1]]) if batch and count else x
        for x, batch in zip(inputs, is_batch, strict=True)
    ]


def _model(program: Merged, f: Any, weights: Sequence[Any], inputs: Sequence[NDArray]) -> Any:
    onnx = library()
    arrays = tree.leaves(list(weights))
    arguments = program.arguments
    if len(arguments) != len(arrays) + len(inputs):
        raise ValueError(
            f"export: expected arrays among weights and inputs for {len(arguments)} arguments, got "
            f"{len(arrays) + len(inputs)}"
        )
    writer = Writer(program)
    for value, name, array in zip(
        arguments, _names(program.paths, len(arrays)), [*arrays, *inputs], strict=False
    ):
        if len(writer.names) < len(arrays):
            writer.weight(value, name, np.asarray(raw(array)))
        else:
            writer.input(value, name)
    for line in program.lines:
        writer.line(line)
    outputs = [writer.output(value, i) for i, value in enumerate(program.results)]
    graph = onnx.helper.make_graph(
        writer.nodes, program.name, writer.inputs, outputs, list(writer.initializers.values())
    )
    opset = [onnx.helper.make_opsetid("", Writer.opset)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9, producer_name="tinygrad_cnn")
    onnx.checker.check_model(model, full_check=True)
    return model


def _names(paths: list[str], count: int) -> list[str]:
    """Name weights by their paths in their trees, after the names of the trees where two would be alike."""
    short = [path.partition(".")[2] or path for path in paths[:count]]
    is_clear = len({*short, *paths[count:]}) == len(paths)
    return [*(short if is_clear else paths[:count]), *paths[count:]]


def save(path: str | os.PathLike[str], model: Any) -> None:
    """Write an ONNX model to a file, which is replaced in one move.

    Parameters
    ----------
    path : str or path
        The file to write.
    model : onnx.ModelProto
        What `export` has returned.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> save("model.onnx", export(layer, (params, state), (x,)))  # doctest: +SKIP
    """
    atomic.write(Path(path), [model.SerializeToString()])
