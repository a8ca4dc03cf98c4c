"""What holds for every layer, over the records."""

import copy
import dataclasses
import inspect
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from records.layers import LAYERS
from records.rooms import defined

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, nn, tree
from tinygrad_cnn.testing import check_grads

RNG = np.random.default_rng
EXAMPLES = [
    pytest.param(record, *example, id=f"{record.name}-{i}")
    for record in LAYERS
    for i, example in enumerate(record.examples)
]
every_layer = pytest.mark.parametrize(("record", "layer", "shape"), EXAMPLES)


def layers_with(field):
    """Parametrize a test over the examples whose record has a field."""
    chosen = [example for example in EXAMPLES if getattr(example.values[0], field) is not None]
    return pytest.mark.parametrize(("record", "layer", "shape"), chosen)


training = pytest.mark.parametrize("train", [False, True], ids=["inference", "training"])


def arrays_of(layer, dtype=np.float64):
    """Parameters and state without the zeros and ones of the start, which would hide errors."""
    rng = RNG(1)
    return tree.map(
        lambda a: (a + rng.uniform(0.1, 1, a.shape)).astype(dtype), layer.init(RNG(0), dtype=dtype)
    )


# --- values ------------------------------------------------------------------------------------------------


@layers_with("compute")
def test_a_layer_computes_its_operation(record, layer, shape):
    params, state = arrays_of(layer)
    x = RNG(7).standard_normal(shape)
    assert_array_equal(layer(params, state, x)[0], record.compute(layer, params, x))


@layers_with("torch")
@training
def test_values_gradients_and_state_are_those_of_pytorch(record, layer, shape, train):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, a peer (pip install '.[peers]')")
    params, state = arrays_of(layer)
    x = RNG(7).standard_normal(shape)
    twin = record.torch(torch.nn, layer).double().train(train)

    def ours(name, tensor):
        array = tensor.detach().numpy()
        return array.T if (record.name, name) == ("Dense", "weight") else array

    with torch.no_grad():
        for name, value in {**params, **state}.items():
            ours(name, getattr(twin, name))[...] = value
    tx = torch.from_numpy(x.copy()).requires_grad_()
    ty = twin(tx)
    seed = RNG(8).standard_normal(ty.shape)
    ty.backward(torch.from_numpy(seed))
    (y, moved), pullback = tg.vjp(lambda p, x: layer(p, state, x, train=train), params, x)
    grads, dx = pullback((seed, tree.map(np.zeros_like, moved)))
    tolerance = {"rtol": 1e-9, "atol": 1e-11}
    assert_allclose(y, ty.detach().numpy(), **tolerance)
    assert_allclose(dx, tx.grad.numpy(), **tolerance)
    for name, g in grads.items():
        assert_allclose(g, ours(name, getattr(twin, name).grad), **tolerance)
    for name, value in moved.items():
        assert_allclose(value, ours(name, getattr(twin, name)), **tolerance)


@every_layer
@training
def test_gradients_are_those_of_differences(record, layer, shape, train):
    params, state = arrays_of(layer)
    x = RNG(2).permutation(np.linspace(-2, 2.1, int(np.prod(shape)))).reshape(shape)  # no ties, no zeros
    check_grads(lambda p, x, rng: layer(p, state, x, train=train, rng=rng)[0], params, x, RNG(3), order=1)


# --- arrays ------------------------------------------------------------------------------------------------


@every_layer
def test_parameters_have_the_shapes_of_the_record(record, layer, shape):
    if record.make in (nn.Sequential, nn.Residual):
        expected = {name for name, child in layer.children() if tree.leaves(child.init(RNG(0))[0])}
        assert layer.init(RNG(0))[0].keys() == expected
    else:
        assert {name: a.shape for name, a in layer.init(RNG(0))[0].items()} == record.shapes(layer)


@every_layer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_structure_are_kept(record, layer, shape, dtype):
    params, state = layer.init(RNG(0), dtype=dtype)
    assert {array.dtype for array in tree.leaves((params, state))} <= {np.dtype(dtype)}
    for train in (False, True):
        y, moved = layer(params, state, np.ones(shape, dtype), train=train, rng=RNG(0))
        assert y.dtype == dtype
        assert tree.structure(moved) == tree.structure(state)
        assert {array.dtype for array in tree.leaves(moved)} <= {np.dtype(dtype)}
        assert type(y) is np.ndarray


@every_layer
@training
def test_a_call_is_pure(record, layer, shape, train):
    params, state = arrays_of(layer)
    everything = (params, state, RNG(2).standard_normal(shape))
    before = tree.map(np.copy, everything)
    for array in tree.leaves(everything):
        array.flags.writeable = False
    first, first_state = layer(*everything, train=train, rng=RNG(3))
    second, second_state = layer(*everything, train=train, rng=RNG(3))
    tree.map(assert_array_equal, (first, first_state), (second, second_state))
    tree.map(assert_array_equal, everything, before)
    for array in tree.leaves(first_state) if train else []:
        assert not any(np.shares_memory(array, old) for old in tree.leaves(state))


@every_layer
@training
def test_tensors_in_give_a_tensor_out_and_plain_state(record, layer, shape, train):
    params, state = arrays_of(layer)
    x = RNG(2).standard_normal(shape)
    y, moved = layer(params, state, x, train=train, rng=RNG(3))
    ty, t_moved = layer(params, state, Tensor(x, requires_grad=True), train=train, rng=RNG(3))
    assert isinstance(ty, Tensor)
    assert_array_equal(ty.data, y)
    tree.map(assert_array_equal, t_moved, moved)
    assert all(type(array) is np.ndarray for array in tree.leaves(t_moved))


@every_layer
def test_the_rows_of_a_summary(record, layer, shape):
    rows = nn.summary(layer, shape[1:]).rows
    params, state = layer.init(RNG(0))
    assert sum(row.parameters for row in rows) == sum(a.size for a in tree.leaves(params))
    if layer.children():
        return
    y, _ = layer(params, state, np.zeros((1, *shape[1:]), np.float32))
    counted = dict(zip([example for example, _ in record.examples], record.multiply_adds, strict=False))
    assert rows == (("0", layer.label(), y.shape, rows[0].parameters, counted.get(layer, 0)),)


# --- descriptions ------------------------------------------------------------------------------------------


@every_layer
def test_a_layer_is_frozen_comparable_hashable_printable_and_picklable(record, layer, shape):
    twin = copy.deepcopy(layer)
    assert twin == layer
    assert hash(twin) == hash(layer)
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert repr(layer).startswith(f"{record.name}(")
    for field in dataclasses.fields(layer):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, field.name, None)


def test_layers_that_differ_are_not_equal():
    layers = {layer for record in LAYERS for layer, _ in record.examples}
    assert len(layers) == sum(len(record.examples) for record in LAYERS) - 1  # Flatten has two shapes
    assert nn.Sequential(nn.ReLU()) != nn.Sequential(relu=nn.ReLU())


@pytest.mark.parametrize(
    ("record", "refused"),
    [pytest.param(r, refused, id=f"{r.name}-{refused.options}") for r in LAYERS for refused in r.refused],
)
def test_options_out_of_range_are_refused_when_the_layer_is_made(record, refused):
    record.make(**record.needed)
    with pytest.raises(refused.error) as error:
        record.make(**{**record.needed, **refused.options})
    assert str(error.value).startswith(f"{record.name}: {refused.message}")


@pytest.mark.parametrize(
    ("record", "option"),
    [
        pytest.param(record, name, id=f"{record.name}-{name}")
        for record in LAYERS
        for name, parameter in inspect.signature(record.make).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ],
)
def test_options_of_a_wrong_type_are_refused_by_name(record, option):
    for wrong in ("a", object(), [2], {}, 1j, np.ones(2)):
        with pytest.raises((TypeError, ValueError), match=rf"^{record.name}: {option}: expected .*, got "):
            record.make(**{**record.needed, option: wrong})


@every_layer
def test_init_needs_a_generator_and_a_floating_dtype(record, layer, shape):
    for wrong in (0, None, np.random):
        with pytest.raises(
            TypeError, match=rf"{record.name}: rng: expected .*Generator.*default_rng\(seed\)"
        ):
            layer.init(wrong)
    with pytest.raises(TypeError, match=f"{record.name}: dtype: expected a floating dtype, got int64"):
        layer.init(RNG(0), dtype=np.int64)


@pytest.mark.parametrize("base", [nn.Layer, nn.Parameterless])
def test_a_layer_that_defines_nothing_raises(base):
    with pytest.raises(NotImplementedError):
        base()({}, {}, np.ones(1))


# --- no layer is forgotten ---------------------------------------------------------------------------------


def test_what_the_modules_define_is_exported():
    initial = {name for name, value in defined(nn).items() if value.__module__ == nn.init.__name__}
    assert set(nn.init.__all__) == initial
    assert set(nn.__all__) == (defined(nn).keys() - initial) | {"init"}


def test_every_layer_has_a_record():
    classes = {name: value for name, value in defined(nn).items() if isinstance(value, type)}
    layers = {name for name, value in classes.items() if issubclass(value, nn.Layer)}
    assert {record.name for record in LAYERS} == layers - {"Layer", "Parameterless"}
