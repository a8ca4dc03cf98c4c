"""Products of matrices and tensors, through BLAS."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .. import checks
from ..kernels.product import product
from ..tape import accumulator, broadcast_to, constant_for, primitive, raw
from ..types import Array, NDArray, Operand, Out, Shape
from .indexing import getitem
from .operands import numbers, of_numbers
from .shaping import expand_dims, reshape, squeeze, swapaxes, transpose

__all__ = ["einsum", "matmul", "outer", "tensordot"]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # numbered as in NumPy's einsum

Pairs: TypeAlias = int | tuple[int | Sequence[int], int | Sequence[int]]


@primitive(broadcasts=True)  # the leading axes broadcast; the rules below keep the last two
def matmul(a: Operand[Out], b: Operand[Out]) -> Out:
    """Matrix product ``a @ b``, for all the shapes NumPy allows.

    Parameters
    ----------
    a : array_like, (..., m, k) or (k,)
    b : array_like, (..., k, n) or (k,)
        The leading axes broadcast.

    Returns
    -------
    ndarray or Tensor, (..., m, n)
        The product lacks the axis of a 1-d operand.

    Raises
    ------
    ValueError
        If the inner lengths differ or an operand is 0-d.

    Examples
    --------
    >>> matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0]))
    array([-1., -1.])
    """
    a, b = numbers(a), numbers(b)
    if a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0]:
        return product(a, b)
    return np.matmul(a, b)


def _matmul_a(g: Array, a: Array, b: Array) -> Array:
    if a.ndim == 1:
        # g is (n,) or (..., n) and b is (..., k, n), or g is 0-d and b is (k,)
        return g * b if b.ndim == 1 else squeeze(matmul(b, expand_dims(g, -1)), -1)
    if b.ndim == 1:
        return expand_dims(g, -1) * b
    if a.ndim == b.ndim == 2 and _is_fortran(raw(a)):
        # Images that come flattened from a convolution lie so in memory, and so does then their gradient.
        # The rule keeps `a` only to see that, but the gradient to `b` keeps it anyway.
        return matmul(b, g.T).T
    return matmul(g, b.T if b.ndim == 2 else swapaxes(b, -1, -2))


def _is_fortran(a: NDArray) -> bool:
    return a.flags.f_contiguous and not a.flags.c_contiguous


def _matmul_b(g: Array, a: Array, b_shape: Shape) -> Array:
    if len(b_shape) == 1:
        return g * a if a.ndim == 1 else squeeze(matmul(swapaxes(a, -1, -2), expand_dims(g, -1)), -1)
    if a.ndim == 1:
        return expand_dims(a, -1) * expand_dims(g, -2)
    if a.ndim > 2 and len(b_shape) == 2:  # one product for the batch, not one each and a sum
        rows = math.prod(a.shape[:-1])  # -1 would be ambiguous for an array of size 0
        a, g = reshape(a, (rows, a.shape[-1])), reshape(g, (rows, g.shape[-1]))
    return matmul(a.T if a.ndim == 2 else swapaxes(a, -1, -2), g)


matmul.defvjp(a=_matmul_a, b=_matmul_b)


@of_numbers
def outer(a: Operand[Out], b: Operand[Out]) -> Out:
    """Outer product of two vectors: ``out[i, j] = a[i] * b[j]``.

    Parameters
    ----------
    a : array_like, (m,)
    b : array_like, (n,)
        An operand of another shape is flattened.

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


@of_numbers
def tensordot(a: Operand[Out], b: Operand[Out], axes: Pairs = 2) -> Out:
    """Sum of products over pairs of axes, as one matrix product.

    Parameters
    ----------
    a, b : array_like
    axes : int or (axes of a, axes of b)
        The paired axes; an int pairs so many last ones of ``a`` with the first ones of ``b``.

    Returns
    -------
    ndarray or Tensor
        It has the free axes of ``a``, then those of ``b``.

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
    summed = math.prod(lengths_a)
    rows, columns = [shape_a[i] for i in free_a], [shape_b[i] for i in free_b]
    left = reshape(transpose(a, (*free_a, *summed_a)), (math.prod(rows), summed))
    right = reshape(transpose(b, (*summed_b, *free_b)), (summed, math.prod(columns)))
    return reshape(matmul(left, right), (*rows, *columns))


def _paired_axes(ndim_a: int, ndim_b: int, axes: Pairs) -> tuple[list[int], list[int]]:
    """Return the summed axes of both operands, as lists of non-negative ints."""
    if not np.iterable(axes):
        count = operator.index(axes)
        if count > min(ndim_a, ndim_b):
            raise ValueError(f"tensordot: axes: expected at most {min(ndim_a, ndim_b)}, got {count}")
        return list(range(ndim_a - count, ndim_a)), list(range(count))
    of_a, of_b = (tuple(side) if np.iterable(side) else (side,) for side in axes)
    return (
        [checks.axis("tensordot", i, ndim_a) for i in of_a],
        [checks.axis("tensordot", i, ndim_b) for i in of_b],
    )


def einsum(subscripts: str | Operand[Out], *operands: Operand[Out], optimize: Any = True) -> Out:
    """Sum of products in Einstein's notation, as `numpy.einsum` reads it.

    Parameters
    ----------
    subscripts : str
        The indices of each operand; there may be an ellipsis, repeated and implicit indices. They may be
        given as lists of integers too: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.
    *operands : array_like
    optimize : bool or str
        Taken because `numpy.einsum` has it, and ignored: products are always made in pairs, in a good order.

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
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
        subscripts, operands = _from_lists((subscripts, *operands))
    inputs, output = _parse_subscripts(subscripts, [np.ndim(raw(x)) for x in operands])
    # An index that repeats within an operand means its diagonal; then the rules see each index once.
    pairs = [_diagonal(x, letters) for x, letters in zip(operands, inputs, strict=True)]
    return _einsum(*(x for x, _ in pairs), inputs=tuple(letters for _, letters in pairs), output=output)


def _from_lists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the text and the operands of a call with a list of indices after each operand."""

    def spelled(indices: Any) -> str:
        try:
            return "".join("..." if i is ... else _LETTERS[operator.index(i)] for i in indices)
        except (TypeError, IndexError):
            raise TypeError(
                f"einsum: subscripts: expected a string, or lists of integers below 52, got {indices!r}"
            ) from None

    *pairs, output = arguments if len(arguments) % 2 else (*arguments, None)
    text = ",".join(map(spelled, pairs[1::2])) + ("" if output is None else "->" + spelled(output))
    return text, tuple(pairs[::2])


def _parse_subscripts(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the output, with the ellipsis spelled out."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(f"einsum: '{subscripts}' names {len(inputs)} operands, got {len(ndims)}")
    names = [term.replace("...", "") for term in inputs]
    hidden = [ndim - len(named) for named, ndim in zip(names, ndims, strict=True)]  # the axes of an ellipsis
    for term, named, count, ndim in zip(inputs, names, hidden, ndims, strict=True):
        if count < 0 or (count > 0 and "..." not in term) or not (named.isalpha() or not named):
            raise ValueError(f"einsum: '{term}' of '{subscripts}' does not fit an operand of {ndim} axes")
    spare = [c for c in _LETTERS if c not in text]
    ellipsis = "".join(spare[: max(hidden)])
    spelled = [
        term.replace("...", ellipsis[len(ellipsis) - count :])
        for term, count in zip(inputs, hidden, strict=True)
    ]
    letters = "".join(names)
    if arrow:
        _check_output(subscripts, right, letters, ellipsis)
        return spelled, right.replace("...", ellipsis)
    return spelled, ellipsis + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))


def _check_output(subscripts: str, output: str, letters: str, ellipsis: str) -> None:
    """Raise unless the output has letters of the operands, each once, and the ellipsis if they have one."""
    named = output.replace("...", "", 1)
    expected = ""
    if not set(named) <= set(letters) or len(set(named)) < len(named):
        expected = "indices of the operands, each once"
    elif ellipsis and "..." not in output:
        expected = "the ellipsis of the operands"
    if expected:
        raise ValueError(f"einsum: output '{output}' of '{subscripts}': expected {expected}")


def _diagonal(x: Array, letters: str) -> tuple[Array, str]:
    """Return ``x`` with one axis for each different letter, and these letters in the order of the axes."""
    while repeated := [c for c in letters if letters.count(c) > 1]:
        letter = repeated[0]
        first, second = letters.index(letter), letters.rindex(letter)
        rest = [i for i in range(len(letters)) if i not in (first, second)]
        x = transpose(x, (first, second, *rest))
        if x.shape[0] != x.shape[1]:
            raise ValueError(f"einsum: index '{letter}' has lengths {x.shape[0]} and {x.shape[1]}")
        along = constant_for(x, np.arange, x.shape[0])
        x = getitem(x, (along, along))  # the diagonal becomes the first axis
        letters = letter + "".join(letters[i] for i in rest)
    return x, letters


@primitive(broadcasts=True)  # an index of length 1 stretches, and the operands promote
def _einsum(*xs: Operand[Out], inputs: tuple[str, ...], output: str) -> Out:
    dtype = np.result_type(*(np.asarray(x) for x in xs))
    if len(xs) == 1:
        return _summed(np.asarray(xs[0]), inputs[0], output)
    # optimised, NumPy multiplies the operands in pairs, and would sum a pair of booleans to a boolean
    same = [np.asarray(x, accumulator(dtype) or dtype) for x in xs]
    return np.einsum(",".join(inputs) + "->" + output, *same, optimize=True).astype(dtype, copy=False)


def _summed(x: NDArray, letters: str, output: str) -> NDArray:
    """Return the einsum of one operand, summed wider: NumPy's adds one by one, and so loses digits."""
    kept = [c for c in letters if c in output]
    axes = tuple(i for i, c in enumerate(letters) if c not in output)
    if axes:
        wide = np.promote_types(x.dtype, np.float64) if x.dtype.kind == "f" else x.dtype
        x = np.add.reduce(x, axis=axes, dtype=wide).astype(x.dtype)
    return np.transpose(x, [kept.index(c) for c in output])


def _einsum_rule(
    g: Array,
    xs: tuple[Array, ...],
    xs_shape: tuple[Shape, ...],
    index: int,
    inputs: tuple[str, ...],
    output: str,
) -> Array:
    """Multiply the cotangent by the other operands, and sum to this operand's indices."""
    others = [i for i in range(len(xs)) if i != index]
    letters = inputs[index]
    known = set(output).union(*(inputs[i] for i in others))
    result = "".join(c for c in letters if c in known)
    reduced = _einsum(
        g, *(xs[i] for i in others), inputs=(output, *(inputs[i] for i in others)), output=result
    )
    # The cotangent is the same along an index that is in no other operand, or has length 1 in the others.
    kept = tuple(reduced.shape[result.index(c)] if c in result else 1 for c in letters)
    stretched = tuple(n if m == 1 else m for n, m in zip(xs_shape[index], kept, strict=True))
    return reduced if stretched == reduced.shape else broadcast_to(reshape(reduced, kept), stretched)


_einsum.defvjp(xs=_einsum_rule)
