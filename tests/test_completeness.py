"""No operation is forgotten: each is exported, has its record, and is compared with its counterparts."""

import pytest
import records
from records.record import Without
from records.rooms import defined_in, modules_of

import tinygrad_cnn as tg
from tinygrad_cnn import ops
from tinygrad_cnn.tape import Primitive

RECORDS = {record.name: record for record in records.RECORDS}
CALLED = {record.case.function for record in records.RECORDS}
PARTS = {case.function for case in records.CASES} - CALLED

# what one module of operations offers to another
HELPERS = {
    "check_arrays", "finite_max", "floating", "geometry", "is_normal", "kept_shape", "over",
    "reduced_axes", "times", "unreduce",
}  # fmt: skip


def test_every_primitive_has_its_record():
    covered = {case.function for case in records.CASES}
    found = [value for module in modules_of(tg) for value in vars(module).values()]
    missing = {value.__name__ for value in found if isinstance(value, Primitive) and value not in covered}
    assert missing == {"_checkpoint"}  # it takes a function too, and has tests/test_recomputation.py


def test_every_operation_has_one_record_and_every_record_is_of_an_operation():
    assert len(RECORDS) == len(records.RECORDS)
    assert len({case.name for case in records.CASES}) == len(records.CASES)
    assert set(RECORDS) == set(ops.__all__)


def test_every_public_function_of_the_operations_is_exported():
    """A name without an underscore is an operation, or a part of operations that has a record or helps."""
    for module in modules_of(ops):
        for name, value in defined_in(module).items():
            if value not in PARTS and name not in HELPERS:
                assert getattr(ops, name, None) is value, f"{module.__name__}.{name} is not exported"


def test_the_operations_are_exported_from_the_package_too():
    assert {name for name in ops.__all__ if getattr(tg, name, None) is not getattr(ops, name)} == set()
    assert set(ops.__all__) <= set(tg.__all__)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_says_what_the_operation_is_compared_with(name):
    record = RECORDS[name]
    assert record.by_hand, f"{name}: no row of the benchmark"
    torch = pytest.importorskip("torch")
    assert isinstance(record.torch, Without) or record.torch_function(torch), f"{name}: no torch="
