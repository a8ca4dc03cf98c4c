"""Convolution, pooling and normalisation as operations: against PyTorch, as adjoints, and at their edges."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad
from tinygrad_cnn.kernels.geometry import ConvSpec
from tinygrad_cnn.ops.conv import conv2d_input, conv2d_output, conv2d_weight

RNG = np.random.default_rng


def integers(rng, *shape):
    """Small integers: sums and products of them are exact, so adjoints agree to the last bit."""
    return rng.integers(-3, 4, shape).astype(float)


def naive_conv(x, w, stride, pads, dilation, groups):
    x = np.pad(x, ((0, 0), (0, 0), *pads))
    (o, c, kh, kw), (sh, sw), (dh, dw) = w.shape, stride, dilation
    oh = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1
    ow = (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((len(x), o, oh, ow))
    for k in range(o):
        channels = slice(k // (o // groups) * c, (k // (o // groups) + 1) * c)
        for i in range(oh):
            for j in range(ow):
                window = x[:, channels, i * sh : i * sh + dh * kh : dh, j * sw : j * sw + dw * kw : dw]
                y[:, k, i, j] = (window[:, :, :kh, :kw] * w[k]).sum((1, 2, 3))
    return y


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 3), c=st.integers(1, 2), o=st.integers(1, 2), groups=st.integers(1, 2),
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)), kernel=PAIRS, stride=PAIRS, dilation=PAIRS,
    pads=st.tuples(*[st.tuples(st.integers(0, 4), st.integers(0, 4))] * 2), seed=st.integers(0, 99),
)  # fmt: skip
def test_convolution_is_the_naive_loop_and_its_gradients_are_its_adjoints(
    n, c, o, groups, size, kernel, stride, dilation, pads, seed
):
    padded = [s + sum(p) for s, p in zip(size, pads, strict=True)]
    assume(all(d * (k - 1) < s for d, k, s in zip(dilation, kernel, padded, strict=True)))
    rng = RNG(seed)
    x, w = integers(rng, n, c * groups, *size), integers(rng, o * groups, c, *kernel)
    y = tg.conv2d(x, w, stride=stride, padding=pads, dilation=dilation, groups=groups)
    assert_array_equal(y, naive_conv(x, w, stride, pads, dilation, groups))
    g = integers(rng, *y.shape)
    dx, dw = tg.vjp(
        lambda x, w: tg.conv2d(x, w, stride=stride, padding=pads, dilation=dilation, groups=groups), x, w
    )[1](g)
    v, u = integers(rng, *x.shape), integers(rng, *w.shape)
    assert (dx * v).sum() == (g * naive_conv(v, w, stride, pads, dilation, groups)).sum()
    assert (dw * u).sum() == (g * naive_conv(x, u, stride, pads, dilation, groups)).sum()


@pytest.mark.parametrize("stride", [1, 2, 3, (2, 1)])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (3, 5), (4, 2)])
def test_same_padding_gives_the_ceiling_and_pads_more_at_the_end(kernel, stride):
    x, w = integers(RNG(0), 2, 1, 9, 10), integers(RNG(1), 1, 1, *kernel)
    steps = stride if isinstance(stride, tuple) else (stride,) * 2
    y = tg.conv2d(x, w, stride=stride, padding="same", dilation=(1, 2))
    assert y.shape[2:] == tuple(-(-n // s) for n, s in zip((9, 10), steps, strict=True))
    pads = []
    for n, s, k, d in zip((9, 10), steps, kernel, (1, 2), strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads.append((total // 2, total - total // 2))
    assert_array_equal(y, naive_conv(x, w, steps, pads, (1, 2), 1))


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


@pytest.mark.parametrize("layout", ["F", "reversed", "stretched", "channels last"])
def test_memory_layout_does_not_matter(layout):
    base, w = integers(RNG(0), 2, 3, 6, 5), integers(RNG(1), 4, 3, 3, 3)
    x = {
        "F": np.asfortranarray(base),
        "reversed": base[::-1, :, ::-1],
        "stretched": np.broadcast_to(base[:1], (3, 3, 6, 5)),
        "channels last": base.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2),
    }[layout]
    for f in (
        lambda x: tg.conv2d(x, w),
        lambda x: tg.max_pool2d(x, 2),
        lambda x: tg.avg_pool2d(x, 3, stride=1),
        lambda x: tg.batch_norm(x, np.ones(3), np.zeros(3)),
    ):
        plain = x.copy(order="C")
        assert_array_equal(f(x), f(plain))
        assert_array_equal(
            grad(lambda x, f=f: (f(x) ** 2).sum())(x), grad(lambda x, f=f: (f(x) ** 2).sum())(plain)
        )


# --- pooling -----------------------------------------------------------------------------------------------


def test_the_first_of_tied_maxima_wins_in_scan_order():
    g = grad(lambda x: tg.max_pool2d(x, 2).sum())(np.ones((1, 1, 4, 6)))
    assert_array_equal(g[0, 0, ::2, ::2], np.ones((2, 3)))
    assert g.sum() == 6
    rows_first = grad(lambda x: tg.max_pool2d(x, 2).sum())(np.array([[[[0.0, 1.0], [1.0, 0.0]]]]))
    assert_array_equal(rows_first[0, 0], [[0.0, 1.0], [0.0, 0.0]])


def test_overlapping_windows_accumulate_and_padding_never_wins():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 9
    g = grad(lambda x: tg.max_pool2d(x, 2, stride=1).sum())(x)
    assert g[0, 0, 1, 1] == 4
    negative = np.full((1, 1, 2, 2), -1.0)
    assert_array_equal(tg.max_pool2d(negative, 2, padding=1), np.full((1, 1, 2, 2), -1.0))
    assert_array_equal(grad(lambda x: tg.max_pool2d(x, 2, padding=1).sum())(negative), np.ones((1, 1, 2, 2)))


def test_rows_and_columns_that_no_window_reads_get_zero():
    g = grad(lambda x: tg.max_pool2d(x, 2).sum())(np.arange(35.0).reshape(1, 1, 5, 7))
    assert not g[:, :, 4].any()
    assert not g[:, :, :, 6].any()
    assert g.sum() == 6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(2, None, 0), (3, 2, 1), ((1, 2), None, 0), ((3, 2), (2, 3), (1, 1)), (2, 1, 1), (3, 4, 0)],
)
def test_pooling_is_that_of_pytorch(kernel, stride, padding, ceil_mode, dtype):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, a peer (pip install '.[peers]')")
    x = RNG(0).standard_normal((2, 3, 7, 8)).astype(dtype)
    F = torch.nn.functional  # noqa: N806
    options = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    cases = [
        (lambda x: tg.max_pool2d(x, kernel, **options), lambda x: F.max_pool2d(x, kernel, **options)),
        *(
            (
                lambda x, c=c: tg.avg_pool2d(x, kernel, **options, count_include_pad=c),
                lambda x, c=c: F.avg_pool2d(x, kernel, **options, count_include_pad=c),
            )
            for c in (True, False)
        ),
    ]
    for mine, theirs in cases:
        tx = torch.from_numpy(x.copy()).requires_grad_()
        ty = theirs(tx)
        g = RNG(1).standard_normal(ty.shape).astype(dtype)
        ty.backward(torch.from_numpy(g))
        y, pullback = tg.vjp(mine, x)
        assert y.dtype == dtype
        tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-14}
        assert_allclose(y, ty.detach().numpy(), **tolerance)
        assert_allclose(pullback(g)[0], tx.grad.numpy(), **tolerance)


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


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 2, 2), (2, 3, 1, 2, 2)])
def test_batch_norm_takes_any_number_of_spatial_axes(shape):
    x = RNG(0).standard_normal(shape)
    axes = (0, *range(2, len(shape)))
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    assert_allclose(tg.batch_norm(x, np.ones(3), np.zeros(3)), expected, rtol=1e-12, atol=1e-13)


def test_batch_norm_of_a_constant_channel_is_its_bias_with_a_finite_gradient():
    x = np.full((4, 2, 3, 3), 1e6, np.float32)
    weight, bias = np.ones(2, np.float32), np.array([3.0, 5.0], np.float32)
    y, pullback = tg.vjp(lambda x: tg.batch_norm(x, weight, bias), x)
    assert_array_equal(y, np.broadcast_to(bias[:, None, None], x.shape))
    (dx,) = pullback(np.ones(x.shape))
    assert np.isfinite(dx).all()
