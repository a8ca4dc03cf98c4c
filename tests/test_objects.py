"""What users hold, of every class of the package, is copied, pickled, printed, compared and hashed."""

import copy
import http
import math
import pickle

import numpy as np
import pytest
from records.layers import LAYERS
from records.optimizers import OPTIMIZERS, SCHEDULES
from records.rooms import defined_in, modules_of

import tinygrad_cnn as tg
from tinygrad_cnn import data, nn, optim, testing, train
from tinygrad_cnn.demo.server import RequestError
from tinygrad_cnn.interop.onnx.graph import Graph, Node
from tinygrad_cnn.interop.onnx.network import Network
from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec

ABSTRACT = {"Layer", "Parameterless"}  # their subclasses are dataclasses, which they themselves are not

# what a module exports, and all errors, which are met without being imported
CLASSES = {
    value.__qualname__: value
    for module in modules_of(tg)
    for name, value in defined_in(module).items()
    if isinstance(value, type)
    and name not in ABSTRACT
    and (name in getattr(module, "__all__", ()) or issubclass(value, Exception))
}


@tg.primitive
def doubled(x):
    return 2 * x


def a_trainer():
    model = nn.Dense(2, 2)
    params, state = model.init(np.random.default_rng(0))
    return train.Trainer(model, optim.SGD(params, lr=0.1), state, np.random.default_rng(0))


EXAMPLES = [
    *(record.examples[0][0] for record in LAYERS),
    *(record.make({"w": np.ones(2)}, 0.1, **record.options[1]) for record in OPTIMIZERS),
    *(record.make(**record.options[0]) for record in SCHEDULES),
    tg.Tensor([1.0, 2.0], requires_grad=True),
    tg.tree.structure({"w": 1.0}),
    tg.tree.table({"w": 1.0}),
    ConvSpec.of((1, 1, 4, 4), (1, 1, 3, 3)),
    PoolSpec.of((1, 1, 4, 4), 2),
    nn.summary(nn.Dense(2, 2), (2,)),
    tg.explain(tg.tanh, np.ones(2)),
    optim.Optimizer({"w": np.ones(2)}, 0.1),
    data.batches((np.arange(3),), 2),
    a_trainer(),
    data.InTurn((data.Shift(), data.Crop(), data.Flip())),
    *(make() for make in (data.Crop, data.Elastic, data.Flip, data.Rotate, data.Shift)),
    train.Checkpoints("none", keep=2),
    train.History([{"epoch": 1, "loss": 0.5}]),
    train.MovingAverage(0.9, {"w": np.ones(2)}),
    train.SavedModel("net", nn.Dense(2, 2), {"w": np.ones(2)}, {}, data.Normalization.none(1)),
    testing.OpCase("doubled", doubled, operands=()),
    testing.Fault("sign", doubled, "x", np.negative),
    testing.ulp_errors(np.sqrt, math.sqrt, np.array([2.0])),
    Network(Graph("net", [Node("Relu", ("x",), ("y",), {})], ("x",), ("y",), {}, 20)),
    RequestError(http.HTTPStatus.NOT_FOUND, "there is no such page"),
]
EXAMPLE = {type(example).__qualname__: example for example in EXAMPLES}
BY_IDENTITY = (
    tg.Tensor,
    optim.Optimizer,
    data.batches,
    train.Checkpoints,
    train.History,
    train.MovingAverage,
    train.SavedModel,
    train.Trainer,
    testing.OpCase,
    testing.Fault,
    Network,
    Exception,
)
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}


def example_of(cls):
    """An object of a class; errors and named tuples need no example of their own."""
    if cls.__qualname__ in EXAMPLE:
        return EXAMPLE[cls.__qualname__]
    if issubclass(cls, Exception):
        return cls("what was expected, and what came")
    if hasattr(cls, "_fields"):
        return cls(*range(len(cls._fields)))
    pytest.fail(f"{cls} has no example: add one to EXAMPLES")


every_class = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)


@every_class
@pytest.mark.parametrize("way", WAYS)
def test_an_object_is_copied_and_pickled(cls, way):
    original = example_of(cls)
    twin = WAYS[way](original)
    assert type(twin) is cls
    assert repr(twin) == repr(original)


@every_class
def test_an_object_is_printed_as_what_it_is(cls):
    original = example_of(cls)
    assert " object at 0x" not in repr(original)
    assert f"{original}" == str(original)


@every_class
def test_an_object_is_compared_by_its_value_or_by_identity(cls):
    original = example_of(cls)
    twin = copy.copy(original)
    if issubclass(cls, BY_IDENTITY):
        assert hash(original) != hash(twin)
        return
    assert twin == original
    if cls.__hash__ is not tuple.__hash__:  # whether a named tuple has one depends on what it holds
        assert hash(twin) == hash(original)


def test_an_operation_is_pickled_by_its_name_also_a_users_own():
    for operation in (tg.relu, tg.conv2d, doubled):
        for way in WAYS.values():
            assert way(operation) is operation


def cube(x):
    return x**3


@tg.compile
@tg.grad
def named(x):
    return x**2


class Squares:
    @tg.compile
    def slope(self, x):
        return tg.grad(cube)(x)


MADE = [
    tg.grad(cube),
    tg.grad(tg.grad(cube)),
    tg.hessian(cube),
    tg.value_and_grad(cube, argnums=0),
    tg.checkpoint(cube),
    tg.compile(tg.grad(cube)),
    named,
    Squares().slope,
]


@pytest.mark.parametrize(
    "function",
    MADE,
    ids=["grad", "grad of grad", "hessian", "value_and_grad", "checkpoint", "compile", "decorated", "method"],
)
def test_a_function_made_of_a_named_one_is_pickled(function):
    twin, x = pickle.loads(pickle.dumps(function)), np.array(3.0)
    assert twin(x) == function(x)
    assert (twin is function) == (function is named)  # like a function, it is found by its name
    assert copy.copy(named) is copy.deepcopy(named) is named


def test_a_copied_leaf_has_a_gradient_of_its_own():
    leaf = tg.Tensor([1.0, 2.0], requires_grad=True)
    leaf.sum().backward()
    for way in WAYS.values():
        twin = way(leaf)
        (3 * twin).sum().backward()
        assert twin.grad.tolist() == [4.0, 4.0]
        assert leaf.grad.tolist() == [1.0, 1.0]


def test_an_error_keeps_its_message_and_notes():
    error = testing.GradientError("wrong at 'w'")
    error.add_note("in matmul(a: float64[2])")
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.__notes__) == (str(error), error.__notes__)
