"""How a program is played: its lines as the source of one Python function, with a local name a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import tree
from ...kernels import parallel
from ...kernels.calls import Call, Operand, remembered
from ...tape import Primitive
from ...tensor import Tensor
from ..errors import RecordingError
from ..foreign import may_change_shape
from ..recorded import AsTensor, Recorded, Static
from ..recorder import item
from ..rules import RuleCall
from ..values import Line, Source, Value, mapped, values_in
from .binding import Bindings
from .rewriting import SPEED


class Player:
    """A program made into a function of the leaves of its arguments.

    Lines are bound where there is a way (`binding`). The buffers of bound lines are for one play at a time,
    so each play takes an instance of the function, and threads that play at once have one each.
    """

    def __init__(self, program: Recorded, *, binds: bool = True) -> None:
        self.program = program.through(SPEED) if binds else program
        self._binds = binds
        self._free: list[_Instance] = []
        self._threads = parallel.threads()

    def __call__(self, *leaves: Any) -> Any:
        """Play the program on the leaves of its arguments."""
        if self._threads != parallel.threads():
            self._free, self._threads = [], parallel.threads()
        free = self._free
        try:
            instance = free.pop()
        except IndexError:  # the first play, or other threads play
            instance = _Instance(self.program, self._binds)
        try:
            out = instance.play(*leaves)
        except Exception as error:
            instance.explain(error)
            free.append(instance)
            raise
        free.append(instance)  # but not what was interrupted, wherever that was
        return out


class _Instance:
    """One function that plays a program, with buffers of its own."""

    def __init__(self, program: Recorded, binds: bool) -> None:
        self.program = program
        self._bindings = Bindings(program.lines, program.values()) if binds else None
        self._names: dict[Any, str] = {}
        self._varying: set[Value] = set()  # what numbers might give another shape
        self._constants: dict[str, Any] = {"errstate": np.errstate, "asarray": np.asarray}
        self.lines_of_rows: list[Line | None] = []
        self._rows: list[str] = []
        with np.errstate(all="ignore"):  # binders compute with memory that is not set
            self._write()
        space = dict(self._constants)
        self.text = "\n".join(self._rows)
        self._file = f"<program of {program.name}>"
        exec(compile(self.text, self._file, "exec"), space)
        self.play: Callable[..., Any] = space["play"]

    def explain(self, error: Exception) -> None:
        """Add to an error which line raised it, as the operation itself does it on the tape."""
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != self._file:
            trace = trace.tb_next
        line = self.lines_of_rows[trace.tb_lineno - 1] if trace else None
        if trace is None or line is None:
            return
        if isinstance(line.function, Primitive):
            held = {**self._constants, **trace.tb_frame.f_locals}
            values = [held[self._names[x]] if isinstance(x, Value) else x for x in line.args]
            line.function._explain(error, values)
        if isinstance(line.function, RuleCall):
            line.function.explain(error)
        if line.place:
            error.add_note(f"recorded at {line.place}")

    def _write(self) -> None:
        arguments = [x.value if isinstance(x, AsTensor) else x for x in self.program.arguments]
        names = [f"a{i}" for i in range(len(arguments))]
        self._names = {
            x: name for x, name in zip(arguments, names, strict=True) if isinstance(x, Value | Source)
        }
        self._row(None, f"def play({', '.join(names)}):")
        errstate: dict[str, Any] = {}
        for line, done in zip(self.program.lines, self._last_uses(), strict=True):
            if line.errstate and line.errstate != errstate:
                self._row(None, f"    with errstate(**{self._constant(line.errstate)}):")
            errstate = line.errstate
            indent = "        " if errstate else "    "
            self._write_line(line, indent)
            if finished := sorted(self._names[value] for value in done if self._names[value][0] == "v"):
                self._row(line, f"{indent}del {', '.join(finished)}")
        self._row(None, f"    return {self._written_result()}")

    def _row(self, line: Line | None, text: str) -> None:
        self._rows.append(text)
        self.lines_of_rows.append(line)

    def _last_uses(self) -> list[set[Value]]:
        """List for each line the values that no later line and no result needs."""
        seen, uses = set(self.program.values()), []
        for line in reversed(self.program.lines):
            now = {*line.inputs(), line.result}
            uses.append(now - seen)
            seen |= now
        return uses[::-1]

    def _write_line(self, line: Line, indent: str) -> None:
        bound = self._bindings.bind(line) if self._bindings else None
        varies = may_change_shape(line) or (line.function is item and line.args[0] in self._varying)
        if varies:
            self._varying.add(line.result)
        if bound:
            rows = [self._written_call(call) for call in bound.calls]
        else:
            callee = _of_one_shape(line) if varies else _callee(line)
            row = f"{self._constant(callee)}({self._written_arguments(line.args, line.kwargs)})"
            rows = [f"asarray({row})" if line.as_array else row]
        if bound and bound.result is not None:
            self._names[line.result] = self._constant(bound.result)
        else:
            name = self._names[line.result] = f"v{len(self._names)}"
            rows[-1] = f"{name} = {rows[-1]}"
        for row in rows:
            self._row(line, indent + row)

    def _written_call(self, call: Call) -> str:
        arguments = self._written_arguments(call.args, call.kwargs)
        return f"{self._constant(call.function)}({arguments})"

    def _written_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        written = [self._written(x) for x in args]
        written += [f"{key}={self._written(x)}" for key, x in kwargs.items()]
        return ", ".join(written)

    def _written_operand(self, x: Operand) -> str:
        if x.is_known:
            return self._constant(x.array)
        source = self._names[x.source] if isinstance(x.source, Value) else self._constant(x.source)
        return f"{self._constant(remembered(x.make))}({source})" if x.make else source

    def _written(self, x: Any) -> str:
        if isinstance(x, Value | Source):
            return self._names[x]
        if isinstance(x, Operand):
            return self._written_operand(x)
        if isinstance(x, slice) and any(values_in(x)):
            return f"slice({self._written(x.start)}, {self._written(x.stop)}, {self._written(x.step)})"
        if isinstance(x, tuple | list) and any(_holds(x)):
            inside = "".join(f"{self._written(item)}, " for item in x)
            return f"({inside})" if isinstance(x, tuple) else f"[{inside}]"
        if isinstance(x, dict) and any(_holds(x)):
            return "{" + ", ".join(f"{k!r}: {self._written(v)}" for k, v in x.items()) + "}"
        if x is None or type(x) in (int, bool, str):
            return repr(x)
        return self._constant(x)

    def _constant(self, x: Any) -> str:
        name = f"c{id(x)}"
        self._constants[name] = x
        return name

    def _written_result(self) -> str:
        """Write what is returned: containers of Python in place, others by `tree.unflatten`."""
        leaves = iter([self._result(x) for x in self.program.results])
        skeleton = self.program.returned.skeleton
        if _is_plain(skeleton):
            return self._literal(skeleton, leaves)
        unflatten, structure = self._constant(tree.unflatten), self._constant(self.program.returned)
        return f"{unflatten}({structure}, [{', '.join(leaves)}])"

    def _literal(self, skeleton: Any, leaves: Iterator[str]) -> str:
        if type(skeleton) is dict:
            items = (f"{self._written(k)}: {self._literal(v, leaves)}" for k, v in skeleton.items())
            return "{" + ", ".join(items) + "}"
        if type(skeleton) is list:
            return "[" + ", ".join(self._literal(x, leaves) for x in skeleton) + "]"
        if type(skeleton) is tuple:
            return "(" + "".join(f"{self._literal(x, leaves)}, " for x in skeleton) + ")"
        return "None" if skeleton is None else next(leaves)

    def _result(self, x: Any) -> str:
        if isinstance(x, Static):
            return self._written(x.value)
        if isinstance(x, AsTensor):
            return f"{self._constant(Tensor)}({self._names[x.value]})"
        return self._names[x]


def _is_plain(skeleton: Any) -> bool:
    if type(skeleton) is dict:
        return all(map(_is_plain, skeleton.values()))
    if type(skeleton) in (list, tuple):
        return all(map(_is_plain, skeleton))
    return skeleton is None or skeleton == "*"


def _holds(x: Any) -> list[bool]:
    found: list[bool] = []
    mapped(lambda leaf: found.append(True) if isinstance(leaf, Value | Source) else None, x)
    return found


def _callee(line: Line) -> Callable[..., Any]:
    """Return what a line calls on ndarrays."""
    op = line.function
    if isinstance(op, RuleCall):
        return op.function
    if not isinstance(op, Primitive):
        return op
    first = next(iter(line.args), None)
    if op.of_halves is not None and isinstance(first, Value) and first.dtype.itemsize == 2:
        return op.of_halves
    return op.function


def _of_one_shape(line: Line) -> Callable[..., Any]:
    """Return what a line calls, and let it raise an error if the result is not of the recorded shape."""
    callee, shape = _callee(line), line.result.shape

    def call(*args: Any, **kwargs: Any) -> Any:
        out = callee(*args, **kwargs)
        if not isinstance(out, tuple | list) and np.shape(out) != shape:
            raise RecordingError(
                f"{getattr(callee, '__name__', callee)} returns the shape {np.shape(out)} for these numbers, "
                f"and {shape} when the program was recorded: a program has the same shapes at each play"
            )
        return out

    return call
