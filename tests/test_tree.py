"""Trees: the laws of map, flatten and unflatten; every container; mismatches; copying in place."""

import gc
import sys
import types
import weakref
from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, tree
from tinygrad_cnn.testing import check_grads

Pair = namedtuple("Pair", "left right")


@dataclass
class Record:
    left: object
    right: object


@dataclass(frozen=True, slots=True)
class Frozen:
    left: object
    right: object

    def __post_init__(self):
        """Refuse the placeholders of a structure: it is not made by the constructor."""
        assert not isinstance(self.left, str)


class Bag(types.SimpleNamespace):
    pass


class Row(list):
    pass


class Attributes(dict):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.__dict__ = self


tree.register(Bag, lambda bag: (vars(bag), type(bag)), lambda cls, parts: cls(**parts))
CLASSES = (Pair, Record, Frozen, Bag)

KEYS = st.text("abc", min_size=1, max_size=2)


def containers(children):
    return (
        st.dictionaries(KEYS, children, max_size=3)
        | st.lists(children, max_size=3)
        | st.lists(children, max_size=3).map(tuple)
        | st.dictionaries(KEYS, children, max_size=3).map(lambda parts: defaultdict(list, parts))
        | st.tuples(st.sampled_from(CLASSES), st.integers(), children).map(
            lambda drawn: drawn[0](left=drawn[1], right=drawn[2])
        )
    )


TREES = st.recursive(st.integers() | st.none(), containers, max_leaves=12)
laws = settings(max_examples=30, deadline=None)


def shuffled(value, random):
    """The same tree, with the keys of every dict in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(child, random)) for key, child in value.items()]
        random.shuffle(items)
        return defaultdict(list, items) if isinstance(value, defaultdict) else dict(items)
    if isinstance(value, CLASSES):
        return type(value)(left=value.left, right=shuffled(value.right, random))
    if isinstance(value, list | tuple):
        return type(value)(shuffled(child, random) for child in value)
    return value


@laws
@given(TREES)
def test_mapping_keeps_the_types_and_composes(value):
    result = tree.map(lambda leaf: leaf, value)
    assert repr(result) == repr(value)  # a list is no tuple, and a tuple no namedtuple
    doubled = tree.map(lambda x: 2 * x, value)
    assert tree.map(lambda x: f"<{x}>", doubled) == tree.map(lambda x: f"<{2 * x}>", value)


@laws
@given(TREES)
def test_unflatten_is_the_inverse_of_flatten(value):
    leaves, structure = tree.flatten(value)
    assert repr(tree.unflatten(structure, leaves)) == repr(value)
    assert leaves == tree.leaves(value)
    assert structure == tree.structure(value)
    assert None not in leaves


@laws
@given(TREES)
def test_leaves_and_paths_run_in_step(value):
    paths, leaves = tree.paths(value), tree.leaves(value)
    assert len(paths) == len(leaves)
    for path, leaf in zip(paths, leaves, strict=True):
        found = value
        for part in path.split(".") if path else ():
            if isinstance(found, dict):
                found = found[part]
            else:
                found = getattr(found, part) if isinstance(found, CLASSES) else found[int(part)]
        assert found == leaf


@laws
@given(TREES, st.randoms(use_true_random=False))
def test_dicts_are_matched_by_key_whatever_the_order(value, random):
    other = shuffled(value, random)
    assert tree.structure(other) == tree.structure(value)
    assert tree.map(lambda a, b: abs(a - b), value, other) == tree.map(lambda a: 0, value)
    assert repr(tree.map(lambda a, b: a, value, other)) == repr(value)


@laws
@given(TREES)
def test_mapping_several_trees_visits_the_leaves_in_the_order_of_the_first(value):
    seen = []
    tree.map(lambda a, b, c: seen.append((a, b, c)), value, value, value)
    assert seen == [(x, x, x) for x in tree.leaves(value)]


def test_only_containers_have_leaves_and_keep_their_type():
    value = OrderedDict(b=1, a=2)
    assert repr(tree.map(lambda x: x, value)) == repr(value)
    value = {"a": None, "b": [], "c": {}, "d": (), "e": 1}
    assert tree.leaves(value) == [1]
    assert tree.map(lambda x: 2 * x, value) == {**value, "e": 2}
    value = {"a": np.ones(2), "b": "text", "c": Tensor([1.0])}
    assert [id(x) for x in tree.leaves(value)] == [id(x) for x in value.values()]


EVERY_CONTAINER = {
    "dict": lambda w, b: {"w": w, "b": [b, None]},
    "defaultdict": lambda w, b: defaultdict(list, w=w, b=b),
    "OrderedDict": lambda w, b: OrderedDict(b=b, w=w),
    "dict with attributes": lambda w, b: Attributes(w=w, b=b),
    "subclass of list": lambda w, b: Row([w, b]),
    "tuple": lambda w, b: (w, (b,)),
    "namedtuple": Pair,
    "dataclass": lambda w, b: Record(w, {"b": b}),
    "frozen dataclass": Frozen,
    "registered": lambda w, b: [Bag(left=w, right=b)],
}


@pytest.mark.parametrize("make", EVERY_CONTAINER.values(), ids=EVERY_CONTAINER)
def test_whatever_walks_trees_takes_every_container(make):
    """Gradients, steps, clipping, recomputation and the checker see in it what they see in two arrays."""
    w, b, x = np.array([1.0, 2.0]), np.array(0.5), np.array([3.0, -1.0])

    def loss(params):
        w, b = sorted(tree.leaves(params), key=lambda leaf: -leaf.ndim)
        return tg.tanh(w * x + b).sum()

    grads = tg.grad(loss)(params := make(w, b))
    assert type(grads) is type(params)
    expected = tg.grad(lambda w, b: loss([w, b]), argnums=(0, 1))(w, b)
    assert sorted(map(str, tree.leaves(grads))) == sorted(map(str, expected))
    assert str(tg.grad(lambda p: tg.checkpoint(loss)(p))(params)) == str(grads)
    check_grads(loss, params)
    assert tree.structure(tg.optim.clip_by_global_norm(grads, 1.0)[0]) == tree.structure(params)
    optimizer = tg.optim.SGD(params, lr=1.0, momentum=0.9)
    optimizer.step(grads)
    assert_array_equal(w, np.array([1.0, 2.0]) - expected[0])
    assert type(optimizer.state) is type(params)


@pytest.mark.parametrize("make", [Record, lambda w, b: Bag(left=w, right=b)], ids=["dataclass", "registered"])
def test_an_attribute_that_was_replaced_between_two_steps_is_named(make):
    params = make(np.ones(2), np.ones(1))
    optimizer = tg.optim.SGD(params, lr=0.1)
    params.right = np.ones(1)
    with pytest.raises(ValueError, match="step: 'right' was replaced"):
        optimizer.step(make(np.ones(2), np.ones(1)))


def test_a_class_can_be_registered_as_a_leaf_as_layers_are():
    class Options(Record):
        pass

    tree.register_leaf(Options)
    for leaf in (Options(1, 2), tg.nn.Dropout(0.5)):
        assert tree.leaves([leaf]) == [leaf]


@pytest.mark.parametrize(
    "wrong", [{1.0}, deque([1.0]), types.MappingProxyType({}), object(), "text", np.array(["text"])]
)
def test_what_is_no_container_is_named_by_path_and_type(wrong):
    name = r"an array of <U4" if isinstance(wrong, np.ndarray) else type(wrong).__name__
    with pytest.raises(TypeError, match=rf"at '0\.a\.1' .*array .*, got {name}: .*tree\.register"):
        tg.grad(lambda p: tg.sum(p["a"][0]))({"a": [1.0, wrong]})
    with pytest.raises(TypeError, match=r"SGD: 'a\.1': expected a floating array, got"):
        tg.optim.SGD({"a": [np.ones(1), wrong]}, lr=0.1)


def test_a_class_that_cannot_be_made_of_its_parts_says_how_it_could():
    class Sized(dict):
        def __init__(self, size, parts):
            super().__init__(parts)

    with pytest.raises(TypeError, match=r"Sized cannot be made of a dict .*tree\.register"):
        tree.map(abs, Sized(1, {"a": 1}))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("Bag", abs, abs), "tree.register: cls: expected a class, got 'Bag'"),
        ((Bag, None, abs), "tree.register: flatten: expected a function, got None"),
        ((Bag, abs, 1), "tree.register: unflatten: expected a function, got 1"),
    ],
)
def test_what_cannot_be_registered(arguments, match):
    with pytest.raises(TypeError, match=match):
        tree.register(*arguments)


def test_a_flatten_that_returns_no_pair_is_named():
    class Loose:
        pass

    tree.register(Loose, lambda x: [1, 2, 3], lambda rest, parts: Loose())
    with pytest.raises(TypeError, match=r"flatten of Loose: expected \(children, rest\), got \[1, 2, 3\]"):
        tree.leaves(Loose())


def nested(depth):
    value = np.ones(2)
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def innermost(value):
    while isinstance(value, list | dict):
        value = value[0] if isinstance(value, list) else value["a"]
    return value


def test_a_tree_of_many_levels_is_walked():
    params = nested(800)
    grads = tg.grad(lambda p: innermost(p).sum())(params)
    tg.optim.SGD(params, lr=0.5).step(grads)
    assert_array_equal(innermost(params), [0.5, 0.5])
    assert tree.paths(params)[0].count("a") == 400


def holding_itself():
    value = {"a": [np.ones(1)]}
    value["a"].append(Record(None, {"b": value["a"]}))
    return value


WALKS = {
    "flatten": tree.flatten,
    "map": lambda value: tree.map(abs, value),
    "paths": tree.paths,
    "matching_leaves": lambda value: tree.matching_leaves(value, value),
    "optimizer": lambda value: tg.optim.SGD(value, lr=0.1),
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_a_tree_without_end_is_one_clear_error(walk):
    with pytest.raises(ValueError, match=r"^a tree holds itself, at 'a\.1\.right\.b'$"):
        walk(holding_itself())
    with pytest.raises(ValueError, match=r"^a tree is nested too deeply: expected fewer than"):
        walk(nested(sys.getrecursionlimit()))


def test_the_recursion_of_a_function_is_not_laid_upon_the_tree():
    def endless(x):
        return endless(x)

    with pytest.raises(RecursionError):
        tree.map(endless, [1])


@pytest.mark.parametrize(
    ("left", "right", "path"),
    [
        (Record(1, 2), Frozen(1, 2), "the root"),
        (Bag(a=1), Bag(b=1), "the root"),
        ([Record(1, 2)], [Record(1, [2])], r"0\.right"),
        ({"a": 1}, {"b": 1}, "the root"),
        ({"a": 1}, {"a": 1, "b": 1}, "the root"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1]}}, r"a\.b"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, {"c": 2}]}}, r"a\.b\.1"),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, 2]}}, r"a\.b\.1"),
        ({"a": None}, {"a": 1}, "a"),
        ({"a": None}, {"a": []}, "a"),
        ({"a": []}, {"a": {}}, "a"),
        ({"a": 1}, {"a": None}, "a"),
        ({0: 1}, [1], "the root"),
        (Pair(1, [2]), Pair(1, 2), "right"),
    ],
)
def test_a_mismatch_prints_the_path_and_both_structures(left, right, path):
    with pytest.raises(ValueError, match=f"at {path}: ") as caught:
        tree.map(lambda a, b: a, left, right)
    for side in (left, right):
        assert str(tree.structure(side)) in str(caught.value)


def test_unflatten_wants_the_right_number_of_leaves():
    structure = tree.structure({"a": 1, "b": [2, 3]})
    for values in ([1, 2], [1, 2, 3, 4]):
        with pytest.raises(ValueError, match=f"expected 3 leaves .*'b'.*got {len(values)}"):
            tree.unflatten(structure, values)


# --- copying in place -------------------------------------------------------------------------------------


def make():
    return {"a": np.zeros(2), "b": [np.zeros((2, 2), np.float32), np.zeros(())]}


def test_copy_into_writes_into_the_very_arrays_in_their_dtype():
    target = make()
    before = tree.leaves(target)
    tree.copy_into(target, {"b": [np.full((2, 2), 0.1), 7], "a": np.array([1, 2])})
    assert [id(x) for x in tree.leaves(target)] == [id(x) for x in before]
    assert_array_equal(target["a"], [1.0, 2.0])
    assert_array_equal(target["b"][0], np.full((2, 2), 0.1, np.float32), strict=True)
    assert target["b"][1] == 7


@pytest.mark.parametrize(
    ("source", "error", "match"),
    [
        ({"a": np.ones(2)}, ValueError, "different structure"),
        ({"a": np.ones(2), "b": [np.ones((2, 2)), np.ones(3)]}, ValueError, r"'b\.1': expected shape \(\)"),
        ({"a": np.ones(2), "b": [np.ones(2), np.ones(())]}, ValueError, r"'b\.0': expected shape \(2, 2\)"),
        ({"a": np.ones(2), "b": [np.ones((2, 2)), "x"]}, TypeError, r"'b\.1': expected values for float64"),
        ({"a": np.ones(2), "b": [np.ones((2, 2)), 1j]}, TypeError, r"'b\.1': expected values for float64"),
        ({"a": np.ones(2), "b": [np.ones((2, 2)), Tensor(1.0, requires_grad=True)]}, TypeError, "numpy"),
    ],
)
def test_copy_into_writes_all_or_nothing(source, error, match):
    target = make()
    with pytest.raises(error, match=match):
        tree.copy_into(target, source)
    assert not any(array.any() for array in tree.leaves(target))


@pytest.mark.parametrize(
    ("last", "error", "match"),
    [
        (np.broadcast_to(0.0, 2), ValueError, "'z': the array to copy into is read-only"),
        (Tensor([0.0, 0.0]), TypeError, "'z': expected an ndarray to copy into, got Tensor"),
        (3.0, TypeError, "'z': expected an ndarray to copy into, got float"),
    ],
)
def test_copy_into_refuses_targets_it_could_not_fill(last, error, match):
    target = {"a": np.zeros(2), "z": last}
    with pytest.raises(error, match=match):
        tree.copy_into(target, {"a": np.ones(2), "z": np.ones(2)})
    assert not target["a"].any()


def test_classes_made_on_the_fly_are_not_kept():
    made = [namedtuple("Pair", "a b") for _ in range(600)]
    for cls in made:
        assert tree.leaves(cls(1, cls(2, 3))) == [1, 2, 3]
    alive = [weakref.ref(cls) for cls in made]
    del made, cls
    gc.collect()
    assert sum(ref() is not None for ref in alive) <= 256


EMPTY = {}


@pytest.mark.parametrize(
    "params",
    [
        {"w": np.arange(6.0).reshape(2, 3).T, "b": [np.float32(7), None, np.zeros((2, 0), np.float16)]},
        (np.ones(2, np.float32), Pair(np.full((1, 1), 2, np.float32), 3)),
        np.arange(3),
        EMPTY,
    ],
    ids=["mixed", "with a number", "an array", "nothing"],
)
def test_ravel_and_unravel_are_inverse(params):
    vector, unravel = tree.ravel(params)
    assert vector.dtype == (
        np.result_type(*map(np.asarray, tree.leaves(params))) if params is not EMPTY else float
    )
    back = unravel(vector)
    assert tree.structure(back) == tree.structure(params)
    for ours, theirs in zip(tree.leaves(back), tree.leaves(params), strict=True):
        assert_array_equal(ours, np.asarray(theirs), strict=True)
    with pytest.raises(ValueError, match=rf"unravel: vector: expected shape \({vector.size},\), got"):
        unravel(np.zeros(vector.size + 1))


def test_ravel_is_differentiable_in_both_directions():
    params = {"w": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": np.float32(5.0)}
    vector, unravel = tree.ravel(params)

    def loss(p):
        return (p["w"] ** 3).sum() * p["b"]

    flat, nested = tg.grad(lambda v: loss(unravel(v)))(vector), tg.grad(loss)(params)
    assert_array_equal(flat, tree.ravel(nested)[0])
    weights = np.arange(5.0)
    found = tg.grad(lambda p: (tree.ravel(p)[0] * weights).sum())(params)
    assert_array_equal(found["w"], [[0, 1], [2, 3]])
    assert_array_equal(found["b"], np.float32(4), strict=True)


def test_scipy_minimizes_over_a_tree():
    optimize = pytest.importorskip("scipy.optimize")
    x = np.linspace(-1, 1, 20)
    params = {"slope": np.float32(0), "offset": np.zeros((1,))}
    vector, unravel = tree.ravel(params)

    def loss(v):
        p = unravel(v)
        return ((p["slope"] * x + p["offset"] - (3 * x - 2)) ** 2).sum()

    found = unravel(optimize.minimize(tg.value_and_grad(loss), vector, jac=True).x)
    assert abs(found["slope"] - 3) < 1e-5
    assert abs(found["offset"] + 2) < 1e-5
