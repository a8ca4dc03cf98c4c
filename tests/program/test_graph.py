"""Pictures of programs: every array is an arrow from what makes it to what uses it."""

import re

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.program import trace


def slope_of_a_square():
    return trace(tg.grad(lambda w, x: ((x @ w) ** 2).sum()), np.ones(3), np.ones((5, 3)))


def dot(text):
    """The boxes of a picture by name, and the arrows between what stands in them."""
    boxes = {
        name: (label, rest)
        for name, label, rest in re.findall(r'^    (v\d+) \[label="((?:[^"\\]|\\.)*)"(.*)\];$', text, re.M)
    }
    arrows = re.findall(r'^    (v\d+) -> (v\d+) \[label="(.*?)"\];$', text, re.M)
    return boxes, {(boxes[start][0], boxes[end][0], label) for start, end, label in arrows}


def test_the_arrows_of_a_gradient():
    boxes, arrows = dot(slope_of_a_square().graph())
    texts = {label for label, _ in boxes.values()}
    (square,) = [text for text in texts if not text.startswith("d_") and "power" in text.split(" =")[0]]
    assert ("x", "matmul = x @ w", "float64[5, 3]") in arrows
    assert ("w", "matmul = x @ w", "float64[3]") in arrows
    assert ("matmul = x @ w", square, "float64[5]") in arrows
    (last,) = [start for start, end, _ in arrows if end == "result"]
    assert last.startswith("d_w = ")


def test_the_way_back_looks_different():
    program = slope_of_a_square()
    boxes, _ = dot(program.graph())
    forward, backward = program.source.split("# --- the derived backward ---")
    for label, rest in boxes.values():
        text = label.replace("\\", "")
        assert text == "result" or text in (backward if "dashed" in rest else forward)
    assert sum("dashed" in rest for _, rest in boxes.values()) >= 4


def test_both_languages_say_the_same():
    program = slope_of_a_square()
    _, arrows = dot(program.graph("dot"))
    lines = program.graph("mermaid").splitlines()
    texts = dict(re.findall(r'^    (v\d+)[\[(]+"(.*?)"[\])]+$', "\n".join(lines), re.M))
    found = re.findall(r'^    (v\d+) -->\|"(.*?)"\| (v\d+)$', "\n".join(lines), re.M)
    assert lines[0] == "flowchart TD"
    assert {(texts[a], texts[b], label) for a, label, b in found} == {
        (start.replace('\\"', "&quot;"), end.replace('\\"', "&quot;"), label) for start, end, label in arrows
    }


def test_a_generator_and_an_optimizer_have_their_boxes():
    def step(optimizer, rng):
        optimizer.step({"w": rng.random(2)})
        return optimizer.params["w"].sum()

    program = trace(step, tg.optim.SGD({"w": np.ones(2)}, lr=0.1), np.random.default_rng(0))
    _, arrows = dot(program.graph())
    assert ("rng", "random = rng.random(2)", "") in arrows
    assert any(start == "optimizer" and end.startswith("optimizer.step(") for start, end, _ in arrows)


def test_another_language_is_refused():
    with pytest.raises(ValueError, match=r"graph: format: expected 'dot' or 'mermaid', got 'svg'"):
        slope_of_a_square().graph("svg")
