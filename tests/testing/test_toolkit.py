"""`OpCase` and `conformance`: every property is tested by an operation that breaks it, and by no other."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import primitive
from tinygrad_cnn.tape import Box, raw
from tinygrad_cnn.testing import (
    Call,
    ErrorCase,
    OpCase,
    check_grads,
    conformance,
    mutate_rules,
    strategies,
    survivors,
)
from tinygrad_cnn.testing.drawn import DrawnCalls
from tinygrad_cnn.testing.layouts import LAYOUTS, relaid
from tinygrad_cnn.testing.properties import properties_of
from tinygrad_cnn.testing.suite import check_property, run_property


def operation(forward, rule=lambda g, x: g * 2 * x):
    """A primitive of one operand, by default with the rule of the square."""

    def op(x):
        return forward(x)

    made = primitive(op)
    made.defvjp(x=rule)
    globals()[f"made_{id(made)}"] = made
    made.__qualname__ = f"made_{id(made)}"  # so that pickle finds it
    return made


def case_of(op, **options):
    return OpCase("square", op, operands=strategies.arrays(), reference=lambda x: x * x, **options)


def failures(case, names=None):
    """The properties that fail, of all or of some."""
    found, drawn = set(), DrawnCalls(case, 10)
    for name in names or properties_of(case):
        try:
            check_property(case, name, drawn.of(name))
        except Exception:  # whatever the operation raises is a failure
            found.add(name)
    return found


ALL = set(properties_of(case_of(tg.square)))
calls = []


def mutating(x):
    out = x * x
    if x.flags.writeable:
        x[...] = 0
    return out


def counting(x):
    calls.append(x)
    return x * x * (1 + len(calls) * 1e-12)


def shape_dependent(x):
    if x.size == 0:
        raise IndexError("no first element")
    return x * x


def test_a_right_operation_fails_nothing():
    assert failures(case_of(operation(lambda x: x * x))) == set()


@pytest.mark.parametrize(
    ("property_", "op"),
    [
        ("value", operation(lambda x: x * x + 1e-6)),
        ("value", operation(lambda x: (x * x).astype(np.float32))),
        ("tensor path", lambda x: x * x if isinstance(x, Box) else x * x * (1 + 2e-16) + 1e-16),
        ("tensor path", lambda x: raw(x) * raw(x)),
        ("order 1", operation(lambda x: x * x, lambda g, x: g * x)),
        ("order 2", operation(lambda x: x * x, lambda g, x: g * (2 * raw(x)))),
        ("jvp", operation(lambda x: x * x, lambda g, x: raw(g) * (2 * x))),
        ("recorded", operation(lambda x: x * x, lambda g, x: g * ((2.001 if isinstance(g, Box) else 2) * x))),
        ("linear in cotangent", operation(lambda x: x * x, lambda g, x: tg.abs(g) * (2 * x))),
        ("linear in cotangent", operation(lambda x: x * x, lambda g, x: g * (2 * x) + 1e-9)),
        ("no mutation", operation(mutating)),
        ("float32", operation(lambda x: np.square(x, dtype=np.float64))),
        ("float32", operation(lambda x: x * x if x.dtype == np.float64 else x * x * np.float32(1.1))),
        ("layouts", operation(lambda x: x * x if x.flags.c_contiguous else x * x * (1 + 1e-6))),
        ("size 0", operation(shape_dependent)),
        ("deterministic", operation(counting)),
        ("pickle and threads", lambda x: x * x),  # a lambda cannot be pickled
    ],
)
def test_a_property_notices(property_, op):
    assert failures(case_of(op), [property_])


@pytest.mark.parametrize(
    ("f", "operands"),
    [
        (lambda x: tg.sin(np.pi * x), ([1.0],)),  # a zero, that float32 misses by one rounding of pi
        (lambda a, b: tg.exp(a) - tg.exp(b), ([2.0], [2.0 + 2.0**-20])),  # nearly all digits cancel
        (lambda a, b: a - b, ([0.1], [0.1 + 1e-9])),  # the operands themselves are rounded
        (lambda a, b, c: (tg.exp(a) - tg.exp(b)) * c, ([2.0], [2.0 + 2.0**-20], [1.5])),  # in a gradient
    ],
)
def test_float32_may_lose_what_rounding_takes(f, operands):
    call = Call(tuple(map(np.array, operands)), {})
    case = OpCase("f", f, operands=None)
    for seed in range(20):
        properties_of(case)["float32"](case, call, seed)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_numpys_other_rounding_of_other_layouts_is_no_alarm(layout):
    case = OpCase("exp", tg.exp, operands=None, elementwise=True)
    x = np.random.default_rng(0).uniform(-3, 3, (6, 8, 8))
    properties_of(case)["unused elements"](case, Call((relaid(x, layout),), {}), 0)


def test_errors_must_name_the_shapes():
    def nameless(a, b):
        if np.shape(raw(a)) != np.shape(raw(b)):
            raise ValueError("bad shapes")
        return a + b

    wrong = ErrorCase((np.ones(2), np.ones(3)), ValueError)
    operands = strategies.arrays().map(lambda x: (x, x))
    with pytest.raises(AssertionError, match=r"the error does not say '\(2,\)': bad shapes"):
        run_property(OpCase("nameless", nameless, operands=operands, errors=[wrong]), "errors")
    with pytest.raises(AssertionError, match="expected ValueError, but the call went through"):
        run_property(OpCase("lax", lambda a, b: a + a, operands=operands, errors=[wrong]), "errors")
    run_property(OpCase("add", tg.add, operands=operands, errors=[wrong]), "errors")
    said = wrong._replace(says=("shape mismatch",))
    with pytest.raises(AssertionError, match="does not say 'shape mismatch'"):
        run_property(OpCase("add", tg.add, operands=operands, errors=[said]), "errors")


def test_gradients_that_share_memory_are_noticed(monkeypatch):
    from tinygrad_cnn.testing import properties

    shared = np.ones(3)
    case = OpCase("add", tg.add, operands=(strategies.arrays((3,)), strategies.arrays((3,))))
    monkeypatch.setattr(properties, "_gradients", lambda flat, g: [shared, shared])
    with pytest.raises(AssertionError, match="gradient to 'b' is shared"):
        run_property(case, "own gradients")
    shared.flags.writeable = False
    with pytest.raises(AssertionError, match="gradient to 'a' is read-only"):
        run_property(case, "own gradients")


def test_skipped_properties_are_left_out_and_must_exist():
    assert set(properties_of(case_of(tg.square, skip={"size 0": "why"}))) == ALL - {"size 0"}
    with pytest.raises(ValueError, match=r"no property \['sise 0'\]"):
        properties_of(case_of(tg.square, skip={"sise 0": "why"}))
    assert "value" not in properties_of(OpCase("square", tg.square, operands=strategies.arrays()))


def test_the_order_is_that_of_the_case():
    assert {"order 1", "order 2", "order 3"} <= set(properties_of(case_of(tg.square, order=3)))
    assert "order 2" not in properties_of(case_of(tg.square, order=1))


def test_pytest_collects_one_item_for_each_property(pytester):
    pytester.makepyfile(
        """
        import tinygrad_cnn as tg
        from tinygrad_cnn.testing import OpCase, conformance, strategies

        case = OpCase("sin", tg.sin, operands=strategies.arrays(), order=2)
        test_sin = conformance(case)
        """
    )
    result = pytester.runpytest("--collect-only", "-q", "-p", "no:cacheprovider")
    collected = [line for line in result.outlines if "::" in line]
    assert len(collected) == len(ALL) - 1  # no reference, no value
    assert any("test_sin[order 2]" in line for line in collected)


def test_calls_that_an_operation_has_changed_are_drawn_again():
    drawn = DrawnCalls(case_of(tg.square))
    before = [call.operands[0].copy() for call, _ in drawn.of("value")]
    for call, _ in drawn.of("value"):
        if call.operands[0].flags.writeable:
            call.operands[0][...] = 7
    for x, (call, _) in zip(before, drawn.of("value"), strict=True):
        np.testing.assert_array_equal(call.operands[0], x)


def test_a_failure_that_hypothesis_does_not_find_again_is_raised_with_its_call():
    count = itertools.count()
    once_wrong = operation(lambda x: x * x + (next(count) == 0))
    with pytest.raises(AssertionError) as caught:
        conformance(case_of(once_wrong))("value")
    assert caught.value.__notes__[0].startswith("'value' does not hold for Call(operands=(array(")


def test_a_composition_may_be_a_case():
    def gated(x, gate):
        return tg.tanh(x) * tg.sigmoid(gate)

    case = OpCase(
        "gated", gated, operands=strategies.broadcastable(2), skip={"pickle and threads": "a local function"}
    )
    assert failures(case) == set()
    assert conformance(case).__name__ == "test_gated"


def test_faults_that_a_test_misses_are_told_and_leave_nothing_behind():
    @primitive(broadcasts=True)
    def scaled(a, b):
        return a * b

    scaled.defvjp(a=lambda g, b: g * b, b=lambda g, a: g * a)
    rules = dict(scaled.rules)

    def value_alone():
        assert scaled(2.0, 3.0) == 6.0

    def thorough():
        check_grads(scaled, np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([3.0, 7.0]))

    assert len(survivors(scaled, value_alone)) == len(mutate_rules(scaled)) > 40
    # The tape repairs shape and dtype, and both rules see one call alone.
    missed = {fault.what for fault in survivors(scaled, thorough)}
    assert missed <= {
        "float64",
        "float32",
        "wrong shape",
        "values of the first call",
        "one buffer for every call",
    }
    assert {name: rule.function for name, rule in scaled.rules.items()} == {
        name: rule.function for name, rule in rules.items()
    }
    with pytest.raises(ZeroDivisionError):  # a test that fails for the right rules too
        survivors(scaled, lambda: 1 / 0)


def test_strategies_without_hypothesis_say_what_to_install():
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from tinygrad_cnn.testing import strategies, check_grads\n"
        "strategies.arrays()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert 'not installed: pip install "tinygrad-cnn[test]"' in done.stderr
