"""Products of all elements before, and differences of neighbours; `cumsum` stands with the sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import checks
from ..tape import astype, broadcast_to, constant_for, in_single, primitive, raw
from ..types import Array, Operand, Out
from .elementwise import subtract
from .indexing import getitem
from .joining import concatenate
from .operands import numbers, of_numbers
from .shaping import as_array, moveaxis, reshape

__all__ = ["cumprod", "diff"]


@primitive
@in_single
def cumprod(x: Operand[Out], axis: int | None = None) -> Out:
    """Cumulative product along an axis; derivatives of every order are right where elements are zero.

    Parameters
    ----------
    x : array_like
    axis : int or None
        None stands for the flattened array.

    Returns
    -------
    ndarray or Tensor
        It has the shape of ``x``, and is 1-d for ``axis=None``.

    Examples
    --------
    >>> cumprod(np.array([2.0, 3.0, 4.0]))
    array([ 2.,  6., 24.])
    """
    return np.cumprod(numbers(x), axis)


@in_single
def _cumprod_rule(g: Array, x: Array, axis: int | None) -> Array:
    """Return ``before[k] * s[k]``: the product of what comes before, and what depends on it after that.

    ``s[k]`` is the sum of ``g[i] * x[k+1] * ... * x[i]`` over all ``i >= k``, so ``s[k] = g[k] + x[k+1] *
    s[k+1]``. It is computed without a division, and in a number of steps that is the logarithm of the length:
    each step doubles the reach of the sums, and of the products that join them. The products before are
    computed again, since the value of halves is infinite above 65504, where the slope may be small.
    """
    along = 0 if axis is None else axis
    x, g = (moveaxis(each, along, 0) for each in (reshape(x, g.shape), g))
    if len(x) < 2:
        return reshape(g, x.shape)
    sums, factors, reach = g, x[1:], 1
    while reach < len(x):
        sums = concatenate([sums[:-reach] + factors * sums[reach:], sums[-reach:]])
        factors, reach = factors[:-reach] * factors[reach:], 2 * reach
    before = concatenate([constant_for(x, np.ones, (1, *x.shape[1:]), x.dtype), cumprod(x[:-1], 0)])
    return moveaxis(before * sums, 0, along)


cumprod.defvjp(x=lambda g, x, axis: reshape(_cumprod_rule(g, x, axis), x.shape))


@of_numbers
def diff(
    x: Operand[Out], n: int = 1, axis: int = -1, prepend: Operand[Any] = None, append: Operand[Any] = None
) -> Out:
    """Differences of neighbours along an axis: ``x[i+1] - x[i]``, once or several times.

    Parameters
    ----------
    x : array_like, at least 1-d
    n : int
        How often to take differences.
    axis : int
    prepend, append : array_like, optional
        What to put before and after ``x``, along ``axis``; a number stands for a slice of length 1.

    Returns
    -------
    ndarray or Tensor
        It is shorter by ``n`` along the axis. Of booleans it says which neighbours differ.

    Examples
    --------
    >>> diff(np.array([1.0, 2.0, 4.0, 7.0]))
    array([1., 2., 3.])
    >>> diff(np.array([1.0, 2.0, 4.0, 7.0]), n=2)
    array([1., 1.])
    """
    n = checks.integer("diff: n", n, 0)
    if n == 0:
        return as_array(x)
    x = as_array(x)
    axis = checks.axis("diff", axis, x.ndim)
    edge = tuple(1 if i == axis else size for i, size in enumerate(x.shape))
    parts = [prepend, x, append]
    parts = [
        broadcast_to(part, edge) if np.ndim(raw(part)) == 0 else part for part in parts if part is not None
    ]
    x = concatenate(parts, axis) if len(parts) > 1 else x
    before = (slice(None),) * axis
    for _ in range(n):
        later, sooner = getitem(x, (*before, slice(1, None))), getitem(x, (*before, slice(None, -1)))
        if x.dtype == bool:  # NumPy subtracts no booleans; those that differ are 1 apart
            x = astype(subtract(astype(later, np.int8), astype(sooner, np.int8)), bool)
        else:
            x = subtract(later, sooner)
    return x
