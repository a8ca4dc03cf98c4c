"""The file that mypy checks in a user's place leaves no public name out."""

import ast
from pathlib import Path

import tinygrad_cnn as tg
from tinygrad_cnn import data, models, nn, optim, testing, train, tree

USED = ast.parse(Path(__file__).with_name("every_public_name.py").read_text(encoding="utf-8"))
MODULES = {
    "tg": tg,
    "data": data,
    "models": models,
    "nn": nn,
    "optim": optim,
    "testing": testing,
    "train": train,
    "tree": tree,
}


def test_a_user_has_used_every_public_name():
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(USED)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    used |= {
        f"tg.{alias.name}"
        for node in ast.walk(USED)
        if isinstance(node, ast.ImportFrom) and node.module == "tinygrad_cnn"
        for alias in node.names
    }
    public = {f"{name}.{member}" for name, module in MODULES.items() for member in module.__all__}
    assert public - used == set()


def test_the_package_tells_type_checkers_that_it_is_annotated():
    assert Path(tg.__file__).with_name("py.typed").exists()
