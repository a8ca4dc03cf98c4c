"""Hypothesis strategies for the arguments of operations: arrays in every layout, axes, indices, problems.

Values lie on a grid of 1/32, which is exact in every floating dtype, and sums of them are exact. Everything
shrinks towards small shapes, C order and values near zero. Hypothesis is imported here and nowhere else.
"""

try:
    import hypothesis as hypothesis
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "tinygrad_cnn.testing.strategies needs hypothesis, which is not installed: "
        'pip install "tinygrad-cnn[test]"',
        name="hypothesis",
    ) from error

from .problems import conv2d_problems, matmul_operands, pool2d_problems
from .running import calls, for_all
from .selecting import axes, indices
from .values import arrays, broadcastable, distinct_arrays, shapes

__all__ = [
    "arrays",
    "axes",
    "broadcastable",
    "calls",
    "conv2d_problems",
    "distinct_arrays",
    "for_all",
    "indices",
    "matmul_operands",
    "pool2d_problems",
    "shapes",
]


def __dir__() -> list[str]:
    return __all__
