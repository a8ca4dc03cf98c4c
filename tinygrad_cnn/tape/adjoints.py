"""The four primitives that the walk itself applies.

`add` joins paths that meet; `sum_to`, `broadcast_to` and `astype` undo broadcasting and promotion. Being
primitives, they are recorded like any other when a derivative is itself differentiated.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..types import DTypeLike, Operand, Options, Out, Shape
from .node import Box
from .primitive import primitive
from .signature import parameters

_HALF = np.dtype(np.float16)


@primitive(broadcasts=True)
def add(a: Operand[Out], b: Operand[Out]) -> Out:
    """Add elementwise: ``a + b``, with broadcasting.

    Parameters
    ----------
    a, b : array_like
        The terms, of shapes that broadcast to each other.

    Returns
    -------
    ndarray or Tensor
        The sum, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import numpy as np
    >>> add(np.array([1.0, 2.0]), 3.0)
    array([4., 5.])
    """
    return np.add(a, b)


add.defvjp(a=lambda g: g, b=lambda g: g)


@primitive(broadcasts=True)
def broadcast_to(x: Operand[Out], shape: Shape) -> Out:
    """Broadcast to a shape; this is the adjoint of `sum_to`.

    Parameters
    ----------
    x : array_like
        The array to stretch.
    shape : tuple of int
        The shape of the result.

    Returns
    -------
    ndarray or Tensor
        A read-only view of ``x`` with the given shape.

    Examples
    --------
    >>> import numpy as np
    >>> broadcast_to(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return np.broadcast_to(x, shape)


broadcast_to.defvjp(x=lambda g: g)


@primitive
def sum_to(x: Operand[Out], shape: Shape) -> Out:
    """Sum over the axes along which ``shape`` was broadcast; this is the adjoint of `broadcast_to`.

    Parameters
    ----------
    x : array_like
        The array to sum.
    shape : tuple of int
        The shape of the result, which must broadcast to ``x.shape``.

    Returns
    -------
    ndarray or Tensor
        The sums, in the dtype of ``x``; float16 is accumulated in float32.

    Examples
    --------
    >>> import numpy as np
    >>> sum_to(np.ones((3, 2)), (1, 2))
    array([[3., 3.]])
    """
    lead = x.ndim - len(shape)
    axes = tuple(range(lead))
    if x.shape[lead:] != shape:
        axes += tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    total = np.add.reduce(x, axis=axes, dtype=accumulator(x.dtype), keepdims=True).reshape(shape)
    return total if total.dtype == x.dtype else total.astype(x.dtype)


sum_to.defvjp(x=lambda g, x_shape: broadcast_to(g, x_shape))


@primitive(broadcasts=True)
def astype(x: Operand[Out], dtype: DTypeLike) -> Out:
    """Cast to a dtype.

    Parameters
    ----------
    x : array_like
        The array to cast.
    dtype : dtype_like
        The dtype of the result; an integer or bool dtype leaves the tape.

    Returns
    -------
    ndarray or Tensor
        A copy with the given dtype.

    Examples
    --------
    >>> import numpy as np
    >>> astype(np.array([1.5, 2.0]), np.float32)
    array([1.5, 2. ], dtype=float32)
    """
    return np.asarray(x).astype(dtype)


astype.defvjp(x=lambda g: g)  # the walk casts the cotangent back to the operand's dtype


def accumulator(dtype: np.dtype) -> np.dtype | None:
    """Return float32 to sum float16 in, whose range ends at 65504; else None, NumPy's own choice."""
    return np.dtype(np.float32) if dtype.char == "e" else None


def in_single(function: Callable[Options, Out]) -> Callable[Options, Out]:
    """Let a function, or a rule, whose first argument is float16 compute in float32, and round its result.

    Halves end at 65504, and 2048 + 1 is 2048 in them, so whatever adds or squares many of them needs more.

    Examples
    --------
    >>> import numpy as np
    >>> in_single(lambda x: np.sqrt(np.sum(x * x)))(np.full(4, 300.0, np.float16))
    np.float16(600.0)
    """
    first = parameters(function).names[0]

    @functools.wraps(function)
    def computed(*values: Options.args, **params: Options.kwargs) -> Out:
        x = values[0] if values else params.get(first)
        # what has other than two bytes is found out first, since `_is_half` takes longer
        if getattr(x.data if isinstance(x, Box) else x, "itemsize", 0) != 2 or not _is_half(x):
            return function(*values, **params)
        wide: Any = function(*map(single, values), **{n: single(value) for n, value in params.items()})
        return wide.astype(np.float16)  # a NumPy scalar stays one

    computed.of_others = function  # `Primitive` calls it by itself
    return computed


def _is_half(value: Any) -> bool:
    return getattr(value, "dtype", None) == _HALF


def single(value: Any) -> Any:
    """Return halves as float32, and anything else as it is."""
    return astype(value, np.float32) if _is_half(value) else value
