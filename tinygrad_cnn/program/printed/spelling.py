"""How the primitives of the package are spelled in public: `conv2d_output` with a geometry is `conv2d`."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import ops
from ...kernels.geometry import ConvSpec, PoolSpec
from ...ops.conv import conv2d_input, conv2d_output, conv2d_weight, transposed_geometry
from ...ops.losses import _mean_nll
from ...ops.pool import avg_pool2d_output, max_pool2d_output, max_pool2d_scatter
from ...ops.reductions import _VIEW_ELEMENTS, _mean, _sum, kept_shape
from ...tape import Primitive, sum_to
from ..rules import RuleCall
from ..values import Line, Value

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Made(NamedTuple):
    """A geometry that is written as the call of ``of`` that makes it."""

    cls: type
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def as_public(op: Primitive[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Return a call of a public function that computes the same as a call of a primitive, if there is one."""
    if op in _SPELLED:
        return _SPELLED[op](*args, **kwargs)
    public = getattr(ops, op.name, None)
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
    # what follows an operand that is left out is passed by its name
    leading = list(itertools.takewhile(lambda names: names[0] == names[1], zip(given, theirs, strict=False)))
    positional = [name for name, _ in leading if theirs[name].kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD]
    options = {name: x for name, x in given.items() if name not in positional}
    return public, tuple(given[name] for name in positional), options


def rule_as_public(rule: RuleCall, args: tuple[Any, ...]) -> Call | None:
    """Return a call of NumPy that computes the same as the rule of a sum or a mean of few elements."""
    if rule.op not in (_sum, _mean):
        return None
    g, shape, axis = args
    if not isinstance(g, Value) or g.dtype == np.float16 or math.prod(shape) > _VIEW_ELEMENTS:
        return None
    kept = kept_shape(shape, axis) if axis is not None or g.shape else ()
    if rule.op is _mean:
        share = 1.0 / (math.prod(shape) // (math.prod(kept) or 1) or 1)
        filled: Any = Line(np.multiply, (g, share), {}, Value(g.shape, g.dtype))
    else:
        filled = g
    if kept and kept != g.shape:
        filled = Line(np.reshape, (filled, kept), {}, Value(kept, g.dtype))
    return np.full, (shape, filled), {}


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


def summed_axes(x: Any, shape: tuple[int, ...]) -> dict[str, Any] | None:
    """Return the options with which `sum` is the same as `sum_to`, if there are any; both add in one order.

    Examples
    --------
    >>> import numpy as np
    >>> summed_axes(np.ones((5, 4)), (4,)), summed_axes(np.ones((5, 4)), (5, 1))
    ({'axis': 0}, {'axis': 1, 'keepdims': True})
    """
    lead = len(x.shape) - len(shape)
    ones = tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    if not shape or (lead and ones):
        return None
    axes = tuple(range(lead)) or ones
    options: dict[str, Any] = {"axis": axes[0] if len(axes) == 1 else axes}
    return options | ({"keepdims": True} if ones else {})


def _sum_to(x: Any, shape: tuple[int, ...]) -> Call:
    options = summed_axes(x, shape)
    if options is None:
        return sum_to, (x, shape), {}
    return ops.sum, (x, options.pop("axis")), options


def _conv_options(spec: ConvSpec) -> dict[str, Any]:
    options = {
        "stride": _pair(spec.stride),
        "padding": _padding(spec.padding),
        "dilation": _pair(spec.dilation),
        "groups": spec.groups,
    }
    return _without({"stride": 1, "padding": 0, "dilation": 1, "groups": 1}, options)


def _conv2d(x: Any, weight: Any, bias: Any = None, *, spec: ConvSpec) -> Call:
    operands = (x, weight) if bias is None else (x, weight, bias)
    if _is_cut(spec):
        return conv2d_output, operands, {"spec": spec}
    return ops.conv2d, operands, _conv_options(spec)


def _conv2d_input(y: Any, weight: Any, *, spec: ConvSpec) -> Call:
    """Write the adjoint of a convolution as the transposed convolution that it is."""
    options = {"output_padding": 0} | _conv_options(spec)
    pads = options.get("padding", 0)
    if isinstance(pads, int | tuple) and not (isinstance(pads, tuple) and isinstance(pads[0], tuple)):
        rest = [size - least for size, least in zip(spec.input_size, _least_sizes(spec), strict=True)]
        options["output_padding"] = _pair((rest[0], rest[1]))
        defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        if min(rest) >= 0 and transposed_geometry(y.shape, weight.shape, **defaults | options) == spec:
            return ops.conv_transpose2d, (y, weight), _without({"output_padding": 0} | defaults, options)
    x_shape = (y.shape[0], weight.shape[1] * spec.groups, *spec.input_size)
    return conv2d_input, (y, weight), {"spec": _made(spec, x_shape, weight.shape)}


def _is_cut(spec: ConvSpec) -> bool:
    """Whether a padding is negative, as `output_padding` may make it, which no option says."""
    return min(side for pads in spec.padding for side in pads) < 0


def _made(spec: ConvSpec, x_shape: tuple[int, ...], weight_shape: tuple[int, ...]) -> Any:
    return spec if _is_cut(spec) else Made(ConvSpec, (x_shape, weight_shape), _conv_options(spec))


def _least_sizes(spec: ConvSpec) -> list[int]:
    """Return the smallest input that gives the same output, along each axis."""
    return [
        (n - 1) * s - sum(pads) + d * (k - 1) + 1
        for n, s, pads, d, k in zip(
            spec.output_size, spec.stride, spec.padding, spec.dilation, spec.kernel_size, strict=True
        )
    ]


def _conv2d_weight(x: Any, y: Any, *, spec: ConvSpec) -> Call:
    weight_shape = (y.shape[1], x.shape[1] // spec.groups, *spec.kernel_size)
    return conv2d_weight, (x, y), {"spec": _made(spec, x.shape, weight_shape)}


def _pool_options(spec: PoolSpec) -> dict[str, Any]:
    stride = None if spec.stride == spec.kernel_size else _pair(spec.stride)
    options = {"stride": stride, "padding": _padding(spec.padding), "dilation": _pair(spec.dilation)}
    if not _is_floored(spec):
        options["ceil_mode"] = True
    return _without({"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}, options)


def _max_pool2d(x: Any, *, spec: PoolSpec) -> Call:
    return ops.max_pool2d, (x, _pair(spec.kernel_size)), _pool_options(spec)


def _avg_pool2d(x: Any, *, spec: PoolSpec, count_include_pad: bool) -> Call:
    options = _pool_options(spec) | ({} if count_include_pad else {"count_include_pad": False})
    return ops.avg_pool2d, (x, _pair(spec.kernel_size)), options


def _max_pool2d_scatter(y: Any, x: Any, *, spec: PoolSpec, maxima: Any = None) -> Call:
    made = Made(PoolSpec, (x.shape, _pair(spec.kernel_size)), _pool_options(spec))
    return max_pool2d_scatter, (y, x), {"spec": made, "maxima": maxima}


def _is_floored(spec: PoolSpec) -> bool:
    """Whether the last windows end inside of the padded input, as without ``ceil_mode``."""
    options = {"stride": spec.stride, "padding": spec.padding, "dilation": spec.dilation}
    return bool(PoolSpec.of((1, 1, *spec.input_size), spec.kernel_size, **options) == spec)


_SPELLED: dict[Any, Callable[..., Call]] = {
    conv2d_output: _conv2d,
    conv2d_input: _conv2d_input,
    conv2d_weight: _conv2d_weight,
    max_pool2d_output: _max_pool2d,
    max_pool2d_scatter: _max_pool2d_scatter,
    avg_pool2d_output: _avg_pool2d,
    sum_to: _sum_to,
    _mean_nll: lambda log_p, labels: (ops.nll_loss, (log_p, labels), {}),
}
