"""What is said about a network is what loops, differences and closed forms say."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tg
from tinygrad_cnn import insight, models, nn

RNG = np.random.default_rng(5)
STEP = 1e-6


def a_network(last=nn.Flatten, features=48):
    model = nn.Sequential(conv=nn.Conv2d(1, 3, 3), act=tg.tanh, flat=last(), dense=nn.Dense(features, 4))
    return model, *model.init(np.random.default_rng(1), dtype=np.float64)


def differences(f, x):
    """The gradient of a function of an array to a number, by a loop over its elements."""
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        moved = [x.copy(), x.copy()]
        moved[0][place] += STEP
        moved[1][place] -= STEP
        found[place] = (float(f(moved[0])) - float(f(moved[1]))) / (2 * STEP)
    return found


def test_outputs_are_those_of_the_layers_one_after_the_other():
    model = models.baseline()
    p, _ = model.init(RNG)
    x = RNG.random((2, 1, 28, 28), dtype=np.float32)
    found = insight.outputs(model, p, {}, x)
    assert list(found) == [name for name, _ in model.layers]
    h = tg.max_pool2d(tg.relu(tg.conv2d(x, p["conv1"]["weight"], p["conv1"]["bias"], padding=1)), 2)
    np.testing.assert_array_equal(found["pool1"], h)
    np.testing.assert_array_equal(found["dense2"], model(p, {}, x)[0])


def test_a_layer_in_a_layer_is_named_by_its_path_and_the_outer_one_comes_after():
    dense = nn.Dense(2, 2)
    model = nn.Sequential(around=nn.Residual(nn.Sequential(dense=dense)), double=lambda x: 2 * x)
    params, _ = model.init(RNG, dtype=np.float64)
    x = RNG.standard_normal((3, 2))
    found = insight.outputs(model, params, {}, x)
    assert list(found) == ["around.block.dense", "around.block", "around", "double"]
    weight, bias = params["around"]["block"]["dense"].values()
    np.testing.assert_allclose(found["around"], x + x @ weight + bias)


def test_gradients_of_outputs_are_those_of_differences():
    model, params, state = a_network()
    x = RNG.standard_normal((2, 1, 6, 6))
    target = RNG.standard_normal((2, 4))

    def score(logits):
        return ((logits - target) ** 2).sum()

    found = insight.output_gradients(score, model, params, state, x)
    values = insight.outputs(model, params, state, x)
    weight, bias = params["dense"].values()
    after = {
        "conv": lambda h: score(np.tanh(h).reshape(2, -1) @ weight + bias),
        "act": lambda h: score(h.reshape(2, -1) @ weight + bias),
        "dense": score,
    }
    for path, rest in after.items():
        np.testing.assert_allclose(found[path], differences(rest, values[path]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("classes", [None, [3, 0]])
def test_the_input_gradient_is_that_of_differences_for_each_image_by_itself(classes):
    model, params, state = a_network()
    x = RNG.standard_normal((2, 1, 6, 6))

    def network(x):
        return model(params, state, x)[0]

    chosen = network(x).argmax(1) if classes is None else classes
    found = insight.input_gradient(network, x, classes)
    for i in range(2):
        of_one = differences(lambda one, i=i: network(one[None])[0, chosen[i]], x[i])
        np.testing.assert_allclose(found[i], of_one, rtol=1e-6, atol=1e-7)


def test_smooth_grad_is_the_mean_of_gradients_at_noisy_copies():
    model, params, state = a_network()
    x = RNG.random((2, 1, 6, 6))

    def network(x):
        return model(params, state, x)[0]

    found = insight.smooth_grad(network, x, np.random.default_rng(7), [1, 2], samples=5, noise=0.2)
    rng, copies = np.random.default_rng(7), []
    for _ in range(5):
        noise = rng.standard_normal(x.shape)
        noisy = np.stack([one + 0.2 * (one.max() - one.min()) * n for one, n in zip(x, noise, strict=True)])
        copies.append(insight.input_gradient(network, noisy, [1, 2]))
    np.testing.assert_allclose(found, np.mean(copies, 0))


def test_grad_cam_before_a_global_average_is_the_weighted_sum_of_the_maps():
    """There, the gradient at each place is the weight of the map divided by the number of places."""
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.GlobalAvgPool2d(), nn.Flatten(), nn.Dense(5, 3))
    params, state = model.init(np.random.default_rng(2), dtype=np.float64)
    x = RNG.standard_normal((2, 1, 8, 7))
    maps = np.maximum(tg.conv2d(x, *params["0"].values()), 0)
    expected = np.zeros((2, 6, 5))
    for i, k in itertools.product(range(2), range(5)):
        expected[i] += params["4"]["weight"][k, (2, 0)[i]] / 30 * maps[i, k]
    found = insight.grad_cam(model, params, state, x, [2, 0])
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-12)
    assert found.max() > 0
    assert insight.grad_cam(model, params, state, x, layer="0").shape == (2, 6, 5)


@given(st.integers(0, 1000), st.floats(0, 0.5))
def test_where_the_loss_is_linear_no_allowed_change_is_worse_than_that_of_fgsm(seed, epsilon):
    rng = np.random.default_rng(seed)
    x, slope = rng.random(4), rng.standard_normal(4)
    found = insight.fgsm(lambda x: (slope * x).sum(), x, epsilon)
    corners = np.array(list(itertools.product([-1, 1], repeat=4)))
    worst = max(slope @ np.clip(x + epsilon * corner, 0, 1) for corner in corners)
    assert slope @ found == pytest.approx(worst)
    assert np.abs(found - x).max() <= epsilon + 1e-12
    assert insight.fgsm(lambda x: (x * slope).sum(), x.astype(np.float32), epsilon).dtype == np.float32


@given(st.integers(0, 1000), st.integers(1, 9))
def test_the_worst_mistakes_are_those_that_a_loop_finds(seed, count):
    rng = np.random.default_rng(seed)
    logits, labels = rng.integers(-3, 4, (20, 3)).astype(float), rng.integers(0, 3, 20)
    losses = {}
    for i, row in enumerate(logits):
        if list(row).index(max(row)) != labels[i]:
            losses[i] = -np.log(np.exp(row[labels[i]]) / np.exp(row).sum())
    expected = sorted(losses.values(), reverse=True)[:count]
    found = insight.worst_mistakes(logits, labels, count)
    np.testing.assert_allclose([losses[i] for i in found], expected)


def test_losses_between_two_trees_are_those_at_the_points_between():
    start, end = ({"w": np.float32([a, 2.0])} for a in (1.0, 5.0))
    seen = []

    def loss(p):
        seen.append(p["w"])
        return (p["w"].astype(float) ** 2).sum()

    np.testing.assert_allclose(insight.losses_between(loss, start, end, [0, 0.25, 1, 1.5]), [5, 8, 29, 53])
    assert {w.dtype for w in seen} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(seen[0], start["w"])
    np.testing.assert_array_equal(seen[2], end["w"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, p, x: insight.outputs(abs, p, {}, x), "expected a layer"),
        (
            lambda m, p, x: insight.grad_cam(m, p, {}, x, layer="dense"),
            "expected one of conv, act, got 'dense'",
        ),
        (lambda m, p, x: insight.grad_cam(m, p, {}, x, [4, 0]), "classes: expected values in 0..3"),
        (lambda m, p, x: insight.input_gradient(lambda x: m(p, {}, x)[0], x, [1]), "classes: expected shape"),
        (lambda m, p, x: insight.input_gradient(lambda x: x, x), "expected logits of shape"),
        (lambda m, p, x: insight.smooth_grad(lambda x: x, x, 0), "expected a numpy.random.Generator"),
        (lambda m, p, x: insight.fgsm(lambda x: x.sum(), x, -0.1), "epsilon"),
        (lambda m, p, x: insight.worst_mistakes(x, x, 0), "count: expected at least 1"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, message):
    model, params, _ = a_network()
    with pytest.raises((TypeError, ValueError), match=message):
        call(model, params, np.zeros((2, 1, 6, 6)))
