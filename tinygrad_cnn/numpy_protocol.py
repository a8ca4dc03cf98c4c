"""NumPy's functions on a `Tensor`: they record on the tape, or raise an error that names the way."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from . import ops, tree
from .tape import Box, is_connected, lost_gradient, raw

NOT_IN_PLACE = (
    "a Tensor is not changed in place, since gradient rules need its values. Make a new one instead, by "
    "tg.where(mask, value, x), or by tg.stack or tg.concatenate of the parts"
)


def call_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], out: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call the operation of the same name; on constants, any ufunc with any options computes an ndarray."""
    if method == "__call__" and not (out or kwargs):
        if ufunc in _COMPARISONS:
            return ufunc(*map(raw, inputs))
        if ufunc in _UFUNCS:
            return _UFUNCS[ufunc](*inputs)
    called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    if any(isinstance(array, Box) for array in out):
        raise TypeError(f"np.{called} into a Tensor: {NOT_IN_PLACE}")
    if not any(map(is_connected, (*inputs, *kwargs.values()))):
        options = {name: raw(value) for name, value in kwargs.items()} | ({"out": out} if out else {})
        return getattr(ufunc, method)(*map(raw, inputs), **options)
    if out:
        raise TypeError(f"np.{called} into an ndarray would leave the tape: write a = a + t, not a += t")
    raise TypeError(_no_op(called, kwargs))


def call_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the operation of the same name; on constants, any function computes with their arrays."""
    if function in _FUNCTIONS:
        return _FUNCTIONS[function](*args, **kwargs)
    connected = [x for x in tree.leaves((args, kwargs)) if is_connected(x)]
    if not connected or function in _QUESTIONS:
        args, kwargs = tree.map(raw, (args, kwargs))
        return function(*args, **kwargs)
    if function in _WRITERS:
        raise lost_gradient(f"np.{function.__name__}", connected[0])
    module = function.__module__.removeprefix("numpy").lstrip(".")
    raise TypeError(_no_op(f"{module}.{function.__name__}".lstrip("."), {}))


def _no_op(name: str, kwargs: dict[str, Any]) -> str:
    options = f" with {', '.join(kwargs)}" if kwargs else ""
    op = _INSTEAD.get(name, name)
    hint = f"use tinygrad_cnn.{op}" if op in _OPS else "tinygrad_cnn has no such op"
    way_out = "or leave the tape with tensor.numpy(), without a gradient"
    return f"np.{name}{options} does not work on a Tensor: {hint}, {way_out}"


# NumPy's other names for what an operation does, alone or with little more
_INSTEAD = {
    "absolute": "abs",
    "add.accumulate": "cumsum",
    "add.reduce": "sum",
    "amax": "max",
    "amin": "min",
    "column_stack": "concatenate",
    "diag": "einsum",
    "diagonal": "einsum",
    "dot": "matmul",
    "dstack": "concatenate",
    "float_power": "power",
    "hstack": "concatenate",
    "linalg.norm": "norm",
    "linalg.vector_norm": "norm",
    "maximum.reduce": "max",
    "minimum.reduce": "min",
    "multiply.outer": "outer",
    "multiply.reduce": "prod",
    "ravel": "reshape",
    "rollaxis": "moveaxis",
    "take_along_axis": "getitem",
    "trace": "einsum",
    "vstack": "concatenate",
}


_COMPARISONS = {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isnan, np.isinf, np.isfinite,
}  # fmt: skip
_OPS = {name: getattr(ops, name) for name in vars(ops)["__all__"]}
_NAMESAKES = {getattr(np, name): op for name, op in _OPS.items() if callable(getattr(np, name, None))}
_UFUNCS = {function: op for function, op in _NAMESAKES.items() if isinstance(function, np.ufunc)}
_FUNCTIONS = {function: op for function, op in _NAMESAKES.items() if not isinstance(function, np.ufunc)}
# Other names of NumPy's, which are functions of their own there
_UFUNCS |= {
    np.conjugate: operator.pos,
    np.degrees: ops.rad2deg,
    np.divmod: lambda a, b: (a // b, a % b),
    np.fabs: lambda x: ops.abs(1.0 * x),  # of integers it makes floats
    np.positive: operator.pos,
    np.radians: ops.deg2rad,
    np.rint: ops.round,
}
_FUNCTIONS |= {np.around: ops.round, np.fix: ops.trunc}
# What these answer has no derivative: a shape, a dtype, a truth, a position, a text. So they need no tape.
_QUESTIONS = {
    np.all, np.allclose, np.any, np.argsort, np.argwhere, np.array2string, np.array_equal, np.count_nonzero,
    np.empty_like, np.flatnonzero, np.iscomplexobj, np.isclose, np.isrealobj, np.ndim, np.nonzero,
    np.ones_like, np.result_type, np.shape, np.size, np.zeros_like,
}  # fmt: skip
# These write into an ndarray, which has no place for a gradient.
_WRITERS = {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}
