"""What has to be reached: one table. Ratios are ours / theirs: below 1, ours needs less."""

import operator
from collections.abc import Container
from typing import Any, NamedTuple

from . import memory, problem
from .problem import CHAIN, SMALL_OP
from .sides import PEERS
from .summary import GEOMETRIC_MEAN, WORST

MORE = range(8, 1 << 20)
COMPILED_OR_NUMPY = ("torch-compile", "jax", "autograd", "mygrad")
ANY = (1, 2)
ALONE = (None,)


class Bar(NamedTuple):
    """In a section: for these cases, against these peers, at these numbers of threads, at most the bound."""

    section: str
    cases: Container[Any]
    peers: Container[Any]
    threads: Container[int]
    bound: float


BARS = (
    Bar("step", (1,), PEERS, ANY, 1.0),
    Bar("step", (8,), PEERS, ANY, 0.85),
    Bar("step", (32, 64, 128, 256), ("torch",), (1,), 0.7),
    Bar("step", (32, 64, 128), ("torch",), (2,), 1.0),
    Bar("step", (256,), ("torch",), (2,), 1.2),
    Bar("step", (32, 64, 128), ("torch-channels-last",), (1,), 0.95),
    Bar("step", (32, 64, 128), ("torch-channels-last",), (2,), 1.2),
    Bar("step", (256,), ("torch-channels-last",), (1,), 1.0),
    Bar("step", (256,), ("torch-channels-last",), (2,), 1.5),
    Bar("step", range(32, 1 << 20), COMPILED_OR_NUMPY, ANY, 0.7),
    Bar("inference", (1,), ("torch",), ANY, 0.9),
    Bar("inference", MORE, ("torch",), ANY, 0.7),
    Bar("conv", (GEOMETRIC_MEAN,), ("torch",), (1,), 1.1),
    Bar("conv", (WORST,), ("torch",), (1,), 1.8),
    Bar("conv", (GEOMETRIC_MEAN,), ("torch",), (2,), 1.5),
    Bar("conv", (WORST,), ("torch",), (2,), 3.0),
    Bar("engine", (SMALL_OP,), ("torch",), ANY, 0.6),
    Bar("engine", (CHAIN,), ("torch",), ANY, 1.0),
    Bar("compiled step", (1,), ("jax",), ANY, 0.75),
    Bar("compiled step", (1,), ("torch", "torch-channels-last", "torch-compile"), ANY, 0.5),
    Bar("compiled step", (8,), ("ours",), ANY, 0.75),
    Bar("compiled step", (8,), PEERS, ANY, 0.5),
    Bar("compiled step", (64,), ("ours",), ANY, 0.85),
    Bar("compiled step", (32, 64, 128, 256), PEERS, ANY, 0.55),
    Bar("compiled inference", (1,), PEERS, ANY, 0.6),
    Bar("compiled small", (problem.SQUARES,), ("jax",), ANY, 1.0),
    Bar("compiled small", (problem.SQUARES,), ("ours",), ANY, 0.2),
    Bar("compiled small", (problem.TWO_LAYERS,), ("jax",), ANY, 0.9),
    Bar("import", ("tinygrad_cnn, wall time", "tinygrad_cnn, CPU time"), ("numpy",), ANY, 1.4),
    Bar("memory", (memory.added("ours"), memory.added("ours-plain")), ("torch",), ANY, 0.8),
    Bar("memory", memory.NO_FAULTS, ALONE, ANY, 0),
    Bar("growth", ("batch", "pixels", "depth"), ALONE, ANY, 1.05),
)


def bound(record):
    """The bar for a measurement; None where it is only reported."""
    place = record["case"], record["peer"], record["threads"]
    for bar in BARS:
        allowed = bar.cases, bar.peers, bar.threads
        if record["section"] == bar.section and all(map(operator.contains, allowed, place)):
            return bar.bound
    return None
