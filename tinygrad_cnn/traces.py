"""`trace`, which has two meanings: the program of a function, and the sum of a diagonal."""

from __future__ import annotations

import functools
from typing import Any

from . import ops

__all__ = ["trace"]


@functools.wraps(ops.trace)
def trace(x: Any, *args: Any, **kwargs: Any) -> Any:
    """Record what a function does as a program; or sum a diagonal of an array, as NumPy's function does.

    Parameters
    ----------
    x : callable or array_like
        A function, which is recorded with the arguments that follow: see `tinygrad_cnn.program.trace`. Or an
        array, whose diagonal is summed: see `tinygrad_cnn.ops.trace`.
    *args, **kwargs
        The arguments of the function; or ``offset``, ``axis1``, ``axis2`` and ``dtype``, as NumPy has them.

    Returns
    -------
    Program, ndarray or Tensor

    Examples
    --------
    >>> import numpy as np
    >>> trace(np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.float64(5.0)
    >>> program = trace(lambda x: x @ x, np.ones(3))
    >>> program(np.ones(3))
    np.float64(3.0)
    """
    if callable(x):
        from .program import trace as of_function  # few programs need it at all

        return of_function(x, *args, **kwargs)
    return ops.trace(x, *args, **kwargs)
