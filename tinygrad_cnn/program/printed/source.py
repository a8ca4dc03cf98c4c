"""A program as Python source: what the tape has derived, in lines that run in any file."""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..optimizers import parameters
from ..recorded import AsTensor, Recorded, Static
from ..rules import RuleCall
from ..values import Line, Source, Value
from .containers import returned, signature
from .expressions import Expressions
from .formulas import formula
from .inlining import aliases, inlined, needs_array, parts
from .layout import WIDTH, wrapped
from .naming import Names, starts_backward
from .preamble import Preamble

_COLUMN = 60  # where comments begin, unless a line is longer


class Statement(NamedTuple):
    """One assignment of a printed program.

    Attributes
    ----------
    line : Line
        What it computes.
    parts : list of Line
        The lines that are written in it, this one among them.
    text : str
        The assignment.
    inputs : list of Value or Source
        What it is computed from, each once.
    formula : str
        What a gradient rule computes, where that is known.
    backward : bool
        Whether it belongs to the way back.
    """

    line: Line
    parts: list[Line]
    text: str
    inputs: list[Value | Source]
    formula: str
    backward: bool

    @property
    def kind(self) -> str:
        """The dtype and the shape of the result."""
        return kind(self.line.result)


class SourceWriter:
    """Writes one program.

    Parameters
    ----------
    program : Recorded
        The program.
    short : bool
        Whether a line that is used once, and whose result has no name of the user's, is written inside of
        the line that uses it.

    Attributes
    ----------
    names : dict of Value or Source to str
    statements : list of Statement
    text : str
        The whole.
    """

    def __init__(self, program: Recorded, *, short: bool = True) -> None:
        self.program = program
        self.name = _function_name(program.name)
        same = aliases(program) if short else {}
        imported = self._written(Names(program, (), same), same, short).names()
        names = Names(program, imported, same)
        self.names = names.of
        self._preamble = self._written(names, same, short)
        self.text = self._text()

    def _written(self, names: Names, same: dict[Value, Value], short: bool) -> Preamble:
        """Write all lines, and return what they need above them."""
        program, needed = self.program, needs_array(self.program)
        inside = inlined(program, names.plain, same.keys() | same.values()) if short else {}
        as_arrays = {line for line in program.lines if line.as_array and line.result in needed}
        preamble = Preamble(set(names.of.values()))
        expressions = Expressions(names.of, inside, as_arrays, preamble, program.lines)
        optimizers = {line.result: line.args[0] for line in program.lines if line.function is parameters}
        lines_of = parts(program.lines, inside, same)
        self.statements: list[Statement] = []
        for line, inner in lines_of.items():
            text = expressions.of(line).text
            if line.result.dtype != object:  # the result of an effect is None
                text = f"{names.of[line.result]} = {text}"
            backward = line.backward or starts_backward(line, program.lines)
            self.statements.append(
                Statement(
                    line, inner, text, _inputs(inner, optimizers), _formula(line, expressions), backward
                )
            )
        leaves = (self._result(x, expressions) for x in program.results)
        self._returned = returned(program.returned.skeleton, leaves, preamble)
        return preamble

    @staticmethod
    def _result(x: Any, expressions: Expressions) -> str:
        if isinstance(x, Static):
            return expressions.written(x.value)
        return (
            f"tg.Tensor({expressions.written(x.value)})"
            if isinstance(x, AsTensor)
            else expressions.written(x)
        )

    # --- the whole ----------------------------------------------------------------------------------------

    def _text(self) -> str:
        parameters, unpacked = signature(self.program)
        body = [*self._unpacking(unpacked), *self._body(), *self._return()]
        head = wrapped(f"def {self.name}({', '.join(parameters)}):"[:-1])
        head[-1] += ":"
        text = "\n".join([*head, *body, ""])
        above = self._preamble.rows(text)
        return "\n".join([*above, *(["", ""] if above else []), text])

    def _return(self) -> list[str]:
        """Write the return; a tuple needs no brackets in a single line."""
        results = self._returned
        if (
            isinstance(self.program.returned.skeleton, tuple)
            and results.startswith("(")
            and results[-2:] != ",)"
        ):
            row = f"{_INDENT}return {results[1:-1]}"
            if results != "()" and len(row) <= WIDTH:
                return [row]
        return wrapped(f"return {results}", _INDENT)

    def _unpacking(self, unpacked: list[Any]) -> Iterator[str]:
        """Write the shapes of the arguments, and take arrays out of containers."""
        used = {x for line in self.program.lines for x in (*line.inputs(), *line.args) if is_value(x)}
        used.update(self.program.values())
        told, rows = [], []
        for leaf, text in unpacked:
            value = leaf.value if isinstance(leaf, AsTensor) else leaf
            text = f"{text}.data" if isinstance(leaf, AsTensor) else text
            if isinstance(value, Static):
                told.append(f"{text} is {value.value!r:.60}")
            elif self.names[value] == text:
                told += [f"{text}: {kind(value)}"] if isinstance(value, Value) else []
            elif value in used:
                row = f"{self.names[value]} = {text}"
                rows += _with_note(_INDENT + row, kind(value) if isinstance(value, Value) else "", _INDENT)
        yield from textwrap.wrap(", ".join(told), WIDTH, initial_indent=_TOLD, subsequent_indent=_TOLD)
        yield from rows

    def _body(self) -> Iterator[str]:
        backward, heading = False, ""
        errstate: dict[str, Any] = {}
        for statement in self.statements:
            if statement.backward and not backward:
                yield ""
                yield f"{_INDENT}# --- the derived backward ---"
                backward = True
            here = _heading(statement)
            if here != heading and here:
                yield _INDENT + here
            heading = here
            if statement.line.errstate != errstate and statement.line.errstate:
                options = ", ".join(
                    f'{name}="{way}"' for name, way in sorted(statement.line.errstate.items())
                )
                yield f"{_INDENT}with np.errstate({options}):"
            errstate = statement.line.errstate
            yield from _rows(statement, _INDENT * 2 if errstate else _INDENT)


_INDENT = "    "
_TOLD = _INDENT + "# "


def is_value(x: Any) -> bool:
    """Whether something in a line has a name in print."""
    return isinstance(x, Value | Source)


def _function_name(name: str) -> str:
    """Return a name for the function: that of a lambda is none."""
    if not name.isidentifier() or keyword.iskeyword(name):
        return "program"
    return f"{name}_" if name in ("np", "tg") else name


def kind(value: Value) -> str:
    """Return the dtype and the shape of a value, as ``float64[2, 3]``; an effect has none."""
    if value.dtype == object:
        return ""
    return f"{value.dtype}{list(value.shape)}"


def _inputs(lines: list[Line], optimizers: dict[Value, Source]) -> list[Value | Source]:
    """List what some lines use and do not compute; parameters come from the optimizer itself."""
    inner = {part.result for part in lines}
    found = [x for part in lines for x in (*part.inputs(), *part.args) if is_value(x)]
    return list(dict.fromkeys(optimizers.get(x, x) for x in found if x not in inner))


def _formula(line: Line, expressions: Expressions) -> str:
    if not isinstance(line.function, RuleCall):
        return ""
    ndims = [len(getattr(x, "shape", ())) for x in line.args]
    return formula(line.function, [expressions.written(x) for x in line.args], ndims)


def _heading(statement: Statement) -> str:
    """Write the comment above the statements of one line of the user's."""
    line = statement.line
    if statement.backward and statement.kind:
        if not line.backward or not line.place:
            return ""
        text = _layer(line) or (f"{line.place}" if line.place.text else "")
        row = f"# back through {text}" if text else ""
    else:
        row = f"# {line.place}" if line.place and line.place.text else ""
    longest = WIDTH - len(_INDENT)
    return row if len(row) <= longest else row[: longest - 3] + "..."


def _layer(line: Line) -> str:
    """Name the layer of a line; one that has a number for a name is called a layer."""
    return f"layer {line.layer}" if line.layer.rpartition(".")[2].isdigit() else line.layer


def _rows(statement: Statement, indent: str) -> list[str]:
    """Write a statement with its comments: the formula of a rule beside it, or above it."""
    note = f"{statement.kind}: {statement.formula}" if statement.formula else statement.kind
    rows = wrapped(statement.text, indent, WIDTH - len(statement.kind) - 4)
    above = []
    if statement.formula and len(_noted(rows[0], note)) > WIDTH:
        above, note = [f"{indent}# {statement.formula}:"], statement.kind
    if len(rows) == 1:
        return [*above, *_with_note(rows[0], note, indent)]
    return [*above, f"{rows[0]}  # {note}", *rows[1:]]


def _with_note(row: str, note: str, indent: str) -> list[str]:
    """Write a comment beside a row, or above it where the row is long."""
    noted = _noted(row, note)
    return [noted] if len(noted) <= WIDTH else [f"{indent}# {note}:", row]


def _noted(row: str, note: str) -> str:
    if not note:
        return row
    column = _COLUMN if len(row) + 2 <= _COLUMN else len(row) + 2
    return f"{row.ljust(column)}# {note}"
