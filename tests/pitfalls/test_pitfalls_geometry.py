"""Geometry of convolution and pooling, against naive loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad, vjp


def integers(rng, shape):
    return rng.integers(-4, 5, shape).astype(np.float64)


def naive_conv2d(x, weight, *, stride=(1, 1), pads=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """Cross-correlation, element by element."""
    (n, _, *size), (o, c, *kernel) = x.shape, weight.shape
    out_size = [(size[i] + sum(pads[i]) - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    out = np.zeros((n, o, *out_size))
    for b, f, i, j in np.ndindex(out.shape):
        group = f // (o // groups)
        for k, u, v in np.ndindex(c, *kernel):
            row = i * stride[0] + u * dilation[0] - pads[0][0]
            column = j * stride[1] + v * dilation[1] - pads[1][0]
            if 0 <= row < size[0] and 0 <= column < size[1]:
                out[b, f, i, j] += x[b, group * c + k, row, column] * weight[f, k, u, v]
    return out


def check_conv(x_shape, w_shape, *, pads, **options):
    """Forward by naive loops; both gradients by the adjoint identity, exact for integers."""
    rng = np.random.default_rng(0)
    x, weight = integers(rng, x_shape), integers(rng, w_shape)
    expected = naive_conv2d(x, weight, pads=pads, **{k: v for k, v in options.items() if k != "padding"})
    value, pullback = vjp(lambda x, w: tg.conv2d(x, w, **{"padding": pads, **options}), x, weight)
    assert_array_equal(value, expected)
    g, dx, dw = integers(rng, value.shape), integers(rng, x.shape), integers(rng, weight.shape)
    by_x, by_weight = pullback(g)
    assert by_x.shape == x.shape
    loops = {k: v for k, v in options.items() if k != "padding"}
    assert np.sum(by_x * dx) == np.sum(g * naive_conv2d(dx, weight, pads=pads, **loops))
    assert np.sum(by_weight * dw) == np.sum(g * naive_conv2d(x, dw, pads=pads, **loops))
    return by_x


@pytest.mark.parametrize("pool", [tg.max_pool2d, tg.avg_pool2d])
def test_C1_what_no_window_reaches_has_gradient_zero(pool):
    x = np.random.default_rng(0).standard_normal((1, 2, 5, 5))
    gradient = grad(lambda x: pool(x, 2, stride=2).sum())(x)
    assert pool(x, 2, stride=2).shape == (1, 2, 2, 2)
    assert not gradient[:, :, 4].any()
    assert not gradient[:, :, :, 4].any()
    assert gradient[:, :, :4, :4].any()


def test_C1_strides_that_do_not_divide_leave_a_rest_of_the_convolution_too():
    by_x = check_conv((1, 1, 6, 5), (1, 1, 2, 2), pads=((0, 0), (0, 0)), stride=(3, 2))
    assert not by_x[:, :, 5].any()
    assert not by_x[:, :, :, 4].any()


def test_C2_the_gradient_has_the_size_of_the_input():
    check_conv((1, 2, 16, 16), (3, 2, 7, 7), pads=((2, 2), (2, 2)), stride=(3, 3))


def test_C3_padding_beyond_the_kernel():
    check_conv((2, 1, 4, 5), (2, 1, 3, 3), pads=((4, 4), (4, 4)))
    check_conv((1, 1, 4, 5), (2, 1, 1, 2), pads=((3, 0), (0, 5)), stride=(2, 3))


def test_C4_a_kernel_larger_than_the_padded_input_is_an_error():
    with pytest.raises(ValueError, match=r"conv2d: kernel of size \(5, 5\).*padded input \(4, 4\)"):
        tg.conv2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 5, 5)))
    with pytest.raises(ValueError, match=r"dilated to \(5, 1\)"):
        tg.conv2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 1)), dilation=2)
    for pool in (tg.max_pool2d, tg.avg_pool2d):
        with pytest.raises(ValueError, match=r"kernel of size \(5, 5\).*padded input \(4, 4\)"):
            pool(np.ones((1, 1, 4, 4)), 5)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation"),
    [
        ((28, 31), (3, 5), (1, 1), (2, 3)),
        ((5, 8), (2, 4), (2, 2), (1, 1)),
        ((7, 6), (4, 3), (3, 2), (1, 2)),
        ((4, 9), (1, 2), (2, 3), (1, 1)),
        ((3, 2), (5, 4), (2, 1), (1, 1)),
    ],
)
def test_C5_same_padding_of_rectangles(size, kernel, stride, dilation):
    pads = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads.append((total // 2, total - total // 2))  # the odd one at the end
    value = tg.conv2d(
        np.ones((1, 1, *size)), np.ones((1, 1, *kernel)), stride=stride, dilation=dilation, padding="same"
    )
    assert value.shape[2:] == tuple(-(-n // s) for n, s in zip(size, stride, strict=True))
    if np.prod(size) < 100:
        check_conv(
            (1, 2, *size), (2, 2, *kernel), pads=tuple(pads), stride=stride, dilation=dilation, padding="same"
        )


def test_C6_height_comes_before_width():
    x = np.arange(24.0).reshape(1, 1, 4, 6)
    assert_array_equal(tg.avg_pool2d(x, (1, 2))[0, 0], (x[0, 0, :, ::2] + x[0, 0, :, 1::2]) / 2)
    assert_array_equal(tg.max_pool2d(x, (1, 2))[0, 0], x[0, 0, :, 1::2])
    assert_array_equal(tg.avg_pool2d(x, (2, 1), stride=(2, 3)).shape, (1, 1, 2, 2))
    gradient = grad(lambda x: tg.avg_pool2d(x, (1, 2), stride=(2, 2)).sum())(x)
    assert_array_equal(gradient[0, 0], np.repeat([[0.5] * 6, [0.0] * 6], 1, 0).tolist() * 2)
    assert tg.adaptive_avg_pool2d(x, (1, 3)).shape == (1, 1, 1, 3)
    assert tg.conv2d(x, np.ones((1, 1, 1, 3)), stride=(1, 2)).shape == (1, 1, 4, 2)


def naive_avg_pool(x, kernel, stride, pad, ceil, count_include_pad):
    """One axis: a window counts what it has within the padded input, or within the input."""
    n = len(x)
    spare = n + 2 * pad - kernel
    count = (-(-spare // stride) if ceil else spare // stride) + 1
    if ceil and (count - 1) * stride >= n + pad:
        count -= 1
    out = []
    for i in range(count):
        start = i * stride - pad
        inside = [x[j] for j in range(start, start + kernel) if 0 <= j < n]
        divisor = min(start + kernel, n + pad) - start if count_include_pad else len(inside)
        out.append(sum(inside) / divisor)
    return np.array(out)


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("ceil_mode", [True, False])
def test_C7_the_divisor_of_an_average(ceil_mode, count_include_pad):
    for n, kernel, stride, pad in itertools.product(range(1, 7), range(1, 5), range(1, 4), range(3)):
        if pad > kernel // 2 or n + 2 * pad < kernel:
            continue
        x = np.arange(1.0, n + 1)
        for axis in (2, 3):
            shape, k, s, p = [1, 1, 1, 1], [1, 1], [1, 1], [0, 0]
            shape[axis], k[axis - 2], s[axis - 2], p[axis - 2] = n, kernel, stride, pad
            value = tg.avg_pool2d(
                x.reshape(shape),
                tuple(k),
                stride=tuple(s),
                padding=tuple(p),
                ceil_mode=ceil_mode,
                count_include_pad=count_include_pad,
            )
            expected = naive_avg_pool(x, kernel, stride, pad, ceil_mode, count_include_pad)
            assert_array_equal(value.reshape(-1), expected)
    gradient = grad(lambda x: tg.avg_pool2d(x, (1, 3), stride=2, ceil_mode=True).sum())(np.ones((1, 1, 1, 4)))
    assert_array_equal(gradient[0, 0, 0], [1 / 3, 1 / 3, 1 / 3 + 1 / 2, 1 / 2])  # the last window holds two


@pytest.mark.parametrize("pool", [tg.max_pool2d, tg.avg_pool2d])
def test_C8_padding_of_more_than_half_the_kernel_is_an_error(pool):
    with pytest.raises(ValueError, match=r"pool2d: padding must be at most half the kernel"):
        pool(np.ones((1, 1, 4, 4)), 2, padding=2)
    with pytest.raises(ValueError, match="half the kernel"):
        pool(np.ones((1, 1, 4, 4)), (4, 1), padding=(0, 1))


def test_C9_groups_that_do_not_divide_are_an_error():
    x = np.ones((1, 4, 3, 3))
    with pytest.raises(ValueError, match=r"groups must divide the channels of x, got groups=3 for C=4"):
        tg.conv2d(x, np.ones((3, 1, 2, 2)), groups=3)
    with pytest.raises(ValueError, match=r"groups must divide the outputs of weight, got groups=2 for O=3"):
        tg.conv2d(x, np.ones((3, 2, 2, 2)), groups=2)
    with pytest.raises(ValueError, match=r"C / groups = 2 input channels"):
        tg.conv2d(x, np.ones((2, 4, 2, 2)), groups=2)


@pytest.mark.parametrize("per_group", [1, 2])
def test_C9_depthwise(per_group):
    pads = ((1, 0), (0, 1))
    check_conv((2, 3, 4, 5), (3 * per_group, 1, 2, 3), pads=pads, groups=3, stride=(2, 1))


def test_C10_a_gradient_that_nobody_asked_for_is_not_computed(monkeypatch):
    from tinygrad_cnn.kernels import conv as kernel

    def forbidden(*args):
        raise AssertionError("not needed")

    x, weight, bias = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3)), np.ones(3)
    monkeypatch.setattr(kernel, "input_gradient", forbidden)
    gradient = grad(lambda w: tg.conv2d(x, w).sum())(weight)  # no bias, and x a constant
    assert_array_equal(gradient, np.full(weight.shape, 4.0))
    monkeypatch.setattr(kernel, "weight_gradient", forbidden)
    assert_array_equal(grad(lambda b: tg.conv2d(x, weight, b).sum())(bias), [4, 4, 4])


def test_C11_convolution_does_not_flip_the_kernel():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1
    weight = np.arange(9.0).reshape(1, 1, 3, 3)
    assert_array_equal(tg.conv2d(x, weight, padding=1)[0, 0], weight[0, 0, ::-1, ::-1])
    assert "cross-correlation" in tg.conv2d.__doc__
    check_conv((2, 2, 5, 4), (3, 2, 2, 3), pads=((0, 0), (0, 0)))


LAYOUTS = {
    "C": lambda x: np.array(x, order="C"),
    "Fortran": lambda x: np.array(x, order="F"),
    "channels last": lambda x: np.array(x.transpose(0, 2, 3, 1), order="C").transpose(0, 3, 1, 2),
    "batch last": lambda x: np.array(x.transpose(1, 2, 3, 0), order="C").transpose(3, 0, 1, 2),
    "negative strides": lambda x: np.array(x[::-1, ::-1, ::-1, ::-1])[::-1, ::-1, ::-1, ::-1],
    "every second": lambda x: np.repeat(np.repeat(x, 2, 3), 2, 0)[::2, :, :, ::2],
    "read-only": lambda x: np.broadcast_to(x, x.shape),
}


@settings(deadline=None, max_examples=60)
@given(*[st.sampled_from(list(LAYOUTS))] * 3, st.integers(1, 2), st.integers(0, 1), st.integers(0, 2**16))
def test_C12_every_memory_layout(of_x, of_weight, of_g, stride, padding, seed):
    rng = np.random.default_rng(seed)
    x, weight = integers(rng, (2, 2, 6, 7)), integers(rng, (3, 2, 2, 3))

    def f(x, w):
        y = tg.conv2d(x, w, stride=stride, padding=padding)
        return tg.max_pool2d(y, (2, 1)), tg.avg_pool2d(y, (1, 2))

    plain, pull_plain = vjp(f, x, weight)
    value, pullback = vjp(f, LAYOUTS[of_x](x), LAYOUTS[of_weight](weight))
    g = tuple(integers(rng, out.shape) for out in plain)
    expected, actual = pull_plain(g), pullback(tuple(LAYOUTS[of_g](a) for a in g))
    for a, b in zip((*plain, *expected), (*value, *actual), strict=True):
        assert_array_equal(a, b)
