"""Sums, moments, extremes and other reductions."""

import numpy as np
import references

from tinygrad_cnn.ops import norms, reductions
from tinygrad_cnn.testing import ErrorCase

from .draws import (
    any_axes,
    arrays,
    axes_of,
    axes_of_something,
    distinct_arrays,
    flat_when_none,
    one_axis,
    reduced,
    reduction,
    with_degrees_of_freedom,
)
from .million import X, numbers, rows
from .record import ByHand, Singular, part, record
from .written import ops


def along_rows(reduce):
    return lambda x: reduce(x, axis=1)


def centred(x):
    return x - x.mean(1, keepdims=True)


def log_of_sum(x):
    m = x.max(1, keepdims=True)
    return np.log(np.exp(x - m).sum(1)) + m[:, 0]


COUNT = np.float32(1000)  # elements of a row


def prod_in_torch(torch, x, axis, keepdims):
    """Multiply axis by axis: PyTorch takes one at a time."""
    for a in sorted((a % x.ndim for a in axes_of(axis, x.ndim)), reverse=True):
        x = torch.prod(x, dim=a, keepdim=keepdims)
    return x


def primitive_of(name, operands, params=None):
    """The primitive without the options that are composed of others."""
    return part(
        f"{name}_over_axes",
        getattr(reductions, f"_{name}"),
        operands=operands,
        params=params,
        reference=getattr(np, name),
    )


RECORDS = [
    primitive_of("sum", arrays(), any_axes),
    primitive_of("mean", arrays(), axes_of_something),
    primitive_of("var", with_degrees_of_freedom(arrays())),
    primitive_of("std", with_degrees_of_freedom(distinct_arrays())),
    record(
        "sum",
        operands=arrays(),
        params=any_axes,
        reference=np.sum,
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)),), np.exceptions.AxisError, {"axis": 2})],
        torch=reduction("sum"),
        by_hand=[rows(along_rows(np.sum), lambda x, out, g: np.zeros_like(x) + g, along_rows(ops.sum))],
    ),
    record(
        "mean",
        operands=arrays(),
        params=axes_of_something,
        reference=np.mean,
        torch=reduction("mean"),
        by_hand=[
            rows(
                lambda x: x.mean(1), lambda x, out, g: np.zeros_like(x) + g / COUNT, lambda x: ops.mean(x, 1)
            )
        ],
    ),
    record(
        "var",
        operands=with_degrees_of_freedom(arrays()),
        reference=np.var,
        torch=reduction("var", {"ddof": "correction"}),
        by_hand=[
            rows(along_rows(np.var), lambda x, out, g: centred(x) * (g * (2 / COUNT)), along_rows(ops.var))
        ],
    ),
    record(
        "std",
        operands=with_degrees_of_freedom(distinct_arrays()),
        reference=np.std,
        torch=reduction("std", {"ddof": "correction"}),
        shared=with_degrees_of_freedom(distinct_arrays()).filter(
            # of a single value the standard deviation is 0, and PyTorch's gradient NaN
            lambda call: call.operands[0].size and reduced(*call.operands, call.params["axis"]) > 1
        ),
        by_hand=[
            rows(
                along_rows(np.std),
                lambda x, out, g: centred(x) * (g / (out * COUNT)),
                along_rows(ops.std),
            )
        ],
        singular={
            "std": Singular(lambda x: ops.std(ops.stack([x, x]), 0), (0.1, 3.0)),
            "std of one": Singular(lambda x: ops.std(ops.stack([x]), 0, ddof=1), (1.0,)),
        },
    ),
    record(
        "max",
        operands=distinct_arrays(),
        params=axes_of_something,
        reference=np.max,
        torch=reduction("amax"),
        ties=True,
        by_hand=[rows(along_rows(np.max), lambda x, out, g: (x == out) * g, along_rows(ops.max))],
        singular={"max": Singular(lambda x: ops.max(ops.stack([x, x * 2.0]), 0), (np.nan,))},
    ),
    record(
        "min",
        operands=distinct_arrays(),
        params=axes_of_something,
        reference=np.min,
        torch=reduction("amin"),
        ties=True,
        by_hand=[rows(along_rows(np.min), lambda x, out, g: (x == out) * g, along_rows(ops.min))],
        singular={"min": Singular(lambda x: ops.min(ops.stack([x, -x]), 0), (np.nan,))},
    ),
    record(
        "prod",
        operands=arrays(),
        params=any_axes,
        reference=np.prod,
        torch=prod_in_torch,
        ties=True,
        by_hand=[
            rows(
                along_rows(np.prod),
                lambda x, out, g: g * out / x,
                along_rows(ops.prod),
                numbers(1000, 1000, low=0.9, high=1.1),
            )
        ],
    ),
    record(
        "logsumexp",
        operands=arrays(),
        params=axes_of_something,
        reference=lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
        torch=reduction("logsumexp"),
        by_hand=[rows(log_of_sum, lambda x, out, g: g * np.exp(x - out), along_rows(ops.logsumexp))],
        singular={"logsumexp": Singular(lambda x: ops.logsumexp(ops.stack([x, x]), 0), (-np.inf,))},
    ),
    part(
        "euclidean",
        norms._euclidean,
        operands=arrays(away_from=[0.0], gap=0.25),
        params=any_axes,
        reference=lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
    ),
    record(
        "norm",
        operands=arrays(away_from=[0.0], gap=0.25),
        params=any_axes,
        reference=lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
        numpy=np.linalg.vector_norm,  # which takes any number of axes, and `numpy.linalg.norm` one or two
        torch=reduction("linalg.vector_norm"),
        ties=True,
        by_hand=[
            rows(lambda x: np.sqrt((x * x).sum(1)), lambda x, out, g: x * (g / out), along_rows(ops.norm))
        ],
        singular={"norm": Singular(lambda x: ops.norm(ops.stack([x, x * 0.0]), axis=0), (0.0,))},
    ),
    record(
        "cumsum",
        operands=arrays(),
        params=one_axis,
        reference=references.cumsum,
        linear_in=("x",),
        torch=flat_when_none("cumsum"),
        by_hand=[
            ByHand(
                (X,),
                lambda x, g: (np.cumsum(x, 1), np.cumsum(g[:, ::-1], 1)[:, ::-1].copy()),
                lambda x: ops.cumsum(x, 1),
            )
        ],
    ),
]
