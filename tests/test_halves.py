"""Halves are summed in single precision and rounded once, wherever the package sums.

All sums run along the first axis of two columns: NumPy sums halves wide where they lie side by side, and
narrow, so that 2048 + 1 is 2048, where they do not.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg

N = 4096
ONES, PAIR = np.ones((N, 2), np.float16), np.ones(2, np.float16)
COLUMN, ROW = ONES[:, 0], PAIR[None]
FIRST = np.zeros(N, int)
PIXELS = np.ones((N, 1, 1, 1), np.float16)

VALUES = {
    "sum": lambda: tg.sum(ONES, 0),
    "mean": lambda: tg.mean(ONES, 0) * N,
    "norm": lambda: tg.norm(ONES, 0) ** 2,
    "cumsum": lambda: tg.cumsum(ONES, 0)[-1],
    "matmul": lambda: tg.matmul(COLUMN, ONES),
    "tensordot": lambda: tg.tensordot(COLUMN, ONES, 1),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_summed_wide(name):
    value = VALUES[name]()
    assert value.dtype == np.float16
    assert_array_equal(value, [N, N])


# functions of a pair whose elements take part N times, each time with slope 1
ADJOINTS = {
    "add": lambda b: ONES + b,
    "subtract": lambda b: b - ONES,
    "multiply": lambda b: ONES * b,
    "divide": lambda b: b / ONES,
    "hypot": lambda b: tg.hypot(b, 0 * ONES),
    "power": lambda b: tg.power(b, ONES),
    "maximum": lambda b: tg.maximum(b, 0 * ONES),
    "minimum": lambda b: tg.minimum(b, 2 * ONES),
    "where": lambda b: tg.where(np.ones((N, 2), bool), b, ONES),
    "clip": lambda b: tg.clip(b, 0 * ONES, 2 * ONES),
    "broadcast_to": lambda b: tg.broadcast_to(b, (N, 2)),
    "tile": lambda b: tg.tile(b, (N, 1)),
    "repeat": lambda b: tg.repeat(b[None], N, 0),
    "getitem": lambda b: b[None][FIRST],
    "take": lambda b: tg.take(b[None], FIRST, 0),
    "embedding": lambda b: tg.embedding(b[None], FIRST),
    "pad, edge": lambda b: tg.pad(b[None], ((0, N - 1), (0, 0)), mode="edge"),
    "pad, wrap": lambda b: tg.pad(b[None], ((0, N - 1), (0, 0)), mode="wrap"),
    "pad, reflect": lambda b: tg.pad(tg.stack([b, b]), ((0, N - 2), (0, 0)), mode="reflect"),
    "matmul": lambda b: tg.matmul(COLUMN[:, None], b[None]),
    "outer": lambda b: tg.outer(COLUMN, b),
    "einsum": lambda b: tg.einsum("i,j->ij", COLUMN, b),
    "cumsum": lambda b: tg.cumsum(tg.concatenate([b[None], 0 * ONES[1:]]), 0),
    "layer_norm, bias": lambda b: tg.layer_norm(ONES, PAIR, b),
    "batch_norm, bias": lambda b: tg.batch_norm(ONES, PAIR, b),
    "group_norm, bias": lambda b: tg.group_norm(ONES, 1, PAIR, b),
    "conv2d, bias": lambda b: tg.conv2d(PIXELS, np.ones((2, 1, 1, 1), np.float16), b),
    "conv2d, weight": lambda b: tg.conv2d(PIXELS, tg.reshape(b, (2, 1, 1, 1))),
}


@pytest.mark.parametrize("name", ADJOINTS)
def test_gradients_are_summed_wide(name):
    gradient = tg.grad(lambda b: tg.sum(tg.astype(ADJOINTS[name](b), np.float32)))(PAIR)
    assert gradient.dtype == np.float16
    assert_array_equal(gradient, [N, N])
