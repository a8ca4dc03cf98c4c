"""Convolution and pooling along one axis and three, paddings, and adaptive maxima."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import ops

IMAGE = np.ones((1, 2, 5, 6))


def test_options_that_are_left_out():
    assert ops.conv_transpose1d(IMAGE[:, :, 0], np.ones((2, 3, 2))).shape == (1, 3, 7)
    assert ops.max_pool1d(IMAGE[:, :, 0], 2).shape == ops.avg_pool1d(IMAGE[:, :, 0], 2).shape == (1, 2, 3)
    volume = IMAGE[:, :, :, :, None] * np.ones(4)
    assert ops.conv3d(volume, np.ones((3, 2, 2, 3, 4))).shape == (1, 3, 4, 4, 1)
    assert ops.max_pool3d(volume, 2).shape == ops.avg_pool3d(volume, 2).shape == (1, 2, 2, 3, 2)


@pytest.mark.parametrize("option", ["stride", "dilation"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, **options: ops.conv1d(x, np.ones((3, 2, 2)), **options),
        lambda x, **options: ops.conv_transpose1d(x, np.ones((2, 3, 2)), **options),
        lambda x, **options: ops.max_pool1d(x, 2, **options),
    ],
)
def test_what_works_along_one_axis_takes_no_pairs(function, option):
    with pytest.raises(TypeError, match=rf"{option}: expected integers, got \(1, 2\)"):
        function(np.ones((1, 2, 5)), **{option: (1, 2)})
    with pytest.raises(TypeError, match=f"{option}: expected integers or tuples, got the list"):
        function(np.ones((1, 2, 5)), **{option: [1]})


VOLUME, KERNEL = np.ones((1, 2, 3, 4, 5)), np.ones((2, 2, 2, 2, 2))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: ops.conv3d(IMAGE, KERNEL),
            ValueError,
            r"conv3d: expected x \(N, C, D, H, W\).*5, 6",
        ),
        (lambda: ops.conv3d(VOLUME, KERNEL[:, :1]), ValueError, "conv3d: weight: .*groups=1, got .2, 1, 2"),
        (lambda: ops.conv3d(VOLUME, KERNEL, np.ones(3)), ValueError, r"conv3d: bias: expected shape \(2,\)"),
        (lambda: ops.conv3d(VOLUME, KERNEL, stride=(1, 2)), ValueError, "stride: expected .* triple"),
        (lambda: ops.conv3d(VOLUME, KERNEL, padding=[1, 1, 1]), TypeError, "padding: .* got the list"),
        (
            lambda: ops.conv3d(VOLUME, KERNEL, dilation=(3, 1, 1)),
            ValueError,
            "is larger than the padded input",
        ),
        (lambda: ops.max_pool3d(IMAGE, 2), ValueError, r"max_pool3d: x: expected shape \(N, C, D, H, W\)"),
        (lambda: ops.max_pool3d(VOLUME, (2, 2)), ValueError, "max_pool3d: kernel_size: expected .* triple"),
        (lambda: ops.avg_pool3d(VOLUME, 2, padding=(2, 0, 0)), ValueError, "avg_pool3d: padding: .* half"),
        (lambda: ops.avg_pool1d(IMAGE, 2), ValueError, r"avg_pool1d: expected x \(N, C, L\), got"),
        (
            lambda: ops.conv_transpose1d(IMAGE[0], np.ones((5, 1, 2)), output_padding=1),
            ValueError,
            "conv_transpose1d: output_padding",
        ),
        (
            lambda: ops.conv_transpose1d(IMAGE[0], np.ones((5, 1, 2)), np.ones(2)),
            ValueError,
            "bias: expected",
        ),
    ],
)
def test_sequences_and_volumes_that_do_not_fit(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("largest", "mean", "size"),
    [
        (ops.max_pool1d, ops.avg_pool1d, (5,)),
        (ops.max_pool2d, ops.avg_pool2d, (5, 6)),
        (ops.max_pool3d, ops.avg_pool3d, (3, 5, 6)),
    ],
)
def test_the_padding_same_is_that_of_jax(largest, mean, size):
    lax = pytest.importorskip("jax").lax
    x = np.random.default_rng(0).integers(-9, 9, (2, 3, *size)).astype(np.float32)
    for kernel, stride in ((3, 2), (2, 1), (2, 3), (4, 3)):
        windows = (1, 1, *(kernel for _ in size)), (1, 1, *(stride for _ in size)), "SAME"
        expected = lax.reduce_window(x, -np.inf, lax.max, *windows)
        assert_array_equal(largest(x, kernel, stride=stride, padding="same"), expected)
        total, count = (lax.reduce_window(a, 0.0, lax.add, *windows) for a in (x, np.ones_like(x)))
        found = mean(x, kernel, stride=stride, padding="same", count_include_pad=False)
        assert_allclose(found, total / count, atol=1e-6)
    assert_array_equal(largest(x, 2, padding="valid"), largest(x, 2))


@pytest.mark.parametrize(
    ("convolve", "size", "padding", "sides"),
    [
        (ops.conv1d, (5,), 2, [(2, 2)]),
        (ops.conv2d, (5, 6), ((1, 2), (0, 3)), ((1, 2), (0, 3))),
        (ops.conv3d, (3, 5, 6), (1, 2, 0), ((1, 1), (2, 2), (0, 0))),
    ],
)
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_a_border_may_be_of_elements_of_the_input(convolve, size, padding, sides, mode):
    rng = np.random.default_rng(0)
    x, weight = (rng.integers(-9, 9, (2, 3, *n)) * 1.0 for n in (size, tuple(2 for _ in size)))
    names = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    bordered = np.pad(x, ((0, 0), (0, 0), *sides), names[mode])
    found = convolve(x, weight, padding=padding, padding_mode=mode, stride=2)
    assert_array_equal(found, convolve(bordered, weight, stride=2))
    slope = tg.grad(lambda x: convolve(x, weight, padding=padding, padding_mode=mode).sum())(x)
    ones = np.ones_like(x)
    assert slope.sum() == convolve(ones, weight, padding=padding, padding_mode=mode).sum()
    with pytest.raises(ValueError, match=f"{convolve.__name__}: padding_mode: expected 'zeros' or"):
        convolve(x, weight, padding_mode="mirror")
