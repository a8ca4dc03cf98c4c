"""`explain` says of each line whether its gradient is right, and finds one that is not."""

import numpy as np
import pytest
import records

import tinygrad_cnn as tg
from tinygrad_cnn.explanation import Explanation
from tinygrad_cnn.program import RecordingError

RNG = np.random.default_rng


def checks(explanation):
    return {line.text.partition(" = ")[2]: line.check for line in explanation.lines if not line.backward}


def two_layers(p, x, y):
    h = tg.tanh(x @ p["w1"] + p["b1"])
    return tg.cross_entropy(h @ p["w2"] + p["b2"], y)


def arguments(dtype):
    shapes = {"w1": (4, 3), "b1": (3,), "w2": (3, 2), "b2": (2,)}
    p = {name: RNG(i).standard_normal(shape).astype(dtype) for i, (name, shape) in enumerate(shapes.items())}
    return p, RNG(5).standard_normal((5, 4)).astype(dtype), np.array([0, 1, 1, 0, 1])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_line_of_a_network_is_exact_in_double_precision(dtype):
    explanation = tg.explain(tg.value_and_grad(two_layers), *arguments(dtype))
    found = checks(explanation)
    assert found.pop('indices("cross_entropy", "labels", y, 2)') == "not an operation"
    assert set(found.values()) - {"not an operation", "rounded to float16", "rounded to float32"} == {"exact"}
    assert found["tg.tanh(add)"] == "exact"
    backward = [line for line in explanation.lines if line.backward]
    assert len(backward) > 8
    assert {line.check for line in backward} == {""}


def test_a_wrong_rule_is_found_with_its_error():
    @tg.primitive
    def cube(x):
        return x**3

    cube.defvjp(x=lambda g, x: g * 3 * x**2 * 1.001)
    (line,) = tg.explain(lambda x: cube(x), np.array([1.0, -2.0])).lines
    assert 1e-4 < float(line.check.removeprefix("off by ")) <= 1e-3  # the terms of the sum cancel a little
    cube.defvjp(x=lambda g, x: g * 3 * x**2)
    (line,) = tg.explain(lambda x: cube(x), np.array([1.0, -2.0])).lines
    assert line.check == "exact"


@pytest.mark.parametrize(
    ("f", "x", "check"),
    [
        (tg.floor, [1.5], "constant between its steps"),
        (tg.relu, [0.0, 1.0], "at a kink"),
        (tg.relu, [0.5, 1.0], "exact"),
        (tg.square, [0.0], "exact"),
        (tg.cos, [0.0], "exact"),
        (lambda x: tg.linalg.eigh(x)[1], [[3.0, 0.0], [0.0, 6.0]], "at a jump"),
        (tg.log, [-1.0], "not finite"),
        (lambda x: x.argsort(), [2.0, 1.0], "not floating"),
        (lambda x: tg.astype(x, np.float32), [2.0, 1.0], "rounded to float32"),
        (lambda x: tg.exp(tg.Tensor(x)), [1.0], "exact"),
    ],
)
def test_why_there_is_no_check(f, x, check):
    assert tg.explain(f, np.array(x)).lines[0].check == check


def test_an_operation_without_rules_or_floating_operands():
    @tg.primitive
    def bare(x):
        return x * 2.0

    assert tg.explain(lambda x: bare(x), np.ones(2)).lines[0].check == "no gradient rule"
    assert tg.explain(lambda x: tg.exp(x), np.arange(3)).lines[0].check == "no floating operand"


@pytest.mark.parametrize("case", [case for case in records.CASES if case.order], ids=repr)
def test_no_operation_is_said_to_be_wrong(case):
    call, _ = next(records.drawn(case, 1))
    with np.errstate(all="ignore"):
        try:
            explanation = tg.explain(lambda operands: case.function(*operands, **call.params), call.operands)
        except (RecordingError, ValueError):
            return  # the suite of recording says which these are
    assert not [line for line in explanation.lines if line.check.startswith("off")]


def test_the_table_as_text_and_as_html():
    explanation = tg.explain(lambda x: tg.exp(x) * 2.0, np.ones(2))
    assert isinstance(explanation, Explanation)
    head, rule, *rows = str(explanation).splitlines()
    assert head.split("  ")[0] == "line"
    assert head.split()[-2:] == ["your", "line"]
    assert set(rule) == {"-"}
    assert rows[0].split()[:6] == ["exp", "=", "tg.exp(x)", "float64[2]", "exact", rows[0].split()[5]]
    assert explanation._repr_html_().count("<tr") == 4


def test_only_functions_are_explained():
    with pytest.raises(TypeError, match="explain: f: expected a function, got 3"):
        tg.explain(3)
