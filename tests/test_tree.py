"""Trees: the laws of map, flatten and unflatten; mismatches; copying in place."""

import gc
import weakref
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

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
