"""How long lines of a printed program are broken: at the commas of their outermost brackets."""

from __future__ import annotations

WIDTH = 100

_PAIRS = {"(": ")", "[": "]", "{": "}"}


def wrapped(row: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """Break a row in lines of at most ``width`` characters, where brackets allow it.

    Examples
    --------
    >>> wrapped("y = f(alpha, beta)", width=12)
    ['y = f(', '    alpha,', '    beta,', ')']
    >>> wrapped("y = 2 * (alpha + beta)", width=16)
    ['y = 2 * (', '    alpha + beta', ')']
    """
    if len(indent + row) <= width:
        return [indent + row]
    start = _last_bracket(row)
    if start is None:
        return [indent + row]
    inner = indent + "    "
    parts = _split(row[start + 1 : -1])
    is_call = row[start] == "(" and start > 0 and (row[start - 1].isalnum() or row[start - 1] == "_")
    is_group = row[start] == "(" and not is_call and len(parts) == 1 and row[-2] != ","
    together = inner + ", ".join(parts)
    if is_group:  # a comma would make a tuple of it
        lines = wrapped(parts[0], inner, width)
    elif len(together) <= width and is_call:
        lines = [together]
    else:
        lines = [line for part in parts for line in _with_comma(wrapped(part, inner, width - 1))]
    return [indent + row[: start + 1], *lines, indent + row[-1]]


def _with_comma(lines: list[str]) -> list[str]:
    return [*lines[:-1], f"{lines[-1]},"]


def _last_bracket(row: str) -> int | None:
    """Return where the bracket opens that the row ends with."""
    opened: list[int] = []
    last = None
    for i, character, quoted in _characters(row):
        if quoted:
            continue
        if character in _PAIRS:
            opened.append(i)
        elif character in _PAIRS.values():
            last = opened.pop()
    return last if row[-1] in _PAIRS.values() else None


def _split(text: str) -> list[str]:
    """Split at the commas that are inside of no bracket."""
    parts, depth, start = [], 0, 0
    for i, character, quoted in _characters(text):
        if quoted:
            continue
        depth += (character in _PAIRS) - (character in _PAIRS.values())
        if character == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [part for part in (*parts, text[start:].strip()) if part]


def _characters(text: str) -> list[tuple[int, str, bool]]:
    """List characters with their places, and whether they are inside of a string."""
    found, quote = [], ""
    for i, character in enumerate(text):
        if quote:
            found.append((i, character, True))
            if character == quote and text[i - 1] != "\\":
                quote = ""
        else:
            quote = character if character in "'\"" else ""
            found.append((i, character, bool(quote)))
    return found
