"""float32 in, float32 out: values, saved values, cotangents, gradients, state; no float64 on the tape."""

import functools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, nn, ops, optim, tape, tree
from tinygrad_cnn.tape import reverse

RNG = np.random.default_rng(0)


def single(*shape, low=0.25, high=1.75):
    """Inside the domain of every function."""
    return RNG.uniform(low, high, shape).astype(np.float32)


@pytest.fixture
def rules(monkeypatch):
    """What every gradient rule is given and returns, before the tape repairs it: (op, operand, dtypes)."""
    seen = []
    plain = reverse.pull

    def watched(node, edge, parent, g, values):
        def rule(*context):
            out = edge.rule(*context)
            op = node.plan.primitive
            seen.append((op.name, op.operand_name(edge.position), {tape.raw(g).dtype, tape.raw(out).dtype}))
            return out

        return plain(node, edge._replace(rule=rule), parent, g, values)

    monkeypatch.setattr(reverse, "pull", watched)
    return seen


def assert_single(seen):
    assert seen
    wide = [(op, operand) for op, operand, dtypes in seen if dtypes != {np.dtype(np.float32)}]
    assert not wide, f"rules that are given or return another dtype: {wide}"


def nodes(root):
    """All nodes that a node was computed from."""
    found, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting.extend(node.parents)
    return found


def floats(value):
    """The floating arrays in a saved value."""
    if isinstance(value, tuple | list):
        for item in value:
            yield from floats(item)
    elif isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f":
        yield value


def assert_tape_is_single(loss):
    graph = nodes(loss.node)
    assert len(graph) > 5
    for node in graph:
        assert node.dtype == np.float32, node.primitive
        for name, value in node.saved.items():
            for array in floats(value):
                assert array.dtype == np.float32, (node.primitive, name)


def every_layer():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding="same"),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Residual(
            nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.GroupNorm(2, 4), nn.GELU()),
            nn.Conv2d(4, 4, 1),
        ),
        nn.Residual(nn.GELU("tanh")),
        nn.MaxPool2d(2),
        nn.Sigmoid(),
        nn.AvgPool2d(2, stride=1, padding=1, count_include_pad=False),
        nn.Dropout(0.25),
        nn.Residual(nn.Sequential(nn.Flatten(), nn.LayerNorm(100)), nn.Flatten()),
        nn.Dense(100, 16),
        nn.Tanh(),
        nn.Softmax(),
        nn.Dense(16, 5, bias=False),
        nn.LogSoftmax(),
    )


def global_pool():
    return nn.Sequential(nn.Conv2d(2, 5, 3, stride=2), nn.GlobalAvgPool2d())


NETWORKS = {
    "baseline": (tg.models.baseline, (3, 1, 28, 28), 10),
    "baseline with batch normalisation": (tg.models.baseline_bn, (3, 1, 28, 28), 10),
    "every layer": (every_layer, (3, 2, 8, 8), 5),
    "global pooling": (global_pool, (3, 2, 8, 8), 5),
}
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, 0.1, weight_decay=0.01),
    "AdamW": lambda p: optim.AdamW(p, optim.Cosine(0.1, steps=10)),
    "RMSprop": lambda p: optim.RMSprop(p, 0.1, momentum=0.9, weight_decay=0.01),
}


def test_all_layers_take_part():
    used, waiting = set(), [make() for make, *_ in NETWORKS.values()]
    while waiting:
        layer = waiting.pop()
        used.add(type(layer).__name__)
        waiting.extend(part for _, part in layer.children())
    public = {n for n in nn.__all__ if isinstance(v := getattr(nn, n), type) and issubclass(v, nn.Layer)}
    assert used == public - {"Lambda", "Layer", "Parameterless"}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_training_step(network, optimizer, rules):
    make, shape, classes = NETWORKS[network]
    model = make()
    arrays, state = model.init(np.random.default_rng(0))
    params = tree.map(lambda x: Tensor(x, requires_grad=True), arrays)
    step = OPTIMIZERS[optimizer](params)
    x, labels = single(*shape), np.arange(shape[0]) % classes
    for _ in range(2):
        step.zero_grad()
        logits, state = model(params, state, x, train=True, rng=np.random.default_rng(0))
        loss = tg.cross_entropy(logits, labels, label_smoothing=0.1, weight=np.ones(classes))
        assert_tape_is_single(loss)
        loss.backward()
        step.step()
    assert_single(rules)
    kept = [x for x in tree.leaves(step.state) if x.dtype.kind == "f"]
    assert kept
    for array in [*kept, *tree.leaves(state), *(p.data for p in tree.leaves(params))]:
        assert array.dtype == np.float32
    assert all(p.grad.dtype == np.float32 for p in tree.leaves(params))
    clipped, _ = optim.clip_by_global_norm(tree.map(lambda p: p.grad, params), 1e-3)
    assert all(g.dtype == np.float32 for g in tree.leaves(clipped))


@pytest.mark.parametrize("network", NETWORKS)
def test_inference(network):
    make, shape, _ = NETWORKS[network]
    model = make()
    params, state = model.init(np.random.default_rng(0))
    assert model(params, state, single(*shape))[0].dtype == np.float32


IMAGE, KERNEL = single(2, 4, 5, 6), single(4, 2, 2, 3)
CHANNEL = single(4)
CALLS = {
    "adaptive_avg_pool2d": (lambda x: ops.adaptive_avg_pool2d(x, (2, 3)), IMAGE),
    "astype": (lambda x: ops.astype(x, np.float32), single(3)),
    "avg_pool2d": (lambda x: ops.avg_pool2d(x, 2, padding=1, count_include_pad=False), IMAGE),
    "batch_norm": (lambda x, w, b: ops.batch_norm(x, w, b), IMAGE, CHANNEL, CHANNEL),
    "binary_cross_entropy_with_logits": (
        lambda x: ops.binary_cross_entropy_with_logits(x, np.full((3, 4), 0.25)),
        single(3, 4),
    ),
    "broadcast_to": (lambda x: ops.broadcast_to(x, (2, 3)), single(3)),
    "clip": (lambda x: ops.clip(x, 0.5, np.ones(3, np.float32)), single(3)),
    "concatenate": (lambda a, b: ops.concatenate([a, b]), single(3), single(2)),
    "conv1d": (lambda x, w, b: ops.conv1d(x, w, b), single(2, 4, 5), single(4, 4, 2), CHANNEL),
    "conv2d": (lambda x, w, b: ops.conv2d(x, w, b, groups=2, padding="same"), IMAGE, KERNEL, CHANNEL),
    "conv_transpose2d": (
        lambda x, w, b: ops.conv_transpose2d(x, w, b, stride=2, output_padding=1),
        IMAGE,
        KERNEL,
        single(2),
    ),
    "cross_entropy": (lambda x: ops.cross_entropy(x, np.full((3, 4), 0.25)), single(3, 4)),
    "dropout": (lambda x: ops.dropout(x, 0.5, rng=np.random.default_rng(0)), single(9)),
    "einsum": (lambda a, b: ops.einsum("ij,jk->k", a, b), single(2, 3), single(3, 4)),
    "embedding": (lambda w: ops.embedding(w, [0, 2, 0]), single(3, 2)),
    "expand_dims": (lambda x: ops.expand_dims(x, 0), single(3)),
    "gelu": (lambda x: ops.gelu(x) + ops.gelu(x, approximate="tanh"), single(3)),
    "getitem": (lambda x: ops.getitem(x, [0, 0, 2]), single(3)),
    "global_avg_pool2d": (ops.global_avg_pool2d, IMAGE),
    "group_norm": (lambda x, w, b: ops.group_norm(x, 2, w, b), IMAGE, CHANNEL, CHANNEL),
    "layer_norm": (ops.layer_norm, single(3, 4), CHANNEL, CHANNEL),
    "max_pool2d": (lambda x: ops.max_pool2d(x, (2, 3), stride=1, padding=1), IMAGE),
    "moveaxis": (lambda x: ops.moveaxis(x, 0, -1), single(2, 3)),
    "mse_loss": (lambda x: ops.mse_loss(x, np.arange(3)), single(3)),
    "nll_loss": (lambda x: ops.nll_loss(x, np.array([0, 1, 3]), weight=np.ones(4)), single(3, 4)),
    "pad": (lambda x: ops.pad(x, 1) + ops.pad(x, 1, mode="wrap"), single(3)),
    "power": (lambda x, y: ops.power(x, y) + x**3 + 2**y, single(3), single(3)),
    "repeat": (lambda x: ops.repeat(x, [0, 1, 2]), single(3)),
    "reshape": (lambda x: ops.reshape(x, (3, 2)), single(2, 3)),
    "roll": (lambda x: ops.roll(x, 2), single(3)),
    "stack": (lambda a, b: ops.stack([a, b], 1), single(3), single(3)),
    "swapaxes": (lambda x: ops.swapaxes(x, 0, 1), single(2, 3)),
    "take": (lambda x: ops.take(x, [1, 1]), single(3)),
    "tile": (lambda x: ops.tile(x, (2, 2)), single(3)),
    "where": (lambda x, y: ops.where(np.array([True, False, True]), x, y), single(3), single(3)),
}
BINARY = ["add", "divide", "hypot", "maximum", "minimum", "multiply", "subtract", "outer"]
CALLS |= {name: (getattr(ops, name), single(3), single(3)) for name in BINARY}
CALLS |= {name: (getattr(ops, name), single(3, 3), single(3, 3)) for name in ("matmul", "tensordot")}
REDUCTIONS = [
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "std",
    "sum",
    "var",
    "cumsum",
    "sort",
    "flip",
]
CALLS |= {name: (functools.partial(getattr(ops, name), axis=1), single(3, 4)) for name in REDUCTIONS}
CONSTANT = ["argmax", "floor", "one_hot", "sign"]
UNARY = sorted(set(ops.__all__) - set(CALLS) - set(CONSTANT))
CALLS |= {name: (getattr(ops, name), single(3)) for name in UNARY}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_an_operation_to_the_second_order(name, rules):
    f, *operands = CALLS[name]

    def loss(*xs):
        y = f(*xs)
        assert y.dtype == np.float32
        return tg.sum(y * y)

    everything = tuple(range(len(operands)))
    gradients = tg.grad(loss, everything)(*operands)

    def slopes(*xs):
        parts = [tg.sum(g * g) for g in tg.grad(loss, everything)(*xs)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    second = tg.grad(slopes, everything)(*operands)
    for x, g, h in zip(operands, gradients, second, strict=True):
        assert (g.dtype, h.dtype) == (np.float32, np.float32)
        assert g.shape == h.shape == x.shape
    assert_single(rules)


@pytest.mark.parametrize("name", CONSTANT)
def test_a_constant_operation(name):
    x = single(3)
    if name == "one_hot":
        assert ops.one_hot([0, 2], 3).dtype == np.float32
    elif name == "argmax":
        assert ops.argmax(x).dtype == np.intp
    else:
        assert getattr(ops, name)(x).dtype == np.float32


WIDE = np.float64(0.25)  # an option, not an operand: whatever its dtype, it changes none
OPTIONS = {
    "leaky_relu": lambda x: ops.leaky_relu(x, negative_slope=WIDE),
    "elu": lambda x: ops.elu(x, alpha=WIDE),
    "var": lambda x: ops.var(x, ddof=WIDE),
    "std": lambda x: ops.std(x, ddof=WIDE),
    "dropout": lambda x: ops.dropout(x, WIDE, rng=np.random.default_rng(0)),
    "pad": lambda x: ops.pad(x, 1, constant_values=WIDE),
    "batch_norm": lambda x: ops.batch_norm(x, CHANNEL, CHANNEL, eps=WIDE),
    "layer_norm": lambda x: ops.layer_norm(x, CHANNEL, CHANNEL, eps=WIDE),
    "group_norm": lambda x: ops.group_norm(x, 2, CHANNEL, CHANNEL, eps=WIDE),
    "cross_entropy": lambda x: ops.cross_entropy(x, np.array([0, 1, 3]), label_smoothing=WIDE),
    "cross_entropy of rows": lambda x: ops.cross_entropy(x, np.full((3, 4), 0.25), label_smoothing=WIDE),
    "BatchNorm2d, inference": lambda x: _inference(nn.BatchNorm2d(4, eps=WIDE), x[:, :, None, None]),
}


def _inference(layer, x):
    return layer(*layer.init(np.random.default_rng(0)), x)[0]


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_may_be_a_numpy_scalar(name, rules):
    value, gradient = tg.value_and_grad(lambda x: tg.sum(OPTIONS[name](x)))(single(3, 4))
    assert (value.dtype, gradient.dtype) == (np.float32, np.float32)
    assert_single(rules)


def test_the_limit_of_a_norm_may_be_a_numpy_scalar():
    clipped, _ = optim.clip_by_global_norm({"w": single(3)}, WIDE)
    assert clipped["w"].dtype == np.float32
