"""Convolution and pooling at the edges of what they accept, and the work that they save."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad, ops
from tinygrad_cnn.kernels import conv

IMAGE = np.ones((1, 2, 5, 6))


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "global_avg_pool2d"])
def test_pooling_takes_only_arrays_of_real_numbers(name):
    sizes = () if name.startswith("global") else (2,)
    for x, match in (
        (IMAGE.tolist(), "an array, got list"),
        (IMAGE.astype(complex), "a real dtype, got complex"),
    ):
        with pytest.raises(TypeError, match=f"{name}: x: expected {match}"):
            getattr(ops, name)(x, *sizes)


def test_options_that_are_left_out():
    assert ops.max_pool2d(IMAGE, 2).shape == ops.avg_pool2d(IMAGE, 2).shape == (1, 2, 2, 3)
    assert ops.conv2d(IMAGE, np.ones((3, 2, 2, 2))).shape == (1, 3, 4, 5)
    assert ops.conv1d(IMAGE[:, :, 0], np.ones((3, 2, 2))).shape == (1, 3, 5)
    assert ops.conv_transpose2d(IMAGE, np.ones((2, 3, 2, 2))).shape == (1, 3, 6, 7)


def test_a_transposed_convolution_may_give_a_single_element():
    x, weight = np.full((1, 1, 1, 1), 3.0), np.full((1, 1, 1, 1), 5.0)
    assert tg.conv_transpose2d(x, weight).tolist() == [[[[15.0]]]]


SIGNAL, TAPS = np.ones((1, 2, 5)), np.ones((3, 2, 2))


def adaptive(size):
    return ops.adaptive_avg_pool2d(IMAGE, size)


def transposed(**options):
    return ops.conv_transpose2d(IMAGE, np.ones((2, 3, 2, 2)), **options)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: adaptive(0), ValueError, "adaptive_avg_pool2d: output_size: expected at least 1, got 0"),
        (lambda: adaptive((1, 0)), ValueError, "output_size: expected at least 1, got 0"),
        (lambda: adaptive((1, 2, 3)), ValueError, r"output_size: expected .* or a pair .*, got \(1, 2, 3\)"),
        (lambda: adaptive(1.5), TypeError, "adaptive_avg_pool2d: output_size: expected integers, got 1.5"),
        (lambda: transposed(stride=1.5), TypeError, "conv_transpose2d: stride: expected integers, got 1.5"),
        (lambda: transposed(dilation=0), ValueError, "dilation: expected at least 1, got 0"),
        (lambda: transposed(padding=-1), ValueError, "padding: expected at least 0, got -1"),
        (lambda: transposed(padding=((0, 1), (0, 1))), TypeError, r"padding: expected .*, got \(0, 1\)"),
        (lambda: transposed(padding=(0, 4)), ValueError, r"padding \(0, 4\) leaves .* size \(6, -1\)"),
        (lambda: transposed(output_padding="1"), TypeError, "output_padding: expected integers, got '1'"),
        (lambda: ops.conv1d(IMAGE, TAPS), ValueError, r"conv1d: expected x \(N, C, L\) and weight \(O, C"),
        (lambda: ops.conv1d(SIGNAL, IMAGE), ValueError, r"conv1d: expected x \(N, C, L\) and weight \(O, C"),
        (lambda: ops.conv1d(SIGNAL[0], TAPS), ValueError, r"conv1d: expected x \(N, C, L\) and weight"),
        (lambda: ops.conv1d(SIGNAL, TAPS, stride=(1, 2)), TypeError, r"conv1d: stride: .* got \(1, 2\)"),
        (lambda: ops.conv1d(SIGNAL, TAPS, dilation=(1, 2)), TypeError, r"conv1d: dilation: .* got \(1, 2\)"),
    ],
)
def test_geometry_that_makes_no_sense(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("convolve", [ops.conv1d, ops.conv2d, ops.conv_transpose2d])
@pytest.mark.parametrize("operand", ["x", "weight", "bias"])
def test_an_operand_that_is_no_array_is_named(convolve, operand):
    axes = 3 if convolve is ops.conv1d else 4
    operands = {"x": np.ones((2,) * axes), "weight": np.ones((2,) * axes), "bias": np.ones(2)}
    operands[operand] = operands[operand].tolist()
    with pytest.raises(TypeError, match=f"{convolve.__name__}: {operand}: expected an array, got list"):
        convolve(**operands)


def test_a_gradient_that_nobody_asked_for_is_not_computed(monkeypatch):
    def forbidden(*args):
        raise AssertionError("not needed")

    x, weight, bias = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3)), np.ones(3)
    monkeypatch.setattr(conv, "input_gradient", forbidden)
    gradient = grad(lambda w: tg.conv2d(x, w).sum())(weight)  # no bias, and x a constant
    assert_array_equal(gradient, np.full(weight.shape, 4.0))
    monkeypatch.setattr(conv, "weight_gradient", forbidden)
    assert_array_equal(grad(lambda b: tg.conv2d(x, weight, b).sum())(bias), [4, 4, 4])


@pytest.mark.parametrize("dtype", [">f4", ">f8"])
def test_gradients_of_numbers_in_another_order_of_bytes_are_the_same(dtype):
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 3, 6, 5)).astype(dtype), rng.normal(size=(4, 3, 3, 3)).astype(dtype)
    loss = tg.grad(lambda x, weight: (tg.max_pool2d(tg.conv2d(x, weight), 2) ** 2).sum(), (0, 1))
    for found, expected in zip(
        loss(x, weight), loss(*(a.astype(dtype[1:]) for a in (x, weight))), strict=True
    ):
        assert_array_equal(found, expected)
