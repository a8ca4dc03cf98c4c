"""From the bytes of an ONNX file to a graph: everything is checked here, before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import printable
from .families.casting import MOVERS, dtype_of, is_rare
from .graph import Graph, Node
from .lookup import bound
from .registry import UnsupportedError

OLDEST, NEWEST = 7, 28
_DOMAINS = ("", "ai.onnx")


def library() -> Any:
    """Return the package onnx."""
    try:
        import onnx
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError("onnx is not installed: python -m pip install 'tinygrad-cnn[onnx]'") from error
    return onnx


def read(source: str | os.PathLike[str] | bytes | Any) -> Graph:
    """Read a model from a file, its bytes, or a ``ModelProto``; see `network.load` for the errors."""
    onnx = library()
    if isinstance(source, onnx.ModelProto):
        return _graph_of_model(source)
    shown = "the bytes" if isinstance(source, bytes) else printable(str(source), 4096)
    body = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        return _graph_of_model(onnx.ModelProto.FromString(body))
    except Exception as error:  # protocol buffers raise many types
        why = printable(str(error) or type(error).__name__, 300)
        raise ValueError(
            f"{shown}: expected an ONNX model that can be imported, got another: {why}"
        ) from error


def _graph_of_model(model: Any) -> Graph:
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = next((versions[domain] for domain in _DOMAINS if domain in versions), None)
    if opset is None or not model.graph.node:
        raise ValueError("it has no nodes, or names no version of ONNX's operators")
    if not OLDEST <= opset <= NEWEST:
        raise ValueError(f"it is of version {opset} of ONNX's operators; {OLDEST} to {NEWEST} are known")
    if model.functions:
        raise ValueError("it defines functions of its own: inline them with onnx.inliner first")
    graph = _graph(model.graph, opset)
    _check_dtypes(model.graph, graph)
    return graph


def _graph(proto: Any, opset: int) -> Graph:
    arrays = {tensor.name: _array(tensor) for tensor in proto.initializer}
    if len(arrays) != len(proto.initializer) or proto.sparse_initializer:
        raise ValueError("it has an array twice, or a sparse one")
    inputs = tuple(value.name for value in proto.input if value.name not in arrays)
    outputs = tuple(value.name for value in proto.output)
    nodes = []
    for node in proto.node:
        if node.op_type == "Identity" and all(name in arrays for name in node.input):
            # PyTorch writes arrays that are equal once, and copies them; each is a parameter of its own
            arrays[node.output[0]] = arrays[node.input[0]]
        else:
            nodes.append(_node(node, opset))
    _check_names(nodes, [*inputs, *arrays], outputs)
    return Graph(proto.name, nodes, inputs, outputs, arrays, opset, _last_uses(nodes, outputs))


def _check_dtypes(proto: Any, graph: Graph) -> None:
    """Raise an error where a graph would compute with a dtype that NumPy does not have."""
    codes = {value.type.tensor_type.elem_type for value in (*proto.input, *proto.output)} - {0}
    codes |= {node.attributes["to"] for node in graph.nodes if "to" in node.attributes}
    arrays = [*graph.arrays.values(), *(node.attributes.get("value") for node in graph.nodes)]
    dtypes = {dtype_of(code) for code in codes} | {x.dtype for x in arrays if isinstance(x, np.ndarray)}
    others = [node for node in graph.nodes if node.op not in MOVERS]
    rare = sorted(dtype.name for dtype in dtypes if is_rare(dtype))
    if rare and others:
        raise UnsupportedError(f"{others[0]} of {rare[0]}, which NumPy does not compute with")


def _node(proto: Any, opset: int) -> Node:
    if proto.domain not in _DOMAINS:
        raise ValueError(
            f"it has the operator {proto.domain}.{proto.op_type}, which is not one of ONNX itself"
        )
    attributes = {a.name: _attribute(a) for a in proto.attribute}
    if len(attributes) != len(proto.attribute):
        raise ValueError(f"{proto.op_type} has an attribute twice")
    node = Node(proto.op_type, tuple(proto.input), tuple(proto.output), attributes, proto.name)
    bound(node, opset)  # which raises an error for what cannot be computed
    return node


def _attribute(proto: Any) -> Any:
    kinds = proto.AttributeType
    if proto.ref_attr_name:
        raise ValueError("an attribute refers to that of a function")
    if proto.type == kinds.TENSOR:
        return _array(proto.t)
    if proto.type == kinds.STRING:
        return proto.s.decode()
    if proto.type == kinds.STRINGS:
        return tuple(text.decode() for text in proto.strings)
    fields = {kinds.INT: "i", kinds.FLOAT: "f", kinds.INTS: "ints", kinds.FLOATS: "floats"}
    if proto.type not in fields:
        raise ValueError(f"the attribute {proto.name} is of a kind that cannot be read")
    value = getattr(proto, fields[proto.type])
    return value if isinstance(value, int | float) else tuple(value)


def _array(tensor: Any) -> np.ndarray:
    """Return the array of a tensor, which has to stand in the file itself."""
    onnx = library()
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ValueError(f"the array '{tensor.name}' stands in another file: save the model as one file")
    array = onnx.numpy_helper.to_array(tensor)
    if array.dtype == object:
        array = np.vectorize(lambda x: x.decode() if isinstance(x, bytes) else x, otypes=[object])(array)
    return np.array(array)


def _check_names(nodes: list[Node], given: list[str], outputs: Iterable[str]) -> None:
    """Raise a ValueError unless every name is made once, and before it is used."""
    made = set(given)
    if len(made) != len(given):
        raise ValueError("two inputs have one name")
    for node in nodes:
        if missing := [name for name in node.inputs if name and name not in made]:
            raise ValueError(f"{node} needs '{missing[0]}', which nothing before it makes")
        for name in filter(None, node.outputs):
            if name in made:
                raise ValueError(f"'{name}' is made twice")
            made.add(name)
    if missing := [name for name in outputs if name not in made]:
        raise ValueError(f"the output '{missing[0]}' is made by nothing")


def _last_uses(nodes: list[Node], outputs: Iterable[str]) -> list[tuple[str, ...]]:
    """List for each node the names that it makes or takes, and that nothing after it needs."""
    needed, free = set(outputs), []
    for node in reversed(nodes):
        names = {name for name in (*node.inputs, *node.outputs) if name}
        free.append(tuple(names - needed))
        needed |= names
    return free[::-1]
