"""`compile`: a function that records itself once for each kind of arguments, and is played from then on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .. import tree
from ..checks import function as check_function
from ..made import level_of_user, made
from ..stand_in import StandIn
from ..tape import is_connected
from ..tensor import Tensor
from ..types import Options
from .matching import Taker, taker
from .passes import PASSES
from .played.play import Player
from .program import record

_MANY = 8

T = TypeVar("T")


def compile(f: Callable[Options, T]) -> Callable[Options, T]:
    """Make a function that records what ``f`` does once, and from then on plays the record.

    The first call with arguments of new structure, shapes or dtypes runs ``f`` and writes down every
    operation, forward and backward, as a line of a program. Later calls play these lines on other numbers:
    the results are those of ``f``, bit for bit, without the tape and most of Python.

    Parameters
    ----------
    f : callable
        A function of trees of arrays and of random generators, which computes with operations of this package
        and of NumPy, derivatives included, and changes nothing but what it draws from the generators. Any
        other argument (a number of Python, a text, a layer) is taken to be constant: another value records
        another program.

    Returns
    -------
    callable
        It is called as ``f`` is, and returns what ``f`` returns. Where an argument is on the tape of an outer
        derivative, it calls ``f`` itself.

    Raises
    ------
    RecordingError
        When called (a TypeError): if ``f`` branches on the numbers of an array or takes them out of NumPy, or
        computes with an array that is not an argument. The error names the line.

    Warns
    -----
    UserWarning
        If more than 8 programs were recorded, with what differs between the last two.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_cnn as tg
    >>> step = compile(tg.value_and_grad(lambda w, x: (tg.tanh(x @ w) ** 2).sum()))
    >>> w, x = np.ones(2), np.array([[0.0, 0.5]])
    >>> value, gradient = step(w, x)
    >>> value, gradient = step(w, 2 * x)  # played
    >>> gradient.round(4)
    array([0.    , 0.6397])
    """
    check_function("compile", "f", f)
    programs: list[_Entry] = []

    @made(compile, f)
    def played(*args: Options.args, **kwargs: Options.kwargs) -> T:
        call = (args, kwargs)
        for entry in programs:
            leaves = entry.take(call)
            if leaves is not None:
                return entry.player(*leaves)
        return _record_and_play(f, programs, args, kwargs)

    played.programs = programs
    return played


class _Entry:
    """One program of a compiled function."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.player = Player(record(f, args, kwargs).through(PASSES))
        self.take: Taker = taker((args, kwargs), exact=True)
        self.kinds = {
            path: _kind(leaf)
            for path, leaf in zip(tree.paths((args, kwargs)), tree.leaves((args, kwargs)), strict=True)
        }


def _record_and_play(
    f: Callable[..., Any], programs: list[_Entry], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    leaves = tree.leaves((args, kwargs))
    if any(is_connected(leaf) or isinstance(leaf, StandIn) for leaf in leaves):
        return f(*args, **kwargs)  # an outer derivative, or an outer program, needs what happens inside
    entry = _Entry(f, args, kwargs)
    programs.insert(0, entry)
    if len(programs) == _MANY + 1:
        warnings.warn(
            f"compile: {len(programs)} programs were recorded for {getattr(f, '__name__', f)}, each for "
            f"other arguments; {_difference(programs[1].kinds, entry.kinds)}. Pad arrays to a few shapes, "
            "and pass a number that changes as a NumPy scalar, such as np.float32(rate)",
            stacklevel=level_of_user(),
        )
    found = entry.take((args, kwargs))
    assert found is not None
    return entry.player(*found)


def _kind(leaf: Any) -> str:
    if isinstance(leaf, np.ndarray | np.generic | Tensor):
        return f"{leaf.dtype}{list(leaf.shape)}"
    return f"{leaf!r:.40}"


def _difference(before: dict[str, str], now: dict[str, str]) -> str:
    """Say what differs between the arguments of two programs."""
    for path in [*now, *before]:
        if before.get(path) != now.get(path):
            name = path.removeprefix("0.").removeprefix("1.")
            return f"argument {name} was {before.get(path, 'missing')} and is {now.get(path, 'missing')}"
    return "their containers differ"
