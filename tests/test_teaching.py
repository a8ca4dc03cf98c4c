"""The graders of the exercises are content with the solutions, and with nothing less."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn.testing import mutate_rules

TEACHING = Path(__file__).parents[1] / "docs" / "teaching"
GRADE = runpy.run_path(str(TEACHING / "grade.py"))
ANSWERS = sorted(path.name for path in (TEACHING / "solutions").glob("*.py"))
IN_MEMORY_ONLY = {"float64", "float32", "wrong shape", "one buffer for every call"}


def passes(exercise, answer):
    """Whether all checks of an exercise pass."""
    try:
        for _, check in exercise(answer):
            check()
    except (AssertionError, TypeError, ValueError):
        return False
    return True


def test_every_exercise_has_a_solution_and_a_grader():
    assert {path.name for path in (TEACHING / "exercises").glob("*.py")} == set(ANSWERS)
    assert [int(name[0]) for name in ANSWERS] == list(range(1, len(GRADE["EXERCISES"]) + 1))


def test_the_solutions_are_right(capsys):
    assert GRADE["main"]([str(TEACHING / "solutions" / name) for name in ANSWERS]) == 0
    assert not re.search(r"^  (open|wrong) ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")  # that is what exercise 4 is about
@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_not_written_yet_is_not_right(name, capsys):
    assert GRADE["main"]([str(TEACHING / "exercises" / name)]) == 1
    assert re.search(r"^  (open|wrong) ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(
    ("number", "op"),
    [
        (1, "softsign"),
        pytest.param(2, "scaled", marks=pytest.mark.slow),
        (4, "log_softmax"),
        pytest.param(5, "convolve", marks=pytest.mark.slow),
    ],
)
def test_a_fault_in_a_rule_is_graded_as_wrong(number, op):
    answer = runpy.run_path(str(TEACHING / "solutions" / ANSWERS[number - 1]))
    graded_as_right = []
    for fault in mutate_rules(answer[op]):
        with fault:
            if passes(GRADE["EXERCISES"][number - 1], answer):
                graded_as_right.append(str(fault).partition(": ")[2])
    assert set(graded_as_right) <= IN_MEMORY_ONLY


@pytest.mark.parametrize("name", ["w1", "b1", "w2", "b2"])
def test_a_fault_in_a_backward_by_hand_is_graded_as_wrong(name):
    answer = runpy.run_path(str(TEACHING / "solutions" / ANSWERS[2]))
    right = answer["backward"]
    answer["backward"] = lambda *args: right(*args) | {name: np.negative(right(*args)[name])}
    assert not passes(GRADE["EXERCISES"][2], answer)
