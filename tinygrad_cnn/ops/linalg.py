"""Products of matrices and tensors, through BLAS."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..kernels.product import product
from ..tape import broadcast_to, primitive, raw
from ..types import Array, Operand, Out, Shape
from .indexing import getitem
from .shaping import expand_dims, reshape, squeeze, swapaxes, transpose

__all__ = ["einsum", "matmul", "outer", "tensordot"]

Pairs: TypeAlias = int | tuple[int | Sequence[int], int | Sequence[int]]


@primitive(broadcasts=True)  # over the leading axes; the rules below keep the last two
def matmul(a: Operand[Out], b: Operand[Out]) -> Out:
    """Matrix product ``a @ b``, for all the shapes NumPy allows.

    Parameters
    ----------
    a : array_like, (..., m, k) or (k,)
    b : array_like, (..., k, n) or (k,)
        Leading axes broadcast.

    Returns
    -------
    ndarray or Tensor, (..., m, n)
        Without the axis of a 1-d operand.

    Raises
    ------
    ValueError
        If the inner lengths differ or an operand is 0-d.

    Examples
    --------
    >>> matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0]))
    array([-1., -1.])
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0]:
        return product(a, b)
    return np.matmul(a, b)


def _matmul_a(g: Array, a: Array, b: Array) -> Array:
    if a.ndim == 1:
        # (n,) or (..., n) against b (..., k, n), or 0-d against b (k,)
        return g * b if b.ndim == 1 else squeeze(matmul(b, expand_dims(g, -1)), -1)
    if b.ndim == 1:
        return expand_dims(g, -1) * b
    if a.ndim == b.ndim == 2 and _is_fortran(raw(a)):
        # As images are when they come flattened from a convolution: their gradient is laid out likewise.
        # To see it costs that `a` is kept, which the gradient to `b` does anyway.
        return matmul(b, g.T).T
    return matmul(g, b.T if b.ndim == 2 else swapaxes(b, -1, -2))


def _is_fortran(a: NDArray[Any]) -> bool:
    return a.flags.f_contiguous and not a.flags.c_contiguous


def _matmul_b(g: Array, a: Array, b_shape: Shape) -> Array:
    if len(b_shape) == 1:
        return g * a if a.ndim == 1 else squeeze(matmul(swapaxes(a, -1, -2), expand_dims(g, -1)), -1)
    if a.ndim == 1:
        return expand_dims(a, -1) * expand_dims(g, -2)
    if a.ndim > 2 and len(b_shape) == 2:  # one product for the whole batch, instead of one each and a sum
        rows = math.prod(a.shape[:-1])  # -1 would be ambiguous for an array of size 0
        a, g = reshape(a, (rows, a.shape[-1])), reshape(g, (rows, g.shape[-1]))
    return matmul(a.T if a.ndim == 2 else swapaxes(a, -1, -2), g)


matmul.defvjp(a=_matmul_a, b=_matmul_b)


def outer(a: Operand[Out], b: Operand[Out]) -> Out:
    """Outer product of two vectors: ``out[i, j] = a[i] * b[j]``.

    Parameters
    ----------
    a : array_like, (m,)
    b : array_like, (n,)
        Operands of other shapes are flattened.

    Returns
    -------
    ndarray or Tensor, (m, n)

    Examples
    --------
    >>> outer(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[3., 4.],
           [6., 8.]])
    """
    return matmul(reshape(a, (-1, 1)), reshape(b, (1, -1)))


def tensordot(a: Operand[Out], b: Operand[Out], axes: Pairs = 2) -> Out:
    """Sum of products over pairs of axes, as one matrix product.

    Parameters
    ----------
    a, b : array_like
    axes : int or (axes of a, axes of b)
        An int: the last ones of ``a`` with the first ones of ``b``.

    Returns
    -------
    ndarray or Tensor
        The free axes of ``a``, then those of ``b``.

    Raises
    ------
    ValueError
        If the lengths of paired axes differ.

    Examples
    --------
    >>> tensordot(np.ones((2, 3, 4)), np.ones((3, 4, 5))).shape
    (2, 5)
    """
    shape_a, shape_b = np.shape(raw(a)), np.shape(raw(b))
    summed_a, summed_b = _paired_axes(len(shape_a), len(shape_b), axes)
    lengths_a, lengths_b = [shape_a[i] for i in summed_a], [shape_b[i] for i in summed_b]
    if lengths_a != lengths_b:
        raise ValueError(
            f"tensordot: axes of different lengths: {lengths_a} of a {shape_a}, {lengths_b} of b {shape_b}"
        )
    free_a = [i for i in range(len(shape_a)) if i not in summed_a]
    free_b = [i for i in range(len(shape_b)) if i not in summed_b]
    inner = math.prod(lengths_a)
    rows, columns = [shape_a[i] for i in free_a], [shape_b[i] for i in free_b]
    left = reshape(transpose(a, (*free_a, *summed_a)), (math.prod(rows), inner))
    right = reshape(transpose(b, (*summed_b, *free_b)), (inner, math.prod(columns)))
    return reshape(matmul(left, right), (*rows, *columns))


def _paired_axes(ndim_a: int, ndim_b: int, axes: Pairs) -> tuple[list[int], list[int]]:
    """The summed axes of both operands, as lists of non-negative ints."""
    if isinstance(axes, int):
        return list(range(ndim_a - axes, ndim_a)), list(range(axes))
    pair = [[side] if isinstance(side, int) else list(side) for side in axes]
    return [range(ndim_a)[i] for i in pair[0]], [range(ndim_b)[i] for i in pair[1]]


def einsum(subscripts: str, *operands: Operand[Out]) -> Out:
    """Sum of products in Einstein's notation, as `numpy.einsum` reads it.

    Parameters
    ----------
    subscripts : str
        With an ellipsis, repeated or implicit indices.
    *operands : array_like

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    TypeError
        If the subscripts are no string: NumPy's lists of axes are not read.
    ValueError
        If the subscripts do not fit the operands.

    Examples
    --------
    >>> einsum("ij,jk->ik", np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 2.],
           [3., 4.]])
    >>> float(einsum("ii", np.eye(3)))
    3.0
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: subscripts: expected a string, got {type(subscripts).__name__}")
    inputs, output = _parse_subscripts(subscripts, [np.ndim(raw(x)) for x in operands])
    # an index that repeats within an operand is a diagonal of it: after that the rules see each once
    pairs = [_diagonal(x, letters) for x, letters in zip(operands, inputs, strict=True)]
    return _einsum(*(x for x, _ in pairs), inputs=tuple(letters for _, letters in pairs), output=output)


def _parse_subscripts(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the output, with the ellipsis spelled out."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(f"einsum: '{subscripts}' names {len(inputs)} operands, got {len(ndims)}")
    spare = [c for c in string.ascii_letters if c not in text]
    extra = max(
        (n - len(t.replace("...", "")) for t, n in zip(inputs, ndims, strict=True) if "..." in t), default=0
    )
    ellipsis = "".join(spare[:extra])
    spelled = []
    for term, ndim in zip(inputs, ndims, strict=True):
        named = term.replace("...", "")
        hidden = ndim - len(named)
        if hidden < 0 or (hidden > 0 and "..." not in term) or not (named.isalpha() or not named):
            raise ValueError(f"einsum: '{term}' of '{subscripts}' does not fit an operand of {ndim} axes")
        spelled.append(term.replace("...", ellipsis[len(ellipsis) - hidden :]))
    if arrow:
        return spelled, right.replace("...", ellipsis)
    letters = "".join(inputs).replace("...", "")
    return spelled, ellipsis + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))


def _diagonal(x: Array, letters: str) -> tuple[Array, str]:
    """``x`` with one axis for each different letter, and these letters in the order of the axes."""
    while repeated := [c for c in letters if letters.count(c) > 1]:
        letter = repeated[0]
        first, second = letters.index(letter), letters.rindex(letter)
        rest = [i for i in range(len(letters)) if i not in (first, second)]
        x = transpose(x, (first, second, *rest))
        if x.shape[0] != x.shape[1]:
            raise ValueError(f"einsum: index '{letter}' has lengths {x.shape[0]} and {x.shape[1]}")
        along = np.arange(x.shape[0])
        x = getitem(x, (along, along))  # the diagonal becomes the first axis
        letters = letter + "".join(letters[i] for i in rest)
    return x, letters


@primitive(broadcasts=True)  # an index of length 1 stretches, and operands promote
def _einsum(*xs: Operand[Out], inputs: tuple[str, ...], output: str) -> Out:
    return np.einsum(",".join(inputs) + "->" + output, *xs, optimize=len(xs) > 1)


def _einsum_rule(
    g: Array,
    xs: tuple[Array, ...],
    xs_shape: tuple[Shape, ...],
    index: int,
    inputs: tuple[str, ...],
    output: str,
) -> Array:
    """The product of the cotangent with the other operands, summed to this operand's indices."""
    others = [i for i in range(len(xs)) if i != index]
    letters = inputs[index]
    known = set(output).union(*(inputs[i] for i in others))
    result = "".join(c for c in letters if c in known)
    reduced = _einsum(
        g, *(xs[i] for i in others), inputs=(output, *(inputs[i] for i in others)), output=result
    )
    # an index that was summed away, of this operand alone or with others of length 1: its cotangent is the
    # same at every position
    kept = tuple(reduced.shape[result.index(c)] if c in result else 1 for c in letters)
    stretched = tuple(n if m == 1 else m for n, m in zip(xs_shape[index], kept, strict=True))
    return reduced if stretched == reduced.shape else broadcast_to(reshape(reduced, kept), stretched)


_einsum.defvjp(xs=_einsum_rule)
