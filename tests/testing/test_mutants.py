"""The toolkit finds every planted fault, and raises no alarm where there is none."""

import collections

import mutants
import op_cases
import pytest

from tinygrad_cnn.testing import strategies
from tinygrad_cnn.testing.conformance import run_property
from tinygrad_cnn.testing.properties import has_empty, properties_of

EXAMPLES = 30  # of each property, until one fails


def caught_by(mutant, seed):
    """The first property that fails for a mutant; None if it passes them all."""
    with mutants.planted(mutant):
        for name in properties_of(mutant.case):
            try:
                run_property(mutant.case, name, seed=seed, max_examples=EXAMPLES)
            except (AssertionError, TypeError, ValueError, ExceptionGroup):  # what checker, tape and NumPy raise
                return name
    return None


def alarms(case, seed, max_examples):
    """Run all properties of a case on the same few calls; what fails is an error of the toolkit."""

    def all_hold(call, check_seed):
        for name, check in properties_of(case).items():
            if name != "size 0" or has_empty(call):
                check(case, call, check_seed)

    calls = strategies.calls(case.operands, case.params)
    strategies.for_all(f"{case.name}_all", calls, all_hold, seed=seed, max_examples=max_examples)


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


@pytest.mark.thorough
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=str)
def test_a_planted_fault_is_caught_under_20_seeds(mutant, record_property):
    by = collections.Counter(caught_by(mutant, seed) for seed in range(20))
    print(f"{mutant}: caught under {20 - by[None]} of 20 seeds, by {dict(by)}")
    assert by[None] == 0, f"{mutant}: not caught under {by[None]} of 20 seeds"


@pytest.mark.thorough
@pytest.mark.parametrize("case", op_cases.CASES, ids=lambda case: case.name)
def test_no_false_alarm_under_200_seeds(case):
    for seed in range(200):
        alarms(case, seed, max_examples=3)
    print(f"{case.name}: 0 false alarms under 200 seeds")
