"""What the user's own code in a program may do with arrays, which nothing is known of."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..optim import Optimizer
from ..tape import Primitive
from .rules import PullThrough, RuleCall
from .values import Line, Method, Source, values_in

_KNOWN = {__name__.partition(".")[0], "numpy", "builtins"}


def is_foreign(line: Line) -> bool:
    """Whether a line calls what neither this package nor NumPy has written.

    Such a function may keep its arguments, return one of them for some numbers and a new array for others,
    or return what differs from call to call. So it gets no buffer to see, and is called at each play.
    """
    owner = line.args[0].object if line.args and isinstance(line.args[0], Source) else None
    if isinstance(owner, Optimizer):
        return type(owner).__module__.partition(".")[0] not in _KNOWN
    return _module_of(line.function).partition(".")[0] not in _KNOWN


def _module_of(function: Any) -> str:
    """Name the module that a function, an operation or a rule was written in."""
    if isinstance(function, np.ufunc | Method):
        return "numpy"
    if isinstance(function, Primitive | RuleCall):
        return _module_of(function.function)
    if isinstance(function, functools.partial):
        return _module_of(function.func)
    if isinstance(function, PullThrough):
        return _module_of(function.rule)
    bound_to = getattr(function, "__self__", None)  # that of a method, or of a function made by a rule
    if isinstance(bound_to, RuleCall | PullThrough | np.ufunc):
        return _module_of(bound_to)
    return getattr(function, "__module__", None) or "builtins"


def may_change_shape(line: Line) -> bool:
    """Whether the shape of the result might depend on numbers, as that of ``x[:n]`` does."""
    function = line.function
    if is_foreign(line):
        return True
    if isinstance(function, Primitive | RuleCall | np.ufunc):
        return False
    return any(values_in((line.args[1:], line.kwargs)))
