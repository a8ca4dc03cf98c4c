"""Lines bound to their shapes: a line whose kernel knows a faster way for shapes that never change.

A bound line is a list of calls on arrays that are the same at each play (`binders`): buffers, views of them,
and the arrays that an optimizer updates. So a program that is played allocates little, and plans nothing.
Results that a caller may keep are not written into buffers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.bound_conv import Scratch
from ...kernels.calls import Operand
from ..foreign import is_foreign
from ..optimizers import STEP, parameters
from ..passes import is_new
from ..recorder import item
from ..refusals import leaves_of
from ..values import Line, Source, Value, mapped
from . import bound_arrays as bound_arrays  # imported to register its binders, as the next one
from . import bound_images as bound_images
from .binders import BINDERS, MAKE_NEW, Bound
from .bound_elementwise import bind_ufunc, ufunc_of
from .buffers import Buffers

_OF_SHAPES = (np.ones_like, np.zeros_like, np.full_like, np.empty_like)
"""Functions whose result follows from the shape and the dtype of their argument."""


class Bindings:
    """The bound lines of one program, as far as they are made."""

    def __init__(self, lines: list[Line], results: list[Value]) -> None:
        self.escaping = escaping(lines, results)
        self._buffers = Buffers(lines, (not is_new(line) for line in lines))
        self.scratch = Scratch()
        self.lines = lines
        self._number = 0
        self._stepped = {line.args[0] for line in lines if line.function == STEP}
        self.known: dict[Value, Any] = {}  # what is the same object at each play
        self._constants: set[Value] = set()  # what has the same numbers at each play, too
        self.kept: dict[Any, Any] = {}

    def _is_fixed(self, line: Line) -> bool:
        """Tell whether the result of a line is an array that an optimizer updates, and keep it if so.

        The step makes sure that nobody put another array in its place. Without a step it may be another one.
        """
        if line.function is parameters and line.args[0] in self._stepped:
            self.known[line.result] = parameters(line.args[0].object)
        elif line.function is item and isinstance(self.known.get(line.args[0]), list):
            many, i = line.args
            self.known[line.result] = self.known[many][i]
        return line.result in self.known

    def _is_constant(self, line: Line) -> bool:
        """Tell whether the result of a line is the same at each play, and keep it if so."""
        if line.result in self.escaping or line.has_effect or line.errstate or is_foreign(line):
            return False
        arrays = line.inputs()
        if line.function in _OF_SHAPES and len(arrays) == 1 and not line.kwargs:
            return self._keep(line, line.function(arrays[0].example(), *line.args[1:]))
        asks_source = any(isinstance(x, Source) for x in leaves_of(line.args))
        if asks_source or not self._constants >= set(arrays):
            return False

        def held(x: Any) -> Any:
            return self.known[x] if isinstance(x, Value) else x

        try:
            with np.errstate(all="raise"):
                out = line.function(*mapped(held, line.args), **mapped(held, line.kwargs))
        except FloatingPointError:  # each play has to warn
            return False
        return self._keep(line, np.asarray(out) if line.as_array else out)

    def _keep(self, line: Line, constant: Any) -> bool:
        self._constants.add(line.result)
        self.known[line.result] = constant
        return True

    def operand(self, value: Value) -> Operand:
        """Return what stands for the array of a value."""
        array = self.known.get(value)
        return Operand(array) if isinstance(array, np.ndarray) else Operand(value.example(), value)

    def escapes(self, line: Line) -> bool:
        """Tell whether a caller may keep the result of a line."""
        return line.result in self.escaping

    def take(self, line: Line) -> Any:
        """Return the array that the result of a line is written into."""
        return self._buffers.take(line.result)

    def bind(self, line: Line) -> Bound | None:
        """Return the calls of the next line, if it can be bound."""
        is_known = self._is_fixed(line) or self._is_constant(line)
        bound = Bound([], self.known[line.result]) if is_known else self._bound(line)
        if bound is not None and bound.result is not None:
            self.known[line.result] = bound.result
        self._buffers.after(self._number)
        self._number += 1
        return bound

    def _bound(self, line: Line) -> Bound | None:
        bind = BINDERS.get(line.function) or (bind_ufunc if ufunc_of(line.function) else None)
        if bind is None or (self.escapes(line) and bind not in MAKE_NEW):
            return None
        return bind(line, self)


def escaping(lines: list[Line], results: list[Value]) -> set[Value]:
    """Return the values that somebody may hold after a play, and what they may be views of.

    The caller holds results; a function of the user may keep its arguments.
    """
    found = set(results)
    for line in reversed(lines):
        if is_foreign(line):
            found.update(line.inputs())
        if line.result in found and not is_new(line):
            found.update(line.inputs())
    return found
