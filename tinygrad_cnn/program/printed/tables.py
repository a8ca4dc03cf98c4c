"""Tables about the lines of a program, as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

# Half-transparent colours are readable on light pages and on dark ones, and nothing is loaded from elsewhere.
_TABLE = "border-collapse: collapse; color: inherit; background: transparent; text-align: left"
_CELL = "padding: 1px 12px 1px 4px; text-align: left; vertical-align: top; color: inherit"
_SECTION = "padding: 6px 4px 2px 4px; text-align: left; border-bottom: 1px solid rgba(128, 128, 128, 0.6)"
_WAYS = {False: ("forward", "transparent"), True: ("the derived backward", "rgba(80, 140, 255, 0.14)")}


class Row(NamedTuple):
    """The cells of a row, and whether it belongs to the way back."""

    cells: tuple[str, ...]
    backward: bool = False


class Column(NamedTuple):
    """The title of a column; numbers stand at its right, and code in a fixed width."""

    title: str
    is_number: bool = False
    is_code: bool = False


def as_text(columns: Sequence[Column], rows: Sequence[Row], last: Sequence[Row] = ()) -> str:
    """Write a table as text; ``last`` are rows below a rule.

    Examples
    --------
    >>> print(as_text([Column("line"), Column("bytes", True)], [Row(("y", "8"))]))
    line  bytes
    -----------
    y         8
    """
    cells = [tuple(column.title for column in columns), *(row.cells for row in (*rows, *last))]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(texts: Sequence[str]) -> str:
        parts = zip(texts, widths, columns, strict=True)
        return "  ".join(t.rjust(w) if c.is_number else t.ljust(w) for t, w, c in parts).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    written: list[str] = [line(cells[0])]
    backward = None
    for row in rows:
        if row.backward != backward and any(other.backward for other in rows):
            written += [rule, _WAYS[row.backward][0]]
        elif backward is None:
            written.append(rule)
        backward = row.backward
        written.append(line(row.cells))
    return "\n".join([*written, *([rule] if last else []), *(line(row.cells) for row in last)])


def as_html(columns: Sequence[Column], rows: Sequence[Row], last: Sequence[Row] = ()) -> str:
    """Write a table as HTML, with a title above the forward rows and another above the backward ones."""
    parts = [f'<table style="{_TABLE}"><thead><tr>']
    parts += [f'<th style="{_CELL}">{html.escape(column.title)}</th>' for column in columns]
    parts.append("</tr></thead><tbody>")
    backward = None
    for row in rows:
        if row.backward != backward:
            title = _WAYS[row.backward][0]
            parts.append(f'<tr><th colspan="{len(columns)}" style="{_SECTION}">{title}</th></tr>')
            backward = row.backward
        parts.append(_html_row(columns, row))
    if last:
        parts.append(f'<tr><th colspan="{len(columns)}" style="{_SECTION}">in all</th></tr>')
        parts += [_html_row(columns, row) for row in last]
    return "".join([*parts, "</tbody></table>"])


def _html_row(columns: Sequence[Column], row: Row) -> str:
    cells = []
    for column, text in zip(columns, row.cells, strict=True):
        style = f"{_CELL}; text-align: right" if column.is_number else _CELL
        inner = html.escape(text)
        inner = (
            f'<code style="color: inherit; background: transparent">{inner}</code>'
            if column.is_code
            else inner
        )
        cells.append(f'<td style="{style}">{inner}</td>')
    return f'<tr style="background: {_WAYS[row.backward][1]}">{"".join(cells)}</tr>'
