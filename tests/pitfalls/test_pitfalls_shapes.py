"""Shapes, broadcasting and indexing."""

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, grad, primitive, vjp


def naive_getitem_gradient(x, key, g):
    """Every selected place, one after the other."""
    out = np.zeros(x.shape)
    places = np.arange(x.size).reshape(x.shape)[key]
    for place, value in zip(np.ravel(places), np.ravel(g), strict=True):
        out.reshape(-1)[place] += value
    return out


def product(**options):
    @primitive(**options)
    def custom_product(a, b):
        return a * b

    custom_product.defvjp(a=lambda g, b: g * b, b=lambda g, a: g * a)
    return custom_product


def test_B1_the_tape_undoes_broadcasting_or_refuses():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([10.0])
    assert_array_equal(grad(lambda b: product(broadcasts=True)(a, b).sum())(b), [6])
    with pytest.raises(TypeError, match=r"custom_product.*'b'.*float64\[1\].*float64\[3\]"):
        grad(lambda b: product()(a, b).sum())(b)


def test_B2_a_0d_operand_keeps_its_shape():
    gradient = grad(lambda x: (x + np.ones(3)).sum())(np.array(1.0))
    assert isinstance(gradient, np.ndarray)
    assert gradient.shape == ()
    assert gradient == 3
    t = Tensor(1.0, requires_grad=True)
    (t * t).backward()
    assert isinstance(t.grad, np.ndarray)
    assert t.grad.shape == ()


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
def test_B3_an_axis_of_length_one_is_not_a_broadcast_axis(shape):
    x = np.arange(float(np.prod(shape))).reshape(shape)
    gradient = grad(lambda x: (tg.log_softmax(x, 1) * np.ones(shape)).sum())(x)
    assert gradient.shape == shape
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    assert_allclose(gradient, 1 - shape[1] * p, atol=1e-12)


def test_B4_an_error_inside_backward_leaves_nothing_behind():
    @primitive
    def fragile(x):
        return x * 1.0

    def fail(g):
        raise ZeroDivisionError("in the rule")

    fragile.defvjp(x=fail)
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ZeroDivisionError):
        fragile(x).sum().backward()
    assert x.grad is None
    (x * 3).sum().backward()
    assert_array_equal(x.grad, [3, 3])
    assert grad(lambda x: x * x)(3.0) == 6


def test_B5_an_index_that_repeats_accumulates():
    assert_array_equal(grad(lambda x: x[[0, 0]].sum())(np.array([5.0])), [2])
    assert_array_equal(grad(lambda x: tg.take(x, [2, 0, 2]).sum())(np.ones(3)), [1, 0, 2])
    assert_array_equal(grad(lambda w: tg.embedding(w, [1, 1]).sum())(np.ones((2, 2))), [[0, 0], [2, 2]])


LETTERS = np.array([0, 2, 0])
KEYS = {
    "boolean mask": np.arange(24).reshape(2, 3, 4) % 3 == 0,
    "mask of one axis": (slice(None), np.array([True, False, True])),
    "mask and array": (np.array([True, False]), np.array([[0], [2]])),
    "mask that stretches along an array": (np.array([True, False]), np.array([1, 1])),
    "newaxis": (None, 0, None, slice(1, 3), None),
    "negative steps": (slice(None, None, -1), slice(2, None, -2), slice(-1, 0, -1)),
    "ellipsis and array": (Ellipsis, LETTERS),
    "arrays around an ellipsis": (np.array([1, 1, 0]), Ellipsis, LETTERS),
    "arrays around a slice": (np.array([1, 1, 0]), slice(None), LETTERS),
    "arrays around newaxis": (0, LETTERS, None, LETTERS),
    "int and array": (1, slice(None), LETTERS),
    "arrays that broadcast": (np.array([[0], [1]]), np.array([0, 2])),
    "2-d array": np.array([[0, 1], [1, 1]]),
    "list": [1, 1, 0],
    "empty array": (slice(None), np.array([], int)),
    "0-d array": np.array(1),
    "nothing": (),
    "ellipsis": Ellipsis,
    "empty slice": slice(1, 1),
    "mask without hits": np.zeros((2, 3, 4), bool),
    "bool scalar": True,
}


@pytest.mark.parametrize("name", KEYS)
def test_B6_every_kind_of_index(name):
    key, x = KEYS[name], np.arange(24.0).reshape(2, 3, 4)
    value, pullback = vjp(lambda x: tg.getitem(x, key), x)
    assert_array_equal(value, x[key])
    g = np.arange(1.0, value.size + 1).reshape(value.shape)
    assert_array_equal(pullback(g)[0], naive_getitem_gradient(x, key, g))
    assert_array_equal(Tensor(x)[key].data, x[key])


def test_B7_einsum_takes_diagonals():
    x = np.arange(9.0).reshape(3, 3)
    assert_array_equal(tg.einsum("ii->i", x), np.diag(x))
    assert_array_equal(
        grad(lambda x: (tg.einsum("ii->i", x) * np.array([1.0, 2, 3])).sum())(x), np.diag([1, 2, 3])
    )
    assert_array_equal(grad(lambda x: tg.einsum("ii", x))(x), np.eye(3))
    cube = np.arange(27.0).reshape(3, 3, 3)
    assert_array_equal(tg.einsum("iii->i", cube), np.einsum("iii->i", cube))
    assert_array_equal(grad(lambda x: tg.einsum("iii", x))(cube), np.eye(3)[:, :, None] * np.eye(3))


def test_B8_repeat_by_array_pad_modes_and_sorting_of_many_axes():
    x = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    assert_array_equal(grad(lambda x: tg.repeat(x, [0, 2, 3], 1).sum())(x), [[0, 2, 3], [0, 2, 3]])
    for mode, expected in {
        "constant": [1, 1, 1],
        "edge": [3, 1, 3],
        "reflect": [2, 3, 2],
        "wrap": [2, 3, 2],
    }.items():
        assert_array_equal(tg.pad(x[0], 2, mode=mode), np.pad(x[0], 2, mode=mode))
        assert_array_equal(grad(lambda x, mode=mode: tg.pad(x, 2, mode=mode).sum())(x[0]), expected)
    with pytest.raises(NotImplementedError, match=r"pad: mode: .*'mean'"):
        tg.pad(x, 1, mode="mean")  # when called, not in the backward walk
    for axis in (0, 1, -1, None):
        assert_array_equal(tg.sort(x, axis), np.sort(x, axis))
    weights = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    gradient = grad(lambda x: (tg.sort(x, 1) * weights).sum())(x)
    assert_array_equal(gradient, [[3, 1, 2], [4, 6, 5]])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((2, 3, 4), (4, 5)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((3,), (3,)),
        ((3,), (2, 3, 4)),
        ((2, 4, 3), (3,)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((1, 3, 4), (5, 4, 2)),
        ((2, 3), (4, 3, 2)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 3)),
        ((1, 0, 0), (0, 0)),
        ((2, 3, 0), (0, 4)),
    ],
    ids=str,
)
def test_B9_matmul_of_all_shapes(a, b):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-4, 5, a).astype(float), rng.integers(-4, 5, b).astype(float)
    value, pullback = vjp(tg.matmul, a, b)
    assert_array_equal(value, a @ b)
    g = np.array(rng.integers(-4, 5, value.shape), dtype=float)
    da, db = pullback(g)
    assert (da.shape, db.shape) == (a.shape, b.shape)
    # the adjoint identity, exact for integers
    va, vb = rng.integers(-4, 5, a.shape), rng.integers(-4, 5, b.shape)
    assert np.sum(da * va) == np.sum(g * (va @ b))
    assert np.sum(db * vb) == np.sum(g * (a @ vb))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "norm"])
def test_B10_axes_in_every_form(name):
    op = getattr(tg, name)
    x = np.random.default_rng(0).permutation(24).reshape(2, 3, 4) / 8 + 0.25

    def both(axis, keepdims):
        def reduce(x):
            return op(x, axis, keepdims=keepdims)

        return reduce(x), grad(lambda x: reduce(x).sum())(x)

    for same in ([1, -2, (1,), (-2,)], [None, (0, 1, 2), (2, 0, -2)], [(0, 2), (-1, 0), (2, -3)]):
        for keepdims in (False, True):
            first, *others = (both(axis, keepdims) for axis in same)
            for value, gradient in others:
                assert value.shape == first[0].shape
                assert_allclose(value, first[0], rtol=1e-12)
                assert_allclose(gradient, first[1], rtol=1e-12)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "logsumexp"])
def test_B10_no_axis_is_the_identity(name):
    op, x = getattr(tg, name), np.array([[1.0, -2.0], [3.0, 3.0]])
    value, pullback = vjp(lambda x: op(x, ()), x)
    assert_array_equal(value, x)
    assert_array_equal(pullback(2 * np.ones((2, 2)))[0], np.full((2, 2), 2.0))


def test_B11_empty_arrays():
    x, weight = np.zeros((0, 2, 5, 5)), np.ones((3, 2, 3, 3))
    value, pullback = vjp(tg.conv2d, x, weight, np.ones(3))
    assert value.shape == (0, 3, 3, 3)
    dx, dw, db = pullback(np.zeros(value.shape))
    assert dx.shape == x.shape
    assert_array_equal(dw, np.zeros(weight.shape))
    assert_array_equal(db, np.zeros(3))
    for pool in (tg.max_pool2d, tg.avg_pool2d):
        value, pullback = vjp(lambda x, pool=pool: pool(x, 2), x)
        assert value.shape == (0, 2, 2, 2)
        assert pullback(value)[0].shape == x.shape
    dense = grad(lambda w: (np.zeros((0, 4)) @ w).sum())(np.ones((4, 2)))
    assert_array_equal(dense, np.zeros((4, 2)))
    flat, _ = tg.nn.Flatten()({}, {}, x)
    assert flat.shape == (0, 50)
    assert grad(tg.sum)(np.zeros((0, 3))).shape == (0, 3)


def test_B11_an_empty_batch_goes_through_a_network():
    model = tg.models.baseline_bn()
    params, state = model.init(np.random.default_rng(0))
    x = np.zeros((0, 1, 28, 28), np.float32)
    assert model(params, state, x)[0].shape == (0, 10)
    gradients = grad(lambda p: model(p, state, x)[0].sum())(params)
    assert all(not g.any() for g in tg.tree.leaves(gradients))


def test_B12_every_node_is_visited_once():
    def doubled(x):
        for _ in range(2):
            x = x + x
        return x

    assert grad(doubled)(1.0) == 4
    assert grad(lambda x: x * x)(3.0) == 6

    def deep(x):
        for _ in range(60):  # 2**60 paths
            x = x * 0.5 + x * 0.5
        return x

    start = time.perf_counter()
    assert grad(deep)(1.0) == 1
    assert time.perf_counter() - start < 1
