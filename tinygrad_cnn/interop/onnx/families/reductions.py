"""Sums, means and the like over axes, places of extremes, and running sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .... import ops
from ....tape import constant_for, raw
from ..registry import Numbers, operator

Axes = tuple[int, ...] | None


def _norm1(x: Any, axes: Axes, keepdims: bool) -> Any:
    return ops.sum(ops.abs(x), axes, keepdims=keepdims)


def _norm2(x: Any, axes: Axes, keepdims: bool) -> Any:
    return ops.sqrt(_sum_of_squares(x, axes, keepdims))


def _sum_of_squares(x: Any, axes: Axes, keepdims: bool) -> Any:
    return ops.sum(ops.square(x), axes, keepdims=keepdims)


def _log_of_sum(x: Any, axes: Axes, keepdims: bool) -> Any:
    return ops.log(ops.sum(x, axes, keepdims=keepdims))


def _log_of_sum_of_exponentials(x: Any, axes: Axes, keepdims: bool) -> Any:
    return ops.logsumexp(x, axes, keepdims=keepdims)


def _product(x: Any, axes: Axes, keepdims: bool) -> Any:
    return ops.prod(x, axes, keepdims=keepdims)


def _extreme(reduce: Callable[..., Any], is_largest: bool) -> Callable[..., Any]:
    """Return a reduction that gives the lowest or the highest number of a dtype for no elements."""

    def reduced(x: Any, axes: Axes, keepdims: bool) -> Any:
        if x.size:
            return reduce(x, axes, keepdims=keepdims)
        of_empty = np.max if is_largest else np.min
        if x.dtype.kind == "f":
            start: Any = -np.inf if is_largest else np.inf
        elif x.dtype.kind == "b":
            start = not is_largest
        else:
            start = np.iinfo(x.dtype).min if is_largest else np.iinfo(x.dtype).max
        return of_empty(raw(x), axis=axes, keepdims=keepdims, initial=start)

    return reduced


def _enter(name: str, reduce: Callable[..., Any]) -> None:
    @operator(name)
    def reduction(
        x: Any,
        axes_input: Numbers = None,
        *,
        axes: tuple[int, ...] = (),
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> Any:
        """Reduce over axes, which are an attribute in older versions and an input in newer ones."""
        over = tuple(axes if axes_input is None else axes_input.tolist())
        if not over and noop_with_empty_axes:
            over = ()
        else:
            over = tuple(axis % x.ndim for axis in over) or tuple(range(x.ndim))
        out = reduce(x, over, bool(keepdims))
        return out if out.dtype == x.dtype else ops.astype(out, x.dtype)


for _name, _reduce in {
    "ReduceSum": lambda x, axes, keepdims: ops.sum(x, axes, keepdims=keepdims),
    "ReduceMean": lambda x, axes, keepdims: ops.mean(x, axes, keepdims=keepdims),
    "ReduceMax": _extreme(ops.max, True),
    "ReduceMin": _extreme(ops.min, False),
    "ReduceProd": _product,
    "ReduceL1": _norm1,
    "ReduceL2": _norm2,
    "ReduceSumSquare": _sum_of_squares,
    "ReduceLogSum": _log_of_sum,
    "ReduceLogSumExp": _log_of_sum_of_exponentials,
}.items():
    _enter(_name, _reduce)


def _place_of_extreme(name: str, find: Callable[..., Any]) -> None:
    @operator(name)
    def place(x: Any, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Any:
        """Return the place of the first or the last extreme along an axis."""
        x = raw(x)
        if select_last_index:
            found = x.shape[axis] - 1 - find(np.flip(x, axis), axis=axis, keepdims=bool(keepdims))
        else:
            found = find(x, axis=axis, keepdims=bool(keepdims))
        return found.astype(np.int64)


_place_of_extreme("ArgMax", np.argmax)
_place_of_extreme("ArgMin", np.argmin)


def _running(name: str, accumulate: Callable[..., Any], neutral: int) -> None:
    @operator(name)
    def running(x: Any, axis: Numbers, *, exclusive: int = 0, reverse: int = 0) -> Any:
        """Return the sums or products of all elements up to each one."""
        along = int(axis.item()) % x.ndim
        if reverse:
            x = ops.flip(x, along)
        if exclusive:
            first = tuple(1 if i == along else n for i, n in enumerate(x.shape))
            start = constant_for(x, np.full, first, neutral, x.dtype)
            kept = [slice(None)] * x.ndim
            kept[along] = slice(0, -1)
            x = ops.concatenate([start, ops.getitem(x, tuple(kept))], along)
        out = ops.astype(accumulate(x, along), x.dtype)
        return ops.flip(out, along) if reverse else out


_running("CumSum", ops.cumsum, 0)
_running("CumProd", ops.cumprod, 1)


@operator("TopK")
def topk(x: Any, k: Numbers, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> Any:
    """Return the largest or smallest elements along an axis, and their places."""
    found = ops.topk(x, int(k.item()), axis, largest=bool(largest))
    return found[0], raw(found[1]).astype(np.int64)
