"""The mutation tool plants what it says, finds a mutant again, and tells a kill from a survival."""

import ast
import importlib
import signal

import pytest

from . import operators, planting, probes, report, run, sample
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


def mutants(source, file="ops/areas.py"):
    return operators.mutants(source, file, "ops")


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
    mutant = next(m for m in mutants(SOURCE) if m.operator.startswith(operator))
    assert expected in mutant.apply(SOURCE)


def test_every_mutant_compiles_and_differs_and_keeps_the_number_of_lines():
    source = SOURCE + "\n\nwide = max(\n    1,\n    2,\n    key=lambda n: (\n        n + 1\n    ),\n)\n"
    for mutant in mutants(source):
        changed = mutant.apply(source)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))
        assert changed.count("\n") == source.count("\n")


def test_docstrings_annotations_exports_and_messages_are_left_alone():
    silent = ('"""', "from", "__all__", "class")
    for mutant in mutants(SOURCE):
        assert not SOURCE.splitlines()[mutant.line - 1].strip().startswith(silent)
        assert '"negative: " + str' in mutant.apply(SOURCE) or mutant.operator == "statement deleted: Raise"


def test_a_line_in_a_function_runs_in_tests_and_a_default_runs_at_import():
    by_operator = {mutant.operator: mutant for mutant in mutants(SOURCE)}
    default, power = by_operator["constant: 1.0 -> 2.0"], by_operator["constant: 2 -> 3"]
    assert (default.at_import, default.lines) == (True, (8, 9, 10, 11, 12))
    assert (power.at_import, power.lines) == (False, (12,))


def test_a_head_is_the_same_with_and_without_annotations():
    bare, annotated = "def f(x, *, n=1):\n    pass", "def f(x: Array, *, n: int = 1) -> Array:\n    pass"
    assert mutants(bare)[0].identity == mutants(annotated)[0].identity


def test_probes_note_the_lines_that_run_and_change_nothing_else(monkeypatch):
    source = "def f(x):\n    'Say it.'\n    if x:\n        return (lambda:\n            x)\n    return None\n"
    lines = []
    names = {}
    monkeypatch.setattr("builtins." + probes.NAME, lines.append, raising=False)
    exec(probes.probed(source, 7 * probes.PER_FILE), names)
    assert names["f"](5)() == 5
    assert names["f"].__doc__ == "Say it."
    assert [line - 7 * probes.PER_FILE for line in lines] == [1, 3, 4, 5]


# --- a mutant in what is imported already -----------------------------------------------------------------

IMPORTED = """
def once(function):
    def called(x):
        return -function(x) + (lambda y: y * 7)(x)
    return called


@once
def doubled(x):
    return x * 2


class Shift:
    by = staticmethod(lambda: 3)

    def __call__(self, x):
        return [y + self.by() for y in range(x) if y > 1]
"""


def seen(module):
    """Return what the functions of `IMPORTED` return."""
    try:
        return module["doubled"](5), module["Shift"]()(4)
    except TypeError as error:  # one of them returns None
        return str(error)


def test_a_mutant_planted_into_functions_does_what_it_does_when_imported(tmp_path):
    path = tmp_path / "imported.py"
    module = {"__name__": "imported"}
    exec(compile(IMPORTED, path, "exec"), module)
    functions, expected = planting.living(tmp_path), seen(module)
    codes = [function.__code__ for (function,) in functions.values()]
    # the decorator runs while the module is imported, and not again
    inside = [mutant for mutant in mutants(IMPORTED) if not mutant.at_import and mutant.scope != "once"]
    refused = []
    for mutant in inside:
        anew = {"__name__": "imported"}
        exec(mutant.apply(IMPORTED), anew)
        if planting.plant(path, IMPORTED, mutant.apply(IMPORTED), functions):
            assert seen(module) == seen(anew) != expected
        else:
            refused.append(mutant)
            assert seen(module) == expected
        for (function,), code in zip(functions.values(), codes, strict=True):
            function.__code__ = code
    assert len(inside) > 12
    # without the name of the function around it, the code no longer fits
    assert [mutant.operator for mutant in refused] == ["returns None"]


def test_a_file_imported_anew_changes_what_others_hold(tmp_path, monkeypatch):
    package = tmp_path / "imported_anew"
    package.mkdir()
    source = (
        "LIMIT = 5\n\nclass Rule:\n    factor = 2\n    def __init__(self, by): self.by = by\n\n"
        "rule = Rule(3)\n\ndef scaled(x, by=1):\n    return x * by * rule.by * rule.factor\n"
    )
    (package / "rules.py").write_text(source)
    (package / "__init__.py").write_text("from .rules import LIMIT, Rule, rule, scaled\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(package.name)
    scaled, rule = module.scaled, module.rule
    changed = source.replace("by=1", "by=10").replace("Rule(3)", "Rule(30)").replace("= 2", "= 20")
    planting.import_anew(package, package / "rules.py", changed.replace("LIMIT = 5", "LIMIT = 50"))
    assert module.scaled is scaled
    assert module.rule is rule
    assert (scaled(1), module.Rule.factor, module.LIMIT) == (10 * 30 * 20, 20, 50)


# --- a mutant found again ---------------------------------------------------------------------------------


def checkout(path, **files):
    for name, source in files.items():
        file = path / "tinygrad_cnn" / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    return path


def found_again(tmp_path, sources, operators_=None):
    """Relocate the mutants of `SOURCE` into a checkout of other sources."""
    old = checkout(tmp_path / "old", ops__areas=SOURCE)
    all_of_old = [m for of_file in sample.all_mutants(old, sample.ROOMS).values() for m in of_file]
    wanted = [sample.as_record(m) for m in all_of_old if operators_ is None or m.operator in operators_]
    return sample.relocate(checkout(tmp_path / "new", **sources), wanted)


def test_a_moved_mutant_is_the_same_and_an_edited_one_is_found_in_its_function(tmp_path):
    edited = SOURCE.replace("return pi * radius**2", "return pi * radius**2 * 1.0")
    found = found_again(tmp_path, {"ops__shapes": "import this\n" + edited})
    assert {how for how, _, _ in found} == {"same", "edited"}
    for how, record, mutant in found:
        assert mutant.operator == record["operator"]
        if how == "same":
            assert mutant.statement == record["statement"]
        else:
            assert (mutant.scope, "radius ** 2" in mutant.statement) == ("area", True)


def test_a_mutant_that_is_gone_is_replaced_in_its_room_and_none_is_taken_twice(tmp_path):
    gone = {"arithmetic swapped: Mult", "arithmetic swapped: Pow", "constant: 2 -> 3"}
    sources = {"ops__areas": SOURCE.replace("pi * radius**2", "square(radius) - 7 + 8")}
    found = found_again(tmp_path, sources, gone | {"constant: 0 -> 1", "Not removed"})
    assert {record["operator"] for how, record, _ in found if how == "replaced"} == gone
    assert len({mutant.identity for _, _, mutant in found}) == len(found)
    assert {mutant.room for _, _, mutant in found} == {"ops"}


def test_the_same_seed_draws_the_same_sample(tmp_path):
    tree = checkout(tmp_path, ops__areas=SOURCE, tape=SOURCE * 3, nn__layers=SOURCE)
    drawn = sample.draw(tree, 15)
    assert len(drawn) == 15
    assert drawn == sample.draw(tree, 15)
    assert drawn != sample.draw(tree, 15, seed=11)
    assert {mutant.file for mutant in drawn} == {"ops/areas.py", "tape.py"}


# --- what became of it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "notes", "status", "killer"),
    [
        (0, [{"start": "a"}, {"finished": True}], "survived", None),
        (1, [{"start": "a"}, {"failed": "a", "reason": "1 != 2"}, {"finished": True}], "killed", "a"),
        (-signal.SIGPROF, [{"start": "a"}], "timeout", "a"),
        (-signal.SIGALRM, [{"start": "a"}], "timeout", "a"),
        (-11, [{"start": "a"}], "killed", "a"),
        (4, [{"failed": "tests/a.py", "reason": "import"}, {"finished": True}], "killed", "tests/a.py"),
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
    assert text.count("[e]") == 1
