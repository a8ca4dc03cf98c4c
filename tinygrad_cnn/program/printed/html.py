"""A program as a table in a notebook: what each line computes, its shape, and the user's line."""

from __future__ import annotations

from ...tables import Column, Row, as_html
from ..recorded import Recorded
from .source import SourceWriter

_COLUMNS = (Column("line", is_code=True), Column("shape"), Column("your line", is_code=True))


def page_of(program: Recorded) -> str:
    """Write a program as an HTML table, whose rows say whether they belong to the way back."""
    rows = [
        Row((statement.text, statement.kind, str(statement.line.place or "")), statement.backward)
        for statement in SourceWriter(program).statements
    ]
    return as_html(_COLUMNS, rows)
