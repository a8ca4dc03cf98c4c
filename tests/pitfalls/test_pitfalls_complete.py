"""Every row of the table of gradient pitfalls has a test that carries its number."""

import re
from pathlib import Path

ROWS = {"K": 12, "S": 19, "B": 12, "C": 12, "D": 9, "A": 15}


def test_every_row_has_a_test():
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    found = set(re.findall(r"^def test_([A-Z]\d+)_", text, re.MULTILINE))
    assert found == {f"{section}{n}" for section, rows in ROWS.items() for n in range(1, rows + 1)}
