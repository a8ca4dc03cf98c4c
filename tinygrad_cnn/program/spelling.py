"""How the primitives of the package are spelled in public: `conv2d_output` with a geometry is `conv2d`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_cnn as tg

from ..kernels.geometry import ConvSpec, PoolSpec
from ..ops.conv import conv2d_output
from ..ops.pool import avg_pool2d_output, max_pool2d_output
from ..tape import Primitive

OPERATORS: dict[Any, str] = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.floor_divide: "//", np.remainder: "%",
    np.power: "**", np.matmul: "@", np.negative: "-", np.greater: ">", np.greater_equal: ">=", np.less: "<",
    np.less_equal: "<=", np.equal: "==", np.not_equal: "!=", np.bitwise_and: "&", np.bitwise_or: "|",
    np.bitwise_xor: "^", np.invert: "~",
}  # fmt: skip

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def as_public(op: Primitive[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Return a call of a public function that computes the same as a call of a primitive, if there is one."""
    if op in _SPELLED:
        return _SPELLED[op](*args, **kwargs)
    public = getattr(tg, op.name, None)
    if public is op or not callable(public) or not op.__name__.startswith("_"):
        return op, args, kwargs
    try:
        bound = inspect.signature(op.function).bind(*args, **kwargs)
        theirs = inspect.signature(public).parameters
    except (TypeError, ValueError):
        return op, args, kwargs
    given = {name: x for name, x in bound.arguments.items() if not _is_default(name, x, theirs)}
    if not given.keys() <= theirs.keys():
        return op, args, kwargs
    operands = tuple(
        x for name, x in given.items() if theirs[name].kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD
    )
    options = {name: x for name, x in given.items() if theirs[name].kind is inspect.Parameter.KEYWORD_ONLY}
    return public, operands, options


def _is_default(name: str, x: Any, parameters: Any) -> bool:
    return (
        name in parameters
        and type(x) in (bool, int, float, str, type(None))
        and x == parameters[name].default
    )


def _without(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return {name: x for name, x in given.items() if x != defaults[name]}


def _pair(pair: tuple[int, int]) -> int | tuple[int, int]:
    return pair[0] if pair[0] == pair[1] else pair


def _padding(padding: Any) -> Any:
    (top, bottom), (left, right) = padding
    return _pair((top, left)) if (top, left) == (bottom, right) else padding


def _conv2d(x: Any, weight: Any, bias: Any = None, *, spec: ConvSpec) -> Call:
    options = {
        "stride": _pair(spec.stride),
        "padding": _padding(spec.padding),
        "dilation": _pair(spec.dilation),
        "groups": spec.groups,
    }
    operands = (x, weight) if bias is None else (x, weight, bias)
    return tg.conv2d, operands, _without({"stride": 1, "padding": 0, "dilation": 1, "groups": 1}, options)


def _pool_options(spec: PoolSpec) -> dict[str, Any]:
    stride = None if spec.stride == spec.kernel_size else _pair(spec.stride)
    return _without({"stride": None, "padding": 0}, {"stride": stride, "padding": _padding(spec.padding)})


def _max_pool2d(x: Any, *, spec: PoolSpec) -> Call:
    if spec.dilation != (1, 1) or not _is_floored(spec):
        return max_pool2d_output, (x,), {"spec": spec}
    return tg.max_pool2d, (x, _pair(spec.kernel_size)), _pool_options(spec)


def _avg_pool2d(x: Any, *, spec: PoolSpec, count_include_pad: bool) -> Call:
    if not _is_floored(spec):
        return avg_pool2d_output, (x,), {"spec": spec, "count_include_pad": count_include_pad}
    options = _pool_options(spec) | ({} if count_include_pad else {"count_include_pad": False})
    return tg.avg_pool2d, (x, _pair(spec.kernel_size)), options


def _is_floored(spec: PoolSpec) -> bool:
    """Whether the last windows end inside of the padded input, as without ``ceil_mode``."""
    options = {"stride": spec.stride, "padding": spec.padding, "dilation": spec.dilation}
    return bool(PoolSpec.of((1, 1, *spec.input_size), spec.kernel_size, **options) == spec)


_SPELLED: dict[Any, Callable[..., Call]] = {
    conv2d_output: _conv2d,
    max_pool2d_output: _max_pool2d,
    avg_pool2d_output: _avg_pool2d,
}
