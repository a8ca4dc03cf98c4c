"""What lines cost, against counts by hand and against the memory that Python really takes."""

import tracemalloc
from html.parser import HTMLParser

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.program import trace

ONES = np.ones


def gradients(f, *operands):
    """The program of a sum of squares of what a function computes, with the gradients of all operands."""
    return trace(tg.grad(lambda *xs: (f(*xs) ** 2).sum(), argnums=tuple(range(len(operands)))), *operands)


@pytest.mark.parametrize(
    ("f", "operands", "count"),
    [
        (tg.matmul, (ONES((5, 4)), ONES((4, 3))), 5 * 4 * 3),
        (tg.matmul, (ONES((2, 5, 4)), ONES((4, 3))), 2 * 5 * 4 * 3),
        (lambda x, w: tg.conv2d(x, w, padding=1), (ONES((2, 3, 5, 6)), ONES((4, 3, 3, 3))), 2 * 4 * 30 * 27),
        (
            lambda x, w: tg.conv2d(x, w, stride=2, groups=2),
            (ONES((2, 4, 7, 7)), ONES((6, 2, 3, 3))),
            2 * 6 * 9 * 18,
        ),
        (tg.conv1d, (ONES((2, 3, 8)), ONES((4, 3, 3))), 2 * 4 * 6 * 9),
        (tg.conv3d, (ONES((1, 2, 3, 4, 4)), ONES((3, 2, 2, 2, 2))), 3 * 2 * 9 * 16),
        (tg.conv_transpose2d, (ONES((1, 2, 3, 3)), ONES((2, 4, 2, 2))), 2 * 9 * 16),
        (lambda a, b: tg.einsum("ij,jk->ik", a, b), (ONES((5, 4)), ONES((4, 3))), 60),
        (lambda a, b: tg.tensordot(a, b, 1), (ONES((2, 5, 4)), ONES((4, 3))), 120),
        (tg.multiply, (ONES(4), ONES(4)), 0),
    ],
)
def test_multiply_adds_are_counted_and_each_gradient_costs_as_much(f, operands, count):
    assert trace(f, *operands).cost().multiply_adds == count
    assert gradients(f, *operands).cost().multiply_adds == 3 * count


def test_the_gradient_of_a_product_of_vectors_multiplies_elements():
    assert trace(tg.matmul, ONES(4), ONES(4)).cost().multiply_adds == 4
    assert gradients(tg.matmul, ONES(4), ONES(4)).cost().multiply_adds == 4


def test_a_chain_of_products_is_counted_in_the_order_that_numpy_takes():
    operands = ONES((10, 2)), ONES((2, 20)), ONES((20, 3))
    program = trace(lambda *xs: tg.einsum("ij,jk,kl->il", *xs), *operands)
    assert program.cost().multiply_adds == 2 * 20 * 3 + 10 * 2 * 3  # the last two first


def test_bytes_are_read_and_written_once_each_and_views_move_none():
    x = ONES((10, 10))
    assert trace(lambda x: x + x, x).cost().bytes_moved == 2 * 800
    assert trace(lambda x: tg.transpose(x), x).cost().bytes_moved == 0
    assert trace(lambda x: tg.transpose(x) * 2.0, x).cost().bytes_moved == 2 * 800
    assert trace(lambda x: tg.exp(x), x).cost().arguments == 800


@pytest.mark.parametrize(
    "f",
    [
        lambda x: tg.exp(tg.sin(tg.cos(x))),
        lambda x: tg.sin(x) + tg.cos(x) * tg.exp(x),
        lambda x: tg.grad(lambda x: (tg.relu(x) + x).sum())(x),
        lambda x: [tg.reshape(tg.sin(x), (-1, 10))[:5], tg.cos(x).sum()],
    ],
)
def test_the_peak_is_what_a_played_program_takes(f):
    x = np.linspace(0.0, 1.0, 200_000)
    program = trace(f, x)
    program(x)  # makes the function that plays it
    tracemalloc.start()
    out = program(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del out
    assert program.cost().peak_memory == pytest.approx(peak, rel=0.14)


class Cells(HTMLParser):
    """The texts of the cells of a table, with a check that every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data


def test_the_table_has_a_row_a_line_and_the_totals():
    program = gradients(lambda x, w: tg.relu(x @ w), ONES((5, 4)), ONES((4, 3)))
    cost = program.cost()
    rows = str(cost).splitlines()
    assert rows[0].split("  ")[0] == "line"
    assert [row for row in rows if not row.startswith("-")][1] == "forward"
    assert "the derived backward" in rows
    assert rows[-1].split()[-3:] == [f"{n:,}" for n in (180, cost.bytes_moved, cost.peak_memory)]
    cells = Cells(cost._repr_html_()).cells
    assert {line.text for line in cost.lines} <= set(cells)
    assert "180" in cells


def test_a_program_is_shown_in_a_notebook_without_anything_from_elsewhere():
    def f(x, w):
        h = tg.where(x < 1.0, x, 0.0) @ w
        return h.sum()

    page = trace(tg.grad(f), ONES((5, 4)), ONES((4, 3)))._repr_html_()
    cells = Cells(page).cells
    assert cells[:3] == ["line", "shape", "your line"]
    assert cells.index("forward") < cells.index("the derived backward")
    assert any(cell.endswith("h = tg.where(x < 1.0, x, 0.0) @ w") for cell in cells)
    assert "float64[5, 3]" in cells
    assert not [word for word in ("http", "src=", "<script", "url(") if word in page]
