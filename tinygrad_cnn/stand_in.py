"""What may stand in the place of an array: the tape computes with it, and never looks at its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .types import DTypeLike


class StandIn:
    """The base of what stands for an array while a program is recorded; `program` derives from it.

    It has the shape and the dtype of the array, and answers NumPy's functions. Nobody gets numbers out of it.
    """

    __slots__ = ()

    shape: Any
    dtype: Any

    def recorded(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function on what the stand-ins among its arguments stand for, as one line of the program."""
        raise NotImplementedError


def as_array(x: Any, dtype: DTypeLike | None = None) -> Any:
    """Return an array of what NumPy makes one of, or the stand-in itself, in a dtype.

    Examples
    --------
    >>> as_array([1, 2], float)
    array([1., 2.])
    """
    if isinstance(x, StandIn):
        return x if dtype is None or np.dtype(dtype) == x.dtype else x.recorded(np.astype, x, np.dtype(dtype))
    return np.asarray(x, dtype)
