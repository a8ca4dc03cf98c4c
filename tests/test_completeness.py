"""No operation is forgotten: each is exported, has its record, and is compared with its counterparts."""

import re
from pathlib import Path

import numpy as np
import pytest
import records
from records.record import Without
from records.rooms import defined_in, modules_of

import tinygrad_cnn as tg
from tinygrad_cnn import linalg, ops, tree
from tinygrad_cnn.tape import Primitive
from tinygrad_cnn.testing.flat import is_floating

RECORDS = {record.name: record for record in records.RECORDS}
CALLED = {record.case.function for record in records.RECORDS}
PARTS = {case.function for case in records.CASES} - CALLED

# what one module of operations offers to another
HELPERS = {
    "as_array", "check_arrays", "element_weights", "explained", "finite_max", "floating", "geometry",
    "is_normal", "kept_shape", "numbers", "of_numbers", "over", "plain", "products_of_others", "rank_of",
    "reduced", "reduced_axes", "tanh_rule", "times", "times_derivative", "transposed", "transposed_geometry",
    "unreduce", "with_border", "with_places",
}  # fmt: skip


def test_every_primitive_has_its_record():
    covered = {case.function for case in records.CASES}
    found = [value for module in modules_of(tg) for value in vars(module).values()]
    missing = {value.__name__ for value in found if isinstance(value, Primitive) and value not in covered}
    assert missing == {"checkpoint_call"}  # it takes a function too, and has tests/test_recomputation.py


def test_every_operation_has_one_record_and_every_record_is_of_an_operation():
    assert len(RECORDS) == len(records.RECORDS)
    assert len({case.name for case in records.CASES}) == len(records.CASES)
    assert set(RECORDS) == {*ops.__all__, *linalg.__all__}


def test_every_public_function_of_the_operations_is_exported():
    """A name without an underscore is an operation, or a part of operations that has a record or helps."""
    for module in modules_of(ops):
        for name, value in defined_in(module).items():
            if value not in PARTS and name not in HELPERS and not isinstance(value, type):  # named tuples
                exported = getattr(ops, name, getattr(linalg, name, None))
                assert exported is value, f"{module.__name__}.{name} is not exported"


def test_the_operations_are_exported_from_the_package_too():
    other = {name for name in ops.__all__ if getattr(tg, name, None) is not getattr(ops, name)}
    assert other == {"trace"}  # which has the program of a function as its second meaning
    assert set(ops.__all__) <= set(tg.__all__)


def acts_on_each_element(case, call, seed):
    """Tell whether changing some elements of the operands changes the same ones of the output alone."""
    flat = case.flat(call)
    shape = np.shape(case.function(*call.operands, **call.params))
    if any(x.shape != shape for x in flat.leaves):
        return False
    mask = np.random.default_rng(seed).random(shape) < 0.5
    others = [np.where(mask, 0.75 * x, x) for x in flat.leaves]
    before, after = flat.values(), flat.values(others)
    return bool(before) and all(
        np.array_equal(x[~mask], y[~mask]) for x, y in zip(before, after, strict=True)
    )


@pytest.mark.parametrize("case", [case for case in records.CASES if not case.elementwise], ids=repr)
def test_an_operation_that_acts_on_each_element_is_declared_elementwise(case):
    """The suite then asks that elements which are not used do not matter."""
    seen = (
        acts_on_each_element(case, call, seed)
        for call, seed in records.drawn(case, 40)
        if any(is_floating(x) and np.size(x) > 1 for x in tree.leaves(call.operands))
    )
    assert not next(seen, False) or not all(seen), f"{case.name}: its case needs elementwise=True"


def test_the_page_of_the_operations_names_each_once():
    page = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    named = [name for row in rows for name in re.findall(r"`([a-z0-9_.]+)`", row.split(" | ")[1])]
    assert sorted(named) == sorted([*ops.__all__, *(f"linalg.{name}" for name in linalg.__all__)])


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_says_what_the_operation_is_compared_with(name):
    record = RECORDS[name]
    assert record.by_hand, f"{name}: no row of the benchmark"
    torch = pytest.importorskip("torch")
    assert isinstance(record.torch, Without) or record.torch_function(torch), f"{name}: no torch="
