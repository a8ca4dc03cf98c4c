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


WEIGHT, SIGNAL, TAPS = np.ones((2, 3, 2, 2)), np.ones((1, 2, 5)), np.ones((3, 2, 2))
THREE_AXES = r"expected x \(N, C, L\) and weight \(O, C / groups, K\)"


@pytest.mark.parametrize(
    ("op", "operands", "options", "error", "match"),
    [
        ("adaptive_avg_pool2d", (IMAGE, 0), {}, ValueError, "output_size must be at least 1, got 0"),
        ("adaptive_avg_pool2d", (IMAGE, (1, 0)), {}, ValueError, "output_size must be at least 1, got 0"),
        ("adaptive_avg_pool2d", (IMAGE, (1, 2, 3)), {}, ValueError, r"must be .* a pair .* \(1, 2, 3\)"),
        ("adaptive_avg_pool2d", (IMAGE, 1.5), {}, TypeError, "output_size must be made of integers, got 1.5"),
        ("conv_transpose2d", (IMAGE, WEIGHT), {"stride": 1.5}, TypeError, "stride must be made of integers"),
        (
            "conv_transpose2d",
            (IMAGE, WEIGHT),
            {"dilation": 0},
            ValueError,
            "dilation must be at least 1, got 0",
        ),
        (
            "conv_transpose2d",
            (IMAGE, WEIGHT),
            {"padding": -1},
            ValueError,
            "padding must be at least 0, got -1",
        ),
        (
            "conv_transpose2d",
            (IMAGE, WEIGHT),
            {"padding": ((0, 1),) * 2},
            TypeError,
            r"padding must .*\(0, 1\)",
        ),
        ("conv_transpose2d", (IMAGE, WEIGHT), {"padding": (0, 4)}, ValueError, r"output of size \(6, -1\)"),
        (
            "conv_transpose2d",
            (IMAGE, WEIGHT),
            {"output_padding": "1"},
            TypeError,
            "output_padding must .*'1'",
        ),
        ("conv1d", (IMAGE, TAPS), {}, ValueError, THREE_AXES),
        ("conv1d", (SIGNAL, WEIGHT), {}, ValueError, THREE_AXES),
        ("conv1d", (SIGNAL[0], TAPS), {}, ValueError, THREE_AXES),
    ],
)
def test_geometry_that_makes_no_sense(op, operands, options, error, match):
    with pytest.raises(error, match=f"{op}: .*{match}"):
        getattr(ops, op)(*operands, **options)


@pytest.mark.parametrize("option", ["stride", "dilation"])
def test_a_convolution_along_one_axis_takes_no_pairs(option):
    with pytest.raises(TypeError, match=rf"{option} must be made of integers, got \(1, 2\)"):
        ops.conv1d(SIGNAL, TAPS, **{option: (1, 2)})


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
