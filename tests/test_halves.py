"""Halves are summed in single precision and rounded once, whatever is summed, in any memory layout.

A half adds 1 to 2048 in vain, and ends at 65504. NumPy sums halves wide where they lie side by side, and
narrow where they do not. So each operation is called on arrays that are long along one axis, in several
layouts, and must give what float64 gives, up to a few roundings of the largest element.
"""

import functools
import math

import numpy as np
import pytest
import records
from numpy.testing import assert_allclose, assert_array_equal
from records import linear_algebra

import tinygrad_cnn as tg
from tinygrad_cnn import tape, tree
from tinygrad_cnn.ops import indexing
from tinygrad_cnn.tape import Primitive
from tinygrad_cnn.testing import Call
from tinygrad_cnn.testing.layouts import LAYOUTS, relaid

LONG = 600
LARGEST = 2**12
# one_hot has no floats, and linear algebra, as NumPy's, no halves
WITHOUT_HALVES = {"one_hot", *(one.case.name for one in linear_algebra.RECORDS)} - {"multi_dot"}
CASES = {case.name: case for case in records.CASES if case.name not in WITHOUT_HALVES}


def lengthenings(call):
    """Yield functions from a shape to how often each axis is repeated: those of a length, or of a place.

    What they make of the shapes of the call differs, and repeats something.
    """
    shapes = [*(x.shape for x in arrays_of(call)), call.params.get("shape", ())]
    lengths = {n for shape in shapes for n in shape} - {0, 1}
    ways = [functools.partial(_of_length, length=length) for length in lengths]
    for place in range(max(map(len, shapes))):
        ways += [functools.partial(_of_place, place=place), functools.partial(_of_place, place=-1 - place)]
    different = {tuple(tuple(way(shape)) for shape in shapes): way for way in ways}
    return [way for key, way in different.items() if any(LONG in repeats for repeats in key)]


def _of_length(shape, length):
    return [LONG if n == length else 1 for n in shape]


def _of_place(shape, place):
    return [LONG if place in (i, i - len(shape)) else 1 for i in range(len(shape))]


def peaked(x):
    """Make the first elements of a long axis so large that a half would not notice what is added to them."""
    x = x.copy()  # without elements, what NumPy repeats is the array itself, which may be read-only
    for axis, n in enumerate(np.shape(x)):
        if n >= LONG:
            x[(slice(None),) * axis + (0,)] *= 2048
    return x


CHANGES = {"as drawn": lambda x: x, "large": lambda x: 64 * x, "with peaks": peaked}


def arrays_of(call):
    return [x for x in tree.leaves((call.operands, call.params)) if isinstance(x, np.ndarray)]


def lengthened(call, repeats, change, layout):
    """Repeat the arrays of a call, and the shape it asks for, with floating numbers as halves.

    Return None if an array becomes too large.
    """
    shapes = [*(x.shape for x in arrays_of(call)), call.params.get("shape", ())]
    sizes = [math.prod(shape) * math.prod(repeats(shape)) for shape in shapes]
    if max(sizes) > LARGEST:
        return None
    if "spec" in call.params and any(n > 1 for shape in shapes for n in repeats(shape)[2:]):
        return None  # it holds the size of the images
    spreads = "indexing" in call.params or isinstance(call.operands[0], str)
    if spreads and math.prod(sizes) > LARGEST**2:  # a grid, or an einsum, may have the axes of all arrays
        return None

    def longer(x):
        if not isinstance(x, np.ndarray | np.generic):
            return x
        x = np.tile(x, repeats(x.shape)) if x.ndim else x
        return relaid(change(x).astype(np.float16), layout) if x.dtype.kind == "f" else x

    def half(x):  # a Python number that is differentiated would be a double
        return (
            np.array(x, np.float16) if isinstance(x, float) and not isinstance(x, np.generic) else longer(x)
        )

    params = tree.map(longer, call.params)
    if "shape" in params:
        params["shape"] = tuple(n * k for n, k in zip(params["shape"], repeats(params["shape"]), strict=True))
    return Call(tree.map(half, call.operands), params)


def widened(call, dtype):
    def wide(x):
        return x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype == np.float16 else x

    return Call(tree.map(wide, call.operands), tree.map(wide, call.params))


def in_wide(case, call, dtype=np.float64):
    """Return the value and the pullback in a wider dtype; None if such arrays do not fit together."""
    flat = case.flat(widened(call, dtype))
    try:
        (value, *_), pullback = tg.vjp(flat.call, *flat.leaves)
        pullback([np.ones(value.shape)])
    except (ValueError, IndexError, TypeError):
        return None
    return (value, pullback) if 0 < value.size <= LARGEST else None


def sums(case, call):
    """Whether an element of the value, or of a gradient, is made of several elements."""
    if (double := in_wide(case, call)) is None:
        return False
    value, pullback = double
    one = np.zeros(value.shape)
    one[tuple(n // 2 for n in value.shape)] = 1
    return any(np.count_nonzero(g) > 1 or g.size < value.size for g in pullback([one]))


def assert_rounded(halves, doubles, singles, noise=2**-20, *, once=False):
    """Compare with what float64 gives, where float32 has a number; `noise` is that of terms which cancel.

    What is rounded `once` is wrong by a unit in the last place of each element, beside the noise.
    """
    assert halves.dtype == np.float16
    expected = doubles.astype(np.float16).astype(float)
    largest = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
    # what is 0 may be a difference of numbers near 1, each rounded, or of larger ones in single precision
    rtol, atol = (2**-10, 2**-18 * largest + 2**-23) if once else (0, 2**-8 * largest + 2**-11)
    held = np.isfinite(singles)
    assert_allclose(halves[held].astype(float), expected[held], rtol=rtol, atol=atol + noise)


def sizes_of_terms(value, pullback, g):
    """Return how large each gradient becomes if what cancels in it does not, for it may have other signs.

    Equal elements of the value, which are the repeated ones, share a sign, and their terms add up.
    """
    _, group = np.unique(value, return_inverse=True)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (8, value.size + 1))
    signed = [pullback([g * sign[group].reshape(value.shape)]) for sign in signs]
    return [
        max(np.max(np.abs(x), initial=1, where=np.isfinite(x)) for x in same)
        for same in zip(*signed, strict=True)
    ]


def assert_gradients_rounded(halves, double, single, g, *, has_terms):
    """Compare gradients, and those that differ and have terms once more, by the size of these."""
    value, pullback = double
    of_singles = single[1]([g.astype(np.float32)])
    doubles = pullback([g.astype(float)])
    for place, three in enumerate(zip(halves, doubles, of_singles, strict=True)):
        try:
            assert_rounded(*three, 2**-20 * np.max(g, initial=1))
        except AssertionError:
            if not has_terms:
                raise
            # a rule rounds each term to a half before they are summed to the shape of the operand
            assert_rounded(*three, 2**-10 * sizes_of_terms(value, pullback, g.astype(float))[place])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what is too large for a half becomes infinite
@pytest.mark.parametrize("name", CASES)
def test_whatever_is_summed_is_summed_wide(name):
    case = CASES[name]

    for number, (drawn, _) in enumerate(records.drawn(case, 8)):
        layout, change = LAYOUTS[number % len(LAYOUTS)], list(CHANGES.values())[number % len(CHANGES)]
        for repeats in lengthenings(drawn) if sums(case, drawn) else ():
            call = lengthened(drawn, repeats, change, layout)
            if call is None or (double := in_wide(case, call)) is None:
                continue
            flat, single = case.flat(call), in_wide(case, call, np.float32)
            (halves, *_), pullback_of_halves = tg.vjp(flat.call, *flat.leaves)
            of_primitive = isinstance(case.function, Primitive)
            assert_rounded(halves, double[0], single[0], once=of_primitive)
            g = peaked(np.resize([0.25, 0.375, 0.3125], halves.shape)).astype(np.float16)
            of_halves = pullback_of_halves([relaid(g, layout)])
            has_terms = not of_primitive or case.function.broadcasts
            assert_gradients_rounded(of_halves, double, single, g, has_terms=has_terms)


# What is drawn above meets each path of a rule only now and then. These meet the long sums every time: along
# the first axis of two columns, which NumPy adds narrow.
N = 4096
ONES, PAIR = np.ones((N, 2), np.float16), np.ones(2, np.float16)
COLUMN = ONES[:, 0]
FIRST = np.zeros(N, int)
PIXELS = np.ones((N, 1, 1, 1), np.float16)

VALUES = {
    "sum_to": lambda: tape.sum_to(ONES, (2,)),
    "einsum of one": lambda: tg.einsum("ij->j", ONES),
    "einsum of two": lambda: tg.einsum("ij,ij->j", ONES, ONES),
    "scatter": lambda: indexing.scatter(ONES, np.arange(N) % 7 // 6, shape=(2, 2)).sum(0),
}


@pytest.mark.parametrize("name", VALUES)
def test_long_sums_of_values_are_wide(name):
    assert_array_equal(VALUES[name](), np.array([N, N], np.float16), strict=True)


ALTERNATING = np.resize([2048.0, 1.0], 13)
ROUNDED_ONCE = {
    "cumprod": lambda dtype: tg.cumprod(np.full(512, 1 + 2.0**-8, dtype)),
    "gradient": lambda dtype: tg.gradient(np.array([-6e4, 0, 6e4, 0], dtype)),
    "multi_dot": lambda dtype: tg.linalg.multi_dot(
        [np.full((1, N), 16, dtype), np.ones((N, 2), dtype), np.full((2, 1), 2.0**-4, dtype)]
    ),
    "trapezoid": lambda dtype: tg.trapezoid(ALTERNATING.astype(dtype)),
}


@pytest.mark.parametrize("name", ROUNDED_ONCE)
def test_what_grows_on_the_way_is_rounded_once(name):
    halves, doubles = map(ROUNDED_ONCE[name], (np.float16, np.float64))
    assert_array_equal(halves, doubles.astype(np.float16), strict=True)


# functions of a pair whose elements take part N times, each time with slope 1
ADJOINTS = {
    "add": lambda b: ONES + b,
    "subtract": lambda b: b - ONES,
    "multiply": lambda b: ONES * b,
    "divide": lambda b: b / ONES,
    "hypot": lambda b: tg.hypot(b, 0 * ONES),
    "power": lambda b: tg.power(b, ONES),
    "maximum": lambda b: tg.maximum(b, 0 * ONES),
    "minimum": lambda b: tg.minimum(b, 2 * ONES),
    "where": lambda b: tg.where(np.ones((N, 2), bool), b, ONES),
    "clip": lambda b: tg.clip(b, 0 * ONES, 2 * ONES),
    "broadcast_to": lambda b: tg.broadcast_to(b, (N, 2)),
    "tile": lambda b: tg.tile(b, (N, 1)),
    "repeat": lambda b: tg.repeat(b[None], N, 0),
    "getitem": lambda b: b[None][FIRST],
    "take": lambda b: tg.take(b[None], FIRST, 0),
    "embedding": lambda b: tg.embedding(b[None], FIRST),
    "pad, edge": lambda b: tg.pad(b[None], ((0, N - 1), (0, 0)), mode="edge"),
    "pad, wrap": lambda b: tg.pad(b[None], ((0, N - 1), (0, 0)), mode="wrap"),
    "pad, reflect": lambda b: tg.pad(tg.stack([b, b]), ((0, N - 2), (0, 0)), mode="reflect"),
    "matmul": lambda b: tg.matmul(COLUMN[:, None], b[None]),
    "outer": lambda b: tg.outer(COLUMN, b),
    "einsum": lambda b: tg.einsum("i,j->ij", COLUMN, b),
    "cumsum": lambda b: tg.cumsum(tg.concatenate([b[None], 0 * ONES[1:]]), 0),
    "layer_norm, bias": lambda b: tg.layer_norm(ONES, PAIR, b),
    "batch_norm, bias": lambda b: tg.batch_norm(ONES, PAIR, b),
    "group_norm, bias": lambda b: tg.group_norm(ONES, 1, PAIR, b),
    "conv2d, bias": lambda b: tg.conv2d(PIXELS, np.ones((2, 1, 1, 1), np.float16), b),
    "conv2d, weight": lambda b: tg.conv2d(PIXELS, tg.reshape(b, (2, 1, 1, 1))),
}


@pytest.mark.parametrize("name", ADJOINTS)
def test_gradients_are_summed_wide(name):
    gradient = tg.grad(lambda b: tg.sum(tg.astype(ADJOINTS[name](b), np.float32)))(PAIR)
    assert gradient.dtype == np.float16
    assert_array_equal(gradient, [N, N])


@pytest.mark.parametrize("lead", [lambda x: x, lambda x: 1 * x], ids=["leaf", "value"])
@pytest.mark.parametrize("order", [1, 2])
def test_the_gradients_of_many_paths_are_summed_wide(lead, order):
    """The newest path brings 2048, which takes up no single 1 of the others."""

    def paths(x):
        x = lead(x)
        older = tg.sum(tg.stack([x] * 8).astype(np.float32))
        return older + tg.sum((2048 * x).astype(np.float32))

    def slope(x):
        return tg.sum(tg.grad(paths)(x) * x)

    gradient = tg.grad(paths if order == 1 else slope)(PAIR)
    assert_array_equal(gradient, np.array([2056, 2056], np.float16), strict=True)
