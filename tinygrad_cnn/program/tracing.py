"""`trace`: the program of a function, to print, to play and to look into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checks import function as check_function
from .passes import PASSES
from .program import Program, record


def trace(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Program:
    """Record what a function does with these arguments, forward and backward, as a program.

    Parameters
    ----------
    f : callable
        A function as `compile` takes it.
    *args, **kwargs
        What it is called with. The program takes arguments of the same structure, shapes and dtypes.

    Returns
    -------
    Program
        It prints as Python source, and is called as ``f`` is.

    Raises
    ------
    RecordingError
        If the function does what `compile` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_cnn as tg
    >>> program = trace(tg.grad(lambda x: tg.tanh(x).sum()), np.zeros(2))
    >>> len(program.lines) > 2, program(np.ones(2)).round(2)
    (True, array([0.42, 0.42]))
    """
    check_function("trace", "f", f)
    return record(f, args, kwargs).through(PASSES)
