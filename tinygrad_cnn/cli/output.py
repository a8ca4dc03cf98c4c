"""What the command prints: lines that any terminal can show, or objects of JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..checks import printable
from ..train import json_lines


def complain(problem: object, status: int) -> int:
    """Print one line on standard error, and return the exit status."""
    if isinstance(problem, OSError) and problem.filename:
        problem = f"{problem.filename}: {problem.strerror}"
    say(f"tinygrad-cnn: error: {one_line(problem)}", "stderr")
    return status


def one_line(problem: object) -> str:
    """Return a problem as one line of a length to be read, which holds no character that moves a cursor."""
    return printable(" ".join(str(problem).splitlines()), 500)


def say(text: str, where: str = "stdout") -> None:
    """Print a text at once, with escapes for what the encoding of the output lacks, such as in a path."""
    file = getattr(sys, where)
    if file is None:  # whoever has started the process has closed it
        return
    encoding = getattr(file, "encoding", None) or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=file, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, where) from error


def check_writable(option: str, path: Path, check: Callable[[Path], None]) -> None:
    """Raise a ValueError before the work, not after it, if something cannot be saved."""
    try:
        check(path)
    except OSError as error:
        raise ValueError(f"{option}: {path} cannot be written: {error.strerror}") from error


def announce_replacing(path: Path | None) -> None:
    """Say that a file will be replaced, if there is one."""
    if path is not None and path.exists():
        say(f"{one_line(path)} exists, and will be replaced")


def emit(found: Mapping[str, Any]) -> None:
    """Print an object of JSON on a line, which every output can encode."""
    say(json_lines.line(found))


def table(rows: Sequence[Sequence[object]]) -> str:
    """Lay out rows, the first of which is the heading: texts to the left, numbers to the right.

    Examples
    --------
    >>> print(table([("name", "images"), ("mnist", 70000)]))
    name   images
    mnist   70000
    """
    texts = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    left = [isinstance(cell, str) for cell in rows[-1]]
    lines = (
        "  ".join(
            f"{text:<{width}}" if to_left else f"{text:>{width}}"
            for text, width, to_left in zip(row, widths, left, strict=True)
        )
        for row in texts
    )
    return "\n".join(line.rstrip() for line in lines)
