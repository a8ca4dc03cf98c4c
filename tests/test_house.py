"""The house stays as the README shows it: rooms in order, no circle of imports, short files and functions."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house import MODULES, PACKAGE, circle, code_lines, function_sizes, imports_of, room_of

README = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")


def rooms_of_the_readme():
    """List the rooms in the order in which the README's table names them."""
    table = README.split("## The rooms")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return [
        name.removesuffix("/").removesuffix(".py") for row in rows for name in re.findall(r"`(.*?)`", row)
    ]


ROOMS = rooms_of_the_readme()


def test_the_readme_names_every_room_and_no_other():
    assert sorted(ROOMS) == sorted({room_of(module) for module in MODULES} - {""})


def test_the_readme_says_which_rooms_are_folders():
    for room in ROOMS:
        assert f"`{room}/`" in README or (PACKAGE / f"{room}.py").is_file(), room
        assert f"`{room}.py`" in README or (PACKAGE / room).is_dir(), room


def allowed_rooms(module):
    rooms = ROOMS[: ROOMS.index(room_of(module)) + 1]
    # the command prints the version, which stands in the package's face
    return [*rooms, ""] if module == "tinygrad_cnn.cli" else rooms


def test_a_module_imports_only_from_rooms_above_its_own():
    inside = [module for module in MODULES if room_of(module)]
    imports = [(module, other) for module in inside for other in imports_of(module)]
    assert [pair for pair in imports if room_of(pair[1]) not in allowed_rooms(pair[0])] == []


def test_no_modules_import_each_other():
    assert circle({module: imports_of(module) for module in MODULES}) is None


def test_imports_are_found_wherever_they_stand():
    lazy = "def f():\n    from ..tape import raw\n    from . import layer\n"
    assert imports_of("tinygrad_cnn.nn.summary", lazy) == ["tinygrad_cnn.nn.layer", "tinygrad_cnn.tape"]
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .nn import layer\n"
    assert imports_of("tinygrad_cnn.autodiff", typed) == ["tinygrad_cnn.nn.layer"]
    assert imports_of("tinygrad_cnn.nn", "from . import layer\nimport tinygrad_cnn.ops.conv\n") == [
        "tinygrad_cnn.nn.layer",
        "tinygrad_cnn.ops.conv",
    ]


@pytest.mark.parametrize(
    "call",
    [
        'importlib.import_module("tinygrad_cnn.nn.layer")',
        'import_module(".nn.layer", __package__)',
        '__import__("tinygrad_cnn.nn.layer")',
    ],
)
def test_imports_by_a_call_are_found(call):
    assert imports_of("tinygrad_cnn.autodiff", f"def f():\n    return {call}\n") == ["tinygrad_cnn.nn.layer"]


def test_a_circle_is_found():
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c"]
    assert circle({"a": ["b", "c"], "b": ["c"], "c": []}) is None


def test_files_and_functions_are_short():
    sources = {module: path.read_text(encoding="utf-8") for module, path in MODULES.items()}
    files = {module: len(code_lines(source)) for module, source in sources.items()}
    assert {module: size for module, size in files.items() if size > 300} == {}
    functions = [(module, *found) for module, source in sources.items() for found in function_sizes(source)]
    assert [found for found in functions if found[-1] > 40] == []


def test_the_walk_is_a_sentence():
    source = Path(PACKAGE / "tape" / "reverse.py").read_text(encoding="utf-8")
    assert dict(function_sizes(source))["walk"] <= 20


def test_lines_of_code_are_counted_without_comments_and_docstrings():
    text = '"""Text."""\n\n\ndef f():\n    """Text,\n    more text."""\n'
    source = text + '    # why\n    x = """a\nb"""\n    return x\n'
    assert sorted(code_lines(source)) == [4, 8, 9, 10]
    assert list(function_sizes(source)) == [("f", 4)]


def test_the_tests_run_where_nothing_can_be_written(tmp_path):
    """What a warning is stays an error in a read-only checkout, but for the notes that pytest cannot keep."""
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    given = "from hypothesis import given, strategies as st\n@given(st.booleans())\ndef test(x): pass\n"
    (tmp_path / "test_it.py").write_text(given)
    for folder in (".pytest_cache", ".hypothesis"):
        (tmp_path / folder).touch()  # a file in the place of a folder stops the superuser too
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "test_it.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
