"""The toolkit finds every planted fault, and raises no alarm where there is none."""

import functools
import itertools

import mutants
import pytest
import records

from tinygrad_cnn.tape import Primitive
from tinygrad_cnn.testing import strategies
from tinygrad_cnn.testing.drawn import drawn_calls
from tinygrad_cnn.testing.properties import has_empty, properties_of
from tinygrad_cnn.testing.suite import check_property

EXAMPLES = 10  # of each property, as in the default profile; later ones hypothesis copies from one another
ROUNDS = 8
TESTED = [case for case in records.CASES if "own gradients" not in case.skip]


def caught_by(mutant, seed):
    """The first property that fails for a mutant; None if it passes them all in every round."""
    likely = "order 2" if mutant.kind == "M14" else "order 1"
    names = sorted(properties_of(mutant.case), key=lambda name: name != likely)
    with mutants.planted(mutant):
        for turn, name in itertools.product(range(ROUNDS), names):
            calls = drawn_calls(mutant.case, EXAMPLES).of(name, ROUNDS * seed + turn)
            try:
                check_property(mutant.case, name, calls)
            except (
                AssertionError,
                TypeError,
                ValueError,
                ExceptionGroup,
            ):  # what checker, tape and NumPy raise
                return name
    return None


def check_all(case, call, seed):
    """Check all properties on one call; what fails is an error of the toolkit."""
    for name, check in properties_of(case).items():
        if name != "size 0" or has_empty(call):
            check(case, call, seed)


def test_the_catalogue_is_large_and_covers_every_kind():
    assert len(mutants.MUTANTS) >= 60
    assert {m.kind for m in mutants.MUTANTS} == {f"M{n}" for n in range(1, 17)}


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=str)
def test_a_planted_fault_is_caught(mutant):
    assert caught_by(mutant, seed=0), f"not caught: {mutant}"


def test_a_planted_fault_leaves_nothing_behind():
    mutant = mutants.MUTANTS[0]
    right = mutant.primitive.rules[mutant.operand].function
    caught_by(mutant, seed=0)
    assert mutant.primitive.rules[mutant.operand].function is right


@pytest.mark.parametrize(
    "case", [case for case in TESTED if not isinstance(case.function, Primitive)], ids=lambda case: case.name
)
def test_a_right_composition_raises_no_alarm(case):
    """For primitives, and with more calls, `test_conformance.py` shows it."""
    for call, seed in list(records.drawn(case, 3))[1:]:  # the first is the simplest
        check_all(case, call, seed)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(20))
def test_every_planted_fault_is_caught_under_any_seed(seed, record_property):
    missed = [str(mutant) for mutant in mutants.MUTANTS if not caught_by(mutant, seed)]
    record_property("count: planted faults sought", len(mutants.MUTANTS))
    record_property("count: planted faults missed", len(missed))
    assert not missed


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(200))
def test_no_false_alarm_under_any_seed(seed, record_property):
    raised = []
    for case in TESTED:
        try:
            calls = records.calls_of(case)
            check = functools.partial(check_all, case)
            strategies.for_all(f"{case.name}_all", calls, check, seed=seed, max_examples=3)
        except Exception as error:  # every failure of a right operation counts, and is shown at the end
            raised.append(f"{case.name}: {error}")
    record_property("count: right operations tested", len(TESTED))
    record_property("count: false alarms", len(raised))
    assert not raised
