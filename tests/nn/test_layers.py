"""Layers: values against PyTorch, initial values, structure of their trees, purity, training behaviour."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, nn, tree

RNG = np.random.default_rng


def arrays_of(layer, seed=0, dtype=np.float64):
    """Parameters and state, with every value random: initial zeros and ones would hide errors."""
    params, state = layer.init(RNG(seed), dtype=dtype)
    rng = RNG(seed + 1)
    params = tree.map(lambda a: (a + rng.uniform(0.1, 1, a.shape)).astype(dtype), params)
    state = tree.map(lambda a: (a + rng.uniform(0.1, 1, a.shape)).astype(dtype), state)
    return params, state


LAYERS = [
    (nn.Conv2d(3, 4, 3), (2, 3, 6, 5)),
    (nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), (2, 4, 7, 6)),
    (nn.Conv2d(3, 4, 3, padding="same", bias=False), (2, 3, 6, 5)),
    (nn.Dense(5, 3), (4, 5)),
    (nn.Dense(5, 3, bias=False), (2, 4, 5)),
    (nn.BatchNorm2d(3), (4, 3, 5, 2)),
    (nn.ReLU(), (2, 3)),
    (nn.MaxPool2d(2), (2, 3, 6, 5)),
    (nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), ceil_mode=True), (2, 3, 6, 5)),
    (nn.Flatten(), (2, 3, 4)),
    (nn.Softmax(), (2, 5)),
    (nn.Softmax(axis=1), (2, 5, 3)),
    (nn.LogSoftmax(), (2, 5)),
    (nn.LogSoftmax(axis=1), (2, 5, 3)),
    (nn.Dropout(0.4), (6, 5)),
    (
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten()),
        (2, 3, 5, 4),
    ),
]
every_layer = pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda x: repr(x)[:40])


# --- against PyTorch ---------------------------------------------------------------------------------------


def torch_twin(torch, layer):
    """The PyTorch module of the same meaning, and how its parameters map to ours."""
    m = torch.nn
    match layer:
        case nn.Conv2d():
            return m.Conv2d(
                layer.in_channels, layer.out_channels, layer.kernel_size, stride=layer.stride,
                padding=layer.padding, dilation=layer.dilation, groups=layer.groups, bias=layer.bias,
            )  # fmt: skip
        case nn.Dense():
            return m.Linear(layer.in_features, layer.out_features, bias=layer.bias)
        case nn.BatchNorm2d():
            return m.BatchNorm2d(layer.channels, eps=layer.eps, momentum=layer.momentum)
        case nn.ReLU():
            return m.ReLU()
        case nn.MaxPool2d():
            return m.MaxPool2d(
                layer.kernel_size, layer.stride, layer.padding, layer.dilation, ceil_mode=layer.ceil_mode
            )
        case nn.Flatten():
            return m.Flatten()
        case nn.Softmax():
            return m.Softmax(layer.axis)
        case nn.LogSoftmax():
            return m.LogSoftmax(layer.axis)
    raise NotImplementedError(layer)


def ours(layer, torch_array, name):
    array = torch_array.detach().numpy()
    return array.T if isinstance(layer, nn.Dense) and name == "weight" else array


PLAIN = [case for case in LAYERS if not isinstance(case[0], nn.Dropout | nn.Sequential)]


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(("layer", "shape"), PLAIN, ids=lambda x: repr(x)[:40])
def test_values_gradients_and_state_are_those_of_pytorch(layer, shape, train):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, a peer (pip install '.[peers]')")
    params, state = arrays_of(layer)
    x = RNG(7).standard_normal(shape)
    twin = torch_twin(torch, layer).double().train(train)
    with torch.no_grad():
        for name, value in {**params, **state}.items():
            getattr(twin, name).copy_(torch.from_numpy(ours(layer, torch.from_numpy(value), name).copy()))
    tx = torch.from_numpy(x.copy()).requires_grad_()
    ty = twin(tx)
    seed = RNG(8).standard_normal(ty.shape)
    ty.backward(torch.from_numpy(seed))

    (y, new_state), pullback = tg.vjp(lambda p, x: layer(p, state, x, train=train), params, x)
    grads, dx = pullback((seed, tree.map(np.zeros_like, new_state)))
    tolerance = {"rtol": 1e-10, "atol": 1e-12}
    assert_allclose(y, ty.detach().numpy(), **tolerance)
    assert_allclose(dx, tx.grad.numpy(), **tolerance)
    for name, g in grads.items():
        assert_allclose(g, ours(layer, getattr(twin, name).grad, name), **tolerance)
    for name, value in new_state.items():
        assert_allclose(value, getattr(twin, name).numpy(), **tolerance)


@pytest.mark.parametrize("shape", [(4, 3, 5, 2), (2, 3, 1, 1), (8, 3, 1, 2)])
def test_running_statistics_are_those_of_pytorch_over_several_batches(shape):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, a peer (pip install '.[peers]')")
    layer, twin = nn.BatchNorm2d(3, momentum=0.3), torch.nn.BatchNorm2d(3, momentum=0.3).double()
    params, state = layer.init(RNG(0), dtype=np.float64)
    rng = RNG(1)
    for i in range(5):
        x = rng.standard_normal(shape) * (i + 1) + i
        y, state = layer(params, state, x, train=True)
        assert_allclose(y, twin(torch.from_numpy(x)).detach().numpy(), rtol=1e-9, atol=1e-11)
    assert_allclose(state["running_mean"], twin.running_mean.numpy(), rtol=1e-12)
    assert_allclose(state["running_var"], twin.running_var.numpy(), rtol=1e-12)
    x = rng.standard_normal(shape)
    y, after = layer(params, state, x)
    assert_allclose(y, twin.eval()(torch.from_numpy(x)).detach().numpy(), rtol=1e-10, atol=1e-12)
    assert after is state


# --- initial values ----------------------------------------------------------------------------------------


def sample_of(init, shape, n=200):
    rng = RNG(0)
    return np.stack([init(rng, shape) for _ in range(n)])


@pytest.mark.parametrize("shape", [(40, 30), (12, 5, 3, 2)])
@pytest.mark.parametrize(
    ("init", "variance", "uniform"),
    [
        (nn.init.he_normal, lambda i, o: 2 / i, False),
        (nn.init.he_uniform, lambda i, o: 2 / i, True),
        (nn.init.xavier_normal, lambda i, o: 2 / (i + o), False),
        (nn.init.xavier_uniform, lambda i, o: 2 / (i + o), True),
    ],
)
def test_initial_weights_have_mean_zero_and_the_variance_of_the_paper(init, variance, uniform, shape):
    fan_in, fan_out = (40, 30) if len(shape) == 2 else (5 * 6, 12 * 6)
    expected = variance(fan_in, fan_out)
    sample = sample_of(init, shape)
    n = sample.size  # from 72 000 draws: six standard deviations of mean and variance
    assert abs(sample.mean()) < 6 * np.sqrt(expected / n)
    spread = {False: 2.0, True: 0.8}[uniform]  # variance of the variance, relative, times n
    assert abs(sample.var() / expected - 1) < 6 * np.sqrt(spread / n)
    bound = np.sqrt(3 * expected)
    if uniform:
        assert 0.999 * bound < np.abs(sample).max() <= bound
    else:
        assert 0.30 < (np.abs(sample) > np.sqrt(expected)).mean() < 0.335  # of a normal: 0.317


def test_layers_start_with_the_weights_of_the_issue():
    conv, _ = nn.Conv2d(3, 400, (5, 4)).init(RNG(0), dtype=np.float64)
    assert_allclose(conv["weight"].var(), 2 / (3 * 5 * 4), rtol=0.05)
    dense, _ = nn.Dense(300, 200).init(RNG(0), dtype=np.float64)
    assert_allclose(dense["weight"].var(), 2 / 300, rtol=0.05)
    grouped, _ = nn.Conv2d(8, 400, 3, groups=4).init(RNG(0), dtype=np.float64)
    assert_allclose(grouped["weight"].var(), 2 / (2 * 9), rtol=0.05)  # one output sums two channels
    for params in (conv, dense, grouped):
        assert not params["bias"].any()


def test_a_seed_gives_the_same_network_in_every_dtype_and_another_seed_another():
    layer = nn.Conv2d(2, 3, 3)
    wide, narrow = (layer.init(RNG(5), dtype=dtype)[0]["weight"] for dtype in (np.float64, np.float32))
    assert_array_equal(wide.astype(np.float32), narrow, strict=True)
    assert (layer.init(RNG(6))[0]["weight"] != narrow).all()


def test_a_layer_may_be_given_another_initialiser():
    layer = nn.Dense(4, 3, weight_init=lambda rng, shape: np.full(shape, 7.0))
    assert_array_equal(layer.init(RNG(0))[0]["weight"], np.full((4, 3), 7.0, np.float32), strict=True)


def test_fans_of_a_vector_are_refused():
    with pytest.raises(ValueError, match=r"expected a weight of two axes or more, got shape \(3,\)"):
        nn.init.fans((3,))


# --- what every layer is -----------------------------------------------------------------------------------


@every_layer
def test_a_layer_is_frozen_comparable_hashable_printable_and_picklable(layer, shape):
    twin = copy.deepcopy(layer)
    assert twin == layer
    assert hash(twin) == hash(layer)
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert type(layer).__name__ in repr(layer)
    for field in dataclasses.fields(layer):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, field.name, None)


def test_layers_that_differ_are_not_equal():
    assert nn.Conv2d(1, 2, 3) != nn.Conv2d(1, 2, 3, padding=1)
    assert nn.ReLU() != nn.Flatten()
    assert nn.Sequential(nn.ReLU()) != nn.Sequential(relu=nn.ReLU())


@every_layer
@pytest.mark.parametrize("train", [False, True])
def test_a_call_is_pure(layer, shape, train):
    params, state = arrays_of(layer)
    x = RNG(2).standard_normal(shape)
    everything = (params, state, {"x": x})
    before = tree.map(np.copy, everything)
    for array in tree.leaves(everything):
        array.flags.writeable = False
    first, first_state = layer(params, state, x, train=train, rng=RNG(3))
    second, second_state = layer(params, state, x, train=train, rng=RNG(3))
    assert_array_equal(first, second)
    tree.map(assert_array_equal, first_state, second_state)
    tree.map(assert_array_equal, everything, before)
    for array in tree.leaves(first_state) if train else []:
        assert not any(np.shares_memory(array, old) for old in tree.leaves(state))


@every_layer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_structure_are_kept(layer, shape, dtype):
    params, state = layer.init(RNG(0), dtype=dtype)
    assert {array.dtype for array in tree.leaves((params, state))} <= {np.dtype(dtype)}
    for train in (False, True):
        y, new_state = layer(params, state, np.ones(shape, dtype), train=train, rng=RNG(0))
        assert y.dtype == dtype
        assert tree.structure(new_state) == tree.structure(state)
        assert {array.dtype for array in tree.leaves(new_state)} <= {np.dtype(dtype)}
        assert type(y) is np.ndarray


@every_layer
def test_tensors_in_give_a_tensor_out_and_plain_values(layer, shape):
    params, state = arrays_of(layer)
    x = RNG(2).standard_normal(shape)
    for train in (False, True):
        y, _ = layer(params, state, x, train=train, rng=RNG(3))
        ty, t_state = layer(params, state, Tensor(x, requires_grad=True), train=train, rng=RNG(3))
        assert isinstance(ty, Tensor)
        assert_array_equal(ty.data, y)
        assert all(type(array) is np.ndarray for array in tree.leaves(t_state))


def test_layers_without_parameters_have_empty_trees():
    for layer in (nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Softmax(), nn.LogSoftmax(), nn.Dropout(0.1)):
        assert layer.init(RNG(0)) == ({}, {})


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (nn.ReLU(), tg.relu),
        (nn.GELU(), tg.gelu),
        (nn.GELU("tanh"), lambda x: tg.gelu(x, approximate="tanh")),
        (nn.Sigmoid(), tg.sigmoid),
        (nn.Tanh(), tg.tanh),
        (nn.Softmax(axis=1), lambda x: tg.softmax(x, 1)),
        (nn.LogSoftmax(axis=1), lambda x: tg.log_softmax(x, 1)),
        (
            nn.MaxPool2d(2, (1, 2), 1, 2, True),
            lambda x: tg.max_pool2d(x, 2, stride=(1, 2), padding=1, dilation=2, ceil_mode=True),
        ),
        (
            nn.AvgPool2d((2, 3), 2, 1, True, False),
            lambda x: tg.avg_pool2d(x, (2, 3), stride=2, padding=1, ceil_mode=True, count_include_pad=False),
        ),
        (nn.GlobalAvgPool2d(), tg.global_avg_pool2d),
    ],
)
def test_a_layer_without_parameters_is_its_operation(layer, op):
    x = RNG(0).standard_normal((2, 3, 6, 7))
    assert_array_equal(layer({}, {}, x)[0], op(x))


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (nn.LayerNorm((3, 4), eps=0.5), lambda x, w, b: tg.layer_norm(x, w, b, eps=0.5)),
        (nn.GroupNorm(2, 4, eps=0.5), lambda x, w, b: tg.group_norm(x, 2, w, b, eps=0.5)),
    ],
)
def test_a_normalisation_is_its_operation(layer, op):
    params, state = arrays_of(layer)
    x = RNG(0).standard_normal((2, 4, 3, 4))
    assert_array_equal(layer(params, state, x)[0], op(x, params["weight"], params["bias"]))


def test_a_bias_can_be_left_out():
    for layer in (nn.Conv2d(1, 2, 3, bias=False), nn.Dense(3, 2, bias=False)):
        assert layer.init(RNG(0))[0].keys() == {"weight"}


def test_dense_multiplies_from_the_right():
    x, weight, bias = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4), np.arange(4.0)
    y, _ = nn.Dense(3, 4)({"weight": weight, "bias": bias}, {}, x)
    assert_array_equal(y, x @ weight + bias)


def test_convolution_is_cross_correlation_with_the_weight_unflipped():
    weight = np.zeros((1, 1, 2, 3))
    weight[0, 0, 0, 2] = 1  # picks the element two to the right of the window's corner
    x = np.arange(20.0).reshape(1, 1, 4, 5)
    y, _ = nn.Conv2d(1, 1, (2, 3), bias=False)({"weight": weight}, {}, x)
    assert_array_equal(y[0, 0], x[0, 0, :3, 2:])


def test_flatten_keeps_the_batch_also_when_it_is_empty():
    for n in (0, 1, 3):
        assert nn.Flatten().apply(np.ones((n, 2, 3, 4))).shape == (n, 24)


# --- batch normalisation -----------------------------------------------------------------------------------


def test_batch_norm_normalises_each_channel_in_training():
    layer = nn.BatchNorm2d(3, eps=0.0)
    params, state = layer.init(RNG(0), dtype=np.float64)
    x = RNG(1).standard_normal((8, 3, 4, 5)) * np.array([1.0, 10.0, 0.1])[:, None, None] + 100
    y, _ = layer(params, state, x, train=True)
    assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-11)
    assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-9)


def test_running_statistics_move_by_momentum_with_the_unbiased_variance():
    layer = nn.BatchNorm2d(2, momentum=0.25)
    params, state = layer.init(RNG(0), dtype=np.float64)
    x = RNG(1).standard_normal((3, 2, 2, 2))
    _, moved = layer(params, state, x, train=True)
    assert_allclose(moved["running_mean"], 0.25 * x.mean((0, 2, 3)))
    assert_allclose(moved["running_var"], 0.75 + 0.25 * x.var((0, 2, 3), ddof=1))
    _, kept = layer(params, state, x, train=False)
    assert kept is state


def test_a_single_element_has_a_finite_running_variance():
    layer = nn.BatchNorm2d(2)
    params, state = layer.init(RNG(0), dtype=np.float64)
    y, moved = layer(params, state, np.array([3.0, 5.0]).reshape(1, 2, 1, 1), train=True)
    assert_array_equal(y, np.zeros((1, 2, 1, 1)))
    assert_allclose(moved["running_mean"], [0.3, 0.5])
    assert_allclose(moved["running_var"], [0.9, 0.9])


def test_at_inference_a_sample_does_not_depend_on_its_batch():
    layer = nn.BatchNorm2d(3)
    params, state = arrays_of(layer)
    x = RNG(1).standard_normal((4, 3, 2, 2))
    together, _ = layer(params, state, x)
    alone = np.concatenate([layer(params, state, x[i : i + 1])[0] for i in range(4)])
    assert_array_equal(together, alone)


def test_running_statistics_are_constants_to_the_tape():
    layer = nn.BatchNorm2d(2)
    params, state = layer.init(RNG(0), dtype=np.float64)
    x = Tensor(RNG(1).standard_normal((3, 2, 2, 2)), requires_grad=True)
    _, moved = layer(params, state, x, train=True)
    assert all(type(array) is np.ndarray for array in moved.values())


# --- dropout -----------------------------------------------------------------------------------------------


def test_dropout_keeps_the_expectation_and_drops_at_its_rate():
    x = np.full(200_000, 3.0)
    for rate in (0.1, 0.5, 0.9):
        y, _ = nn.Dropout(rate)({}, {}, x, train=True, rng=RNG(0))
        dropped = (y == 0).mean()
        assert abs(dropped - rate) < 6 * np.sqrt(rate * (1 - rate) / x.size)
        assert_allclose(y[y != 0], 3 / (1 - rate))
        assert abs(y.mean() / 3 - 1) < 6 * np.sqrt(rate / (1 - rate) / x.size)


def test_dropout_depends_on_the_generator_alone():
    x = np.ones((20, 30))
    layer = nn.Dropout(0.5)
    first, second, other = (layer({}, {}, x, train=True, rng=RNG(seed))[0] for seed in (1, 1, 2))
    assert_array_equal(first, second)
    assert (first != other).any()
    rng = RNG(1)
    assert (layer({}, {}, x, train=True, rng=rng)[0] != layer({}, {}, x, train=True, rng=rng)[0]).any()


def test_the_gradient_of_dropout_passes_where_the_value_did():
    x = Tensor(np.ones(1000), requires_grad=True)
    y, _ = nn.Dropout(0.3)({}, {}, x, train=True, rng=RNG(0))
    y.sum().backward()
    assert_array_equal(x.grad, y.data)


def test_dropout_is_the_identity_at_inference_and_at_rate_zero():
    x = np.ones(5)
    assert nn.Dropout(0.5)({}, {}, x)[0] is x
    assert nn.Dropout(0.5)({}, {}, x, rng=RNG(0))[0] is x
    assert nn.Dropout(0.0)({}, {}, x, train=True)[0] is x


def test_a_rate_that_is_a_numpy_scalar_keeps_float32():
    y, _ = nn.Dropout(np.float64(0.5))({}, {}, np.ones(5, np.float32), train=True, rng=RNG(0))
    assert y.dtype == np.float32


def test_dropout_in_training_needs_a_generator():
    with pytest.raises(ValueError, match=r"Dropout: training needs an explicit Generator: pass rng="):
        nn.Dropout(0.5)({}, {}, np.ones(3), train=True)


# --- float32 from end to end -------------------------------------------------------------------------------


def test_float32_stays_float32_everywhere_in_a_training_step():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding="same"),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Dense(64, 10),
        nn.LogSoftmax(),
    )
    params, state = model.init(RNG(0))
    optimizer = tg.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
    x = RNG(1).standard_normal((5, 1, 8, 8)).astype(np.float32)
    seen = []

    def loss(p):
        y, new_state = model(p, state, x, train=True, rng=RNG(2))
        seen.extend([y.dtype, *(a.dtype for a in tree.leaves(new_state))])
        return tg.cross_entropy(y, np.arange(5)), new_state

    for _ in range(2):
        (value, state), grads = tg.value_and_grad(loss, has_aux=True)(params)
        optimizer.step(grads)
        seen += [value.dtype, *(a.dtype for a in tree.leaves((grads, params, state)))]
    seen += [a.dtype for a in tree.leaves(optimizer.state)]
    assert set(seen) == {np.dtype(np.float32)}


def test_batch_norm_of_an_empty_batch_keeps_the_running_statistics():
    layer = nn.BatchNorm2d(2)
    params, state = layer.init(np.random.default_rng(0))
    y, new_state = layer(params, state, np.zeros((0, 2, 3, 3), np.float32), train=True)
    assert y.shape == (0, 2, 3, 3)
    np.testing.assert_array_equal(new_state["running_var"], np.ones(2, np.float32))
