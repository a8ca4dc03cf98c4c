"""Every example in a docstring runs, and everything public has a docstring with the sections it needs."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import tinygrad_cnn
from tinygrad_cnn.tape import Primitive

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(tinygrad_cnn.__path__, "tinygrad_cnn.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["tinygrad_cnn", *MODULES])
def test_examples_run(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def _public_functions():
    for name in MODULES:
        module = importlib.import_module(name)
        for member in getattr(module, "__all__", ()):
            value = getattr(module, member)
            if inspect.isfunction(value) or isinstance(value, Primitive):
                yield f"{name}.{member}", value


def _missing_sections(function):
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    wanted = [("Examples",)]
    if signature.parameters:
        wanted.append(("Parameters",))
    if signature.return_annotation not in (None, "None"):
        wanted.append(("Returns", "Yields"))
    return [names for names in wanted if not any(f"{name}\n---" in text for name in names)]


def test_a_public_function_documents_parameters_result_and_an_example():
    functions = dict(_public_functions())
    assert len(functions) > 500
    assert {
        name: lacks for name, function in functions.items() if (lacks := _missing_sections(function))
    } == {}
