"""Strategies for matrix products, convolutions and poolings, whose operands must fit together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..cases import Call
from .values import arrays, broadcast_shapes, distinct_arrays, shapes

__all__ = ["conv2d_problems", "matmul_operands", "pool2d_problems"]

_Pair = tuple[int, int]


@st.composite
def matmul_operands(draw: st.DrawFn, *, max_side: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs of operands of all the shapes that ``@`` takes: vectors, matrices, and broadcast stacks.

    Parameters
    ----------
    max_side : int
        The greatest length of an axis.

    Returns
    -------
    strategy of (ndarray, ndarray)
        The strategy of the pairs.

    Examples
    --------
    >>> from tinygrad_cnn.testing.strategies import for_all
    >>> for_all("matmul", matmul_operands(), lambda operands, seed: operands[0] @ operands[1])
    """
    m, k, n = draw(shapes(min_dims=3, max_side=max_side))
    stack = draw(shapes(min_dims=1, max_dims=2, min_side=1, max_side=max_side))
    left, right = draw(broadcast_shapes(stack, 2))
    # Stacks count twice: they are of many kinds, and only one in four of their pairs has axes that stretch.
    a = draw(st.sampled_from([(k,), (m, k), (*left, m, k), (*left, m, k)]))
    b = draw(st.sampled_from([(k,), (k, n), (*right, k, n), (*right, k, n)]))
    return draw(arrays(a)), draw(arrays(b))


@functools.lru_cache
def _pairs(low: int, high: int) -> st.SearchStrategy[_Pair]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@functools.lru_cache
def _paddings(most: _Pair) -> st.SearchStrategy[Any]:
    """Draw an int, a pair, or pairs of different sides."""
    rows, columns = (st.integers(0, n) for n in most)
    return (
        st.integers(0, min(most))
        | st.tuples(rows, columns)
        | st.tuples(st.tuples(rows, rows), st.tuples(columns, columns))
    )


def _sides(padding: Any) -> tuple[_Pair, _Pair]:
    """Return the padding as ((top, bottom), (left, right))."""
    if isinstance(padding, int):
        return (padding, padding), (padding, padding)
    rows, columns = padding
    return (rows, columns) if isinstance(rows, tuple) else ((rows, rows), (columns, columns))


@st.composite
def _input_size(draw: st.DrawFn, kernel: _Pair, dilation: _Pair, padding: Any) -> tuple[int, ...]:
    """Draw a height and a width that hold a window, with up to three rows and columns more."""
    pads = _sides(padding) if not isinstance(padding, str) else ((0, 0), (0, 0))
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    least = [1 if padding == "same" else max(1, n - sum(p)) for n, p in zip(spans, pads, strict=True)]
    return tuple(n + draw(st.integers(0, 3)) for n in least)


@st.composite
def conv2d_problems(draw: st.DrawFn, *, max_batch: int = 3, bias: bool = True) -> Call:
    """Draw convolutions in two dimensions.

    Heights and widths differ in everything: the input, the kernel (even and odd), the stride (which need not
    divide), the dilation, and the padding (beyond the kernel, different on each side, "same", "valid"). There
    are from one group to as many as channels, and batches may be empty.

    Parameters
    ----------
    max_batch : int
        The greatest number of images.
    bias : bool
        Whether a third operand is drawn, which is an array or None.

    Returns
    -------
    strategy of Call
        Calls of ``(x, weight[, bias])`` with the keywords ``stride, padding, dilation, groups``.

    Examples
    --------
    >>> from tinygrad_cnn import conv2d
    >>> from tinygrad_cnn.testing.strategies import for_all
    >>> for_all("conv2d", conv2d_problems(), lambda call, seed: conv2d(*call.operands, **call.params))
    """
    groups = draw(st.integers(1, 3))
    inputs, outputs = draw(_pairs(1, 2 if groups < 3 else 1))
    kernel, stride, dilation = draw(_pairs(1, 3)), draw(_pairs(1, 3)), draw(_pairs(1, 2))
    padding = draw(_paddings((4, 4)) | st.sampled_from(["same", "valid"]))
    size = draw(_input_size(kernel, dilation, padding))
    batch = draw(st.sampled_from([*range(1, max_batch + 1), 0]))
    x = draw(arrays((batch, groups * inputs, *size), from_one_seed=True))
    weight = draw(arrays((groups * outputs, inputs, *kernel), from_one_seed=True))
    operands: tuple[Any, ...] = (x, weight)
    if bias:
        operands += (draw(arrays((groups * outputs,), from_one_seed=True) | st.none()),)
    params = {
        "stride": stride if stride[0] != stride[1] else stride[0],
        "padding": padding,
        "dilation": dilation if dilation[0] != dilation[1] else dilation[0],
        "groups": groups,
    }
    return Call(operands, params)


@st.composite
def pool2d_problems(
    draw: st.DrawFn, *, dilated: bool, each: Callable[..., st.SearchStrategy[Any]] = distinct_arrays
) -> Call:
    """Draw poolings in two dimensions, whose heights and widths differ in everything; batches may be empty.

    Parameters
    ----------
    dilated : bool
        Whether to draw the keyword ``dilation``, which average pooling does not have.
    each : callable
        The strategy of the images, `arrays` or `distinct_arrays`. The default draws no ties.

    Returns
    -------
    strategy of Call
        Calls of ``(x, kernel_size)`` with the keywords ``stride, padding, ceil_mode``.

    Examples
    --------
    >>> from tinygrad_cnn import avg_pool2d
    >>> from tinygrad_cnn.testing.strategies import for_all
    >>> problems = pool2d_problems(dilated=False)
    >>> for_all("avg_pool2d", problems, lambda call, seed: avg_pool2d(*call.operands, **call.params))
    """
    kernel, stride = draw(_pairs(1, 4)), draw(st.none() | _pairs(1, 3))
    dilation = draw(_pairs(1, 2)) if dilated else (1, 1)
    padding = draw(_paddings((kernel[0] // 2, kernel[1] // 2)))
    size = draw(_input_size(kernel, dilation, padding))
    # A dilated window must not step over the whole input, from one padding to the other.
    size = tuple(max(n, d) for n, d in zip(size, dilation, strict=True))
    x = draw(each((draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 2)), *size), from_one_seed=True))
    params = {"stride": stride, "padding": padding, "ceil_mode": draw(st.booleans())}
    if dilated:
        params["dilation"] = dilation
    return Call((x, kernel), params)
