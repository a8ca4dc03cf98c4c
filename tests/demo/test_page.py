"""What the page is told: readings that are those of Python, a training, steps of expressions, refusals."""

import base64
import json

import numpy as np
import pytest
from clients import exchange, head, running
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tg
from tinygrad_cnn import data, nn
from tinygrad_cnn.demo import standalone_page
from tinygrad_cnn.demo.expression import FUNCTIONS, parse, read_value
from tinygrad_cnn.demo.page import Page
from tinygrad_cnn.demo.reading import SIDE
from tinygrad_cnn.demo.walk import walk
from tinygrad_cnn.models import MODELS
from tinygrad_cnn.train import SavedModel


def untrained(name="baseline", layer=None, **changes):
    layer = layer or MODELS[name]()
    params, state = layer.init(np.random.default_rng(0))
    return SavedModel(name, layer, params, state, data.Normalization.none(1), **changes)


@pytest.fixture(scope="module")
def page():
    return Page(untrained("baseline-bn"))


@pytest.fixture(scope="module")
def ink():
    """A drawing of a line with a bend."""
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    pixels[20:76, 40:46] = pixels[20:26, 40:70] = 255
    return pixels


def asked(page, method, path, query="", body=b""):
    answer = page(method, path, query, body)
    assert answer.status == 200
    return json.loads(answer.body)


def numbers(maps):
    """The numbers that the bytes of a picture stand for."""
    grey = np.frombuffer(base64.b64decode(maps["bytes"]), np.uint8).reshape(maps["shape"]).astype(float)
    return ((grey - 128) / 127 if maps["signed"] else grey / 255) * float(maps["top"])


# --- drawings ---------------------------------------------------------------------------------------------


def test_a_reading_is_what_the_model_and_its_gradient_say(page, ink):
    model = untrained("baseline-bn")
    image = data.prepare_digit(ink)
    seen = asked(page, "POST", "/read", "target=3", ink.tobytes())
    np.testing.assert_allclose(seen["logits"], model.logits(image[None])[0], rtol=1e-5)
    np.testing.assert_allclose(seen["probabilities"], model.probabilities(image[None])[0], rtol=1e-5)
    gradient = tg.grad(lambda x: model.layer(model.params, model.state, x)[0][0, 3])(image[None])[0]
    np.testing.assert_allclose(numbers(seen["saliency"]), gradient, atol=0.01 * np.abs(gradient).max())
    np.testing.assert_allclose(numbers(seen["image"]), image, atol=0.003)


def test_layers_show_what_each_has_computed(page, ink):
    model = untrained("baseline-bn")
    network, seen = asked(page, "GET", "/network"), asked(page, "POST", "/read", "", ink.tobytes())
    assert len(network["program"]) == len(seen["lines"])
    x = data.prepare_digit(ink)[None]
    for shown, (name, layer) in zip(seen["layers"], model.layer.layers, strict=True):
        assert shown["name"] == name
        x, _ = layer(model.params.get(name, {}), model.state.get(name, {}), x)
        shown = numbers(seen["lines"][shown["line"]])
        np.testing.assert_allclose(shown.ravel(), x.ravel(), atol=0.01 * np.abs(x).max())


def test_every_file_that_the_page_names_is_served(page):
    index = page("GET", "/", "", b"").body.decode()
    for name in ("style.css", "draw.js", "player.js"):
        assert (f'"{name}"' in index) == (f"/{name}" in page._files)
    assert page("GET", "/draw.js", "", b"").kind == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "status"),
    [
        ("GET", "/nothing", "", b"", 404),
        ("GET", "/../page.py", "", b"", 404),
        ("GET", "/static/draw.js", "", b"", 404),
        ("POST", "/", "", b"", 405),
        ("GET", "/read", "", b"", 405),
        ("POST", "/read", "", b"12", 400),
        ("POST", "/read", "target=10", bytes(SIDE * SIDE), 400),
        ("POST", "/read", "which=other", bytes(SIDE * SIDE), 400),
        ("POST", "/read", "&".join(f"a{i}=1" for i in range(9)), b"", 400),
        ("POST", "/lesson", "", b"", 400),
        ("POST", "/lesson", "steps=21", b"", 400),
        ("POST", "/lesson", "restart=1&rate=7", b"", 400),
        ("POST", "/expression", "", b"[]", 400),
        ("POST", "/expression", "", b"\xff", 400),
        ("POST", "/expression", "", b"[" * 100_000, 400),
        ("POST", "/expression", "", b'{"expression": "x", "values": 3}', 400),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_line(page, method, path, query, body, status):
    with running(page) as server:
        request = head(server, f"{method} {path}?{query} HTTP/1.1", f"Content-Length: {len(body)}") + body
        found, _, text = exchange(server, request)
    assert (found, text.count("\n")) == (status, 1)


def test_a_model_of_something_else_is_refused():
    with pytest.raises(ValueError, match="expected a model of the ten digits"):
        Page(untrained(classes=tuple("abcdefghij")))


def test_a_lesson_learns_and_begins_anew_in_the_same_way(page, monkeypatch):
    few = data.digits(200, 40)
    monkeypatch.setattr(data, "digits", lambda *sizes: few)
    first = asked(page, "POST", "/lesson", "restart=1&rate=0.05")
    assert (first["steps"], first["losses"], numbers(first["changes"]).any()) == (0, [], False)
    seen = asked(page, "POST", "/lesson", "steps=12")
    assert seen["steps"] == len(seen["losses"]) == 12
    assert seen["losses"][-1] < seen["losses"][0]
    assert numbers(seen["changes"]).any()
    assert asked(page, "POST", "/lesson", "restart=1&rate=0.05") == first
    again = asked(page, "POST", "/lesson", "steps=1")
    assert again["losses"] == seen["losses"][:1]


# --- expressions ------------------------------------------------------------------------------------------


def stepped(text, **values):
    return walk(json.dumps({"expression": text, "values": values}).encode())


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("relu(w * x + b) ** 2", {"w": 3, "x": 2, "b": -1}),
        ("x * x * x + sin(x) / x", {"x": 0.5}),
        ("mean((w @ x - y) ** 2)", {"w": [[1, 2], [3, 4]], "x": [1, -1], "y": [0, 1]}),
        ("logaddexp(x, -y) - max(x) * 2", {"x": [1, 2], "y": 0.5}),
        ("softplus(-x) + 2 ** x - log(1 + exp(x))", {"x": [0.3, 1]}),
    ],
)
def test_the_steps_end_in_the_value_and_the_gradients(text, values):
    arrays = {name: np.array(value, np.float64) for name, value in values.items()}
    space = {name: getattr(tg, name) for name in FUNCTIONS}
    value, gradients = tg.value_and_grad(lambda v: tg.sum(eval(text, {**space, **v})))(arrays)  # our own text
    walked = stepped(text, **{name: json.dumps(value) for name, value in values.items()})
    np.testing.assert_allclose(float(walked["nodes"][-1]["value"]), value, rtol=1e-3)
    for name, gradient in gradients.items():
        last = [step for step in walked["backward"] if step["to"] == name][-1]
        np.testing.assert_allclose(json.loads(last["gradient"]), gradient, rtol=1e-3, atol=1e-9)


def test_each_step_back_says_which_line_computes_it():
    steps = stepped("x * x + exp(x)", x="2")["backward"]
    assert [(step["node"], step["to"], step["lines"]) for step in steps] == [
        ("add", "add", ["d_add = 1"]),
        ("add", "multiply", ["d_multiply = d_add"]),
        ("add", "exp", ["d_exp = d_add"]),
        ("exp", "x", ["d_x = d_exp * exp"]),
        ("multiply", "x", ["d_x += d_multiply * x"]),
        ("multiply", "x", ["d_x += d_multiply * x"]),
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_that_is_offered_can_be_stepped_through(name):
    operands = ["x", "y"][: FUNCTIONS[name]]
    assert stepped(f"{name}({', '.join(operands)})", x="[0.5, 1.5]")["backward"]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')",
        "().__class__",
        "x.data",
        "x[0]",
        "[x for x in y]",
        "lambda x: x",
        "(x := 2)",
        "f'{x}'",
        "x if x else 1",
        "x < 1",
        "x // 2",
        "exp(*x)",
        "exp(x=x)",
        "exp",
        "exp(x, x)",
        "open(x)",
        "True * x",
        "1j * x",
        "1e999 * x",
        "2 ** 3",
        "x",
        "",
        "(" * 99 + "x" + ")" * 99 + "+",
        "-" * 150 + "x",
        "x" + "+x" * 60,
        "x" * 300,
        "multiply * 2",
        "x; x",
        "\0",
        "a+b+c+d+e+f+g",
    ],
)
def test_what_is_no_expression_of_operations_is_refused_in_a_line(text):
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        stepped(text)


@given(st.text(st.sampled_from("xyw12 .()[]+-*/@,_'\"expsin\\\0\n"), max_size=40))
def test_any_text_is_walked_or_refused(text):
    found = None
    try:
        stepped(text)
    except ValueError as error:
        found = str(error)
    assert found is None or "\n" not in found


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "[1, [2]]", "[[[1]]]", "1e999", "NaN", '"1"', "[" * 150, str([0] * 17)]
)
def test_what_is_no_value_is_refused(text):
    with pytest.raises(ValueError, match=r"^x: expected a number or a list"):
        read_value("x", text)


def test_shapes_that_do_not_fit_are_refused_by_the_node():
    with pytest.raises(ValueError, match=r"^x @ w: "):
        stepped("x @ w", x="[1, 2]", w="[1, 2, 3]")


def test_a_value_that_is_not_finite_is_shown():
    assert stepped("log(x)", x="0")["nodes"][0]["value"] == "-inf"
    assert parse("x + 1")[0] == ["x"]


# --- the page in one file ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_the_page_in_one_file_loads_nothing(name):
    page = standalone_page(untrained(name))
    assert page.count("<script") == page.count("</script>") == 7
    assert not any(text in page for text in ("src=", 'href="s', "http://", "https://", "@import", "fetch("))


def test_a_name_cannot_end_the_script_of_the_page():
    page = standalone_page(untrained("</script><script>alert(1)", MODELS["baseline"]()))
    assert page.count("<script") == 7


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Dense(196, 10)), "the operation 'avg_pool2d'"),
        (nn.Sequential(nn.Flatten(), nn.Dense(784, 10), nn.Sigmoid()), "the operation 'sigmoid'"),
    ],
)
def test_an_operation_without_a_player_is_named_in_a_line(layer, named):
    with pytest.raises(ValueError, match=rf"^the page has no player for {named}: it plays add, [^\n]+$"):
        standalone_page(untrained("own", layer))
