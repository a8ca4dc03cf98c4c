"""The refusal of operands that are no numbers.

NumPy answers many of its functions for None and for texts: the sum of None is None. A primitive that asks for
`numbers` has its error explained by the tape; an operation that is composed of others is decorated, so that
the error names it and its operand, and not a part.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..types import NDArray, Options, Out

__all__: list[str] = []

_NO_NUMBERS = (type(None), str, bytes, dict, set)


def numbers(x: Any, name: str = "") -> NDArray:
    """Return an array; raise a TypeError for what holds no numbers.

    The tape adds the name of an operand that is differentiated; that of another one is given.

    Examples
    --------
    >>> numbers([1.0, 2.0])
    array([1., 2.])
    """
    if type(x) is np.ndarray:
        return x
    array = np.asarray(x)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name}expected numbers, got {x!r:.60}")
    return array


def of_numbers(function: Callable[Options, Out]) -> Callable[Options, Out]:
    """Let an operation refuse None, a text and the like for an operand, before it computes anything.

    Which parameters are operands, and which may be None, is read from their annotations.

    Examples
    --------
    >>> from tinygrad_cnn.types import Operand
    >>> @of_numbers
    ... def twice(x: "Operand[Out]"):
    ...     return x + x
    >>> twice("a")
    Traceback (most recent call last):
    TypeError: twice: x: expected numbers, got 'a'
    in twice(x: 'a')
    """
    written = inspect.unwrap(function)
    code, annotations = written.__code__, written.__annotations__
    places = {
        name: position
        for position, name in enumerate(code.co_varnames[: code.co_argcount])
        if "Operand" in annotations.get(name, "") or "NDArray" in annotations.get(name, "")
    }
    sequences = {name for name in places if "Sequence" in annotations[name]}
    optional = {name for name in places if "None" in annotations[name]}
    has_more = bool(code.co_flags & inspect.CO_VARARGS)
    rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if has_more else ""

    @functools.wraps(function)
    def checked(*operands: Options.args, **options: Options.kwargs) -> Out:
        for name, position in places.items():
            given = operands[position] if position < len(operands) else options.get(name, 0)
            if type(given) is np.ndarray:
                continue
            if isinstance(given, _NO_NUMBERS) and not (given is None and name in optional):
                raise _refusal(written.__name__, name, given)
            if name in sequences:
                _check_each(written.__name__, name, given)
        if rest:
            _check_each(written.__name__, rest, operands[code.co_argcount :])
        return function(*operands, **options)

    return checked


def _check_each(owner: str, name: str, given: Iterable[Any]) -> None:
    for i, x in enumerate(given):
        if isinstance(x, _NO_NUMBERS):
            raise _refusal(owner, f"{name}[{i}]", x)


def _refusal(owner: str, name: str, given: Any) -> TypeError:
    error = TypeError(f"{owner}: {name}: expected numbers, got {given!r:.60}")
    error.add_note(f"in {owner}({name}: {given!r:.40})")  # as the tape does
    return error
