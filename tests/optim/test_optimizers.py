"""What holds for every optimizer, over the records."""

import copy as copying
import inspect
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from records.intervals import ends
from records.optimizers import OPTIMIZERS, SCHEDULES
from records.rooms import defined

from tinygrad_cnn import Tensor, optim, tree
from tinygrad_cnn.tape import raw
from tinygrad_cnn.testing.layouts import LAYOUTS, relaid

RNG = np.random.default_rng
CASES = [
    pytest.param(record, options, id=f"{record.name}-{options}")
    for record in OPTIMIZERS
    for options in record.options
]
every_case = pytest.mark.parametrize(("record", "options"), CASES)
every_record = pytest.mark.parametrize("record", OPTIMIZERS, ids=lambda record: record.name)
WRITABLE = [layout for layout in LAYOUTS if layout != "read-only"]


def parameters(dtype=np.float64, layout="C order"):
    rng = RNG(0)
    weight, bias, last = (rng.standard_normal(shape).astype(dtype) for shape in ((4, 3), 2, (2, 2)))
    return {
        "conv": {"weight": relaid(weight, layout), "bias": bias},
        "list": [np.array(0.5, dtype), None, last],
    }


def gradients(params, seed):
    """Gradients of the parameters, with the keys in another order; their squares fit into float16."""
    rng = RNG(seed)

    def draw(p):
        return np.asarray(rng.choice([-1.0, 1.0], p.shape) * rng.uniform(0.5, 2, p.shape), p.dtype)

    drawn = tree.map(draw, params)
    return dict(reversed(drawn.items()))


def copy(values):
    return tree.map(np.copy, values)


def train(optimizer, seeds):
    for seed in seeds:
        optimizer.step(gradients(optimizer.params, seed))


def same_bits(a, b):
    tree.map(lambda x, y: assert_array_equal(x, y, strict=True), a, b)


# --- values ------------------------------------------------------------------------------------------------


@every_case
def test_fifty_steps_follow_the_formula(record, options):
    rng = RNG(0)
    params = {"w": rng.standard_normal((3, 2))}
    expected, memory = params["w"].copy(), {}
    optimizer = record.make(params, 0.05, **options)
    for _ in range(50):
        g = params["w"] ** 3 + rng.standard_normal((3, 2))
        optimizer.step({"w": g})
        expected = record.formula(expected, g, 0.05, memory, **options)
        assert_allclose(params["w"], expected, rtol=1e-11)


@every_case
def test_fifty_steps_are_those_of_pytorch(record, options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, a peer (pip install '.[peers]')")
    rng = RNG(3)
    params = {"w": rng.standard_normal((3, 2)), "b": rng.standard_normal(2)}
    twins = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    ours = record.make(params, 0.03, **options)
    theirs = getattr(torch.optim, record.name)(twins.values(), 0.03, **options)
    for _ in range(50):
        pull = {name: rng.standard_normal(value.shape) for name, value in params.items()}
        # The gradient depends on the parameter, so that an error in one step shows in those that follow.
        ours.step({name: value**3 + pull[name] for name, value in params.items()})
        for name, twin in twins.items():
            twin.grad = twin.detach() ** 3 + torch.from_numpy(pull[name])
        theirs.step()
        for name, twin in twins.items():
            assert_allclose(params[name], twin.detach().numpy(), rtol=1e-9, atol=1e-12)


@settings(max_examples=20)
@given(st.sampled_from([case.values for case in CASES]), st.integers(0, 2**32 - 1))
def test_a_parameter_does_not_see_the_others(case, seed):
    record, options = case
    rng = RNG(seed)
    start, steps = rng.standard_normal((3, 5)), rng.standard_normal((4, 3, 5))
    together, apart = {"all": start.copy()}, [row.copy() for row in start]
    one, many = (record.make(params, 0.1, **options) for params in (together, apart))
    for g in steps:
        one.step({"all": g})
        many.step(list(g))
    assert_allclose(np.stack(apart), together["all"], rtol=1e-12, atol=1e-14)


# --- arrays ------------------------------------------------------------------------------------------------


@every_case
def test_the_very_arrays_are_updated_and_gradients_are_not_changed(record, options):
    params = parameters()
    arrays, before = tree.leaves(params), copy(params)
    grads = gradients(params, 1)
    values = copy(grads)
    for g in tree.leaves(grads):
        g.flags.writeable = False
    optimizer = record.make(params, 0.1, **options)
    for _ in range(3):
        optimizer.step(grads)
    assert all(a is b for a, b in zip(tree.leaves(params), arrays, strict=True))
    assert all((p != b).all() for p, b in zip(arrays, tree.leaves(before), strict=True))
    same_bits(grads, values)
    for array in tree.leaves(optimizer.state):
        assert not any(np.shares_memory(array, other) for other in [*arrays, *tree.leaves(grads)])


@every_case
@pytest.mark.parametrize("layout", WRITABLE)
def test_memory_layouts_do_not_change_the_numbers(record, options, layout):
    params, plain = parameters(layout=layout), parameters()
    ours, same = (record.make(p, 0.1, **options) for p in (params, plain))
    for seed in range(3):
        grads = gradients(plain, seed)
        same.step(grads)
        ours.step(tree.map(lambda g: relaid(g, layout), grads))
    same_bits(params, plain)


@every_case
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_parameters_and_state_keep_their_dtype(record, options, dtype):
    plain = record.make(parameters(dtype), 0.1, **options)
    train(plain, range(2))
    for lr in (np.float64(0.1), np.array(0.1), lambda step: np.float64(0.1)):
        optimizer = record.make(parameters(dtype), lr, **options)
        train(optimizer, range(2))
        same_bits((optimizer.params, optimizer.state), (plain.params, plain.state))
    plain.step(tree.map(lambda g: g.astype(np.float64), gradients(plain.params, 2)))
    assert {a.dtype for a in tree.leaves(plain.params)} == {np.dtype(dtype)}
    assert {a.dtype for a in tree.leaves(plain.state)} <= {np.dtype(dtype), np.dtype(np.int64)}


@every_record
def test_options_may_be_numpy_scalars(record):
    wide = {name: np.float64(0.25) for name in record.intervals if "[" not in name}
    params, twin = parameters(np.float32), parameters(np.float32)
    train(record.make(params, np.float32(0.25), **wide), range(3))
    train(record.make(twin, 0.25, **{name: float(value) for name, value in wide.items()}), range(3))
    same_bits(params, twin)


# --- state -------------------------------------------------------------------------------------------------


@every_case
def test_state_is_a_tree_like_the_parameters_with_named_arrays(record, options):
    params = parameters()
    optimizer = record.make(params, 0.1, **options)
    train(optimizer, range(1))
    assert optimizer.state.keys() == params.keys()
    for param, state in (
        (params["conv"]["weight"], optimizer.state["conv"]["weight"]),
        (params["list"][0], optimizer.state["list"][0]),
    ):
        assert all(type(array) is np.ndarray for array in state.values())
        assert {array.shape for array in state.values()} <= {param.shape, ()}
    assert optimizer.state["list"][1] is None


@every_case
def test_a_run_that_was_saved_goes_on_bit_by_bit(record, options, tmp_path):
    def make():
        return record.make(parameters(np.float32), optim.Cosine(0.1, steps=8), **options)

    whole, begun, resumed = make(), make(), make()
    train(whole, range(6))
    train(begun, range(3))
    run = {"params": begun.params, "state": begun.state}
    paths, arrays = tree.paths(run), tree.leaves(run)
    np.savez(tmp_path / "run.npz", steps=begun.steps, **dict(zip(paths, arrays, strict=True)))
    with np.load(tmp_path / "run.npz") as file:
        saved = tree.unflatten(tree.structure(run), [file[path] for path in paths])
        resumed.steps = int(file["steps"])
    tree.copy_into({"params": resumed.params, "state": resumed.state}, saved)
    train(resumed, range(3, 6))
    same_bits((resumed.params, resumed.state), (whole.params, whole.state))


@every_record
def test_a_leaf_tensor_that_missed_steps_starts_with_its_own_first(record):
    tensors = {name: Tensor(np.ones(3), requires_grad=True) for name in ("late", "always")}
    fresh = {"w": np.ones(3)}
    optimizer, other = (record.make(p, 0.1, **record.options[1]) for p in (tensors, fresh))
    for _ in range(3):
        tensors["always"].grad = np.ones(3)
        optimizer.step()
    assert_array_equal(tensors["late"].data, np.ones(3))
    tensors["late"].grad = np.full(3, 5.0)
    optimizer.step()
    other.step({"w": np.full(3, 5.0)})
    same_bits(tensors["late"].data, fresh["w"])
    same_bits(optimizer.state["late"], other.state["w"])


def by_pickle(optimizer):
    return pickle.loads(pickle.dumps(optimizer))


@every_record
@pytest.mark.parametrize("duplicate", [copying.copy, copying.deepcopy, by_pickle])
def test_a_copy_goes_on_bit_by_bit_with_parameters_of_its_own_unless_it_is_shallow(record, duplicate):
    params = {**parameters(), "tensor": Tensor(np.ones(3), requires_grad=True)}
    optimizer = record.make(params, 0.1, **record.options[1])
    train(optimizer, range(2))
    before = copy(tree.map(raw, params))
    twin = duplicate(optimizer)
    train(optimizer, range(2, 4))
    after = copy(tree.map(raw, params))
    assert (twin.params is params) == (duplicate is copying.copy)
    for array, value in zip(tree.leaves(tree.map(raw, params)), tree.leaves(before), strict=True):
        array[...] = value
    train(twin, range(2, 4))
    same_bits((tree.map(raw, twin.params), twin.state, twin.steps), (after, optimizer.state, optimizer.steps))


@every_record
@pytest.mark.parametrize("frozen", ["conv.weight", "conv", "list"])
def test_none_leaves_alone_what_is_below_it(record, frozen):
    params, twin = parameters(), parameters()
    optimizer, other = (record.make(p, 0.1, **record.options[1]) for p in (params, twin))
    train(optimizer, range(2))  # now there are moments, which a gradient of zero would follow
    train(other, range(2))
    before = copy((params, optimizer.state))
    grads = gradients(params, 2)
    other.step(grads)
    name, *leaf = frozen.split(".")
    optimizer.step({**grads, name: {**grads[name], leaf[0]: None} if leaf else None})
    for now, then, moved in zip((params, optimizer.state), before, (twin, other.state), strict=True):
        for path, *found in zip(tree.paths(now), *map(tree.leaves, (now, then, moved)), strict=True):
            same_bits(found[0], found[1] if path.startswith(frozen) else found[2])


# --- what is refused ---------------------------------------------------------------------------------------


def with_option(name, value):
    """One option of a record; ``betas[1]`` sets one entry of a pair."""
    if "[" not in name:
        return {name: value}
    entries = [0.5, 0.5]
    entries[int(name[-2])] = value
    return {name[:-3]: tuple(entries)}


@pytest.mark.parametrize(
    ("record", "name", "interval"),
    [pytest.param(r, n, i, id=f"{r.name}-{n}") for r in OPTIMIZERS for n, i in r.intervals.items()],
)
def test_numbers_out_of_range_are_refused(record, name, interval):
    inside, outside = ends(interval)
    for value in inside:
        record.make(parameters(), 0.1, **with_option(name, value))
    for value in outside:
        with pytest.raises(ValueError) as error:  # noqa: PT011
            record.make(parameters(), 0.1, **with_option(name, value))
        assert str(error.value).startswith(f"{record.name}: {name}: expected ")
        assert str(error.value).endswith(f", got {value}")


@pytest.mark.parametrize(
    ("record", "name"),
    [
        pytest.param(r, name, id=f"{r.name}-{name}")
        for r in [*OPTIMIZERS, *SCHEDULES]
        for name in inspect.signature(r.make).parameters
        if name != "params"
    ],
)
def test_options_of_a_wrong_type_are_refused_by_name(record, name):
    given = (parameters(),) if record in OPTIMIZERS else ()
    needed = {"lr": 0.1} if given else record.options[0]
    for wrong in ("a", "0.1", None, object(), [0.1], 1j, np.ones(2)):
        with pytest.raises(TypeError, match=rf"^{record.name}: {name}: expected .*, got "):
            record.make(*given, **{**needed, name: wrong})


@pytest.mark.parametrize(
    ("record", "options", "message"),
    [pytest.param(r, *refused, id=r.name) for r in OPTIMIZERS for refused in r.refused],
)
def test_options_that_contradict_each_other_are_refused(record, options, message):
    with pytest.raises(ValueError, match=message):
        record.make(parameters(), 0.1, **options)


# --- none is forgotten -------------------------------------------------------------------------------------

INTERNAL = {"Binding", "bindable", "in_order"}


def test_what_the_modules_define_is_exported():
    assert set(optim.__all__) == defined(optim).keys() - INTERNAL


def test_every_optimizer_and_every_schedule_has_a_record():
    classes = {name: value for name, value in defined(optim).items() if isinstance(value, type)}
    optimizers = {name for name, value in classes.items() if issubclass(value, optim.Optimizer)}
    assert {record.name for record in OPTIMIZERS} == optimizers - {"Optimizer"}
    assert {record.name for record in SCHEDULES} == classes.keys() - optimizers - INTERNAL
