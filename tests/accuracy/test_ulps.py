"""Every elementwise operation is right to the last digits, and so are its first two derivatives."""

import re
from pathlib import Path

import numpy as np
import points
import pytest
import records
import truth


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", truth.TRUTH)
def test_a_value_and_its_derivatives_are_right_to_the_last_digits(name, dtype):
    one = truth.TRUTH[name]
    for order in one.derivatives:
        found = points.measured(name, one.function(name), order, dtype, size=60)
        assert found.worst <= one.limit, f"derivative {order}: {found}"


def test_the_page_has_a_row_for_each_derivative_and_keeps_to_the_limit():
    """The numbers themselves depend a little on the processor."""
    page = (Path(__file__).parents[2] / "docs" / "accuracy.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S.*?) \| (\(?[\d,]+\)?) \| (\S+) \|[^|]*\|[^|]*\| (\S+) \|", page, re.MULTILINE)
    shown = {(name, order): max(float(single), float(double)) for name, order, single, double in rows}
    limits = {
        (name, str(order).replace(" ", "")): one.limit
        for name, one in truth.TRUTH.items()
        for order in one.derivatives
    }
    assert set(shown) == set(limits)
    assert {key for key in shown if shown[key] > limits[key]} == set()


def test_every_elementwise_operation_has_its_truth():
    """A derivative that is a primitive of its own is measured as that of its operation."""
    elementwise = {record.name for record in records.RECORDS if record.case.elementwise}
    missing = elementwise - {name.split(":")[0] for name in truth.TRUTH} - truth.EXACT
    assert not missing, "add a line to tests/accuracy/truth.py"
