"""Trees: the laws of map, flatten and unflatten; mismatches; copying in place."""

import gc
import weakref
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, tree

Pair = namedtuple("Pair", "left right")

KEYS = st.text("abc", min_size=1, max_size=2)


def containers(children):
    return (
        st.dictionaries(KEYS, children, max_size=3)
        | st.lists(children, max_size=3)
        | st.lists(children, max_size=3).map(tuple)
        | st.builds(Pair, children, children)
    )


TREES = st.recursive(st.integers() | st.none(), containers, max_leaves=12)
laws = settings(max_examples=30, deadline=None)


def shuffled(value, random):
    """The same tree, with the keys of every dict in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(child, random)) for key, child in value.items()]
        random.shuffle(items)
        return dict(items)
    if isinstance(value, Pair):
        return Pair(*(shuffled(child, random) for child in value))
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
                found = getattr(found, part) if isinstance(found, Pair) else found[int(part)]
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


@pytest.mark.parametrize(
    ("left", "right", "path"),
    [
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
