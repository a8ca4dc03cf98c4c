"""The record of a training: a row of numbers for each epoch, which prints and is written to files."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import tables
from . import atomic, json_lines

__all__ = ["History"]

Row = dict[str, float]
_HIDDEN = {"step", "lr"}  # which a table of 100 characters has no room for
_TITLES = {"images_per_second": "images/s"}


class History:
    """The rows of a training, one an epoch, each with the same names.

    It behaves as a sequence of dicts, and prints as a table.

    Parameters
    ----------
    rows : iterable of mapping of str to float
        The rows to begin with.

    Examples
    --------
    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history[-1]["loss"], history["loss"]
    (0.25, [0.5, 0.25])
    >>> print(history)
    epoch    loss
        1  0.5000
        2  0.2500
    """

    def __init__(self, rows: Iterable[Mapping[str, float]] = ()) -> None:
        self.rows: list[Row] = [dict(row) for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, key: int | str) -> Any:
        return [row.get(key, math.nan) for row in self.rows] if isinstance(key, str) else self.rows[key]

    def __str__(self) -> str:
        return "\n".join([self.heading(), *(self.line(row) for row in self.rows)])

    def __repr__(self) -> str:
        return f"<History of {len(self.rows)} epochs>"

    def _repr_html_(self) -> str:
        names = self._shown()
        rows = [
            tables.Row(tuple(_text(name, row[name]) if name in row else "" for name in names)) for row in self
        ]
        return tables.as_html([tables.Column(_title(name), is_number=True) for name in names], rows)

    @property
    def names(self) -> list[str]:
        """The names of the numbers, in the order in which they came."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def append(self, row: Mapping[str, float]) -> None:
        """Add the row of one more epoch.

        Parameters
        ----------
        row : mapping of str to float
            The numbers by name.
        """
        self.rows.append(dict(row))

    def heading(self) -> str:
        """Return the first line of the table: the names, each above its column.

        Returns
        -------
        str
        """
        return "  ".join(f"{_title(name):>{_width(name)}}" for name in self._shown())

    def line(self, row: Mapping[str, float]) -> str:
        """Return a row as a line of the table.

        Parameters
        ----------
        row : mapping of str to float
            A row of the history.

        Returns
        -------
        str
        """
        return "  ".join(f"{_text(name, row[name]):>{_width(name)}}" for name in self._shown() if name in row)

    def _shown(self) -> list[str]:
        return [name for name in self.names if name not in _HIDDEN]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write all rows to a file, as CSV if its name ends in ``.csv``, or else as lines of JSON.

        The file is replaced as a whole, so it never holds half a row, nor one twice after a run was resumed.

        Parameters
        ----------
        path : str or path
            The file to write. In lines of JSON, what is not finite is null.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        text = self._csv() if Path(path).suffix == ".csv" else self._json_lines()
        atomic.write(Path(path), [text.encode()])

    def _csv(self) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, self.names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()

    def _json_lines(self) -> str:
        return "".join(json_lines.line(row) + "\n" for row in self.rows)

    def columns(self) -> dict[str, np.ndarray]:
        """Return one array for each name, which is how a checkpoint keeps a history of any length.

        Returns
        -------
        dict of str to ndarray
        """
        return {name: np.array(self[name]) for name in self.names}

    @classmethod
    def of_columns(cls, columns: Mapping[str, np.ndarray]) -> History:
        """Make a history of what `columns` has returned.

        Parameters
        ----------
        columns : mapping of str to ndarray
            Arrays of one length by name.

        Returns
        -------
        History
        """
        lists = {name: column.tolist() for name, column in columns.items()}
        return cls(dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True))


def _title(name: str) -> str:
    return _TITLES.get(name, name.replace("_", " "))


def _width(name: str) -> int:
    return max(len(_title(name)), 5 if name == "epoch" else 6)


def _text(name: str, value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if name.endswith("accuracy"):
        return f"{value:.2%}"
    if "second" in name:
        return f"{value:.{0 if name.endswith('per_second') else 1}f}"
    return f"{value:.4f}"
