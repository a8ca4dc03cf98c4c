"""What a gradient rule computes, as one formula: read from the source of a rule that is a lambda."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import linecache
from collections.abc import Callable
from types import CodeType
from typing import Any

from ... import ops
from ..parts import by_name
from ..rules import RuleCall

# They differ from the operators only where a cotangent is zero.
_OPERATORS: dict[str, ast.operator] = {"times": ast.Mult(), "over": ast.Div()}


def formula(rule: RuleCall, names: list[str], ndims: list[int]) -> str:
    """Return what a rule computes, with other names for its parameters, or nothing if it is no formula.

    Examples
    --------
    >>> from tinygrad_cnn import ops
    >>> formula(RuleCall.of(ops.exp, "x"), ["d_y", "y"], [1, 1])
    'd_y * y'
    """
    if rule.op.name == "matmul" and rule.operand == "a" and ndims == [2, 2, 2]:
        return f"{names[0]} @ {names[2]}.T"  # the commonest of its cases
    tree = _lambda(rule.function)
    if tree is None:
        return ""
    called = {
        node.func.id
        for node in ast.walk(tree.body)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    if not called <= {*dir(ops), *_OPERATORS, "raw", *(f"_{name}" for name in by_name())}:
        return ""  # a helper of the rules says nothing to who reads the formula
    texts = dict(zip([arg.arg for arg in tree.args.args], names, strict=True))
    body = copy.deepcopy(tree.body)
    return ast.unparse(ast.fix_missing_locations(_Renamed(texts).visit(body)))


class _Renamed(ast.NodeTransformer):
    """Put names in the places of parameters, and operators in the places of `times` and `over`."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def visit_Name(self, node: ast.Name) -> ast.AST:  # the name that `ast` asks for
        return ast.parse(self.texts[node.id], mode="eval").body if node.id in self.texts else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = getattr(node.func, "id", "")
        if name in _OPERATORS and len(node.args) == 2:
            return ast.BinOp(node.args[0], _OPERATORS[name], node.args[1])
        if name == "raw":
            return node.args[0]
        return ast.Call(ast.Name(name.lstrip("_")), node.args, node.keywords) if name else node


@functools.lru_cache(maxsize=256)
def _lambda(function: Callable[..., Any]) -> ast.Lambda | None:
    """Find a lambda in the source of its file: it is the one that begins where its code does."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or code.co_name != "<lambda>":
        return None
    tree = _tree(code.co_filename)
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)] if tree else []
    parameters = list(inspect.signature(function).parameters)
    columns = {(line, column) for line, _, column, _ in code.co_positions() if column is not None}
    for node in lambdas:
        starts = {
            (part.lineno, part.col_offset) for part in ast.walk(node.body) if isinstance(part, ast.expr)
        }
        if [arg.arg for arg in node.args.args] == parameters and columns & starts:
            return node
    return None


@functools.lru_cache(maxsize=16)
def _tree(file: str) -> ast.Module | None:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:  # the file has been changed since it was imported, or is none of Python's
        return None
