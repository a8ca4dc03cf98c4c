"""Expressions that one types, read as a list of operations. Nothing of what was typed is ever run as code."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..types import NDArray

_LONGEST, _MOST_NODES, _MOST_NUMBERS = 200, 24, 16
_OPERATORS: dict[type[ast.AST], tuple[str, Any]] = {
    ast.Add: ("+", ops.add),
    ast.Sub: ("-", ops.subtract),
    ast.Mult: ("*", ops.multiply),
    ast.Div: ("/", ops.divide),
    ast.Pow: ("**", ops.power),
    ast.MatMult: ("@", ops.matmul),
}
_OF_ONE = (
    "abs", "cos", "cosh", "erf", "exp", "gelu", "log", "log1p", "max", "mean", "min", "prod", "relu",
    "sigmoid", "silu", "sin", "sinh", "softplus", "sqrt", "square", "sum", "tan", "tanh",
)  # fmt: skip
_OF_TWO = ("arctan2", "hypot", "logaddexp", "maximum", "minimum")
FUNCTIONS: dict[str, int] = {**dict.fromkeys(_OF_ONE, 1), **dict.fromkeys(_OF_TWO, 2)}
"""The functions that an expression may call, and how many operands they take."""

_TAKEN = {function.name for _, function in _OPERATORS.values()} | {"negative", "total", "np", "tg"}
Operand = str | float
"""The name of a variable or of a node, or a number."""


class Node(NamedTuple):
    """One operation of an expression: ``name = function(*operands)``."""

    name: str
    function: Callable[..., Any]
    operands: tuple[Operand, ...]
    text: str


def parse(text: str) -> tuple[list[str], list[Node]]:
    """Read an expression; return its variables, and its operations in the order in which they are computed.

    Raises
    ------
    ValueError
        If it has anything but numbers, variables, ``+ - * / ** @`` and `FUNCTIONS`, or too much of them.

    Examples
    --------
    >>> variables, nodes = parse("relu(w * x + 1)")
    >>> variables, [node.text for node in nodes]
    (['w', 'x'], ['w * x', 'multiply + 1', 'relu(add)'])
    >>> parse("open('file')")
    Traceback (most recent call last):
        ...
    ValueError: 'open' is no function here
    """
    if len(text) > _LONGEST:
        raise ValueError(f"an expression has at most {_LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError("this is no expression") from None
    reader = _Reader()
    last = reader.operand(tree.body)
    if not reader.variables:
        raise ValueError("an expression needs a variable, such as x")
    if not reader.nodes:
        raise ValueError(f"'{last}' alone computes nothing: try {last} * {last}")
    return reader.variables, reader.nodes


class _Reader:
    """Collects the variables and the nodes of one expression."""

    def __init__(self) -> None:
        self.variables: list[str] = []
        self.nodes: list[Node] = []

    def operand(self, node: ast.AST) -> Operand:
        """Read a part of the expression, and return what it is called."""
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return _number(value)
            case ast.Name(id=name):
                return self._variable(name)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -_number(value)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                operand = self.operand(inner)
                return self._node("negative", ops.negative, (operand,), f"-{_shown(operand)}")
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                sign, function = _OPERATORS[type(op)]
                operands = self.operand(left), self.operand(right)
                text = f"{_shown(operands[0])} {sign} {_shown(operands[1])}"
                return self._node(function.name, function, operands, text)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, args)
        written = ast.unparse(node)[:40]
        raise ValueError(f"'{written}' is none of: a number, a variable, + - * / ** @, a function")

    def _variable(self, name: str) -> str:
        if name in FUNCTIONS:
            raise ValueError(f"'{name}' is a function: {name}(x)")
        if name in _TAKEN:
            raise ValueError(f"'{name}' is the name of an operation: take another one for a variable")
        if len(name) > 12 or not name.isascii() or "_" in name:
            raise ValueError("a variable is a short word of letters and digits")
        if name not in self.variables:
            if len(self.variables) == 6:
                raise ValueError("an expression has at most 6 variables")
            self.variables.append(name)
        return name

    def _call(self, name: str, args: list[ast.expr]) -> str:
        if name not in FUNCTIONS:
            raise ValueError(f"'{name[:40]}' is no function here")
        if len(args) != FUNCTIONS[name]:
            raise ValueError(f"{name}: expected {FUNCTIONS[name]} in the brackets, got {len(args)}")
        operands = tuple(map(self.operand, args))
        return self._node(name, getattr(ops, name), operands, f"{name}({', '.join(map(_shown, operands))})")

    def _node(self, kind: str, function: Any, operands: tuple[Operand, ...], text: str) -> str:
        if len(self.nodes) == _MOST_NODES:
            raise ValueError(f"an expression has at most {_MOST_NODES} operations")
        count = sum(node.name.partition("_")[0] == kind for node in self.nodes)
        name = f"{kind}_{count + 1}" if count else kind
        self.nodes.append(Node(name, function, operands, text))
        return name


def _number(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("expected finite numbers")
    return number


def _shown(operand: Operand) -> str:
    return operand if isinstance(operand, str) else f"{operand:.6g}"


def read_value(name: str, text: str) -> NDArray:
    """Read the number, the list or the matrix that was typed for a variable.

    Examples
    --------
    >>> read_value("x", "[1, 2.5]")
    array([1. , 2.5])
    """
    try:
        found = np.array(json.loads(text) if len(text) <= _LONGEST else [])
    except (ValueError, RecursionError):
        found = np.array([])
    is_small = found.ndim <= 2 and 1 <= found.size <= _MOST_NUMBERS
    if found.dtype.kind not in "iuf" or not is_small or not np.isfinite(found).all():
        raise ValueError(
            f"{name}: expected a number or a list, such as 2 or [1, 2] or [[1, 2], [3, 4]], "
            f"of at most {_MOST_NUMBERS} numbers"
        )
    return found.astype(np.float64)
