"""The mutation tool plants what it says, finds a mutant again, and tells a kill from a survival."""

import ast
import textwrap
from typing import Any

import pytest

from . import operators, probes, report, run, sample
from .children import Ended

SOURCE = '''
"""A module."""
from math import pi

__all__ = ["area", "largest"]


def area(radius: float = 1.0) -> float:
    """Return an area."""
    if radius < 0:
        raise ValueError("negative: " + str(radius))
    return pi * radius**2


class Box:
    """A box."""

    def largest(self, sizes):
        """Return the largest size above zero."""
        kept = [size for size in sizes if not size <= 0]
        return max(kept, default=0) if kept else -1
'''


def planted(source, operator, file="ops/areas.py"):
    """The text of every mutant whose operator begins so."""
    found = operators.mutants(source, file, "ops")
    return [mutant.apply(source) for mutant in found if mutant.operator.startswith(operator)]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("comparison negated: Lt", "if (radius >= 0):"),
        ("boundary moved: LtE", "if not (size < 0)]"),
        ("arithmetic swapped: Pow", "return pi * (radius * 2)"),
        ("Not removed", "if (size <= 0)]"),
        ("USub removed", "else (1)"),
        ("constant: 2 -> 3", "radius**(3)"),
        ("returns None", "return (None)"),
        ("statement deleted: Raise", "    if radius < 0:\n        pass\n    return"),
        ("condition forced: True", "if (True):"),
        ("keyword dropped: default", "return (max(kept)) if"),
        ("call swapped: max", "return (min)(kept"),
    ],
)
def test_an_operator_changes_the_text_of_its_node_only(operator, expected):
    changed = planted(SOURCE, operator)
    assert expected in changed[0]
    assert len(changed[0].splitlines()) == len(SOURCE.splitlines())


def test_every_mutant_compiles_and_differs_and_keeps_the_number_of_lines():
    source = SOURCE + "\n\nwide = max(\n    1,\n    2,\n    key=lambda n: (\n        n + 1\n    ),\n)\n"
    for mutant in operators.mutants(source, "ops/areas.py", "ops"):
        changed = mutant.apply(source)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))
        assert changed.count("\n") == source.count("\n")


def test_docstrings_annotations_exports_and_messages_are_left_alone():
    touched = {mutant.line for mutant in operators.mutants(SOURCE, "ops/areas.py", "ops")}
    silent = [
        number
        for number, line in enumerate(SOURCE.splitlines(), 1)
        if line.strip().startswith(('"""', "from", "__all__", "class", "kept = None"))
    ]
    assert not touched & set(silent)
    assert not any("negative" not in text for text in planted(SOURCE, "arithmetic"))


def test_a_line_in_a_function_runs_in_tests_and_a_default_runs_at_import():
    by_operator = {mutant.operator: mutant for mutant in operators.mutants(SOURCE, "ops/areas.py", "ops")}
    default, power = by_operator["constant: 1.0 -> 2.0"], by_operator["constant: 2 -> 3"]
    assert (default.at_import, default.lines) == (True, (8, 9, 10, 11, 12))
    assert (power.at_import, power.lines) == (False, (12,))


def test_a_head_is_the_same_with_and_without_annotations():
    bare, annotated = "def f(x, *, n=1):\n    pass", "def f(x: Array, *, n: int = 1) -> Array:\n    pass"
    one, other = (operators.mutants(text, "ops/areas.py", "ops")[0] for text in (bare, annotated))
    assert one.identity == other.identity


def test_probes_note_the_lines_that_run_and_change_nothing_else(monkeypatch):
    source = "def f(x):\n    'Say it.'\n    if x:\n        return (lambda:\n            x)\n    return None\n"
    lines: list[int] = []
    names: dict[str, Any] = {}
    monkeypatch.setattr("builtins." + probes.NAME, lines.append, raising=False)
    exec(probes.probed(source, 7 * probes.PER_FILE), names)
    assert names["f"](5)() == 5
    assert names["f"].__doc__ == "Say it."
    assert [line - 7 * probes.PER_FILE for line in lines] == [1, 3, 4, 5]


# --- a mutant found again ---------------------------------------------------------------------------------


def checkout(path, **files):
    for name, source in files.items():
        file = path / "tinygrad_cnn" / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    return path


def records(tree):
    return [
        sample.as_record(mutant)
        for found in sample.all_mutants(tree, sample.ROOMS).values()
        for mutant in found
    ]


def test_a_moved_mutant_is_the_same_and_an_edited_one_is_found_in_its_function(tmp_path):
    old = checkout(tmp_path / "old", ops__areas=SOURCE)
    edited = SOURCE.replace("return pi * radius**2", "return pi * radius**2 * 1.0")
    new = checkout(tmp_path / "new", ops__shapes="import this\n" + edited)
    found = sample.relocate(new, records(old))
    by_way = {how: [m for way, _, m in found if way == how] for how in ("same", "edited", "replaced")}
    assert {mutant.scope for mutant in by_way["edited"]} == {"area"}
    assert all("radius ** 2" in mutant.statement for mutant in by_way["edited"])
    assert not by_way["replaced"]
    for how, record, mutant in found:
        assert mutant.operator == record["operator"]
        assert how == "edited" or mutant.statement == record["statement"]


def test_a_mutant_that_is_gone_is_replaced_in_its_room_and_none_is_taken_twice(tmp_path):
    old = checkout(tmp_path / "old", ops__areas=SOURCE)
    new = checkout(tmp_path / "new", ops__areas=SOURCE.replace("pi * radius**2", "square(radius) - 7 + 8"))
    wanted = [r for r in records(old) if r["operator"] not in ("boundary moved: Lt", "returns None")]
    found = sample.relocate(new, wanted)
    assert {record["operator"] for how, record, _ in found if how == "replaced"} == {
        "arithmetic swapped: Mult",
        "arithmetic swapped: Pow",
        "constant: 2 -> 3",
    }
    assert len({mutant.identity for _, _, mutant in found}) == len(wanted)
    assert {mutant.room for _, _, mutant in found} == {"ops"}


def test_the_same_seed_draws_the_same_sample_with_the_fewest_of_each_file(tmp_path):
    tree = checkout(tmp_path, ops__areas=SOURCE, tape=SOURCE * 3, optim__sgd=SOURCE, nn__layers=SOURCE)
    drawn = sample.draw(tree, 15)
    assert drawn == sample.draw(tree, 15)
    assert drawn != sample.draw(tree, 15, seed=11)
    numbers = {file: sum(mutant.file == file for mutant in drawn) for file in ("ops/areas.py", "tape.py")}
    assert numbers["tape.py"] > numbers["ops/areas.py"] >= sample.FEWEST
    assert not any(mutant.file == "nn/layers.py" for mutant in drawn)


# --- what became of it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "notes", "status", "killer"),
    [
        (0, [{"start": "a"}, {"finished": True}], "survived", None),
        (1, [{"start": "a"}, {"failed": "a", "reason": "1 != 2"}, {"finished": True}], "killed", "a"),
        (-27, [{"start": "a"}], "timeout", "a"),
        (-11, [{"start": "a"}], "killed", "a"),
        (
            4,
            [{"failed": "tests/test_tape.py", "reason": "import"}, {"finished": True}],
            "killed",
            "tests/test_tape.py",
        ),
        (70, [], "killed", "import or collection"),
    ],
)
def test_the_notes_of_a_child_tell_what_became_of_a_mutant(code, notes, status, killer):
    verdict = run.judge(Ended(code, 1.0, notes))
    assert (verdict.status, verdict.killer) == (status, killer)


def test_the_report_counts_the_killed_among_those_that_are_not_equivalent():
    shared = {
        "room": "tape",
        "file": "tape.py",
        "line": 1,
        "scope": "f",
        "operator": "Not removed",
        "left": 0,
    }
    shared |= {"original": "not x", "mutated": "x"}
    done = [shared | {"key": name, "status": "killed"} for name in "abc"]
    done += [shared | {"key": name, "status": "survived"} for name in "de"]
    text = report.markdown(done, {"d": "no difference", "a": "killed after all"})
    assert "| tape | 5 | 3 | 0 | 2 | 1 | 75.0 % |" in text
    assert textwrap.dedent(text).count("[e]") == 1
