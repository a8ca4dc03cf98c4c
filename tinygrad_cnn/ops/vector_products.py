"""Products of vectors, and of arrays made of vectors, with NumPy's names."""

from __future__ import annotations

import numpy as np

from ..tape import primitive, raw
from ..types import Operand, Out
from .elementwise import multiply
from .operands import of_numbers
from .products import tensordot
from .shaping import moveaxis, reshape

__all__ = ["cross", "dot", "inner", "kron", "vdot"]


@of_numbers
def dot(a: Operand[Out], b: Operand[Out]) -> Out:
    """Sum of products over the last axis of ``a`` and the last but one of ``b``, or its only one.

    For matrices it is `matmul`. A 0-d operand multiplies.

    Parameters
    ----------
    a : array_like, (..., k)
    b : array_like, (..., k, n) or (k,)
        The other axes do not broadcast: the result has those of both.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> float(dot(np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    11.0
    """
    ndim_a, ndim_b = np.ndim(raw(a)), np.ndim(raw(b))
    if ndim_a == 0 or ndim_b == 0:
        return multiply(a, b)
    return tensordot(a, b, (-1, -2 if ndim_b > 1 else 0))


@of_numbers
def vdot(a: Operand[Out], b: Operand[Out]) -> Out:
    """Sum of the products of all elements of two arrays of one size.

    Parameters
    ----------
    a, b : array_like
        They are flattened.

    Returns
    -------
    ndarray or Tensor, 0-d

    Examples
    --------
    >>> float(vdot(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])))
    11.0
    """
    return dot(reshape(a, (-1,)), reshape(b, (-1,)))


@of_numbers
def inner(a: Operand[Out], b: Operand[Out]) -> Out:
    """Sum of products over the last axes of two arrays. A 0-d operand multiplies.

    Parameters
    ----------
    a : array_like, (..., k)
    b : array_like, (..., k)

    Returns
    -------
    ndarray or Tensor
        It has the other axes of ``a``, then those of ``b``.

    Examples
    --------
    >>> inner(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0]))
    array([3., 7.])
    """
    if np.ndim(raw(a)) == 0 or np.ndim(raw(b)) == 0:
        return multiply(a, b)
    return tensordot(a, b, (-1, -1))


@of_numbers
def kron(a: Operand[Out], b: Operand[Out]) -> Out:
    """Kronecker product: each element of ``a`` times the whole of ``b``, side by side.

    Parameters
    ----------
    a, b : array_like
        The one with fewer axes gets more in front.

    Returns
    -------
    ndarray or Tensor
        Each of its lengths is the product of both lengths.

    Examples
    --------
    >>> kron(np.array([1.0, 10.0]), np.array([1.0, 2.0]))
    array([ 1.,  2., 10., 20.])
    """
    shape_a, shape_b = np.shape(raw(a)), np.shape(raw(b))
    ndim = max(len(shape_a), len(shape_b))
    shape_a, shape_b = (1,) * (ndim - len(shape_a)) + shape_a, (1,) * (ndim - len(shape_b)) + shape_b
    # each axis becomes a pair of axes (position in a, position in b)
    left = reshape(a, tuple(n for size in shape_a for n in (size, 1)))
    right = reshape(b, tuple(n for size in shape_b for n in (1, size)))
    return reshape(multiply(left, right), tuple(m * n for m, n in zip(shape_a, shape_b, strict=True)))


@of_numbers
def cross(
    a: Operand[Out],
    b: Operand[Out],
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Out:
    """Cross product of vectors of three components; the other axes broadcast.

    Parameters
    ----------
    a, b : array_like
    axisa, axisb, axisc : int
        The axes of the vectors in ``a``, ``b`` and the result.
    axis : int, optional
        Stands for all three of them.

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    ValueError
        If the vectors have not three components. NumPy's products in the plane are deprecated.

    Examples
    --------
    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(f"cross: expected vectors of 3 components, got {a.shape[-1]} and {b.shape[-1]}")
    return moveaxis(cross_of_last_axes(a, b), -1, axisc)


@primitive(broadcasts=True)
def cross_of_last_axes(a: Operand[Out], b: Operand[Out]) -> Out:
    """The cross products of the vectors along the last axes.

    Examples
    --------
    >>> cross_of_last_axes(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if np.result_type(a, b) == np.float16:  # so that the difference of two products is rounded once
        return np.cross(np.asarray(a, np.float32), np.asarray(b, np.float32)).astype(np.float16)
    return np.cross(a, b)


cross_of_last_axes.defvjp(a=lambda g, b: cross_of_last_axes(b, g), b=lambda g, a: cross_of_last_axes(g, a))
