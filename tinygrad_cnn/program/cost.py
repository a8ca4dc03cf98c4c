"""What each line of a program costs, which follows from the shapes that it always has."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..ops.conv import conv2d_input, conv2d_output, conv2d_weight
from ..ops.products import _einsum, matmul
from ..ops.volumes import conv3d_input, conv3d_output, conv3d_weight
from ..tables import Column, Row, as_html, as_text
from .optimizers import parameters
from .printed.source import SourceWriter
from .recorded import AsTensor, Recorded
from .recorder import item
from .rules import RuleCall
from .values import Line, Value


class LineCost(NamedTuple):
    """What one line costs.

    Attributes
    ----------
    text : str
        The line, as it is printed.
    multiply_adds : int
        The multiplications with an addition, in products and convolutions.
    bytes_moved : int
        What it reads and writes; a view moves nothing.
    memory : int
        The bytes that are held while it runs, its result included, the arguments of the program not.
    backward : bool
        Whether it belongs to the way back.
    """

    text: str
    multiply_adds: int
    bytes_moved: int
    memory: int
    backward: bool


_COLUMNS = (
    Column("line", is_code=True), Column("multiply-adds", is_number=True),
    Column("bytes moved", is_number=True), Column("memory", is_number=True),
)  # fmt: skip


class Cost(NamedTuple):
    """The cost of a program, line by line; it prints as a table.

    Attributes
    ----------
    lines : tuple of LineCost
    arguments : int
        The bytes of the arguments, which the caller holds.
    """

    lines: tuple[LineCost, ...]
    arguments: int

    @classmethod
    def of(cls, program: Recorded) -> Cost:
        """Count what the lines of a program cost."""
        memory = dict(zip(program.lines, _memory(program), strict=True))
        lines = [
            LineCost(
                statement.text,
                sum(multiply_adds(part) for part in statement.parts),
                sum(_bytes_moved(part) for part in statement.parts),
                max(memory[part] for part in statement.parts),
                statement.backward,
            )
            for statement in SourceWriter(program).statements
        ]
        inputs = [x.value if isinstance(x, AsTensor) else x for x in program.arguments]
        return cls(tuple(lines), sum(x.nbytes for x in inputs if isinstance(x, Value)))

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of all lines."""
        return sum(line.multiply_adds for line in self.lines)

    @property
    def bytes_moved(self) -> int:
        """What all lines read and write."""
        return sum(line.bytes_moved for line in self.lines)

    @property
    def peak_memory(self) -> int:
        """The most bytes that are held at once, if each result is freed after its last use."""
        return max((line.memory for line in self.lines), default=0)

    def _rows(self) -> tuple[list[Row], list[Row]]:
        rows = [Row((line.text, *(f"{n:,}" for n in line[1:4])), line.backward) for line in self.lines]
        total = (self.multiply_adds, self.bytes_moved, self.peak_memory)
        return rows, [Row(("in all; the peak of the memory", *(f"{n:,}" for n in total)))]

    def __str__(self) -> str:
        return as_text(_COLUMNS, *self._rows())

    def _repr_html_(self) -> str:
        return as_html(_COLUMNS, *self._rows())


def multiply_adds(line: Line) -> int:
    """Count the multiply-adds of a line that is a product or a convolution, or a gradient rule of one.

    A product is a trilinear form of its operands and the cotangent, so its rules cost what it costs.
    """
    rule = line.function if isinstance(line.function, RuleCall) else None
    op = rule.op if rule else line.function
    if op is matmul or op is np.matmul:
        return _of_matmul(rule, line)
    if op in (conv2d_output, conv3d_output) and not rule:
        return line.result.size * _taps(line.args[1])
    if op in (conv2d_input, conv3d_input) and not rule:
        return int(line.args[0].size) * _taps(line.args[1])
    if op in (conv2d_weight, conv3d_weight) and not rule:
        return int(line.args[1].size) * _taps(line.result)
    if op is _einsum and not rule:
        return _of_einsum([x.shape for x in line.args], **line.kwargs)
    return 0


def _of_matmul(rule: RuleCall | None, line: Line) -> int:
    if rule is None:
        return line.result.size * int(line.args[0].shape[-1])
    g, a, _ = line.args
    inner = a.shape[-1] if rule.operand == "a" else _shape(a)[-1]
    return int(math.prod(_shape(g))) * int(inner)


def _shape(x: Any) -> tuple[int, ...]:
    return getattr(x, "shape", x)


def _taps(weight: Value) -> int:
    """Count the elements of a weight that one output element uses."""
    return math.prod(weight.shape[1:])


def _of_einsum(shapes: list[tuple[int, ...]], *, inputs: tuple[str, ...], output: str) -> int:
    """Count the multiply-adds of the pairs in which NumPy multiplies the operands."""
    if len(shapes) == 1:
        return 0
    text = ",".join(inputs) + "->" + output
    path, _ = np.einsum_path(text, *(np.broadcast_to(0.0, shape) for shape in shapes), optimize=True)
    sizes: dict[str, int] = {}
    for letters, shape in zip(inputs, shapes, strict=True):
        for letter, n in zip(letters, shape, strict=True):
            sizes[letter] = max(n, sizes.get(letter, n)) if n else 0
    terms, total = list(inputs), 0
    for places in path[1:]:
        taken = [terms.pop(place) for place in sorted(places, reverse=True)]
        known = set("".join(taken))
        total += math.prod(sizes[letter] for letter in known)
        terms.append("".join(known & set("".join(terms) + output)))
    return total


def _bytes_moved(line: Line) -> int:
    if line.result.view_of or line.function in (item, parameters):
        return 0
    return sum(value.nbytes for value in {*line.inputs(), line.result})


def _memory(program: Recorded) -> list[int]:
    """List how many bytes are held while each line runs."""
    owners: dict[Value, Value] = {}  # whose memory a value is in
    optimizers = {line.result for line in program.lines if line.function is parameters}
    for line in program.lines:
        owner = line.result.view_of or line.result
        if line.function is item and line.args[0] in optimizers:
            owner = line.args[0]
        owners[line.result] = owners.get(owner, owner)
    made = {line.result: i for i, line in enumerate(program.lines) if owners[line.result] is line.result}
    last = dict(made)
    for i, line in enumerate(program.lines):
        for value in line.inputs():
            if (owner := owners.get(value, value)) in made:
                last[owner] = i
    for value in program.values():
        last[owners.get(value, value)] = len(program.lines)
    held = [0] * len(program.lines)
    for value, start in made.items():
        if value in optimizers:
            continue  # whoever made the optimizer holds its parameters
        for i in range(start, min(last[value] + 1, len(held))):
            held[i] += value.nbytes
    return held
