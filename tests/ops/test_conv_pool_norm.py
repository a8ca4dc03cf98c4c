"""Convolution, pooling and normalization as operations: as adjoints of each other, and at their edges."""

import numpy as np
import pytest
import references
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad
from tinygrad_cnn.kernels.geometry import ConvSpec
from tinygrad_cnn.ops.conv import conv2d_input, conv2d_output, conv2d_weight
from tinygrad_cnn.testing.layouts import LAYOUTS, relaid

RNG = np.random.default_rng


def integers(rng, *shape):
    """Small integers: sums and products of them are exact, so adjoints agree to the last bit."""
    return rng.integers(-3, 4, shape).astype(float)


@pytest.mark.parametrize("stride", [1, 2, 3, (2, 1)])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (3, 5), (4, 2)])
def test_same_padding_gives_the_ceiling_and_pads_more_at_the_end(kernel, stride):
    x, w = integers(RNG(0), 2, 1, 9, 10), integers(RNG(1), 1, 1, *kernel)
    steps = stride if isinstance(stride, tuple) else (stride,) * 2
    y = tg.conv2d(x, w, stride=stride, padding="same", dilation=(1, 2))
    assert y.shape[2:] == tuple(-(-n // s) for n, s in zip((9, 10), steps, strict=True))
    pads = references.same_padding((9, 10), kernel, steps, (1, 2))
    assert_array_equal(y, references.conv2d(x, w, stride=steps, padding=pads, dilation=(1, 2)))


def test_the_convolutions_triad_is_closed_under_differentiation():
    spec = ConvSpec.of((2, 4, 6, 5), (6, 2, 3, 2), stride=(2, 1), padding=(1, 2), groups=2)
    rng = RNG(0)
    x, w = integers(rng, 2, 4, 6, 5), integers(rng, 6, 2, 3, 2)
    y = conv2d_output(x, w, spec=spec)
    g = integers(rng, *y.shape)
    total = (y * g).sum()
    assert (conv2d_input(g, w, spec=spec) * x).sum() == total
    assert (conv2d_weight(x, g, spec=spec) * w).sum() == total
    for op, operands in ((conv2d_output, (x, w)), (conv2d_input, (g, w)), (conv2d_weight, (x, g))):
        names = op.operands[:2]
        out = op(*operands, spec=spec)
        cotangent = integers(rng, *out.shape)
        pulled = tg.vjp(lambda *p, op=op: op(*p, spec=spec), *operands)[1](cotangent)
        for name, operand, d in zip(names, operands, pulled, strict=True):
            assert d.shape == operand.shape
            assert (d * operand).sum() == (out * cotangent).sum(), f"{op.__name__} in {name}"


def test_the_bias_is_added_and_its_gradient_is_the_sum():
    rng = RNG(0)
    x, w, b = integers(rng, 2, 3, 5, 4), integers(rng, 4, 3, 2, 2), integers(rng, 4)
    plain = tg.conv2d(x, w)
    assert_array_equal(tg.conv2d(x, w, b), plain + b[:, None, None])
    g = integers(rng, *plain.shape)
    assert_array_equal(grad(lambda b: (tg.conv2d(x, w, b) * g).sum())(b), g.sum((0, 2, 3)))


def test_an_empty_batch_has_a_zero_weight_gradient():
    w = np.ones((4, 3, 2, 2))
    dx, dw = tg.vjp(lambda x, w: tg.conv2d(x, w), np.ones((0, 3, 5, 5)), w)[1](np.ones((0, 4, 4, 4)))
    assert dx.shape == (0, 3, 5, 5)
    assert_array_equal(dw, np.zeros_like(w))


def test_height_comes_before_width():
    x = np.arange(24.0).reshape(1, 1, 4, 6)
    assert_array_equal(tg.avg_pool2d(x, (1, 2))[0, 0], (x[0, 0, :, ::2] + x[0, 0, :, 1::2]) / 2)
    assert_array_equal(tg.max_pool2d(x, (1, 2))[0, 0], x[0, 0, :, 1::2])
    assert_array_equal(tg.avg_pool2d(x, (2, 1), stride=(2, 3)).shape, (1, 1, 2, 2))
    gradient = grad(lambda x: tg.avg_pool2d(x, (1, 2), stride=(2, 2)).sum())(x)
    assert_array_equal(gradient[0, 0], np.repeat([[0.5] * 6, [0.0] * 6], 1, 0).tolist() * 2)
    assert tg.adaptive_avg_pool2d(x, (1, 3)).shape == (1, 1, 1, 3)
    assert tg.conv2d(x, np.ones((1, 1, 1, 3)), stride=(1, 2)).shape == (1, 1, 4, 2)


def test_a_gradient_that_nobody_asked_for_is_not_computed(monkeypatch):
    from tinygrad_cnn.kernels import conv as kernel

    def forbidden(*args):
        raise AssertionError("not needed")

    x, weight, bias = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3)), np.ones(3)
    monkeypatch.setattr(kernel, "input_gradient", forbidden)
    gradient = grad(lambda w: tg.conv2d(x, w).sum())(weight)  # no bias, and x a constant
    assert_array_equal(gradient, np.full(weight.shape, 4.0))
    monkeypatch.setattr(kernel, "weight_gradient", forbidden)
    assert_array_equal(grad(lambda b: tg.conv2d(x, weight, b).sum())(bias), [4, 4, 4])


@settings(deadline=None, max_examples=60)
@given(*[st.sampled_from(LAYOUTS)] * 3, st.integers(1, 2), st.integers(0, 1), st.integers(0, 2**16))
def test_every_memory_layout_of_operands_and_cotangents(of_x, of_weight, of_g, stride, padding, seed):
    rng = np.random.default_rng(seed)
    x, weight = integers(rng, 2, 2, 6, 7), integers(rng, 3, 2, 2, 3)

    def f(x, w):
        y = tg.conv2d(x, w, stride=stride, padding=padding)
        return tg.max_pool2d(y, (2, 1)), tg.avg_pool2d(y, (1, 2))

    plain, pull_plain = tg.vjp(f, x, weight)
    value, pullback = tg.vjp(f, relaid(x, of_x), relaid(weight, of_weight))
    g = tuple(integers(rng, *out.shape) for out in plain)
    expected, actual = pull_plain(g), pullback(tuple(relaid(a, of_g) for a in g))
    for a, b in zip((*plain, *expected), (*value, *actual), strict=True):
        assert_array_equal(a, b)


# --- pooling -----------------------------------------------------------------------------------------------


def test_overlapping_windows_accumulate_and_padding_never_wins():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 9
    g = grad(lambda x: tg.max_pool2d(x, 2, stride=1).sum())(x)
    assert g[0, 0, 1, 1] == 4
    negative = np.full((1, 1, 2, 2), -1.0)
    assert_array_equal(tg.max_pool2d(negative, 2, padding=1), np.full((1, 1, 2, 2), -1.0))
    assert_array_equal(grad(lambda x: tg.max_pool2d(x, 2, padding=1).sum())(negative), np.ones((1, 1, 2, 2)))


# --- batch normalisation -----------------------------------------------------------------------------------


def test_batch_norm_is_the_composition_it_stands_for_to_second_order():
    rng = RNG(0)
    point = [rng.standard_normal((4, 3, 2, 2)), rng.uniform(0.5, 2, 3), rng.standard_normal(3)]

    def composed(x, weight, bias):
        centred = x - x.mean((0, 2, 3), keepdims=True)
        scale = weight.reshape(3, 1, 1) / tg.sqrt((centred**2).mean((0, 2, 3), keepdims=True) + 1e-5)
        return centred * scale + bias.reshape(3, 1, 1)

    def loss(f):
        return lambda p: tg.sin(f(*p)).sum()

    direction = [rng.standard_normal(a.shape) for a in point]
    assert_allclose(tg.batch_norm(*point), composed(*point), rtol=1e-12, atol=1e-13)
    for mine, other in zip(grad(loss(tg.batch_norm))(point), grad(loss(composed))(point), strict=True):
        assert_allclose(mine, other, rtol=1e-10, atol=1e-12)
    mine, other = (tg.hvp(loss(f), [point], [direction]) for f in (tg.batch_norm, composed))
    for a, b in zip(mine, other, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_batch_norm_of_a_constant_channel_is_its_bias_with_a_finite_gradient():
    x = np.full((4, 2, 3, 3), 1e6, np.float32)
    weight, bias = np.ones(2, np.float32), np.array([3.0, 5.0], np.float32)
    y, pullback = tg.vjp(lambda x: tg.batch_norm(x, weight, bias), x)
    assert_array_equal(y, np.broadcast_to(bias[:, None, None], x.shape))
    (dx,) = pullback(np.ones(x.shape))
    assert np.isfinite(dx).all()
