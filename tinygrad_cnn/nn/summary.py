"""A model as a table: layers, output shapes, parameters and multiply-adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..program.errors import RecordingError
from ..program.program import record
from ..tables import Column, Row, as_html, as_text
from .layer import Arrays, Layer

__all__ = ["Summary", "SummaryRow", "summary"]


_COLUMNS = (
    Column("name"), Column("layer"), Column("output shape"), Column("parameters", is_number=True),
    Column("multiply-adds", is_number=True),
)  # fmt: skip


class SummaryRow(NamedTuple):
    """One layer of a `Summary`."""

    name: str
    layer: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int | None  # None for a layer whose numbers decide what it computes


class Summary(NamedTuple):
    """The rows of a model, and a table of them as its string."""

    rows: tuple[SummaryRow, ...]

    @property
    def parameters(self) -> int:
        """The number of parameters of the model."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int | None:
        """The multiply-adds of the model for one sample; None if those of a layer are unknown."""
        counts = [row.multiply_adds for row in self.rows if row.multiply_adds is not None]
        return sum(counts) if len(counts) == len(self.rows) else None

    def __str__(self) -> str:
        return as_text(_COLUMNS, self._cells(), self._total())

    def _repr_html_(self) -> str:
        return as_html(_COLUMNS, self._cells(), self._total())

    def _cells(self) -> list[Row]:
        return [
            Row((r.name, r.layer, str(r.output_shape), f"{r.parameters:,}", _counted(r.multiply_adds)))
            for r in self.rows
        ]

    def _total(self) -> list[Row]:
        return [Row(("total", "", "", f"{self.parameters:,}", _counted(self.multiply_adds)))]


def _counted(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def summary(model: Layer, input_shape: tuple[int, ...]) -> Summary:
    """Describe a model, layer by layer, by running it once on zeros.

    Parameters
    ----------
    model : Layer
        The model to describe.
    input_shape : tuple of int
        The shape of one sample without the batch axis, such as ``(C, H, W)``.

    Returns
    -------
    Summary
        A table when it is printed. Output shapes are those of a batch of one sample. Multiply-adds are those
        of the products and convolutions that a layer computes for it, as `tinygrad_cnn.trace` records them;
        those of a layer that decides by the numbers of its input are unknown.

    Raises
    ------
    TypeError
        If the model is no layer, or the shape no tuple.
    ValueError
        If the model does not take the shape; a note of the error names the layer by its path.

    Examples
    --------
    >>> from tinygrad_cnn.nn import Conv2d, Flatten, Sequential
    >>> print(summary(Sequential(Conv2d(1, 8, 3, padding=1), Flatten()), (1, 28, 28)))
    name   layer    output shape    parameters  multiply-adds
    ---------------------------------------------------------
    0      Conv2d   (1, 8, 28, 28)          80         56,448
    1      Flatten  (1, 6272)                0              0
    ---------------------------------------------------------
    total                                   80         56,448
    """
    if not isinstance(model, Layer):
        raise TypeError(f"summary: model: expected a layer, got {type(model).__name__}")
    if not isinstance(input_shape, tuple | list):
        raise TypeError(f"summary: input_shape: expected a tuple such as (C, H, W), got {input_shape!r}")
    params, state = model.init(np.random.default_rng(0))
    rows: list[SummaryRow] = []
    x = np.zeros((1, *input_shape), np.float32)
    _visit(model, "", params, state, x, rows.append)
    return Summary(tuple(rows))


def _visit(
    layer: Layer, name: str, params: Arrays, state: Arrays, x: Any, emit: Callable[[SummaryRow], None]
) -> Any:
    """Run a layer on ``x`` and emit a row for each layer in it that has no children. Return the output."""

    def run(key: str, child: Layer, x: Any) -> Any:
        path = f"{name}.{key}" if name else key
        return _visit(child, path, params.get(key, {}), state.get(key, {}), x, emit)

    if layer.children():
        return layer.forward(x, run)
    try:
        y, _ = layer(params, state, x)
    except Exception as error:
        error.add_note(f"in the layer '{name or '0'}', {layer.label()}, of the summary")
        raise
    count = sum(array.size for array in tree.leaves(params))
    emit(SummaryRow(name or "0", layer.label(), y.shape, count, _multiply_adds(layer, params, state, x)))
    return y


def _multiply_adds(layer: Layer, params: Arrays, state: Arrays, x: Any) -> int | None:
    """Count the multiply-adds of a layer by recording it."""
    try:
        program = record(lambda params, state, x: layer(params, state, x)[0], (params, state, x), {})
    except RecordingError:  # it decides by numbers, so there is no count that holds for others
        return None
    return program.cost().multiply_adds
