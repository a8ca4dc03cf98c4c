"""The forward and the backward of an expression, one node at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..autodiff import vjp
from ..program.printed.source import SourceWriter
from ..program.tracing import trace
from ..types import NDArray
from .expression import FUNCTIONS, Node, parse, read_value
from .pictures import short


def walk(body: bytes) -> dict[str, Any]:
    """Describe each step of computing an expression and its gradients.

    Parameters
    ----------
    body : bytes
        An object of JSON: the ``expression``, and the ``values`` of its variables, as texts. A variable
        without a value is 1.

    Raises
    ------
    ValueError
        If the expression or a value cannot be read, or if the shapes do not fit.
    """
    try:
        asked = json.loads(body)
        text, typed = str(asked["expression"]), dict(asked["values"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError("expected an expression and values") from None
    variables, nodes = parse(text)
    values = {name: read_value(name, str(typed.get(name, "1"))) for name in variables}
    with np.errstate(all="ignore"):
        forward = [_computed(node, values) for node in nodes]
        if values[nodes[-1].name].ndim:
            nodes = [*nodes, Node("total", ops.sum, (nodes[-1].name,), f"sum({nodes[-1].name})")]
            forward.append(_computed(nodes[-1], values))
        backward = _backward(nodes, values)
    return {
        "variables": [{"name": name, "value": written(values[name])} for name in variables],
        "nodes": forward,
        "backward": backward,
        "functions": list(FUNCTIONS),
    }


def _computed(node: Node, values: dict[str, NDArray]) -> dict[str, Any]:
    """Compute one node from what it is made of, and describe it."""
    try:
        operands = (values[x] for x in node.operands if isinstance(x, str))
        values[node.name] = np.asarray(_of_named(node)(*operands))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{node.text}: {str(error).splitlines()[0]}") from None
    return {
        "name": node.name,
        "text": node.text,
        "operands": [x for x in node.operands if isinstance(x, str)],
        "value": written(values[node.name]),
    }


def _backward(nodes: list[Node], values: dict[str, NDArray]) -> list[dict[str, Any]]:
    """Walk from the result to the variables; each step is what a node hands on to one of its operands."""
    last = nodes[-1].name
    sums: dict[str, NDArray] = {last: np.ones_like(values[last])}
    found = [{"node": last, "to": last, "lines": [f"d_{last} = 1"], "gradient": written(sums[last])}]
    for node in reversed(nodes):
        given = [x for x in node.operands if isinstance(x, str)]
        for i, operand in enumerate(given):
            if node.name not in sums:
                continue
            _, pull = vjp(_of_named(node), *(values[x] for x in given))
            part = np.asarray(pull(sums[node.name])[i])
            lines = _derived(node, i, values, sums[node.name])
            if operand in sums:  # a value that is used twice has the sum of what comes back
                lines[-1] = lines[-1].replace(f"d_{operand} = ", f"d_{operand} += ", 1)
                sums[operand] = sums[operand] + part
            else:
                sums[operand] = part
            step = {"node": node.name, "to": operand, "lines": lines, "part": written(part)}
            found.append({**step, "gradient": written(sums[operand])})
    return found


def _of_named(node: Node) -> Callable[..., Any]:
    """Return the operation of a node as a function of the operands that are no numbers."""

    def function(*given: Any) -> Any:
        supply = iter(given)
        return node.function(*(next(supply) if isinstance(x, str) else x for x in node.operands))

    return function


def _derived(node: Node, i: int, values: dict[str, NDArray], g: NDArray) -> list[str]:
    """Write the lines that the tape has derived for what a node hands on to one operand."""
    given = [x for x in node.operands if isinstance(x, str)]
    held = {x: values[x] for x in given}

    def pulled(held: dict[str, Any]) -> Any:
        _, pull = vjp(_of_named(node), *(held[x] for x in given))
        return pull(held[f"d_{node.name}"])[i]

    program = trace(pulled, {f"d_{node.name}": g, **held})
    results = program.values()
    for line in program.lines:
        if line.result in results:
            line.result.name = f"d_{given[i]}"
        elif not line.backward:
            line.result.name = node.name
    statements = [x for x in SourceWriter(program).statements if x.line.backward]
    if not statements:  # the gradient goes on as it is
        return [f"d_{given[i]} = d_{node.name}"]
    lines = [f"{x.text.partition(' = ')[0]} = {x.formula}" if x.formula else x.text for x in statements]
    return [line.replace("tg.", "") for line in lines]


def written(array: NDArray) -> str:
    """Write the numbers of an array as a list."""
    if array.ndim == 0:
        return short(float(array))
    return f"[{', '.join(written(part) for part in array)}]"
