"""Every code block of the documentation runs, and what it prints or raises is what the page shows.

The blocks of a page run in order in one module. A block of ``text`` right after a block of ``python`` is what
that block prints, or the error that it ends with; ``...`` stands for anything. The tests that a page defines
must pass too.
"""

import contextlib
import doctest
import io
import itertools
import re
import runpy
import shutil
import sys
import textwrap
import types
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)  # indented inside a list


def blocks(text):
    """The blocks of python, each with its line and the output that is shown for it (None: none is shown)."""
    found = list(FENCE.finditer(text))
    for block, following in itertools.zip_longest(found, found[1:]):
        if block[1] == "python":
            shown = (
                following is not None
                and following[1] == "text"
                and not text[block.end() : following.start()].strip()
            )
            line = text[: block.start()].count("\n") + 2
            yield line, textwrap.dedent(block[2]), textwrap.dedent(following[2]) if shown else None


def run(code, where, namespace):
    """What a block prints, and the error that it ends with as a last line."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, where, "exec"), namespace)
        except Exception as error:
            return printed.getvalue() + f"{type(error).__name__}: {error}\n", error
    return printed.getvalue(), None


@pytest.fixture
def page_module():
    """A module that can be imported by its name, as pickle does with the functions in it."""
    module = types.ModuleType("my_ops")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


@pytest.fixture
def few_examples():
    """The pages' operations are tested as in the pages, but not at length."""
    usual = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile("docs", max_examples=4, deadline=None)
    hypothesis.settings.load_profile("docs")
    yield
    hypothesis.settings.load_profile(usual)


def run_tests_of(module):
    for name, test in list(vars(module).items()):
        if name.startswith("test_"):
            marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
            for case in marks[0].args[1] if marks else [None]:
                test() if case is None else test(case)


NEEDED = {"interchange.md": ("torch", "onnx")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.usefixtures("few_examples")
def test_blocks_run_and_print_what_they_show(page, page_module, tmp_path, monkeypatch):
    for name in NEEDED.get(page.name, ()):
        pytest.importorskip(name, reason=f"the page needs {name} (the extra 'peers')")
    monkeypatch.chdir(tmp_path)  # a page may write files
    for line, code, shown in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}:{line}"
        got, error = run("\n" * (line - 1) + code, where, vars(page_module))
        if error is not None and type(error).__name__ not in (shown or ""):
            raise error  # also where ``...`` would stand for it
        if shown is not None:
            checker, options = doctest.OutputChecker(), doctest.ELLIPSIS
            example = doctest.Example(code, shown)
            assert checker.check_output(shown, got, options), f"{where}:\n" + checker.output_difference(
                example, got, options
            )
    run_tests_of(page_module)


def test_a_wrong_output_is_noticed():
    got, error = run("print(1)\nraise ValueError('no')", "page", {})
    assert got == "1\nValueError: no\n"
    assert isinstance(error, ValueError)
    assert [shown for _, _, shown in blocks("```python\na\n```\n\n```text\nb\n```\n")] == ["b\n"]
    assert [shown for _, _, shown in blocks("```python\na\n```\nand\n```text\nb\n```\n")] == [None]


def test_a_block_inside_a_list_is_found():
    text = "- item:\n\n  ```python\n  if a:\n      b\n  ```\n\n  ```text\n  c\n  ```\n"
    assert list(blocks(text)) == [(4, "if a:\n    b\n", "c\n")]


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *PAGES], ids=lambda page: page.name)
def test_links_lead_to_files(page):
    prose = re.sub(r"`[^`\n]*`", "", page.read_text(encoding="utf-8"))  # x[1](x) in code is no link
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
        assert (page.parent / target).exists(), target


def test_the_lines_that_are_compared_with_hand_written_ones_are_lines_of_the_program():
    page = (ROOT / "docs" / "from_hand_written_backward.md").read_text(encoding="utf-8")
    by_hand, derived = (block for _, block, _ in blocks(page)), page.split("```text\n")[1].split("```")[0]
    classes = "".join(by_hand)
    rows = [row.strip("|").split(" | ") for row in page.splitlines() if row.startswith("| `")]
    assert len(rows) >= 10
    for left, right in rows:
        for line in re.findall(r"`(.*?)`", left):
            assert all(part in classes for part in line.split("...")), line
        for line in re.findall(r"`(d_\w+ = .*?)`", right):
            assert line in derived, line


def test_the_pictures_are_those_that_are_drawn(tmp_path):
    committed = ROOT / "docs" / "pictures"
    shutil.copy(committed / "draw.py", tmp_path)
    runpy.run_path(str(tmp_path / "draw.py"), run_name="__main__")
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.svg")}
    assert drawn == {path.name: path.read_text(encoding="utf-8") for path in committed.glob("*.svg")}
