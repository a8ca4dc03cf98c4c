"""Derivatives of convolutions up to the third order, in all their options, exactly.

``T(x, w, b, g) = <g, conv(x, w) + b>`` is linear in each of its arguments. Along a line, on which all of them
move at once, it is a cubic polynomial, whose coefficients are values of T at its corners: integers for
integer data. The derivatives that the tape takes, one of the other, must be these integers; each of the six
rules of the triad of primitives takes part.
"""

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

EXAMPLES = settings(deadline=None, max_examples=100 if settings.default.max_examples < 1000 else 1000)


def naive_conv(x, weight, stride, pads, dilation, groups):
    """Cross-correlation of (N, C, H, W), window by window."""
    (n, c, *_), (o, per_group, *kernel) = x.shape, weight.shape
    padded = np.pad(x, ((0, 0), (0, 0), *pads))
    size = [(padded.shape[i + 2] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    out = np.zeros((n, o, *size))
    for f, i, j in np.ndindex(o, *size):
        first = f // (o // groups) * (c // groups)
        rows = i * stride[0] + dilation[0] * np.arange(kernel[0])
        columns = j * stride[1] + dilation[1] * np.arange(kernel[1])
        window = padded[:, first : first + per_group][:, :, rows[:, None], columns]
        out[:, f, i, j] = np.sum(window * weight[f], axis=(1, 2, 3))
    return out


def check_line(op, form, start, direction):
    """``form`` along a line, differentiated three times, against its values at the corners.

    ``op(x, w, b)`` is the operation on the tape, ``form(x, w, b, g)`` the same form by naive loops; in both
    ``b`` may be missing.
    """

    def along(t):
        *operands, g = (a + t * b for a, b in zip(start, direction, strict=True))
        return tg.sum(g * op(*operands))

    # coefficient k: all ways to take k of the operands from the direction; <g, conv> and <g, b> apart
    (x, w, *b, g), (dx, dw, *db, dg) = start, direction
    expected = [0.0] * 4
    for choice in itertools.product((0, 1), repeat=3):
        corner = [pair[i] for pair, i in zip(((x, dx), (w, dw), (g, dg)), choice, strict=True)]
        expected[sum(choice)] += form(*corner)
    for bias, d_bias in zip(b, db, strict=True):
        for choice in itertools.product((0, 1), repeat=2):
            spread = (bias, d_bias)[choice[0]].reshape(1, -1, *(1,) * (g.ndim - 2))
            expected[sum(choice)] += np.sum((g, dg)[choice[1]] * spread)
    value = along
    for order in range(4):
        assert value(0.0) == math.factorial(order) * expected[order], f"order {order}"
        value = grad(value)


class Source:
    """Draws: hypothesis chooses sizes, a seed that it chooses the integers."""

    def __init__(self, draw):
        self.draw, self.rng = draw, np.random.default_rng(draw(st.integers(0, 2**16)))

    def int(self, low, high):
        return self.draw(st.integers(low, high))

    def pair(self, low, high):
        return self.int(low, high), self.int(low, high)

    def lines(self, *shapes):
        """A start and a direction: integers, in one memory layout or the other."""
        order = self.draw(st.sampled_from("CF"))
        return [
            [np.array(self.rng.integers(-3, 4, shape), dtype=float, order=order) for shape in shapes]
            for _ in range(2)
        ]


def same_pads(size, kernel, stride, dilation):
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        yield total // 2, total - total // 2


@EXAMPLES
@given(st.data())
def test_conv2d_in_all_its_options(data):
    s = Source(data.draw)
    groups, kernel, stride, dilation = s.int(1, 3), s.pair(1, 3), s.pair(1, 3), s.pair(1, 2)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [span + s.int(0, 4) for span in spans]
    c, o = groups * s.int(1, 2), groups * s.int(1, 2)
    form_of_padding = s.draw(st.sampled_from(["same", "valid", "int", "pair", "sides"]))
    if form_of_padding == "same":
        padding, pads = "same", tuple(same_pads(size, kernel, stride, dilation))
    elif form_of_padding == "valid":
        padding, pads = "valid", ((0, 0), (0, 0))
    elif form_of_padding == "int":
        padding = s.int(0, 4)
        pads = ((padding, padding),) * 2
    elif form_of_padding == "pair":
        padding = s.pair(0, 4)
        pads = tuple((p, p) for p in padding)
    else:
        padding = pads = (s.pair(0, 4), s.pair(0, 4))
    x_shape, w_shape = (s.int(0, 2), c, *size), (o, c // groups, *kernel)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def op(x, w, b=None):
        return tg.conv2d(x, w, b, **options)

    bias = [(o,)] if s.draw(st.booleans()) else []
    out_shape = op(np.zeros(x_shape), np.zeros(w_shape)).shape
    start, direction = s.lines(x_shape, w_shape, *bias, out_shape)
    assert_array_equal(op(*start[:2]), naive_conv(*start[:2], stride, pads, dilation, groups))
    check_line(
        op, lambda x, w, g: np.sum(g * naive_conv(x, w, stride, pads, dilation, groups)), start, direction
    )


@EXAMPLES
@given(st.data())
def test_conv1d_in_all_its_options(data):
    s = Source(data.draw)
    groups, kernel, stride, dilation = s.int(1, 2), s.int(1, 3), s.int(1, 3), s.int(1, 2)
    length = dilation * (kernel - 1) + 1 + s.int(0, 4)
    c, o = groups * s.int(1, 2), groups * s.int(1, 2)
    kind = s.int(0, 2)
    padding = ("same", s.int(0, 4), s.pair(0, 4))[kind]
    sides = (
        next(same_pads([length], [kernel], [stride], [dilation])),
        (padding,) * 2,
        padding,
    )[kind]
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def op(x, w, b=None):
        return tg.conv1d(x, w, b, **options)

    def naive(x, w):
        flat = naive_conv(x[:, :, None], w[:, :, None], (1, stride), ((0, 0), sides), (1, dilation), groups)
        return flat[:, :, 0]

    shapes = (s.int(0, 2), c, length), (o, c // groups, kernel)
    bias = [(o,)] if s.draw(st.booleans()) else []
    start, direction = s.lines(*shapes, *bias, op(*map(np.zeros, shapes)).shape)
    assert_array_equal(op(*start[:2]), naive(*start[:2]))
    check_line(op, lambda x, w, g: np.sum(g * naive(x, w)), start, direction)


@EXAMPLES
@given(st.data())
def test_conv_transpose2d_in_all_its_options(data):
    """It is the adjoint of the convolution with the same options: ``<g, T(x)> = <conv(g), x>``."""
    s = Source(data.draw)
    groups, kernel, stride, dilation = s.int(1, 2), s.pair(1, 3), s.pair(1, 3), s.pair(1, 3)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = tuple(s.int(0, (span - 1) // 2) for span in spans)
    extra = tuple(s.int(0, max(a, b) - 1) for a, b in zip(stride, dilation, strict=True))
    per_in, per_out = s.int(1, 2), s.int(1, 2)
    x_shape = (s.int(0, 2), groups * per_in, s.int(1, 3), s.int(1, 3))
    w_shape = (groups * per_in, per_out, *kernel)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def op(x, w, b=None):
        return tg.conv_transpose2d(x, w, b, output_padding=extra, **options)

    def form(x, w, g):
        pads = [(p, p) for p in padding]
        windows = naive_conv(g, w, stride, pads, dilation, groups)
        return np.sum(windows[:, :, : x.shape[2], : x.shape[3]] * x)  # further windows have no input

    bias = [(groups * per_out,)] if s.draw(st.booleans()) else []
    out_shape = op(np.zeros(x_shape), np.zeros(w_shape)).shape
    size = tuple(
        (n - 1) * a - 2 * p + span + e
        for n, a, p, span, e in zip(x_shape[2:], stride, padding, spans, extra, strict=True)
    )
    assert out_shape == (x_shape[0], groups * per_out, *size)
    start, direction = s.lines(x_shape, w_shape, *bias, out_shape)
    check_line(op, form, start, direction)


def test_a_1x1_convolution_is_a_product_of_matrices():
    rng = np.random.default_rng(0)
    x, w = rng.integers(-4, 5, (2, 3, 4, 5)).astype(float), rng.integers(-4, 5, (6, 3, 1, 1)).astype(float)
    assert_array_equal(tg.conv2d(x, w), np.einsum("oc,nchw->nohw", w[:, :, 0, 0], x))
