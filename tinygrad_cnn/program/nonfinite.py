"""`first_nonfinite`: the line of a function that made the first NaN or infinity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..checks import function as check_function
from .passes import PASSES
from .printed.source import SourceWriter, Statement, kind
from .program import record
from .stepping import Step, inputs, steps
from .values import Value


class NonFinite(NamedTuple):
    """Where the first NaN or infinity came from; it prints as an explanation.

    Attributes
    ----------
    operation : str
        What was called, or the argument that holds it.
    text : str
        The line of the program; nothing for an argument.
    place : str
        The user's line, as ``file:number: text``; nothing where it is not known.
    backward : bool
        Whether it was made on the way back.
    found : str
        How many NaN and infinities there are.
    operands : tuple of str
        The names of the operands, with the ranges of their numbers.
    """

    operation: str
    text: str
    place: str
    backward: bool
    found: str
    operands: tuple[str, ...]

    def __str__(self) -> str:
        if not self.text:
            return f"the argument {self.operation} has {self.found}"
        way = "on the way back, in the gradient of" if self.backward else "at"
        rows = [f"{self.operation} made {self.found}:", f"    {self.text}"]
        rows += [f"{way} {self.place}"] if self.place else []
        return "\n".join([*rows, *(f"    {operand}" for operand in self.operands)])


def first_nonfinite(f: Callable[..., Any], *args: Any, **kwargs: Any) -> NonFinite | None:
    """Find the line that makes the first NaN or infinity, by playing a function line by line.

    Parameters
    ----------
    f : callable
        A function as `tinygrad_cnn.compile` takes it. To look at the way back too, hand over the function
        that computes the gradient, such as ``tg.value_and_grad(loss)``.
    *args, **kwargs
        What it is called with. Generators are copied, so that they are not drawn from.

    Returns
    -------
    NonFinite or None
        The line, the user's line, and the ranges of the operands; None if all numbers are finite.

    Raises
    ------
    RecordingError
        If the function cannot be recorded; see `tinygrad_cnn.compile`.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_cnn as tg
    >>> found = first_nonfinite(tg.grad(lambda x: tg.sqrt(x * x).sum()), np.array([0.0, 2.0]))
    >>> found.operation, found.backward, found.found
    ('sqrt', True, '1 infinite of 2 numbers')
    """
    check_function("first_nonfinite", "f", f)
    program = record(f, args, kwargs).through(PASSES)
    writer = SourceWriter(program, short=False)
    statements = {x.line: x for x in writer.statements}
    for x, array in inputs(program, args, kwargs).items():
        if isinstance(x, Value) and (found := _found(array)):
            return NonFinite(writer.names[x], "", "", False, found, ())
    for step in steps(program, args, kwargs):
        if step.line in statements and (found := _found(step.result)):
            return _described(statements[step.line], step, found, writer.names)
    return None


def _found(x: Any) -> str:
    """Say how many numbers are not finite, or nothing."""
    if isinstance(x, tuple | list):
        return next(filter(None, map(_found, x)), "")
    array = np.asarray(x)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    nan, size = np.count_nonzero(np.isnan(array)), array.size
    infinite = np.count_nonzero(np.isinf(array))
    said = [f"{count} {name}" for count, name in ((nan, "NaN"), (infinite, "infinite")) if count]
    return f"{' and '.join(said)} of {size} number{'s' if size != 1 else ''}"


def _described(statement: Statement, step: Step, found: str, names: dict[Any, str]) -> NonFinite:
    line = statement.line
    op = getattr(line.function, "op", line.function)
    operands = dict.fromkeys(line.inputs())
    numbers = dict(zip(line.inputs(), _arrays(line.args, step.args), strict=False))
    return NonFinite(
        getattr(op, "name", getattr(op, "__name__", "the line")),
        statement.text,
        str(line.place or ""),
        statement.backward,
        found,
        tuple(f"{names[x]}: {kind(x)}, {_range(numbers[x])}" for x in operands if x in numbers),
    )


def _arrays(places: Any, numbers: Any) -> list[Any]:
    """List the arrays that stand in the places of the values of a line's arguments."""
    if isinstance(places, Value):
        return [numbers]
    if isinstance(places, tuple | list):
        return [x for pair in zip(places, numbers, strict=True) for x in _arrays(*pair)]
    return []


def _range(x: Any) -> str:
    array = np.asarray(x)
    if not array.size:
        return "empty"
    return f"from {array.min():.6g} to {array.max():.6g}"
