"""Sums, means and the like over axes, softmax, and losses of labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .table import exporter


def _reduced(w: Any, op: str, x: Any, axis: Any, keepdims: bool) -> Any:
    """Add a node that reduces over axes; these are an input of it."""
    axes = None if axis is None else np.array(axis, np.int64).reshape(-1)
    return w.put(op, x, axes, keepdims=int(bool(keepdims)))


def _enter(name: str, op: str) -> None:
    @exporter(name)
    def reduction(w: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        if axis == ():
            return w.put("Identity", x)
        return _reduced(w, op, w.cast(x, w.result.dtype), axis, keepdims)


for _name, _op in {
    "sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd",
    "logsumexp": "ReduceLogSumExp", "euclidean": "ReduceL2",
}.items():  # fmt: skip
    _enter(_name, _op)


def _variance(w: Any, x: Any, axis: Any, ddof: float, keepdims: bool, correction: float | None = None) -> Any:
    centred = w.put("Sub", x, _reduced(w, "ReduceMean", x, axis, True))
    mean = _reduced(w, "ReduceMean", w.put("Mul", centred, centred), axis, keepdims)
    less = ddof if correction is None else correction
    if not less:
        return mean
    sizes = w.shape(x) if axis is None else [w.shape(x)[i] for i in np.array(axis).reshape(-1)]
    if any(type(n) is not int for n in sizes):
        raise TypeError("ddof, with a number of samples that is free")
    n = math.prod(sizes)
    return w.put("Mul", mean, n / (n - less))


@exporter("var")
def var(w: Any, x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, **options: Any) -> Any:
    """Return the mean square distance from the mean."""
    return _variance(w, x, axis, ddof, keepdims, **options)


@exporter("std")
def std(w: Any, x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, **options: Any) -> Any:
    """Return the root of `var`."""
    return w.put("Sqrt", _variance(w, x, axis, ddof, keepdims, **options))


def _enter_place(name: str, op: str) -> None:
    @exporter(name)
    def place(w: Any, x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
        flat = w.put("Reshape", x, np.array([-1])) if axis is None else x
        return w.put(op, flat, axis=axis or 0, keepdims=int(keepdims and axis is not None))


_enter_place("argmax", "ArgMax")
_enter_place("argmin", "ArgMin")


@exporter("cumsum")
def cumsum(w: Any, x: Any, axis: int | None = None) -> Any:
    """Return running sums."""
    flat = w.put("Reshape", x, np.array([-1])) if axis is None else x
    return w.put("CumSum", flat, np.array(axis or 0, np.int64))


def _enter_softmax(name: str, op: str) -> None:
    @exporter(name)
    def softmax(w: Any, x: Any, axis: Any = -1) -> Any:
        if isinstance(axis, tuple):
            raise TypeError("several axes at once")
        return w.put(op, x, axis=int(axis))


_enter_softmax("softmax", "Softmax")
_enter_softmax("log_softmax", "LogSoftmax")


@exporter("nll_loss")
def nll_loss(w: Any, log_probabilities: Any, labels: Any) -> Any:
    """Return the mean of minus the log-probabilities of the labels."""
    return w.put("NegativeLogLikelihoodLoss", log_probabilities, w.cast(labels, np.int64), reduction="mean")
