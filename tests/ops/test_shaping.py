"""Operations that move elements: values as NumPy's, gradients that put every element back where it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

X = np.arange(24.0).reshape(2, 3, 4)


def assert_moves(call, *arrays):
    """The value is NumPy's; the gradient under distinct weights is what an index array says."""
    value = call(tg)(*arrays)
    assert_array_equal(value, call(np)(*arrays), strict=True)
    weights = np.arange(1.0, value.size + 1).reshape(value.shape)
    starts = np.cumsum([0, *(a.size for a in arrays)])
    numbered = [
        np.arange(start, start + a.size).reshape(a.shape) for start, a in zip(starts, arrays, strict=False)
    ]
    source = call(np)(*numbered)
    expected = np.bincount(source.ravel(), weights.ravel(), minlength=starts[-1])
    found = grad(lambda p: (call(tg)(*p) * weights).sum())(list(arrays))
    for start, g, a in zip(starts, found, arrays, strict=False):
        assert_array_equal(g, expected[start : start + a.size].reshape(a.shape))


@pytest.mark.parametrize(
    "call",
    [
        lambda m: lambda x: m.reshape(x, (4, 6)),
        lambda m: lambda x: m.reshape(x, -1),
        lambda m: lambda x: m.transpose(x),
        lambda m: lambda x: m.transpose(x, (1, 2, 0)),
        lambda m: lambda x: m.transpose(x, (-1, 0, 1)),
        lambda m: lambda x: m.swapaxes(x, 0, -1),
        lambda m: lambda x: m.moveaxis(x, 0, -1),
        lambda m: lambda x: m.moveaxis(x, (0, 1), (2, 0)),
        lambda m: lambda x: m.expand_dims(x, (0, -1)),
        lambda m: lambda x: m.squeeze(x[:1], 0),
        lambda m: lambda x: m.squeeze(x[:1, :1]),
        lambda m: lambda x: m.broadcast_to(x, (5, 2, 3, 4)),
        lambda m: lambda x: m.broadcast_to(x[:, :1], (2, 3, 4)),
    ],
)
def test_one_array(call):
    assert_moves(call, X)
    assert_moves(call, np.asfortranarray(X))


@pytest.mark.parametrize(
    "call",
    [
        lambda m: lambda x, y: m.concatenate([x, y]),
        lambda m: lambda x, y: m.concatenate([y, x, y], axis=-1),
        lambda m: lambda x, y: m.concatenate([x, y], axis=None),
        lambda m: lambda x, y: m.stack([x, y]),
        lambda m: lambda x, y: m.stack((y, x), axis=-1),
        lambda m: lambda x, y: m.stack([x, x], axis=1),
    ],
)
def test_two_arrays(call):
    assert_moves(call, X, X + 100)


def test_arrays_of_unequal_length_are_joined():
    assert_moves(lambda m: lambda x, y: m.concatenate([x, y], axis=1), X, X[:, :1])


def test_joining_promotes_and_gradients_are_cast_back():
    x, y = np.ones(2, np.float32), np.ones(3)
    dx, dy = grad(lambda x, y: (tg.concatenate([x, y]) * np.arange(5.0)).sum(), (0, 1))(x, y)
    assert_array_equal(dx, np.array([0.0, 1.0], np.float32), strict=True)
    assert_array_equal(dy, [2.0, 3.0, 4.0])


@pytest.mark.parametrize("width", [0, 1, (1, 2), ((0, 1), (2, 0), (1, 1))])
def test_padding(width):
    value = tg.pad(X, width, constant_values=7.0)
    assert_array_equal(value, np.pad(X, width, constant_values=7.0), strict=True)
    weights = np.arange(float(value.size)).reshape(value.shape)
    inside = np.pad(np.ones_like(X), width) == 1
    found = grad(lambda x: (tg.pad(x, width, constant_values=7.0) * weights).sum())(X)
    assert_array_equal(found, weights[inside].reshape(X.shape))


KEYS = [
    1, -1, slice(None, None, -1), slice(5, 9), (..., 0), (None, 1), (slice(None), None, ..., slice(0, 4, 2)),
    [0, 0, 1], np.array([[0, 1], [1, 1]]), (np.array([0, 0]), slice(None), np.array([3, 3])),
    ([0, 1], [1, 1], [2, 2]), (0, slice(None), [1, 1]), X > 5, (slice(None), np.array([True, False, True])),
    (..., np.array([0, 0])), np.zeros((2, 3, 4), bool), True, np.int64(1), [], (),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=lambda key: repr(key)[:40])
def test_every_kind_of_index(key):
    assert_moves(lambda m: lambda x: m.reshape(x, x.shape)[key], X)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_indices_of_every_mixture(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True) | hnp.integer_array_indices(shape))
    x = np.arange(float(np.prod(shape))).reshape(shape)
    assert_moves(lambda m: lambda x: m.reshape(x, x.shape)[key], x)


def test_indexing_is_differentiable_twice():
    def f(x):
        return (x[[0, 0, 2]] ** 3).sum()

    assert_array_equal(tg.hessian(f)(np.array([1.0, 2.0, 3.0])), np.diag([12.0, 0.0, 18.0]))


def test_float32_stays():
    x = np.ones((2, 3), np.float32)
    for f in (lambda x: x[[0, 0]], lambda x: tg.pad(x, 1), lambda x: tg.stack([x, x]), lambda x: x.T):
        assert f(x).dtype == np.float32
        assert grad(lambda x, f=f: f(x).sum())(x).dtype == np.float32
