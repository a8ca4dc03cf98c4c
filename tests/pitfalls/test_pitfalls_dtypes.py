"""Dtypes: what comes in goes out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, grad, value_and_grad


def single(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def assert_stays(f, x):
    """Value and gradient of the dtype of the operand."""
    value, gradient = value_and_grad(f)(x)
    assert np.asarray(value).dtype == x.dtype
    assert gradient.dtype == x.dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(
    "f",
    [
        tg.max,
        tg.min,
        tg.mean,
        tg.var,
        tg.std,
        tg.norm,
        tg.prod,
        tg.logsumexp,
        lambda x: tg.mean(x, 0).sum(),
        lambda x: tg.max(x, 1).sum(),
        lambda x: tg.var(x, 1, ddof=1).sum(),
        lambda x: tg.where(x > 0, x, 0.0).sum(),
        lambda x: tg.maximum(x, 0.0).sum(),
        lambda x: tg.clip(x, 0, 1).sum(),
        lambda x: tg.maximum(x, x).sum(),
        lambda x: tg.cumsum(x).sum(),
        lambda x: tg.sort(x).sum(),
    ],
)
def test_D1_reductions_and_choices_keep_the_dtype(f, dtype):
    assert_stays(f, single(3, 4).astype(dtype))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 2.0,
        lambda x: 2.0 * x,
        lambda x: x / 3,
        lambda x: 1 / (x + 9),
        lambda x: x - 0.5,
        lambda x: (x + 9) ** 0.5,
        lambda x: 2.0**x,
        lambda x: tg.power(x + 9, 1.5),
        lambda x: tg.hypot(x, 1.0),
        lambda x: tg.elu(x, alpha=0.5),
        lambda x: tg.leaky_relu(x),
        lambda x: tg.gelu(x),
        lambda x: tg.erf(x),
        lambda x: tg.sinc(x),
    ],
)
def test_D2_python_scalars_are_weak(f, dtype):
    assert_stays(lambda x: f(x).sum(), single(3, 4).astype(dtype))


def test_D3_pooling_and_losses_keep_the_dtype():
    images, logits = single(2, 2, 4, 4), single(3, 4)
    for pool in (tg.max_pool2d, tg.avg_pool2d):
        assert_stays(lambda x, pool=pool: pool(x, 2, padding=1, stride=1).sum(), images)
    assert_stays(lambda x: tg.adaptive_avg_pool2d(x, (3, 2)).sum(), images)
    labels, p = np.array([0, 1, 3]), np.full((3, 4), 0.25)
    for options in ({}, {"label_smoothing": 0.1}, {"weight": np.ones(4)}, {"ignore_index": 0}):
        assert_stays(lambda x, options=options: tg.cross_entropy(x, labels, **options), logits)
    assert_stays(lambda x: tg.cross_entropy(x, p), logits)  # float64 targets are constants
    assert_stays(lambda x: tg.mse_loss(x, np.zeros((3, 4))), logits)
    assert_stays(lambda x: tg.mse_loss(x, np.zeros((3, 4), int)), logits)
    assert_stays(lambda x: tg.binary_cross_entropy_with_logits(x, p), logits)


@pytest.mark.parametrize("make", [lambda x: Tensor(x, requires_grad=True), grad(tg.sum)])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_D4_integers_cannot_require_gradients(make, dtype):
    with pytest.raises(TypeError, match=r"tensors cannot require gradients: cast to a floating dtype"):
        make(np.array([1, 0], dtype))


def test_D4_integers_mix_with_floats_as_constants():
    assert_array_equal(grad(lambda x: (x * np.array([2, 3])).sum())(np.ones(2)), [2, 3])


def test_D5_a_numpy_float64_scalar_promotes_as_in_numpy_and_the_gradient_does_not():
    x = single(3)
    value, gradient = value_and_grad(lambda x: (x * np.float64(2)).sum())(x)
    assert value.dtype == (x * np.float64(2)).dtype == np.float64
    assert gradient.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_D6_the_seed_has_the_dtype_of_the_loss(dtype):
    seen = []

    @tg.primitive
    def loss(x):
        return np.sum(x)

    loss.defvjp(x=lambda g, x: seen.append(g.dtype) or g * np.ones_like(x))
    t = Tensor(np.ones(3, dtype), requires_grad=True)
    loss(t).backward()
    grad(loss)(np.ones(3, dtype))
    assert seen == [dtype, dtype]
    assert t.grad.dtype == dtype


def test_D7_halves_are_summed_in_a_wider_dtype():
    x = np.full(70_000, 1.0, np.float16)
    value, gradient = value_and_grad(tg.mean)(x)
    assert value == 1
    assert_allclose(gradient, np.float16(1 / 70_000))
    small = np.full(70_000, 0.5, np.float16)
    value, gradient = value_and_grad(tg.sum)(small)
    assert value == 35_000
    assert_array_equal(gradient, np.ones(70_000))
    # a cotangent that is summed back to a scalar: 70 000 ones do not stop at 2048
    broadcast = grad(lambda b: (b * np.full(70_000, 0.5, np.float16)).sum())(np.array(1.0, np.float16))
    assert broadcast == 35_000
    integers = np.arange(5)
    assert tg.mean(integers) == 2.0


def test_D8_scattering_keeps_the_dtype_and_adds_exactly():
    x = single(5)
    gradient = grad(lambda x: (x[[0, 0, 4]] * np.float32(1.1)).sum())(x)
    assert gradient.dtype == np.float32
    one = np.float32(1.1)
    assert_array_equal(gradient, np.array([one + one, 0, 0, 0, one], np.float32))


@pytest.mark.parametrize("loss", [tg.cross_entropy, tg.nll_loss])
def test_D9_labels_out_of_range_or_of_another_dtype(loss):
    scores = np.zeros((2, 3))
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=rf"labels: expected values in 0\.\.2, got {wrong}"):
            loss(scores, np.array([0, wrong]))
    with pytest.raises(TypeError, match="labels: expected integers, got float64"):
        loss(scores, np.array([0.0, 1.0]))
    ignored = grad(lambda x: loss(x, np.array([0, -1]), ignore_index=-1))(scores)
    assert not ignored[1].any()
    assert ignored[0].any()
    with pytest.raises(ValueError, match=r"embedding: indices: expected values in 0\.\.2, got -1"):
        tg.embedding(np.ones((3, 2)), [-1])
