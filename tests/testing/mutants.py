"""A catalogue of planted faults: wrong gradient rules that the toolkit must find.

The kinds are those of gradient code gone wrong in public frameworks:

M1 zero gradient; M2 permutation or index not inverted; M3 cotangent ignored; M4 assigned instead of
accumulated; M5 broadcasting not undone; M6 wrong factor; M7 right for one memory layout only; M8 mutation;
M9 wrong dtype or type; M10 wrong at one corner element; M11 tiny derivative dropped; M12 stateful or random;
M13 wrong for the second operand; M14 wrong at second order only; M15 height and width swapped; M16 groups
swapped.

A mutant replaces one rule of one primitive, and is looked for with the tests of one `OpCase`.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import records
import references

from tinygrad_cnn import ops
from tinygrad_cnn.ops import conv, joining, normalization, pool, products, reductions
from tinygrad_cnn.tape import Primitive, broadcast_to, primitive, raw, sum_to
from tinygrad_cnn.testing import OpCase, faults, strategies
from tinygrad_cnn.testing.faults import result_changed, times_at


class Mutant(NamedTuple):
    """A wrong rule: of which kind, for which primitive and operand, and the case that should reveal it."""

    kind: str
    what: str
    primitive: Primitive
    operand: str
    rule: Callable
    case: OpCase

    def __str__(self):
        return f"{self.kind} {self.primitive.__name__}.{self.operand}: {self.what}".replace(" ", "_")


def planted(mutant):
    """Put the wrong rule in the place of the right one, within a ``with`` block."""
    return faults.Fault(mutant.what, mutant.primitive, mutant.operand, mutant.rule)


# --- faults that fit any rule -----------------------------------------------------------------------------


def when(condition):
    """Twice too large for calls of some kind."""
    return result_changed(lambda gradient, asked: 2 * gradient if condition(asked) else gradient)


FAULTS = {
    "M1": ["zero"],
    "M2": ["reversed"],
    "M3": ["cotangent ignored"],
    "M6": ["twice", "sign", "one in a million"],
    "M7": ["C order only", "not for zero strides", "not for negative strides", "writable only"],
    "M8": ["mutates the cotangent"],
    "M9": ["float64", "float32", "list", "None", "wrong shape"],
    "M10": ["last element", "first element"],
    "M12": ["wrong every third call", "noise", "values of the first call", "one buffer for every call"],
    "M14": ["recorded as a constant"],
}
KIND = {what: kind for kind, faults in FAULTS.items() for what in faults}

_CASES = {case.name: case for case in records.CASES}
# the tape repairs shape and dtype of a broadcasting primitive's rules, so M9 is planted elsewhere
_BUT_DTYPE = {what for what, kind in KIND.items() if kind != "M9"} - {"values of the first call"}


def _generic():
    chosen = [
        ("sin", "x", set(KIND)),
        ("multiply", "a", _BUT_DTYPE | {"values of the first call"}),
        ("getitem", "x", set(KIND) - {"values of the first call"}),
        ("sum_over_axes", "x", set(KIND) - {"cotangent ignored", "reversed", "values of the first call"}),
        ("matmul", "b", _BUT_DTYPE),
        ("conv2d_output", "weight", _BUT_DTYPE),
        ("softmax", "x", {what for what, kind in KIND.items() if kind in ("M1", "M9", "M10", "M14")}),
        *((name, "x", {"wrong every third call", "noise"}) for name in ("tanh", "max", "batch_norm_output")),
    ]
    for name, operand, kinds in chosen:
        op = _CASES[name].function
        for what in KIND:
            if what in kinds:
                rule = faults.FAULTS[what](op.rules[operand].function)
                yield Mutant(KIND[what], what, op, operand, rule, _CASES[name])


# --- faults of their own ----------------------------------------------------------------------------------


def _of(kind, what, name, operand, rule, *, of=None):
    """A mutant of the primitive of a case, or of another one that the case leads to."""
    return Mutant(kind, what, of or _CASES[name].function, operand, rule, _CASES[name])


def _assigned(g, x_shape, key):
    out = np.zeros(x_shape, g.dtype)
    out[key] = raw(g)
    return out


def _scatter_assigned(g, x, spec):
    out = np.zeros(x.shape, g.dtype)
    for origin, to in references.winners(raw(x), spec.kernel_size, **references.geometry(spec)):
        out[to] = raw(g)[origin]
    return out


def _first_of_broadcast(g, a_shape):
    """The first of the elements that a sum should have added."""
    g = raw(g)
    g = g[(0,) * (g.ndim - len(a_shape))] if g.size else np.zeros(a_shape)
    return g[tuple(slice(0, n) for n in a_shape)]


def _hw_swapped(spec):
    """Stride and padding of rows for columns and the reverse."""
    return spec.replace(stride=spec.stride[::-1], padding=spec.padding[::-1])


def _has_arrays_apart(asked):
    """Whether an index has something between its arrays, numbers among them: their axes move to the front."""
    key = asked["key"] if isinstance(asked["key"], tuple) else ()
    kinds = "".join("a" if isinstance(part, np.ndarray | int | list) else "s" for part in key)
    return re.search("as+a", kinds) is not None


def _several_axes(asked):
    return isinstance(asked["axis"], tuple) and len(asked["axis"]) > 1


def _stretches(asked):
    """Whether the right operand of a product has an axis of its stack stretched, or lacks it."""
    return asked["a"].ndim > 2 and asked["b_shape"][:-2] != asked["a"].shape[:-2]


def _vector_times_stack(asked):
    return asked["a"].ndim == 1 and asked["b"].ndim > 2


def _reverses(asked):
    return isinstance(asked["key"], slice) and (asked["key"].step or 1) < 0


def _groups_reversed(gradient, axis, groups):
    parts = np.split(raw(gradient), groups, axis)
    return np.concatenate(parts[::-1], axis)


def but_channels(x):
    return (0, *range(2, x.ndim))


@primitive
def tiny(x):
    return 1e-7 * x


tiny.defvjp(x=lambda g: 1e-7 * g)


@primitive
def beside_one(x):
    return 1 + 1e-6 * x


beside_one.defvjp(x=lambda g: 1e-6 * g)

TINY = OpCase("tiny", tiny, operands=strategies.arrays(), reference=lambda x: x * 1e-7)
BESIDE_ONE = OpCase("beside_one", beside_one, operands=strategies.arrays(), reference=lambda x: 1 + 1e-6 * x)


def _particular():
    sum_, mean, spread = ops.sum, ops.mean, reductions.unreduce
    count = reductions._count
    # fmt: off
    return [
        # M1
        _of("M1", "zero", "logsumexp", "x", lambda g, x: 0 * x),
        _of("M1", "zero", "max_pool2d_output", "x", lambda g, x: np.zeros(x.shape, x.dtype)),
        # M2
        _of("M2", "not inverted", "transpose", "x", lambda g, axes: ops.transpose(g, axes)),
        _of("M2", "offset of the other end", "pad_with_constants", "x",
            lambda g, x_shape, widths: ops.getitem(
                g, tuple(slice(after, after + n) for (_, after), n in zip(widths, x_shape, strict=True))
            )),
        _of("M2", "always the first part", "concatenate_along_an_axis", "xs", lambda g, xs_shape, index, axis:
                ops.getitem(g, (slice(None),) * (axis % g.ndim) + (slice(0, xs_shape[index][axis]),))),
        _of("M2", "Fortran order", "reshape", "x", lambda g, x_shape: np.reshape(raw(g), x_shape, order="F")),
        # M3
        _of("M3", "local derivative alone", "exp", "x", lambda out: 1 * out),
        _of("M3", "local derivative alone", "relu", "x", lambda g, x: 1.0 * (raw(x) > 0) + 0 * g),
        _of("M3", "local derivative alone", "divide", "a", lambda g, b: 0 * g + 1 / b),
        # M4
        _of("M4", "assigned", "getitem", "x", _assigned),
        _of("M4", "assigned", "max_pool2d_output", "x", _scatter_assigned),
        _of("M4", "overlaps once", "avg_pool2d_output", "x",
            lambda g, spec, count_include_pad: np.minimum(
                pool._avg_pool2d_input(raw(g), spec=spec, count_include_pad=count_include_pad), 0.25
            )),
        # M5
        _of("M5", "not summed", "add", "a", lambda g, a_shape: _first_of_broadcast(g, a_shape)),
        _of("M5", "mean for sum", "subtract", "b", lambda g, b_shape:
                (-broadcast_to(sum_to(g, b_shape) * (np.prod(b_shape) / max(raw(g).size, 1)), b_shape))),
        _of("M5", "not summed", "broadcast_to", "x", lambda g, x_shape: _first_of_broadcast(g, x_shape)),
        _of("M5", "size-1 axes stretched", "sum_to", "x", lambda g, x_shape: np.resize(raw(g), x_shape)),
        # M6
        _of("M6", "not divided", "mean_over_axes", "x", lambda g, x_shape, axis: spread(g, x_shape, axis)),
        _of("M6", "divided by all elements", "mean_over_axes", "x",
            lambda g, x_shape, axis: spread(g / max(np.prod(x_shape), 1), x_shape, axis)),
        _of("M6", "ddof ignored", "var_over_axes", "x", lambda g, x, axis:
                (spread(g * (2 / count(x.shape, axis)), x.shape, axis) * (x - mean(x, axis, keepdims=True)))),
        _of("M6", "mean not subtracted", "var_over_axes", "x",
            lambda g, x, axis, ddof: spread(g * (2 / (count(x.shape, axis) - ddof)), x.shape, axis) * x),
        _of("M6", "half missing", "sqrt", "x", lambda g, out: g / out),
        _of("M6", "one power too few", "power", "x", lambda g, x, exponent: g * exponent * x**exponent),
        _of("M6", "derivative of sin", "cos", "x", lambda g, x: g * ops.sin(x)),
        _of("M6", "sign", "negative", "x", lambda g: 1 * g),
        _of("M6", "multiplied", "log", "x", lambda g, x: g * x),
        _of("M6", "at the other side too", "abs", "x", lambda g, x: 1 * g),
        _of("M6", "beyond the bounds too", "clip_to_bounds", "x", lambda g: 1 * g),
        _of("M6", "leaky", "relu", "x", lambda g, x: g * np.where(raw(x) > 0, 1, 1e-3).astype(x.dtype)),
        _of("M6", "to the smallest", "max", "x", lambda g, x, axis:
                (spread(g, x.shape, axis) * (raw(x) == np.min(raw(x), axis=axis, keepdims=True)))),
        _of("M6", "over all slices", "max", "x",
            lambda g, x, axis: spread(g, x.shape, axis) * (raw(x) == np.max(raw(x), initial=-np.inf))),
        _of("M6", "last axis whatever the axis", "softmax", "x",
            lambda g, out: out * (g - sum_(g * out, -1, keepdims=True))),
        _of("M6", "diagonal only", "softmax", "x", lambda g, out: g * out * (1 - out)),
        _of("M6", "sum missing", "log_softmax", "x", lambda g, out: g - ops.exp(out) * g),
        _of("M6", "padding counted", "avg_pool2d_output", "x",
            lambda g, spec: pool._avg_pool2d_input(g, spec=spec, count_include_pad=True)),
        _of("M6", "mean term missing", "batch_norm_output", "x",
            lambda g, x, weight, eps: (
                normalization.batch_norm_input(g, x, weight, eps=eps)
                + 0.01 * sum_(g, but_channels(x), keepdims=True)
            )),
        _of("M6", "bias averaged", "conv2d_output", "bias",
            lambda g: sum_(g, (0, 2, 3)) / max(len(raw(g)), 1)),
        # M9
        _of("M9", "weights in float64", "max", "x",
            lambda g, x, out, axis: (
                spread(g, x.shape, axis)
                * (raw(x) == raw(out).reshape(reductions.kept_shape(x.shape, axis))).astype(np.float64)
            )),
        _of("M9", "NumPy scalar", "mean_over_axes", "x",
            lambda g, x_shape, axis: spread(g * np.float64(1 / (count(x_shape, axis) or 1)), x_shape, axis)),
        _of("M9", "zeros of the default dtype", "pad_with_constants", "x",
            lambda g, x_shape, widths: np.zeros(x_shape) + joining._pad_rule(g, x_shape, widths)),
        # M10
        _of("M10", "corner of the kernel", "conv2d_weight", "x",
            times_at(-1)(conv.conv2d_weight.rules["x"].function)),
        _of("M10", "last channel", "batch_norm_output", "weight",
            times_at(-1)(normalization._batch_norm.rules["weight"].function)),
        _of("M10", "last element", "where", "y", times_at(-1)(ops.where.rules["y"].function)),
        # M11
        Mutant("M11", "dropped", tiny, "x", lambda g: 0 * g, TINY),
        Mutant("M11", "dropped", beside_one, "x", lambda g: 0 * g, BESIDE_ONE),
        # M13
        _of("M13", "sign", "subtract", "b", lambda g: 1 * g),
        _of("M13", "sign", "divide", "b", lambda g, a, b: g * a / (b * b)),
        _of("M13", "other base", "power", "exponent", lambda g, out, x: g * out * ops.log(x) / np.log(2)),
        _of("M13", "as the first", "maximum", "b", lambda g, a, b: g * (raw(a) > raw(b))),
        _of("M13", "as the first", "minimum", "b", lambda g, a, b: g * (raw(a) < raw(b))),
        _of("M13", "as the first", "where", "y", lambda g, condition: ops.where(condition, g, 0.0)),
        _of("M13", "all but the first", "concatenate_along_an_axis", "xs", lambda g, xs_shape, index, axis:
                ((0.5 if index else 1) * joining._concatenate_rule(g, xs_shape, index, axis))),
        _of("M13", "of an unstandardised input", "batch_norm_output", "weight",
            lambda g, x: sum_(g * x, but_channels(x))),
        # calls that few examples are of
        _of("M5", "broadcast stack", "matmul", "b", when(_stretches)(products._matmul_b)),
        _of("M13", "vector times stack", "matmul", "a", when(_vector_times_stack)(products._matmul_a)),
        _of("M2", "reversal", "getitem", "x", when(_reverses)(ops.getitem.rules["x"].function)),
        _of("M2", "arrays apart", "getitem", "x", when(_has_arrays_apart)(ops.getitem.rules["x"].function)),
        *[
            _of("M6", "several axes", name, "x",
                when(_several_axes)(_CASES[name].function.rules["x"].function))
            for name in ("max", "mean_over_axes", "softmax")
        ],
        # M14
        _of("M14", "output as a constant", "exp", "x", lambda g, out: g * raw(out)),
        _of("M14", "output as a constant", "tanh", "x", lambda g, out: g * (1 - raw(out) ** 2)),
        _of("M14", "output as a constant", "sigmoid", "x", lambda g, out: g * raw(out * (1 - out))),
        _of("M14", "output as a constant", "logsumexp", "x",
            lambda g, x, out, axis: reductions._logsumexp_rule(g, raw(x), raw(out), axis)),
        _of("M14", "operand as a constant", "square", "x", lambda g, x: g * (2 * raw(x))),
        _of("M14", "divisor as a constant", "divide", "a", lambda g, b: g / raw(b)),
        _of("M14", "derivative's own rule", "batch_norm_output", "x",
            lambda g, x: 0 * x, of=normalization.batch_norm_input),
        _of("M14", "derivative's own rule", "batch_norm_output", "weight",
            lambda g, weight: 0 * weight, of=normalization.batch_norm_input),
        _of("M14", "derivative's own rule", "conv2d_output", "weight",
            lambda g, weight: 0 * weight, of=conv.conv2d_input),
        _of("M14", "derivative's own rule", "max_pool2d_output", "y",
            lambda g, y: 0 * y, of=pool.max_pool2d_scatter),
        # M15
        _of("M15", "stride and padding", "conv2d_output", "x",
            lambda g, weight, spec: conv.conv2d_input(g, weight, spec=_hw_swapped(spec))),
        _of("M15", "kernel turned", "conv2d_output", "weight",
            lambda g, x, spec: ops.swapaxes(conv.conv2d_weight(x, g, spec=spec), 2, 3)),
        _of("M15", "kernel turned", "conv2d_input", "weight",
            lambda g, y, spec: ops.swapaxes(conv.conv2d_weight(g, y, spec=spec), 2, 3)),
        _of("M15", "windows turned", "max_pool2d_output", "x",
            lambda g, x, spec: pool.max_pool2d_scatter(g, raw(x), spec=_hw_swapped(spec))),
        _of("M15", "windows turned", "avg_pool2d_output", "x", lambda g, spec, count_include_pad:
                pool._avg_pool2d_input(g, spec=_hw_swapped(spec), count_include_pad=count_include_pad)),
        _of("M15", "image turned", "max_pool2d_gather", "v",
            lambda g, x, spec: ops.swapaxes(pool.max_pool2d_scatter(g, x, spec=spec), 2, 3)),
        # M16
        _of("M16", "of the input", "conv2d_output", "x", lambda g, weight, spec:
                _groups_reversed(conv.conv2d_input(raw(g), raw(weight), spec=spec), 1, spec.groups)),
        _of("M16", "of the kernel", "conv2d_output", "weight", lambda g, x, spec:
                _groups_reversed(conv.conv2d_weight(raw(x), raw(g), spec=spec), 0, spec.groups)),
        _of("M16", "channels reversed", "batch_norm_output", "bias",
            lambda g: ops.getitem(sum_(g, (0, *range(2, g.ndim))), slice(None, None, -1))),
        # an image of one colour, as the first layer sees it: the kernel as it would be for convolution proper
        _of("M2", "kernel not flipped back", "conv2d_output", "x",
            lambda g, weight, spec: conv.conv2d_input(
                g, ops.getitem(weight, (..., slice(None, None, -1), slice(None, None, -1))), spec=spec
            )),
    ]
    # fmt: on


MUTANTS = [*_generic(), *_particular()]
