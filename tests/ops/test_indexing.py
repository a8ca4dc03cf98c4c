"""Indices and padding of every kind, against the places that NumPy selects."""

import numpy as np
import pytest
import references
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor

EXAMPLES = settings(deadline=None, max_examples=150 if settings.default.max_examples < 1000 else 2000)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


@st.composite
def indexed(draw):
    """An array, and a mix of integers, slices, arrays, masks, new axes and an ellipsis."""
    shape = draw(SHAPES)
    common = draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
    key = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        kind = draw(st.sampled_from(["int", "slice", "array", "array", "mask"]))
        if kind == "int":
            key.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            key.append(draw(st.slices(n)))
        elif kind == "array":
            own = tuple(draw(st.sampled_from([m, 1])) for m in common)
            key.append(draw(hnp.arrays(np.intp, own, elements=st.integers(-n, n - 1))))
        else:
            hits = draw(st.integers(0, n - 1))
            key.append(np.arange(n) == hits)  # one hit, which broadcasts with any array
        if draw(st.integers(0, 4)) == 0:
            key.append(None)
    if draw(st.booleans()):
        key.append(Ellipsis)
    return shape, tuple(key)


@EXAMPLES
@given(indexed() | SHAPES.flatmap(lambda shape: st.tuples(st.just(shape), hnp.arrays(bool, shape))))
def test_every_mix_of_indices(problem):
    shape, key = problem
    x = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    value, pullback = tg.vjp(lambda x: x[key], x)
    assert_array_equal(value, x[key])
    g = np.arange(1.0, np.size(value) + 1).reshape(np.shape(value))
    assert_array_equal(pullback(g)[0], references.scatter_add(g, key, shape=shape))
    # the adjoint of the adjoint is the index itself
    second = tg.grad(lambda g: tg.sum(pullback(g)[0] * x))(g)
    assert_array_equal(second, x[key])


@EXAMPLES
@given(
    SHAPES.flatmap(
        lambda shape: st.tuples(
            st.just(shape),
            st.tuples(*[st.tuples(st.integers(0, 9), st.integers(0, 9))] * len(shape)),
            st.sampled_from(["constant", "edge", "reflect", "wrap"]),
        )
    )
)
def test_padding_in_every_mode(problem):
    """Wider than the array too, where reflections and copies repeat; the gradient sums over the copies."""
    shape, widths, mode = problem
    x = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    value, pullback = tg.vjp(lambda x: tg.pad(x, widths, mode=mode), x)
    assert_array_equal(value, np.pad(x, widths, mode=mode))
    g = np.random.default_rng(0).integers(-4, 5, value.shape).astype(float)
    origin = np.pad(np.arange(x.size).reshape(shape) + 1, widths, mode=mode)  # 0: the padding constant
    expected = np.bincount(origin.ravel(), g.ravel(), minlength=x.size + 1)[1:].reshape(shape)
    assert_array_equal(pullback(g)[0], expected)


@st.composite
def positions(draw, length):
    """Runs of even steps, up, down and in place, among single positions; in any integer dtype."""
    runs = draw(
        st.lists(st.tuples(st.integers(0, length - 1), st.integers(-3, 3), st.integers(1, 9)), max_size=5)
    )
    found = [p for start, step, n in runs for i in range(n) if 0 <= (p := start + i * step) < length]
    dtype = draw(st.sampled_from([np.int64, np.uint8, np.uint64, *([np.int8] if length < 128 else [])]))
    if np.dtype(dtype).kind == "i":
        found = [p - length * draw(st.integers(0, 1)) for p in found]
    return np.array(found, dtype)


@settings(deadline=None, max_examples=max(100, settings.default.max_examples))
@given(st.data())
def test_looking_up_along_an_axis_is_undone_by_adding(data):
    shape = data.draw(st.sampled_from([(12,), (9, 2), (2, 250), (2, 6, 3)]))
    axis = data.draw(st.integers(0, len(shape) - 1))
    key = (slice(None),) * axis + (data.draw(positions(shape[axis])),)
    x = np.zeros(shape)
    value, pullback = tg.vjp(lambda x: tg.getitem(x, key), x)
    g = np.random.default_rng(0).integers(-9, 10, value.shape).astype(float)
    assert_array_equal(pullback(g)[0], references.scatter_add(g, key, shape=shape))


LETTERS = np.array([0, 2, 0])
KEYS = [
    (slice(None), np.array([True, False, True])),
    (np.array([True, False]), np.array([[0], [2]])),
    (np.array([True, False]), np.array([1, 1])),  # a mask that stretches along an array
    (Ellipsis, LETTERS),
    (np.array([1, 1, 0]), Ellipsis, LETTERS),
    (np.array([1, 1, 0]), slice(None), LETTERS),
    (0, LETTERS, None, LETTERS),
    [1, 1, 0],
    [[0, 1], [1, 1]],
    (slice(None), [True, False, True]),
    (slice(None), np.array([], int)),
    np.array(1),
    True,
    Ellipsis,
    (slice(1, None), np.zeros(9, int)),  # a vector after a part of an axis
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_every_kind_of_index(key):
    x = np.arange(24.0).reshape(2, 3, 4)
    value, pullback = tg.vjp(lambda x: tg.getitem(x, key), x)
    assert_array_equal(value, x[key])
    g = np.arange(1.0, value.size + 1).reshape(value.shape)
    assert_array_equal(pullback(g)[0], references.scatter_add(g, key, shape=x.shape))


def test_a_tensor_may_be_an_index():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[Tensor(np.array([0, 0]))].sum().backward()
    assert_array_equal(x.grad, [2, 0, 0])
    x.grad = None
    x[x > 1.5].sum().backward()
    assert_array_equal(x.grad, [0, 1, 1])
    x.grad = None
    x[tg.argmax(x), None].sum().backward()
    assert_array_equal(x.grad, [0, 0, 1])


@pytest.mark.parametrize("key", [5, (0, 0, 0), np.array([7]), np.ones((2, 2), bool)], ids=repr)
def test_an_index_that_does_not_fit_is_an_error(key):
    with pytest.raises(IndexError) as error:
        tg.getitem(np.ones((3, 1)), key)
    assert any("in getitem(x: float64[3, 1]" in note for note in error.value.__notes__)
