"""What a notebook shows of an object is well-formed, escaped, small, and readable on light and on dark."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn, train

BOTH = tg.Tensor(np.ones((2, 2)), requires_grad=True)
SHOWN = {
    "leaf": (BOTH, ["requires gradients", "float64[2, 2]", "1., 1."]),
    "computed": (BOTH * 2.0, ["computed by multiply", "2., 2."]),
    "constant": (tg.Tensor(np.zeros((1000, 1000), np.float32)), ["a constant", "float32[1000, 1000]", "..."]),
    "table": (tg.tree.table({"<b>": np.full(3, 2.0), "c": [0.0]}), ["<b>", "c.0", "float64[3]", "2"]),
    "history": (train.History([{"epoch": 1, "<i>loss": 0.5}, {"epoch": 2}]), ["epoch", "<i>loss", "0.5000"]),
    "summary": (nn.summary(nn.Sequential(nn.Dense(3, 2)), (3,)), ["Dense", "(1, 2)", "8", "total"]),
    "program": (tg.trace(lambda x: (x < 2) * x, np.ones(3)), ["forward", "float64[3]", "<"]),
    "explanation": (tg.explain(lambda x: x * x, np.ones(3)), ["exact"]),
}  # fmt: skip


class Page(HTMLParser):
    """A page whose elements are closed in the order in which they were opened, and its text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text = [], ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        assert tag in {"table", "thead", "tbody", "tr", "th", "td", "code"}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(("value", "told"), SHOWN.values(), ids=SHOWN)
def test_a_notebook_shows_it(value, told):
    page = value._repr_html_()
    text = Page(page).text
    assert [words for words in told if words not in text] == []
    assert len(page) < 10_000
    assert "http" not in page
    colours = re.findall(r"(?:color|background): ([^;\"]+)", page)
    assert {c for c in colours if "rgba" not in c} <= {"inherit", "transparent"}


def test_showing_a_tensor_counts_as_no_use_of_it():
    assert tg.grad(lambda x: (x._repr_html_(), x * x)[1])(3.0) == 6.0


def test_the_table_of_a_tree_says_how_large_arrays_are():
    table = tg.tree.table({"w": np.array([3.0, 4.0]), "empty": np.zeros((0, 2)), "n": 2, "t": BOTH})
    assert [row[2:] for row in table.rows] == [(2, np.sqrt(12.5)), (0, 0.0), (1, 2.0), (4, 1.0)]
    assert str(table).splitlines()[-1].split() == ["total", "7"]
