"""NumPy's functions on a `Tensor`: they record on the tape, or raise an error that names the way."""

from __future__ import annotations

import functools
import importlib
import inspect
import operator
from collections.abc import Callable
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
    refused: dict[str, Any] = {}
    op = None if function in _WRITERS else _FUNCTIONS.get(function) or _of_linalg(function)
    if op:
        ours, options, refused = _in_our_words(function, op, args, kwargs)
        if not refused:
            return op(*ours, **options)
    called = f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
    if isinstance((kwargs | refused).get("out"), Box) or (function in _WRITERS and isinstance(args[0], Box)):
        raise TypeError(f"np.{called} into a Tensor: {NOT_IN_PLACE}")
    connected = [x for x in tree.leaves((args, kwargs)) if is_connected(x)]
    if not connected or function in _QUESTIONS:
        args, kwargs = tree.map(raw, (args, kwargs))
        return function(*args, **kwargs)
    if function in _WRITERS:
        raise lost_gradient(f"np.{called}", connected[0])
    raise TypeError(_no_op(called, refused, op))


def _of_linalg(function: Any) -> Callable[..., Any] | None:
    """Return the operation for a function of `numpy.linalg`, whose module few programs need."""
    if function.__module__ != "numpy.linalg":
        return None
    linalg = importlib.import_module(f"{__package__}.linalg")
    return vars(linalg)[function.__name__] if function.__name__ in linalg.__all__ else None


def _in_our_words(
    function: Any, op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]:
    """Turn the arguments of NumPy's function into those of the operation, and return those it does not take.

    NumPy has the options of the operations in other places: its keepdims follows an ``out``, for example.
    """
    if not kwargs and len(args) <= 1:
        return args, kwargs, {}
    signatures = _signatures(function, op)
    if signatures is None:
        return args, kwargs, {}
    theirs, ours, words = signatures
    kinds = {parameter.kind: name for name, parameter in theirs.parameters.items()}
    if inspect.Parameter.VAR_POSITIONAL in kinds:  # any number of operands, which no option can follow
        given = kwargs
    else:
        given, args = theirs.bind(*args, **kwargs).arguments, ()
        given |= given.pop(kinds.get(inspect.Parameter.VAR_KEYWORD, ""), {})
    options, refused = {}, {}
    for name, value in given.items():
        if name in words:
            if value is not np._NoValue:
                options[words[name]] = value
        elif name not in theirs.parameters or not _is_same(value, theirs.parameters[name].default):
            refused[name] = value
    if refused:
        return (), {}, refused
    call = ours.bind(*args, **options)
    return call.args, call.kwargs, {}


@functools.cache
def _signatures(
    function: Any, op: Callable[..., Any]
) -> tuple[inspect.Signature, inspect.Signature, dict[str, str]] | None:
    """Return both signatures, and the operation's word for each of NumPy's: that of its name or its place."""
    try:
        theirs, ours = inspect.signature(function), inspect.signature(op)
    except ValueError:  # a function in C, which has no signature before NumPy 2.4, and no misplaced options
        return None
    words = {name: name for name in ours.parameters}
    for (name, their), our in zip(theirs.parameters.items(), ours.parameters, strict=False):
        if name not in words and our not in theirs.parameters and their.kind not in _STARRED:
            words[name] = our
    return theirs, ours, words


def _is_same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, str | int) and value == default)


def _no_op(name: str, kwargs: dict[str, Any], op: Any = None) -> str:
    options = f" with {', '.join(kwargs)}" if kwargs else ""
    instead = op.__name__ if op else _INSTEAD.get(name, name)
    missing = "option" if kwargs else "op"
    hint = f"use tinygrad_cnn.{instead}" if instead in _OPS else f"tinygrad_cnn has no such {missing}"
    way_out = "or leave the tape with tensor.numpy(), without a gradient"
    return f"np.{name}{options} does not work on a Tensor: {hint}, {way_out}"


# NumPy's other names for what an operation does, alone or with little more
_INSTEAD = {
    "absolute": "abs",
    "add.accumulate": "cumsum",
    "add.at": "scatter_add",
    "add.reduce": "sum",
    "float_power": "power",
    "linalg.vector_norm": "norm",
    "maximum.reduce": "max",
    "minimum.reduce": "min",
    "multiply.accumulate": "cumprod",
    "multiply.outer": "outer",
    "multiply.reduce": "prod",
}


_COMPARISONS = {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isnan, np.isinf, np.isfinite, np.signbit,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
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
_FUNCTIONS |= {
    np.amax: ops.max,
    np.amin: ops.min,
    np.around: ops.round,
    np.copy: lambda a: ops.astype(a, raw(a).dtype),
    np.fix: ops.trunc,
    np.full_like: lambda a, fill_value, dtype=None, order="K", subok=True, shape=None: np.full_like(
        raw(a), fill_value, dtype, order, subok, shape
    ),
    np.linalg.matmul: ops.matmul,
    np.linalg.tensordot: ops.tensordot,
    np.matrix_transpose: lambda x: ops.swapaxes(x, -1, -2),
    np.ptp: lambda a, axis=None, keepdims=False: (
        ops.max(a, axis, keepdims=keepdims) - ops.min(a, axis, keepdims=keepdims)
    ),
    np.real: operator.pos,
    np.real_if_close: operator.pos,
}
_STARRED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
# What these answer has no derivative: a shape, a dtype, a truth, a position, a text. So they need no tape.
_QUESTIONS = {
    np.all, np.allclose, np.angle, np.any, np.argpartition, np.argwhere,
    np.array2string, np.array_equal, np.array_equiv, np.array_repr, np.array_str, np.can_cast, np.common_type,
    np.count_nonzero, np.digitize, np.empty_like, np.flatnonzero, np.imag, np.iscomplex,
    np.iscomplexobj, np.isclose, np.isin, np.isneginf, np.isposinf, np.isreal, np.isrealobj, np.lexsort,
    np.linalg.matrix_rank,
    np.may_share_memory, np.min_scalar_type, np.nanargmax, np.nanargmin, np.ndim, np.nonzero, np.ones_like,
    np.result_type, np.searchsorted, np.shape, np.shares_memory, np.size, np.tril_indices_from,
    np.triu_indices_from, np.zeros_like,
}  # fmt: skip
# These write into an ndarray, which has no place for a gradient.
_WRITERS = {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}
