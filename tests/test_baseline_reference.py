"""The baseline network, trained by the package and by plain NumPy with every gradient written by hand.

The reference below shares no code with the package: its convolution is a loop over kernel offsets with an
einsum each, its pooling a reshape with an argmax, its backward pass the chain rule line by line.

How agreement is measured: a loss by ``|a - b| / |b|``, the gradient of one parameter by
``max |a - b| / max |b|``, where b is the reference, always computed in float64. At the learning rate 0.001
with momentum 0.9 training is stable on these data: the loss falls from 2.4 to 1.2. (At five times
that rate a rounding error now and then decides another winner of a relu or a pooling, and float32 parts from
float64 by 1e-3.) A third of the labels are random: the loss cannot fall to 0, where a relative error says
nothing.
"""

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import tree
from tinygrad_cnn.models import baseline, baseline_bn

BATCH, STEPS, LR, MOMENTUM = 8, 100, 0.001, 0.9


def digits_like(rng, n):
    """Noisy images with a bright bar whose place and direction tell the class; labels, partly random."""
    labels = rng.integers(0, 10, n)
    images = rng.uniform(0, 0.3, (n, 1, 28, 28))
    for image, label in zip(images[:, 0], labels, strict=True):
        start = 3 + 4 * (label // 2)
        bar = image[start : start + 5] if label % 2 else image[:, start : start + 5]
        bar += rng.uniform(0.4, 0.7)
    return images, np.where(rng.random(n) < 1 / 3, rng.integers(0, 10, n), labels)


# --- the reference -----------------------------------------------------------------------------------------


def shifted(padded, u, v):
    """Cut the image that the offset (u, v) of a kernel meets out of the padded one."""
    height, width = padded.shape[2] - 2, padded.shape[3] - 2
    return padded[:, :, u : u + height, v : v + width]


def padded_by_one(x):
    return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))


def conv_forward(x, w, b):
    padded = padded_by_one(x)
    y = np.zeros((len(x), len(w), *x.shape[2:])) + b[:, None, None]
    for u, v in np.ndindex(3, 3):
        y += np.einsum("nchw,oc->nohw", shifted(padded, u, v), w[:, :, u, v], optimize=True)
    return y


def conv_backward(dy, x, w):
    padded = padded_by_one(x)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for u, v in np.ndindex(3, 3):
        dw[:, :, u, v] = np.einsum("nohw,nchw->oc", dy, shifted(padded, u, v), optimize=True)
        shifted(dpadded, u, v)[...] += np.einsum("nohw,oc->nchw", dy, w[:, :, u, v], optimize=True)
    return dpadded[:, :, 1:-1, 1:-1], dw, dy.sum((0, 2, 3))


def windows_of(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)


def pool_forward(x):
    windows = windows_of(x)
    return windows.max(-1), windows.argmax(-1)


def pool_backward(dy, winners):
    n, c, h, w = dy.shape
    windows = np.zeros((n, c, h, w, 4), dy.dtype)
    np.put_along_axis(windows, winners[..., None], dy[..., None], -1)
    return windows.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, 2 * h, 2 * w)


def softmax_cross_entropy(z, labels):
    """Mean loss, and its gradient to the logits."""
    z = z - z.max(1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    rows = np.arange(len(z))
    dz = p.copy()
    dz[rows, labels] -= 1
    return -np.log(p[rows, labels]).mean(), dz / len(z)


def norm_forward(x, gamma, beta, eps=1e-5):
    mean = x.mean((0, 2, 3), keepdims=True)
    deviation = np.sqrt(((x - mean) ** 2).mean((0, 2, 3), keepdims=True) + eps)
    hat = (x - mean) / deviation
    return gamma[:, None, None] * hat + beta[:, None, None], (hat, deviation)


def norm_backward(dy, gamma, hat, deviation):
    dgamma, dbeta = (dy * hat).sum((0, 2, 3)), dy.sum((0, 2, 3))
    dhat = dy * gamma[:, None, None]
    axes = (0, 2, 3)
    dx = dhat - dhat.mean(axes, keepdims=True) - hat * (dhat * hat).mean(axes, keepdims=True)
    return dx / deviation, dgamma, dbeta


def reference_step(p, x, labels):
    """Loss and all gradients of ``baseline``, and of ``baseline-bn`` where ``p`` has its parameters."""
    normed = "norm1" in p
    no_bias = np.zeros(16)
    kept, y = [], x
    for i in "12":
        conv = p[f"conv{i}"]
        z = conv_forward(y, conv["weight"], conv.get("bias", no_bias[: len(conv["weight"])]))
        a, norm_cache = norm_forward(z, *p[f"norm{i}"].values()) if normed else (z, None)
        pooled, winners = pool_forward(np.maximum(a, 0))
        kept.append((y, a, norm_cache, winners))
        y = pooled
    flat = y.reshape(len(y), -1)
    h = flat @ p["dense1"]["weight"] + p["dense1"]["bias"]
    r = np.maximum(h, 0)
    loss, dz = softmax_cross_entropy(r @ p["dense2"]["weight"] + p["dense2"]["bias"], labels)
    grads = {"dense2": {"weight": r.T @ dz, "bias": dz.sum(0)}}
    dh = (dz @ p["dense2"]["weight"].T) * (h > 0)
    grads["dense1"] = {"weight": flat.T @ dh, "bias": dh.sum(0)}
    dy = (dh @ p["dense1"]["weight"].T).reshape(y.shape)
    for i, (inputs, a, norm_cache, winners) in zip("21", reversed(kept), strict=True):
        da = pool_backward(dy, winners) * (a > 0)
        if normed:
            da, dgamma, dbeta = norm_backward(da, p[f"norm{i}"]["weight"], *norm_cache)
            grads[f"norm{i}"] = {"weight": dgamma, "bias": dbeta}
        dy, dw, db = conv_backward(da, inputs, p[f"conv{i}"]["weight"])
        grads[f"conv{i}"] = {"weight": dw} if normed else {"weight": dw, "bias": db}
    return loss, grads


def copy_of(params):
    return tree.map(lambda a: a.astype(np.float64), params)


def reference_training(params, batches):
    params = copy_of(params)
    velocity = tree.map(np.zeros_like, params)
    losses, first = [], None
    for x, labels in batches:
        loss, grads = reference_step(params, x, labels)
        losses.append(loss)
        first = first or grads
        velocity = tree.map(lambda v, g: MOMENTUM * v + g, velocity, grads)
        params = tree.map(lambda p, v: p - LR * v, params, velocity)
    return np.array(losses), first


# --- the package -------------------------------------------------------------------------------------------


def package_training(model, params, state, batches, dtype):
    optimizer = tg.optim.SGD(params, lr=LR, momentum=MOMENTUM)
    losses, first = [], None
    for x, labels in batches:

        def loss(p, x=x, labels=labels):
            return tg.cross_entropy(model(p, state, x.astype(dtype), train=True)[0], labels)

        value, grads = tg.value_and_grad(loss)(params)
        losses.append(value)
        first = first or grads
        optimizer.step(grads)
    assert {np.asarray(x).dtype for x in losses} == {np.dtype(dtype)}
    return np.array(losses, np.float64), first


def worst_of_gradients(found, expected):
    def error(a, b):
        assert a.shape == b.shape
        assert np.abs(b).max() > 1e-4  # there is something to compare
        return np.abs(a - b).max() / np.abs(b).max()

    return max(tree.leaves(tree.map(error, found, expected)))


@pytest.fixture(scope="module")
def batches():
    rng = np.random.default_rng(0)
    return [digits_like(rng, BATCH) for _ in range(STEPS)]


def start_of(model, dtype):
    """Initial values that float32 holds exactly, so that every dtype starts from the same."""
    params, state = model.init(np.random.default_rng(1), dtype=np.float32)
    return tree.map(lambda array: array.astype(dtype), (params, state))


@pytest.fixture(scope="module")
def reference(batches):
    return reference_training(start_of(baseline(), np.float64)[0], batches)


in_both_dtypes = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4)])


@in_both_dtypes
def test_a_hundred_losses_and_the_first_gradients_are_the_references(batches, reference, dtype, tolerance):
    expected, expected_gradients = reference
    model = baseline()
    params, state = start_of(model, dtype)
    found, gradients = package_training(model, params, state, batches, dtype)
    assert expected[-20:].mean() < 0.8 * expected[:20].mean()  # it learns: the trajectory is no fixed point
    assert worst_of_gradients(gradients, expected_gradients) < tolerance
    assert (np.abs(found - expected) / expected).max() < tolerance


@in_both_dtypes
def test_the_first_gradients_with_batch_normalisation_agree_with_the_reference(batches, dtype, tolerance):
    model = baseline_bn()
    params, state = start_of(model, dtype)
    rng = np.random.default_rng(2)
    for norm in ("norm1", "norm2"):  # not the initial ones and zeros, which hide factors
        params[norm]["weight"] += rng.uniform(0, 1, params[norm]["weight"].shape)
        params[norm]["bias"] += rng.uniform(-0.5, 0.5, params[norm]["bias"].shape)
    expected, expected_gradients = reference_step(copy_of(params), *batches[0])
    found, gradients = package_training(model, params, state, batches[:1], dtype)
    assert worst_of_gradients(gradients, expected_gradients) < tolerance
    assert abs(found[0] - expected) / expected < tolerance
