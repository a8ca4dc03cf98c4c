"""The operators that are imported, and the call of one that a node asks for."""

from __future__ import annotations

import inspect

from . import families
from .graph import Node
from .registry import Call, UnsupportedError

__all__ = ["operators"]


def operators() -> list[str]:
    """Return the names of ONNX's operators that are imported, in alphabetical order.

    Returns
    -------
    list of str

    Examples
    --------
    >>> {"Conv", "Gemm", "BatchNormalization"} <= set(operators())
    True
    """
    return sorted(families.TABLE)


def bound(node: Node, opset: int) -> Call:
    """Return the call of a node; raise an UnsupportedError if it cannot be computed.

    Operands that a graph computes have no values yet, so they are not checked.
    """
    found = families.TABLE.get(node.op)
    if found is None:
        raise UnsupportedError(f"it has the operator {node.op}, which is not imported")
    unknown = node.attributes.keys() - found.attributes.keys()
    if unknown:
        raise UnsupportedError(f"{node} has the attribute {min(unknown)}, which is not imported")
    options = {**found.attributes, **node.attributes}
    missing = [name for name, value in options.items() if value is inspect.Parameter.empty]
    given = len(node.inputs)
    if missing or given < found.least or (given > found.most and not found.is_variadic):
        raise ValueError(f"{node} lacks {missing[0] if missing else 'an input, or has too many'}")
    return Call(found, options, len(node.outputs))
