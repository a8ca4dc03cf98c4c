"""mypy, in a user's place, knows every public name and its type."""

import re
from pathlib import Path

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import data, insight, linalg, models, nn, ops, optim, plot, testing, train, tree

ROOT = Path(__file__).parents[2]
MODULES = [
    tg, data, insight, linalg, models, nn, nn.init, optim, plot, testing, testing.strategies, train, tree,
]  # fmt: skip
PUBLIC = [f"{module.__name__}.{name}" for module in MODULES for name in module.__all__]
WITHOUT_A_TYPE = ["tinygrad_cnn.no_such_name", "typing.cast(typing.Any, 0)"]


def _revealed(expressions, folder):
    """What mypy says of each expression: the type that it reveals, or the error that it finds."""
    imports = ["import typing", *(f"import {module.__name__}" for module in MODULES)]
    lines = [*imports, *(f"reveal_type({expression})" for expression in expressions)]
    user = folder / "user.py"
    user.write_text("\n".join(lines), encoding="utf-8")
    options = [f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={folder / 'cache'}", "--no-pretty"]
    report, trouble, _ = pytest.importorskip("mypy.api").run([*options, str(user)])
    assert not trouble
    said = {int(line): text for line, text in re.findall(r"user\.py:(\d+): (.*)", report)}
    return {expression: said[len(imports) + n] for n, expression in enumerate(expressions, 1)}


def _gives_what_it_is_given(said):
    """Whether the result is a Tensor for a Tensor and an array for an array: the variable named Out."""
    return re.search(r'(-> |, )Out\]?"$', said) is not None


def test_every_public_name_has_a_type(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    revealed = _revealed([*PUBLIC, *WITHOUT_A_TYPE], tmp_path)
    untyped = {
        name for name, said in revealed.items() if not re.match(r'note: Revealed type is "(?!Any")', said)
    }
    assert untyped == set(WITHOUT_A_TYPE)
    other_results = {
        name for name in ops.__all__ if not _gives_what_it_is_given(revealed[f"tinygrad_cnn.{name}"])
    }
    # they take sequences or labels, or return several arrays
    assert other_results == {"concatenate", "one_hot", "stack", "select", "topk", "meshgrid", "gradient"} | {
        *ops.splitting.__all__, *ops.stacking.__all__, "broadcast_arrays",
    } - {"append"}  # fmt: skip


def test_a_user_uses_every_public_name():
    user = (Path(__file__).parent / "a_user.py").read_text(encoding="utf-8")
    used = set(re.findall(r"\w+", user))
    assert {name for name in PUBLIC if name.split(".")[-1] not in used} == set()


def test_the_package_tells_type_checkers_that_it_is_annotated():
    assert Path(tg.__file__).with_name("py.typed").exists()
