"""A model as a table: layers, output shapes, parameters and multiply-adds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from .layer import Layer
from .layers import Conv2d, Dense
from .residual import Residual
from .sequential import Sequential

__all__ = ["Row", "Summary", "summary"]


class Row(NamedTuple):
    """One layer of a `Summary`."""

    name: str
    layer: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


class Summary(NamedTuple):
    """The rows of a model, and a table of them as its string."""

    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        """The number of parameters of the model."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of its products and convolutions, for one sample."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        cells = [("name", "layer", "output shape", "parameters", "multiply-adds")]
        cells += [
            (r.name, r.layer, str(r.output_shape), f"{r.parameters:,}", f"{r.multiply_adds:,}")
            for r in self.rows
        ]
        cells += [("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(w) if i < 3 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        rule = "-" * len(lines[0])
        return "\n".join(line.rstrip() for line in (lines[0], rule, *lines[1:-1], rule, lines[-1]))


def summary(model: Layer, input_shape: tuple[int, ...]) -> Summary:
    """Describe a model, layer by layer, by running it once on zeros.

    Parameters
    ----------
    model : Layer
    input_shape : tuple of int
        Of one sample, without the batch axis: ``(C, H, W)``.

    Returns
    -------
    Summary
        Print it for a table. Output shapes are those of a batch of one; multiply-adds are counted for
        convolutions and dense layers, for one sample.

    Raises
    ------
    ValueError
        If the model does not take the shape.

    Examples
    --------
    >>> from tinygrad_cnn.nn import Flatten, Sequential
    >>> print(summary(Sequential(Conv2d(1, 8, 3, padding=1), Flatten()), (1, 28, 28)))
    name   layer    output shape    parameters  multiply-adds
    ---------------------------------------------------------
    0      Conv2d   (1, 8, 28, 28)          80         56,448
    1      Flatten  (1, 6272)                0              0
    ---------------------------------------------------------
    total                                   80         56,448
    """
    params, state = model.init(np.random.default_rng(0))
    rows: list[Row] = []
    x = np.zeros((1, *input_shape), np.float32)
    _visit(model, "", params, state, x, rows.append)
    return Summary(tuple(rows))


def _visit(layer: Layer, name: str, params: Any, state: Any, x: Any, emit: Callable[[Row], None]) -> Any:
    """Run a layer on ``x``; emit a row for each layer in it that is no container. Returns the output."""
    if isinstance(layer, Sequential):
        for key, part in layer.layers:
            x = _visit(part, _join(name, key), params.get(key, {}), state.get(key, {}), x, emit)
        return x
    if isinstance(layer, Residual):
        for key, part in layer.parts():
            _visit(part, _join(name, key), params.get(key, {}), state.get(key, {}), x, emit)
        return layer(params, state, x)[0]
    y = layer(params, state, x)[0]
    count = sum(array.size for array in tree.leaves(params))
    emit(Row(name or "0", type(layer).__name__, y.shape, count, _multiply_adds(layer, y.shape)))
    return y


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _multiply_adds(layer: Layer, output_shape: tuple[int, ...]) -> int:
    """One for each weight that each output element uses."""
    outputs = math.prod(output_shape[1:])
    if isinstance(layer, Conv2d):
        return outputs * math.prod(layer.weight_shape[1:])
    return outputs * layer.in_features if isinstance(layer, Dense) else 0
