"""Every primitive of the package passes every property, and none is without its record."""

import importlib
import pkgutil

import op_cases

from tinygrad_cnn import autodiff, ops, tape
from tinygrad_cnn.tape import Primitive
from tinygrad_cnn.testing import conformance

for _case in op_cases.CASES:
    globals()[f"test_{_case.name}"] = conformance(_case)


def primitives_of_the_package():
    modules = [tape, autodiff]
    modules += [
        importlib.import_module(f"{ops.__name__}.{found.name}")
        for found in pkgutil.iter_modules(ops.__path__)
    ]
    return {value for module in modules for value in vars(module).values() if isinstance(value, Primitive)}


def test_every_primitive_has_its_record():
    covered = {case.function for case in op_cases.CASES}
    missing = [primitive.__name__ for primitive in primitives_of_the_package() - covered]
    assert not missing, f"no OpCase in tests/op_cases.py for {sorted(missing)}"


def test_names_are_unique():
    names = [case.name for case in op_cases.CASES]
    assert len(set(names)) == len(names)
