"""The calls of a program as Python expressions, with operators, public names and few brackets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import ops, tree
from ...kernels import product
from ...kernels.geometry import ConvSpec, PoolSpec
from ...kernels.volume import VolumeSpec
from ...tape import Primitive
from ..optimizers import parameters
from ..recorder import item
from ..rules import RuleCall
from ..traced import getitem
from ..values import Line, Method, Source, Value
from .containers import quoted, unpacked
from .preamble import Preamble
from .spelling import Made, as_public, rule_as_public

_ATOM, _UNARY, _COMPARE = 9, 7, 1
_BINARY: dict[Any, tuple[str, int]] = {
    np.add: ("+", 5), np.subtract: ("-", 5), np.multiply: ("*", 6), np.divide: ("/", 6), np.matmul: ("@", 6),
    np.floor_divide: ("//", 6), np.remainder: ("%", 6), np.greater: (">", 1), np.greater_equal: (">=", 1),
    np.less: ("<", 1), np.less_equal: ("<=", 1), np.equal: ("==", 1), np.not_equal: ("!=", 1),
    np.bitwise_and: ("&", 4), np.bitwise_or: ("|", 2), np.bitwise_xor: ("^", 3),
}  # fmt: skip
_PREFIX: dict[Any, str] = {np.negative: "-", np.invert: "~"}
# The operations that are nothing but the function of NumPy, which an operator calls too.
_UFUNCS: dict[Any, Any] = {
    ops.add: np.add, ops.subtract: np.subtract, ops.multiply: np.multiply, ops.divide: np.divide,
    ops.negative: np.negative,
}  # fmt: skip
_SPECS = (ConvSpec, PoolSpec, VolumeSpec)


class Expression(NamedTuple):
    """A text, and how tightly its outermost operator binds."""

    text: str
    level: int = _ATOM

    def inside(self, level: int) -> str:
        """Return the text, in brackets if it binds less tightly than its place asks for."""
        return self.text if self.level >= level else f"({self.text})"


class Expressions:
    """Writes calls, with a name for each value.

    Parameters
    ----------
    names : dict of Value or Source to str
        What the values are called.
    inlined : dict of Value to Line
        The values that are written as what computes them, since they have one use.
    as_arrays : set of Line
        The lines whose NumPy scalar must become an array.
    preamble : Preamble
        It collects what the expressions need above the function.
    lines : list of Line
        All lines of the program.
    """

    def __init__(
        self,
        names: dict[Any, str],
        inlined: dict[Value, Line],
        as_arrays: set[Line],
        preamble: Preamble,
        lines: list[Line],
    ) -> None:
        self.names, self.inlined, self.as_arrays, self.preamble = names, inlined, as_arrays, preamble
        self._makers = {line.result: line for line in lines}

    def _parameter(self, optimizer: Source, position: int) -> str:
        """Write a parameter of an optimizer as the user would take it from its tree."""
        params = optimizer.object.params
        leaves = iter(tree.leaves(params))
        leaf, text = list(unpacked(params, f"{self.names[optimizer]}.params", leaves))[position]
        return text if isinstance(leaf, np.ndarray) else f"{text}.data"

    def of(self, line: Line) -> Expression:
        """Write what a line computes."""
        call = self._call(line)
        return Expression(f"np.asarray({call.text})") if line in self.as_arrays else call

    def _call(self, line: Line) -> Expression:
        function, args, kwargs = line.function, line.args, line.kwargs
        if isinstance(function, Primitive):
            function, args, kwargs = as_public(function, args, kwargs)
        if function is getitem:
            return Expression(f"{self._written(args[0]).inside(_ATOM)}[{self._key(args[1])}]")
        if function is item and (maker := self._makers.get(args[0])) and maker.function is parameters:
            return Expression(self._parameter(maker.args[0], args[1]))
        if function is item:
            return Expression(f"{self._written(args[0]).inside(_ATOM)}[{args[1]}]")
        if is_transpose(line):
            return Expression(f"{self._written(args[0]).inside(_ATOM)}.T")
        if isinstance(function, Method):
            owner, *rest = args
            arguments = self.arguments(tuple(rest), kwargs)
            return Expression(f"{self._written(owner).inside(_ATOM)}.{function.name}({arguments})")
        if isinstance(function, RuleCall) and function.is_plain:
            public = rule_as_public(function, args)
            if public is None:
                return self._rule(function, args)
            function, args, kwargs = public
        if isinstance(function, Primitive):
            function = _as_ufunc(function, args)
        return self._operator(function, args, kwargs) or Expression(
            f"{self.preamble.callee(function)}({self.arguments(args, kwargs)})"
        )

    def _rule(self, rule: RuleCall, args: tuple[Any, ...]) -> Expression:
        asks = zip(rule.op.rules[rule.operand].asks, args, strict=True)
        asked = ", ".join(f"{name}={self.written(x)}" for name, x in asks)
        return Expression(f'{self.preamble.callee(rule.op)}.vjp("{rule.operand}", {asked})')

    def _operator(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Expression | None:
        """Write a ufunc with an operator, if it has one; one operand at least is an array."""
        if kwargs or not any(isinstance(x, Value | Line) for x in args):
            return None
        if function in _PREFIX:
            return Expression(f"{_PREFIX[function]}{self._written(args[0]).inside(_UNARY)}", _UNARY)
        if function not in _BINARY or any(isinstance(x, list | tuple) for x in args):
            return None
        sign, level = _BINARY[function]
        left, right = (self._written(x) for x in args)
        above = level + 1
        return Expression(
            f"{left.inside(above if level == _COMPARE else level)} {sign} {right.inside(above)}", level
        )

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Write what stands in the brackets of a call."""
        written = [self.written(x) for x in args]
        return ", ".join([*written, *(f"{name}={self.written(x)}" for name, x in kwargs.items())])

    def _key(self, key: Any) -> str:
        if isinstance(key, tuple) and key:
            return ", ".join(self._key(part) for part in key) + ("," if len(key) == 1 else "")
        if isinstance(key, slice):
            parts = [key.start, key.stop] + ([key.step] if key.step is not None else [])
            return ":".join("" if part is None else self.written(part) for part in parts)
        return "..." if key is Ellipsis else self.written(key)

    def written(self, x: Any) -> str:
        """Write an argument."""
        return self._written(x).text

    def _written(self, x: Any) -> Expression:
        if isinstance(x, Value) and x in self.inlined:
            return self.of(self.inlined[x])
        if isinstance(x, Line):
            return self._call(x)
        if isinstance(x, Value | Source):
            return Expression(self.names[x])
        if isinstance(x, Made):
            made = self.preamble.imported(x.cls.__module__, x.cls.__name__)
            return Expression(
                self.preamble.constant("spec", f"{made}.of({self.arguments(x.args, x.kwargs)})")
            )
        if isinstance(x, tuple) and not isinstance(x, _SPECS):
            inside = ", ".join(self.written(item) for item in x)
            return Expression(f"({inside},)" if len(x) == 1 else f"({inside})")
        if isinstance(x, list):
            return Expression("[" + ", ".join(self.written(item) for item in x) + "]")
        if isinstance(x, dict):
            return Expression("{" + ", ".join(f"{quoted(k)}: {self.written(v)}" for k, v in x.items()) + "}")
        if isinstance(x, slice):
            return Expression(f"slice({', '.join(self.written(part) for part in (x.start, x.stop, x.step))})")
        text = self._static(x)
        return Expression(text, _UNARY if text.startswith("-") else _ATOM)

    def _static(self, x: Any) -> str:
        if isinstance(x, np.dtype):
            return f"np.{x.name}" if x.byteorder in "=|" else f'np.dtype("{x.str}")'
        if isinstance(x, type) and issubclass(x, np.generic):
            return f"np.{x.__name__}"
        if isinstance(x, float) and not np.isfinite(x):
            return f"float({str(float(x))!r})"
        if isinstance(x, _SPECS):
            for cls in _SPECS:
                if f"{cls.__name__}(" in repr(x):
                    self.preamble.imported(cls.__module__, cls.__name__)
            return self.preamble.constant("spec", repr(x))
        if isinstance(x, Primitive | np.ufunc) or callable(x):
            return self.preamble.callee(x)
        return quoted(x)


def is_transpose(line: Line) -> bool:
    """Whether a line reverses the axes of an array, which is written ``x.T``."""
    if line.function not in (np.transpose, ops.transpose) or line.kwargs:
        return False
    x, *axes = line.args
    return axes in ([], [None]) or axes == [tuple(range(len(x.shape)))[::-1]]


def _as_ufunc(op: Primitive[..., Any], args: tuple[Any, ...]) -> Any:
    """Return the function of NumPy that an operation is on these operands, or the operation itself."""
    if op is ops.matmul:
        shapes: list[tuple[int, ...]] = [getattr(x, "shape", ()) for x in args]
        if [len(shape) for shape in shapes] != [2, 2]:
            return np.matmul
        (m, k), (_, n) = shapes
        return np.matmul if product.is_plain(m, k, n) else op
    return _UFUNCS.get(op, op)
