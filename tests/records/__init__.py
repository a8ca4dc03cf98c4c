"""One record for each operation, in files cut by family: what every table of tests reads.

A new operation is its function with its rules, its export, and its record here.
"""

from . import (
    activations,
    convolution,
    elementary,
    elementwise,
    indexing,
    joining,
    linalg,
    losses,
    losses_of_values,
    normalization,
    ordering,
    piecewise,
    pooling,
    reductions,
    resizing,
    shaping,
    tape,
    volumes,
)
from .record import Record, calls_of

__all__ = ["CASES", "EVERYTHING", "RECORDS", "calls_of"]

_FAMILIES = (
    tape, elementwise, elementary, reductions, shaping, indexing, joining, ordering, linalg, convolution,
    pooling, volumes, resizing, normalization, activations, piecewise, losses,
    losses_of_values,
)  # fmt: skip
EVERYTHING = [one for family in _FAMILIES for one in family.RECORDS]
RECORDS = [one for one in EVERYTHING if isinstance(one, Record)]
CASES = [one.case for one in EVERYTHING]
