"""float32 in, float32 out: values, saved values, cotangents, gradients, state; no float64 on the tape."""

import inspect

import numpy as np
import pytest
import records
from leaves import ancestors
from records.layers import LAYERS

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, nn, ops, optim, tape, tree
from tinygrad_cnn.testing.flat import flat_function

RNG = np.random.default_rng(0)


def single(*shape, low=0.25, high=1.75):
    """Inside the domain of every function."""
    return RNG.uniform(low, high, shape).astype(np.float32)


def watched(seen, op, operand, rule):
    """Note what dtypes a rule is given and returns, before the tape repairs them."""
    names = list(inspect.signature(rule).parameters)

    def noting(*values):
        out = rule(*values)
        given = {tape.raw(value).dtype for name, value in zip(names, values, strict=True) if name == "g"}
        seen.append((op.name, operand, given | {tape.raw(out).dtype}))
        return out

    noting.__signature__ = inspect.signature(rule)
    return noting


PRIMITIVES = [case.function for case in records.CASES if isinstance(case.function, tape.Primitive)]


@pytest.fixture(scope="module")
def watched_rules():
    """Watch every gradient rule: (op, operand, dtypes)."""
    seen = []
    right = {op: {operand: rule.function for operand, rule in op.rules.items()} for op in PRIMITIVES}
    for op, given in right.items():
        op.defvjp(**{operand: watched(seen, op, operand, rule) for operand, rule in given.items()})
    yield seen
    for op, given in right.items():
        op.defvjp(**given)


@pytest.fixture
def rules(watched_rules):
    """What a test will see of the rules."""
    watched_rules.clear()
    return watched_rules


def assert_single(seen):
    assert seen
    wide = [(op, operand) for op, operand, dtypes in seen if dtypes != {np.dtype(np.float32)}]
    assert not wide, f"rules that are given or return another dtype: {wide}"


def floats(value):
    """The floating arrays in a saved value."""
    if isinstance(value, tuple | list):
        for item in value:
            yield from floats(item)
    elif isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f":
        yield value


def assert_tape_is_single(loss):
    graph = ancestors(loss)
    assert len(graph) > 5
    for node in graph:
        assert node.dtype == np.float32, node.primitive
        for name, value in node.saved.items():
            for array in floats(value):
                assert array.dtype == np.float32, (node.primitive, name)


def network():
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
        nn.Residual(
            nn.Sequential(nn.Flatten(), nn.LayerNorm(100)),
            nn.Sequential(nn.GlobalAvgPool2d(), nn.Dense(4, 100)),
        ),
        nn.Tanh(),
        nn.Softmax(),
        nn.Dense(100, 5, bias=False),
        nn.LogSoftmax(),
    )


SHAPE = (3, 2, 8, 8)
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, 0.1, weight_decay=0.01),
    "AdamW": lambda p: optim.AdamW(p, optim.Cosine(0.1, steps=10)),
    "RMSprop": lambda p: optim.RMSprop(p, 0.1, momentum=0.9, weight_decay=0.01),
}


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        pytest.param(*example, id=f"{record.name}-{i}")
        for record in LAYERS
        for i, example in enumerate(record.examples)
    ],
)
def test_a_layer(layer, shape, rules):
    params, state = layer.init(np.random.default_rng(0))

    def loss(params, x):
        return tg.sum(layer(params, state, x, train=True, rng=np.random.default_rng(0))[0] ** 2)

    value, gradients = tg.value_and_grad(loss, (0, 1))(params, single(*shape))
    assert value.dtype == np.float32
    assert all(g.dtype == np.float32 for g in tree.leaves(gradients))
    assert_single(rules)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_training_step(optimizer, rules):
    model = network()
    arrays, state = model.init(np.random.default_rng(0))
    params = tree.map(lambda x: Tensor(x, requires_grad=True), arrays)
    step = OPTIMIZERS[optimizer](params)
    x, labels = single(*SHAPE), np.array([0, 4, 2])
    for _ in range(2):
        step.zero_grad()
        logits, state = model(params, state, x, train=True, rng=np.random.default_rng(0))
        loss = tg.cross_entropy(logits, labels, label_smoothing=0.1, weight=np.ones(5))
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


def test_inference():
    model = network()
    params, state = model.init(np.random.default_rng(0))
    assert model(params, state, single(*SHAPE))[0].dtype == np.float32
    nothing = single(0, *SHAPE[1:])
    assert model(params, state, nothing)[0].shape == (0, 5)
    gradients = tg.grad(lambda p: model(p, state, nothing)[0].sum())(params)
    assert not any(g.any() for g in tree.leaves(gradients))


CHANNEL = single(4)
DIFFERENTIABLE = [case for case in records.CASES if "float32" not in case.skip]


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.name)
def test_an_operation_to_the_second_order(case, rules):
    for call, _ in records.drawn(case, 5):
        flat = flat_function(case.bound(call), call.operands, case.constant, np.float32)
        for _ in range(2):
            values = flat.values()
            assert [value.dtype for value in values] == [np.float32] * len(values)
            flat = flat.gradient([np.ones_like(value) for value in values])
        assert all(g.dtype == np.float32 for g in flat.values())
    if not getattr(case.function, "piecewise_constant", False):
        assert_single(rules)


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
