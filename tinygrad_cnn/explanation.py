"""`explain`: what a function computes, line by line, with the gradient of each line checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import ops
from .autodiff import vjp
from .checks import function as check_function
from .program.passes import PASSES
from .program.printed.source import SourceWriter, Statement
from .program.program import record
from .program.stepping import Step, steps
from .program.traced import getitem
from .program.values import Method, Value
from .tables import Column, Row, as_html, as_text
from .tape import Primitive
from .tensor import Tensor
from .testing.differences import slope
from .testing.directions import element_lengths

__all__ = ["ExplainedLine", "Explanation", "explain"]

_ROUNDING = 1e-12
_TOLD = 1e-7  # differences whose own error is larger tell nothing, as beside a kink


def __dir__() -> list[str]:
    return __all__


class ExplainedLine(NamedTuple):
    """One line of an `Explanation`.

    Attributes
    ----------
    text : str
        The line as Python.
    shape : str
        The dtype and the shape of what it computes.
    place : str
        The user's line, as ``file:number: text``.
    check : str
        ``"exact"`` if the gradient of this line agrees with differences to all digits that these have, or
        the relative error, or why there is no check. Nothing on the way back.
    backward : bool
        Whether the line belongs to the derived backward.
    """

    text: str
    shape: str
    place: str
    check: str
    backward: bool


_COLUMNS = (
    Column("line", is_code=True), Column("shape"), Column("gradient"), Column("your line", is_code=True),
)  # fmt: skip


class Explanation(NamedTuple):
    """The lines of a function; it prints as a table, and is shown as one in a notebook."""

    lines: tuple[ExplainedLine, ...]

    def _rows(self) -> list[Row]:
        return [Row((x.text, x.shape, x.check, x.place), x.backward) for x in self.lines]

    def __str__(self) -> str:
        return as_text(_COLUMNS, self._rows())

    def _repr_html_(self) -> str:
        return as_html(_COLUMNS, self._rows())


def explain(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Explanation:
    """Show what a function computes, line by line, and check the gradient of each line by differences.

    Each operation of the forward half is moved along a random direction of each operand, in double precision
    and at the numbers that it is called with. The change of its result must be what its gradient rule says.

    Parameters
    ----------
    f : callable
        A function as `tinygrad_cnn.compile` takes it, such as a loss, or ``tg.value_and_grad(loss)``, whose
        lines are those of the loss and of the derived backward.
    *args, **kwargs
        What it is called with. Generators are copied, so that they are not drawn from.

    Returns
    -------
    Explanation
        The lines with their shapes, the user's lines, and what the check has found.

    Raises
    ------
    RecordingError
        If the function cannot be recorded; see `tinygrad_cnn.compile`.

    Examples
    --------
    >>> import tinygrad_cnn as tg
    >>> shown = explain(lambda x: tg.relu(x) * tg.floor(x), np.array([1.5, -0.5]))
    >>> [(line.text, line.check) for line in shown.lines]
    [('relu = tg.relu(x)', 'exact'), ('floor = tg.floor(x)', 'constant between its steps'), \
('multiply = relu * floor', 'exact')]
    """
    check_function("explain", "f", f)
    program = record(f, args, kwargs).through(PASSES)
    statements = {x.line: x for x in SourceWriter(program, short=False).statements}
    rng = np.random.default_rng(0)
    lines = [
        _explained(statements[step.line], step, rng)
        for step in steps(program, args, kwargs)
        if step.line in statements
    ]
    return Explanation(tuple(lines))


def _explained(statement: Statement, step: Step, rng: np.random.Generator) -> ExplainedLine:
    check = "" if statement.backward else _checked(step, rng)
    place = str(statement.line.place or "")
    return ExplainedLine(statement.text, statement.kind, place, check, statement.backward)


def _checked(step: Step, rng: np.random.Generator) -> str:
    """Check the gradient of one line at the operands that it was called with."""
    function = _operation(step.line.function)
    if function is None:
        return "not an operation"
    if isinstance(function, Primitive) and function.piecewise_constant:
        return "constant between its steps"
    if step.line.result.dtype.kind != "f":
        return "not floating"
    if isinstance(function, Primitive) and not function.rules:
        return "no gradient rule"
    places = [
        i
        for i, x in enumerate(step.line.args)
        if isinstance(x, Value) and x.dtype.kind == "f" and _has_rule(function, i)
    ]
    return _compared(_Moved(step, function, places), rng) if places else "no floating operand"


def _operation(function: Any) -> Callable[..., Any] | None:
    """Return what is called if tensors have it: an operation, or a function or method of NumPy."""
    if isinstance(function, np.ufunc) and isinstance(op := getattr(ops, function.__name__, None), Primitive):
        return op
    is_of_tensors = (
        function is getitem
        or (isinstance(function, Method) and hasattr(Tensor, function.name))
        or (getattr(function, "__module__", None) == "numpy" and function.__name__ in dir(ops))
    )
    return function if isinstance(function, Primitive) or is_of_tensors else None


def _has_rule(function: Any, position: int) -> bool:
    if not isinstance(function, Primitive):
        return True
    return (function.variadic or function.operands[position]) in function.rules


class _Moved(NamedTuple):
    """An operation as a function of its floating operands, in double precision."""

    step: Step
    function: Callable[..., Any]
    places: list[int]

    def operands(self) -> list[np.ndarray]:
        return [np.asarray(self.step.args[i], np.float64) for i in self.places]

    def __call__(self, *operands: Any) -> Any:
        args = [_wide(x) for x in self.step.args]
        for i, x in zip(self.places, operands, strict=True):
            args[i] = x
        return self.function(*args, **{name: _wide(x) for name, x in self.step.kwargs.items()})


def _wide(x: Any) -> Any:
    return x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def _compared(moved: _Moved, rng: np.random.Generator) -> str:
    """Compare what the rules say about a move along random directions with what happens."""
    operands = moved.operands()
    with np.errstate(all="ignore"):
        out, pull = vjp(moved.__call__, *operands)
        if out.dtype != np.float64:
            return f"rounded to {out.dtype}"
        if not all(np.isfinite(x).all() for x in (*operands, out)):
            return "not finite"
        cotangent = rng.uniform(0.5, 1.0, out.shape) * rng.choice([-1.0, 1.0], out.shape)
        worst, is_exact = 0.0, True
        for i, pulled in enumerate(pull(cotangent)):
            direction = rng.uniform(-1.0, 1.0, pulled.shape) * element_lengths(operands[i])

            def along(t: float, i: int = i, direction: np.ndarray = direction) -> np.ndarray:
                changed = [x + t * direction if j == i else x for j, x in enumerate(operands)]
                return np.atleast_1d(np.sum(cotangent * moved(*changed)))

            here, terms = along(0.0), np.abs(cotangent * out).sum()
            found = slope(along, here, np.atleast_1d(terms * 2.0**-52), 2.0**-52)
            moved_by = abs(along(found.steps[0])[0] - here[0]) / found.steps[0]  # of a square at 0, say
            # a move by the size of the operand changes most results by no more than their size
            size = max(np.abs(pulled * direction).sum(), moved_by, terms, np.finfo(float).tiny)
            if found.kink[0] or found.error[0] > _TOLD * size:
                return "at a kink"
            if _jumps(along, found.steps[-1], size):
                return "at a jump"  # such as that of the sign of an eigenvector
            difference = abs(np.sum(pulled * direction) - found.value[0])
            is_exact = is_exact and difference <= max(found.error[0], _ROUNDING * size)
            worst = max(worst, difference / size)
    return "exact" if is_exact else f"off by {worst:.0e}"


def _jumps(along: Callable[[float], np.ndarray], step: float, size: float) -> bool:
    """Whether a value is far from the mean of its neighbours, between which differences see no jump."""
    before, here, after = (along(t)[0] for t in (-step, 0.0, step))
    return bool(abs(before - 2 * here + after) > 1e-3 * size)
