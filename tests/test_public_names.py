"""What the rooms for users define is exported, and what they export has a test."""

import ast
import types
from pathlib import Path

import pytest
from records.rooms import defined_in, modules_of

import tinygrad_cnn
import tinygrad_cnn.data
import tinygrad_cnn.insight
import tinygrad_cnn.plot
import tinygrad_cnn.train

ROOMS = {
    "data": tinygrad_cnn.data,
    "insight": tinygrad_cnn.insight,
    "plot": tinygrad_cnn.plot,
    "train": tinygrad_cnn.train,
}
# These modules serve their neighbours in the room: they draw digits, read and save files, explain a loss, or
# make figures.
INTERNAL = {
    *(f"tinygrad_cnn.data.{name}" for name in ("contents", "families", "npz", "splines", "strokes")),
    *(
        f"tinygrad_cnn.train.{name}"
        for name in ("atomic", "finite", "json_lines", "objective", "position", "safetensors", "structure")
    ),
    "tinygrad_cnn.plot.picture",
}


def _used_in(folder):
    """The names that the tests in a folder use; an import alone is no use."""
    nodes = [node for path in folder.glob("test_*.py") for node in ast.walk(ast.parse(path.read_text()))]
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_what_a_module_defines_for_users_is_exported(room):
    for module in modules_of(room):
        if module.__name__ not in INTERNAL:
            names = defined_in(module).keys()
            assert names <= set(module.__all__), module.__name__
            assert names <= set(room.__all__), module.__name__


@pytest.mark.parametrize("name", ROOMS)
def test_what_a_room_exports_has_a_test(name):
    untested = set(ROOMS[name].__all__) - _used_in(Path(__file__).with_name(name))
    assert untested == set()


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_a_room_exports_its_names_in_order_and_each_exists(room):
    assert list(room.__all__) == sorted(room.__all__)
    assert all(hasattr(room, name) for name in room.__all__)


def _shown_in(module):
    """The modules that a user finds from one, each with the names that `dir` shows there."""
    names = [name for name in dir(module) if not name.startswith("_")]
    yield module, names
    for value in (getattr(module, name) for name in names):
        if isinstance(value, types.ModuleType):
            yield from _shown_in(value)


def test_dir_shows_public_names_alone():
    shown = dict(_shown_in(tinygrad_cnn))
    assert len(shown) >= 12
    for module, names in shown.items():
        rooms = {
            "data",
            "debug",
            "extend",
            "insight",
            "interop",
            "models",
            "ops",
            "plot",
            "program",
            "testing",
            "train",
        }
        assert set(names) - (rooms if module is tinygrad_cnn else set()) == set(module.__all__), module
