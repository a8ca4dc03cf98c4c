"""Hypothesis strategies for what operations take: arrays in every layout, axes, indices, whole problems.

Values lie on a grid of 1/32, exact in every floating dtype, and sums of them are exact. Everything shrinks
towards small shapes, C order and values near zero. This is the only module that imports hypothesis.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from .cases import Call
from .layouts import LAYOUTS, relaid

__all__ = [
    "arrays",
    "axes",
    "broadcastable",
    "calls",
    "conv2d_problems",
    "distinct_arrays",
    "for_all",
    "indices",
    "matmul_operands",
    "pool2d_problems",
    "shapes",
]

_GRID = 32
_DRAWN_ONE_BY_ONE = 64  # elements, all of a default array; further ones come from one seed, to save time


@functools.lru_cache
def shapes(
    *, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4
) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw shapes.

    Parameters
    ----------
    min_dims, max_dims : int
    min_side, max_side : int
        About one shape in eight is 0-d, and one in five has an axis of length 0, where that is allowed.

    Returns
    -------
    strategy of tuple of int

    Examples
    --------
    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (1, 1)
    """
    if max_dims == 0:
        return st.just(())
    filled = hnp.array_shapes(
        min_dims=max(min_dims, 1), max_dims=max_dims, min_side=max(min_side, 1), max_side=max_side
    )
    # sides drawn from 0 would make half of the three-dimensional arrays empty, numbers of dimensions drawn
    # from 0 a quarter of all arrays 0-d: neither tests axes, or much else
    emptied = st.integers(0, 4) if min_side == 0 else st.just(0)
    some = st.tuples(filled, emptied, st.integers(0, max_dims - 1)).map(_some_emptied)
    return some if min_dims > 0 else st.integers(0, 7).flatmap(lambda kind: some if kind else st.just(()))


def _some_emptied(drawn: tuple[tuple[int, ...], int, int]) -> tuple[int, ...]:
    shape, chance, axis = drawn
    if chance < 4:
        return shape
    emptied = list(shape)
    emptied[axis % len(shape)] = 0
    return tuple(emptied)


class _Grid(NamedTuple):
    """Values in rising order, numbered from the simplest: 0 for it, -1 for the one below it.

    Hypothesis shrinks a number towards 0, and moves from one to another what a sum must keep. Both simplify
    the values as long as equal steps of the number are equal steps of the value.
    """

    values: np.ndarray
    simplest: int

    @property
    def numbers(self) -> tuple[int, int]:
        """The lowest and the highest number."""
        return -self.simplest, len(self.values) - 1 - self.simplest

    def at(self, numbers: np.ndarray) -> np.ndarray:
        """The values of some numbers."""
        return self.values[numbers + self.simplest]


@functools.lru_cache
def _grid(low: float, high: float, away_from: Sequence[float], gap: float) -> _Grid:
    """The admitted values."""
    values = np.arange(math.ceil(low * _GRID), math.floor(high * _GRID) + 1) / _GRID
    for point in away_from:
        values = values[np.abs(values - point) >= gap]
    if not values.size:
        raise ValueError(f"arrays: no value between {low} and {high} is {gap} away from {tuple(away_from)}")
    return _Grid(values, int(np.lexsort((values < 0, np.abs(values)))[0]))


# A strategy is checked when it is first drawn from: made anew for each draw that would be half of the time.

_SEEDS = st.integers(0, 2**16)
_layout_of = functools.lru_cache(st.sampled_from)


@functools.lru_cache
def _integers(low: int, high: int, size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=size, max_size=size)


@functools.lru_cache
def _orders(size: int) -> st.SearchStrategy[list[int]]:
    return st.permutations(range(size))


def _numbered(draw: Callable, shape: tuple[int, ...], low: int, high: int, whole: bool) -> np.ndarray:
    """Draw an array of integers, bounds inclusive, with 0 between them."""
    size = math.prod(shape)
    # the first ones singly in a large array too: they stay what they are when the shape shrinks
    singly = 0 if whole else min(size, _DRAWN_ONE_BY_ONE)
    numbers = np.empty(size, dtype=np.intp)
    numbers[:singly] = draw(_integers(low, high, singly))
    if singly < size:
        seed = draw(_SEEDS)
        count = size - singly
        # 0 is where shrinking ends
        simple = np.arange(count) % (high + 1)
        numbers[singly:] = np.random.default_rng(seed).integers(low, high + 1, count) if seed else simple
    return numbers.reshape(shape)


@st.composite
def arrays(
    draw,
    shape: Any = None,
    *,
    low: float = -3.0,
    high: float = 3.0,
    away_from: Sequence[float] = (),
    gap: float = 0.125,
    layouts: Sequence[str] = LAYOUTS,
    whole: bool = False,
):
    """Draw float64 arrays of every memory layout, read-only ones among them.

    Parameters
    ----------
    shape : tuple of int or strategy, optional
        `shapes` by default.
    low, high : float
        Bounds of the values, inclusive.
    away_from : sequence of float
        Points from which every value keeps the distance ``gap``: kinks and singularities.
    gap : float
    layouts : sequence of str
        Of `tinygrad_cnn.testing.layouts.LAYOUTS`.
    whole : bool
        Draw all values from one seed: quicker, and the shape shrinks with less effort, but the values do not
        shrink one by one. Those of a large array, from its 65th on, always are.

    Returns
    -------
    strategy of ndarray

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays((2,), away_from=[0.0]), lambda x: True)
    array([0.125, 0.125])
    """
    shape = draw(_drawable(shapes() if shape is None else shape))
    grid = _grid(low, high, tuple(away_from), gap)
    return relaid(grid.at(_numbered(draw, shape, *grid.numbers, whole)), draw(_layout_of(tuple(layouts))))


@st.composite
def distinct_arrays(
    draw, shape: Any = None, *, gap: float = 0.125, layouts: Sequence[str] = LAYOUTS, whole: bool = False
):
    """Draw float64 arrays without ties: any two elements differ by ``gap`` or more.

    Parameters
    ----------
    shape : tuple of int or strategy, optional
        `shapes` by default.
    gap : float
    layouts : sequence of str
    whole : bool
        As for `arrays`.

    Returns
    -------
    strategy of ndarray

    Examples
    --------
    >>> from hypothesis import find
    >>> find(distinct_arrays((3,)), lambda x: True)
    array([-0.125,  0.   ,  0.125])
    """
    shape = draw(_drawable(shapes() if shape is None else shape))
    size = math.prod(shape)
    if not whole and size <= _DRAWN_ONE_BY_ONE:
        order = np.array(draw(_orders(size)), dtype=np.intp)
    else:
        seed = draw(_SEEDS)
        order = np.random.default_rng(seed).permutation(size) if seed else np.arange(size)
    return relaid(((order - size // 2) * gap).reshape(shape), draw(_layout_of(tuple(layouts))))


def _drawable(value: Any) -> st.SearchStrategy:
    return value if isinstance(value, st.SearchStrategy) else st.just(value)


@st.composite
def _broadcast_shapes(draw, shape, count):
    """Shapes that broadcast to ``shape``: some without its first axes, each axis 1 in one at most."""
    stretched = [draw(st.integers(0, count)) for _ in shape]  # which operand, counted from 1; 0: none
    found = []
    for operand in range(1, count + 1):
        first = draw(st.integers(0, 2 * len(shape)))
        kept = range(first if first <= len(shape) else 0, len(shape))
        found.append(tuple(1 if stretched[axis] == operand else shape[axis] for axis in kept))
    return found


@st.composite
def broadcastable(
    draw,
    count: int = 2,
    *,
    max_dims: int = 3,
    max_side: int = 3,
    min_side: int = 0,
    each: Callable[..., st.SearchStrategy] = arrays,
):
    """Draw a tuple of arrays of mutually broadcastable shapes.

    Parameters
    ----------
    count : int
        How many.
    max_dims, max_side, min_side : int
    each : callable
        From a shape to a strategy of arrays.

    Returns
    -------
    strategy of tuple of ndarray

    Examples
    --------
    >>> from hypothesis import find
    >>> a, b = find(broadcastable(), lambda xs: xs[0].ndim > xs[1].ndim)
    >>> np.broadcast_shapes(a.shape, b.shape) == (a + b).shape
    True
    """
    shape = draw(shapes(max_dims=max_dims, max_side=max_side, min_side=min_side))
    return tuple(draw(each(one)) for one in draw(_broadcast_shapes(shape, count)))


@functools.lru_cache
def axes(ndim: int) -> st.SearchStrategy[Any]:
    """Draw what a reduction takes as its axis: None, an int of either sign, a tuple, the empty tuple.

    Parameters
    ----------
    ndim : int

    Returns
    -------
    strategy of None, int or tuple of int

    Examples
    --------
    >>> from hypothesis import find
    >>> find(axes(2), lambda axis: isinstance(axis, int) and axis < 0)
    -1
    """
    if ndim == 0:
        return st.none() | st.just(())
    one = st.integers(-ndim, ndim - 1)
    # of equal parts None and () would be most of what is drawn: one number and several take two parts each
    several = [hnp.valid_tuple_axes(ndim, min_size=size) for size in range(min(ndim, 2) + 1)]
    return st.one_of(st.none(), one, one, *several)


@st.composite
def indices(draw, shape: tuple[int, ...]):
    """Draw indices that are valid for a shape: basic, advanced, boolean, and mixtures.

    Parameters
    ----------
    shape : tuple of int

    Returns
    -------
    strategy of index
        What may stand in ``x[...]``. Integer arrays repeat elements.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(indices((3,)), lambda key: isinstance(key, slice) and key.step == -1).step
    -1
    """
    basic = hnp.basic_indices(shape, allow_newaxis=True, max_dims=5)
    kinds = [basic]
    if shape and shape[0]:
        kinds += [st.integers(-shape[0], shape[0] - 1), _slices(shape[0])]
    if shape and all(shape):
        kinds += [_advanced(shape), _mixed(shape), _mixed(shape)]  # twice: they are of many kinds
    if shape:
        kinds.append(_mask(shape))
    return draw(st.one_of(kinds))


@functools.lru_cache
def _slices(length: int) -> st.SearchStrategy[slice]:
    """Slices, a reversal in every second: of the others with a negative step most select nothing."""
    return st.slices(length) | st.just(slice(None, None, -1))


@st.composite
def _positions(draw, length, result_shape):
    dtype = draw(st.sampled_from([np.intp, np.int32]))
    return draw(hnp.arrays(dtype, result_shape, elements=st.integers(-length, length - 1)))


@st.composite
def _advanced(draw, shape):
    """One integer array for the first axis, or several that broadcast; a list for a simple one."""
    result_shape = draw(shapes(min_dims=1, max_dims=2, max_side=3))
    count = draw(st.integers(1, len(shape)))
    key = tuple(draw(_positions(n, result_shape)) for n in shape[:count])
    if count == 1 and draw(st.booleans()):
        return key[0].tolist() if key[0].ndim == 1 and key[0].size else key[0]
    return key


@st.composite
def _mask(draw, shape):
    """A boolean array over the first axes."""
    count = draw(st.integers(1, len(shape)))
    return draw(hnp.arrays(np.bool_, shape[:count]))


@st.composite
def _mixed(draw, shape):
    """Arrays, integers, slices and new axes in one index, with an ellipsis somewhere or not."""
    result_shape = draw(shapes(min_dims=1, max_dims=1, min_side=1, max_side=3))
    kinds = [draw(st.sampled_from(["slice", "integer", "array"])) for _ in shape]
    if len(shape) > 2 and draw(st.booleans()):
        kinds[:2], kinds[-1] = ["array", "slice"], "array"  # arrays apart: their axes move to the front
    key: list[Any] = []
    for n, kind in zip(shape, kinds, strict=True):
        if kind == "array":
            key.append(draw(_positions(n, result_shape)))
        else:
            key.append(draw(_slices(n) if kind == "slice" else st.integers(-n, n - 1)))
    where = draw(st.integers(0, len(key)))
    inserted = draw(st.sampled_from([[], [None], [Ellipsis]]))
    return tuple(key[:where] + inserted + key[where:])


@st.composite
def matmul_operands(draw, *, max_side: int = 3):
    """Draw pairs of operands of all the shapes that ``@`` takes: vectors, matrices, broadcast stacks.

    Parameters
    ----------
    max_side : int

    Returns
    -------
    strategy of (ndarray, ndarray)

    Examples
    --------
    >>> from hypothesis import find
    >>> a, b = find(matmul_operands(), lambda ab: ab[0].ndim == 1 and ab[1].ndim == 3)
    >>> a.shape[0] == b.shape[1]
    True
    """
    m, k, n = draw(shapes(min_dims=3, max_side=max_side))
    stack = draw(shapes(min_dims=1, max_dims=2, min_side=1, max_side=max_side))
    left, right = draw(_broadcast_shapes(stack, 2))
    # stacks twice: they are of many kinds, and one in four of their pairs has axes that stretch
    a = draw(st.sampled_from([(k,), (m, k), (*left, m, k), (*left, m, k)]))
    b = draw(st.sampled_from([(k,), (k, n), (*right, k, n), (*right, k, n)]))
    return draw(arrays(a)), draw(arrays(b))


# --- calls ------------------------------------------------------------------------------------------------


@st.composite
def calls(draw, operands: Any, params: Any = None):
    """Draw whole calls: operands, and the keywords that go with them.

    Parameters
    ----------
    operands : strategy, or tuple of strategy
        Of an array, of a tuple of operands, or of a `Call`, which is left as it is. A tuple holds one
        strategy for each operand.
    params : dict of str to strategy, or callable, optional
        A callable is given the operands, and returns the dict.

    Returns
    -------
    strategy of Call

    Examples
    --------
    >>> from hypothesis import find
    >>> summed = calls(arrays((2, 3)), lambda x: {"axis": axes(x.ndim)})
    >>> find(summed, lambda call: call.params["axis"] == 1).operands[0].shape
    (2, 3)
    """
    drawn = tuple(map(draw, operands)) if isinstance(operands, tuple) else draw(operands)
    if isinstance(drawn, Call):
        return drawn
    drawn = drawn if isinstance(drawn, tuple) else (drawn,)
    chosen: Mapping[str, Any] = params(*drawn) if callable(params) else params or {}
    return Call(drawn, {name: draw(_drawable(strategy)) for name, strategy in chosen.items()})


@functools.lru_cache
def _pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@functools.lru_cache
def _paddings(most: tuple[int, int]) -> st.SearchStrategy[Any]:
    """An int, a pair, or pairs of different sides."""
    rows, columns = (st.integers(0, n) for n in most)
    return (
        st.integers(0, min(most))
        | st.tuples(rows, columns)
        | st.tuples(st.tuples(rows, rows), st.tuples(columns, columns))
    )


def _sides(padding: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding as ((top, bottom), (left, right))."""
    if isinstance(padding, int):
        return (padding, padding), (padding, padding)
    rows, columns = padding
    return (rows, columns) if isinstance(rows, tuple) else ((rows, rows), (columns, columns))


@st.composite
def _input_size(draw, kernel, dilation, padding, spare):
    """A height and a width that hold a window, with up to ``spare`` rows and columns more."""
    pads = _sides(padding) if not isinstance(padding, str) else ((0, 0), (0, 0))
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    least = [1 if padding == "same" else max(1, n - sum(p)) for n, p in zip(spans, pads, strict=True)]
    return tuple(n + draw(st.integers(0, spare)) for n in least)


@st.composite
def conv2d_problems(draw, *, max_batch: int = 3, bias: bool = True):
    """Draw convolutions in two dimensions.

    Heights and widths differ in everything: input, kernel (even and odd), stride (that need not divide),
    dilation, padding (beyond the kernel, different on each side, "same", "valid"). Groups from one to as many
    as channels; batches from none.

    Parameters
    ----------
    max_batch : int
    bias : bool
        Whether a third operand is drawn: an array, or None.

    Returns
    -------
    strategy of Call
        ``(x, weight[, bias])`` with the keywords ``stride, padding, dilation, groups``.

    Examples
    --------
    >>> from hypothesis import find
    >>> call = find(conv2d_problems(), lambda call: call.params["groups"] == 3)
    >>> call.operands[0].shape[1], call.operands[1].shape[0]
    (3, 3)
    """
    groups = draw(st.integers(1, 3))
    inputs, outputs = draw(_pairs(1, 2 if groups < 3 else 1))
    kernel, stride, dilation = draw(_pairs(1, 3)), draw(_pairs(1, 3)), draw(_pairs(1, 2))
    padding = draw(_paddings((4, 4)) | st.sampled_from(["same", "valid"]))
    size = draw(_input_size(kernel, dilation, padding, 3))
    batch = draw(st.sampled_from([*range(1, max_batch + 1), 0]))
    x = draw(arrays((batch, groups * inputs, *size), whole=True))
    weight = draw(arrays((groups * outputs, inputs, *kernel), whole=True))
    operands: tuple[Any, ...] = (x, weight)
    if bias:
        operands += (draw(arrays((groups * outputs,), whole=True) | st.none()),)
    params = {
        "stride": stride if stride[0] != stride[1] else stride[0],
        "padding": padding,
        "dilation": dilation if dilation[0] != dilation[1] else dilation[0],
        "groups": groups,
    }
    return Call(operands, params)


@st.composite
def pool2d_problems(draw, *, dilated: bool, each: Callable[..., st.SearchStrategy] = distinct_arrays):
    """Draw poolings in two dimensions, heights and widths different in everything, batches from none.

    Parameters
    ----------
    dilated : bool
        Whether to draw the keyword ``dilation``, which average pooling does not have.
    each : callable
        `arrays` or `distinct_arrays`; without ties by default.

    Returns
    -------
    strategy of Call
        ``(x, kernel_size)`` with the keywords ``stride, padding, ceil_mode``.

    Examples
    --------
    >>> from hypothesis import find
    >>> call = find(pool2d_problems(dilated=False), lambda call: call.params["ceil_mode"])
    >>> call.operands[0].ndim, len(call.operands[1])
    (4, 2)
    """
    kernel, stride = draw(_pairs(1, 4)), draw(st.none() | _pairs(1, 3))
    dilation = draw(_pairs(1, 2)) if dilated else (1, 1)
    padding = draw(_paddings((kernel[0] // 2, kernel[1] // 2)))
    size = draw(_input_size(kernel, dilation, padding, 3))
    # a dilated window must not step over the whole input, from one padding to the other
    size = tuple(max(n, d) for n, d in zip(size, dilation, strict=True))
    x = draw(each((draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 2)), *size), whole=True))
    params = {"stride": stride, "padding": padding, "ceil_mode": draw(st.booleans())}
    if dilated:
        params["dilation"] = dilation
    return Call((x, kernel), params)


# --- running ----------------------------------------------------------------------------------------------


def for_all(
    name: str,
    strategy: st.SearchStrategy,
    check: Callable[[Any, int], None],
    *,
    seed: int | None = None,
    max_examples: int | None = None,
) -> None:
    """Run a check on drawn examples, each with a seed of its own for what the check draws itself.

    Parameters
    ----------
    name : str
        An identifier, under which hypothesis remembers failing examples.
    strategy : strategy
    check : callable
        Of an example and a seed; raises if something does not hold.
    seed, max_examples : int, optional
        For a run that is the same each time, without shrinking: what a count of caught faults needs. By
        default the hypothesis profile decides.

    Examples
    --------
    >>> for_all("squares", arrays(), lambda x, seed: np.testing.assert_array_equal(x * x >= 0, True))
    """

    def holds(example, check_seed):
        check(example, check_seed)

    holds.__name__ = holds.__qualname__ = name
    test = hypothesis.given(strategy, _SEEDS)(holds)
    # the first call of an operation may be slow, and building arrays is
    quiet = hypothesis.settings(deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
    if seed is None:
        quiet(test)()
        return
    fixed = hypothesis.settings(
        quiet,
        database=None,
        phases=[hypothesis.Phase.generate],
        report_multiple_bugs=False,
        max_examples=max_examples or 100,
    )
    hypothesis.seed(f"{name} {seed}")(fixed(test))()  # by name: each property sees other examples
