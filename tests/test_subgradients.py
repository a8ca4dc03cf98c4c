"""The table of ties, kinks and singular points says what the package does: every line is run."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tinygrad_cnn as tg

PAGE = Path(__file__).parents[1] / "docs" / "subgradients.md"
LINES = re.findall(r"^\| `(.+?)` \| `(.+?)` \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def d(f, x):
    """The gradient of ``f`` at ``x``, summed if it is an array."""
    return tg.grad(lambda x: tg.sum(f(x)))(np.array(x))


NAMES = {
    **{name: getattr(tg.ops, name) for name in tg.ops.__all__},
    "linalg": tg.linalg,
    "d": d,
    "array": np.array,
    "inf": np.inf,
    "nan": np.nan,
}


@pytest.mark.filterwarnings("ignore:Degrees of freedom:RuntimeWarning")
@pytest.mark.parametrize(("expression", "value"), LINES, ids=[expression for expression, _ in LINES])
def test_the_line_holds(expression, value):
    with np.errstate(all="ignore"):  # singular points are what it is about
        found = eval(expression, dict(NAMES))  # our own page
    expected = np.array(eval(value, dict(NAMES)))
    assert np.shape(found) == expected.shape
    assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_every_line_of_the_tables_was_read():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    headers = sum(line.startswith("| expression") for line in rows)
    assert len(LINES) == len(rows) - 2 * headers
    assert len(LINES) > 50
