"""One record for each primitive: what to call it with, what it should give, and where it is linear.

`test_conformance.py` makes the tests of them. A new primitive needs one more record here.
"""

import functools
import math

import numpy as np
import op_cases_more
from hypothesis import strategies as st

from tinygrad_cnn import autodiff, ops, tape
from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec
from tinygrad_cnn.ops import activations, conv, indexing, joining, losses, normalization, pool, shaping
from tinygrad_cnn.testing import Call, ErrorCase, OpCase, strategies
from tinygrad_cnn.testing.layouts import LAYOUTS, relaid

arrays, distinct_arrays, broadcastable = (
    strategies.arrays,
    strategies.distinct_arrays,
    strategies.broadcastable,
)

DO_NOT_BROADCAST = (ErrorCase((np.ones((2, 3)), np.ones(2)), ValueError),)


# --- operands that several operations share ---------------------------------------------------------------


@st.composite
def untied_pairs(draw):
    """Broadcastable pairs in which no element equals one of the other."""
    a, b = draw(broadcastable(each=functools.partial(distinct_arrays, gap=0.25)))
    return a, b + 0.125


@st.composite
def gated(draw):
    """Pairs (x, y) of one shape."""
    y = draw(arrays())
    return draw(arrays(y.shape, whole=True)), y


@st.composite
def between_bounds(draw):
    """Broadcastable triples (x, low, high), one of the latter perhaps None, in which nothing ties."""
    x, low, high = draw(broadcastable(3, each=functools.partial(distinct_arrays, gap=0.25)))
    kept = draw(st.sampled_from(["both", "low", "high"]))
    low, high = -np.abs(low) - 0.125, np.abs(high) + 0.125
    return x, low if kept != "high" else None, high if kept != "low" else None


def reduced(x, axis):
    """How many elements each result of a reduction is made of."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return math.prod(x.shape[a] for a in axes)


def any_axis(x):
    return {"axis": strategies.axes(x.ndim), "keepdims": st.booleans()}


def axis_of_something(x):
    """Axes over which there is at least one element: an empty mean or maximum has no value."""
    full = strategies.axes(x.ndim).filter(lambda axis: reduced(x, axis) > 0)
    return {"axis": full if 0 not in x.shape else st.just(()) | full, "keepdims": st.booleans()}


@st.composite
def with_degrees_of_freedom(draw, operands):
    """A reduction with ``ddof`` below the number of elements."""
    x = draw(operands)
    params = {name: draw(strategy) for name, strategy in axis_of_something(x).items()}
    params["ddof"] = draw(st.integers(0, min(reduced(x, params["axis"]) - 1, 2)))
    return Call((x,), params)


def some_axes(x):
    """An axis, or several but not none."""
    return {
        "axis": st.integers(-x.ndim, x.ndim - 1) | st.sets(st.integers(0, x.ndim - 1), min_size=1).map(tuple)
    }


# --- shapes -----------------------------------------------------------------------------------------------


@st.composite
def summed_shapes(draw, x):
    """A shape that broadcasts to that of ``x``."""
    kept = x.shape[draw(st.integers(0, x.ndim)) :]
    return tuple(draw(st.sampled_from([n, 1])) for n in kept)


@st.composite
def stretched_shapes(draw, x):
    """A shape that ``x`` broadcasts to."""
    lead = draw(strategies.shapes(max_dims=2, max_side=2))
    return lead + tuple(draw(st.integers(0, 3)) if n == 1 else n for n in x.shape)


def other_shapes(x):
    """Shapes of as many elements; -1 where that says how many."""
    shapes = [x.shape[::-1], (x.size,), (1, *x.shape), (x.size, 1)]
    return st.sampled_from([*shapes, (-1,), (*x.shape[:1], -1)] if x.size else shapes)


@st.composite
def with_template(draw):
    x = draw(arrays())
    template = relaid(np.zeros(draw(st.sampled_from([x.shape[::-1], (x.size,), x.shape]))), "C order")
    return x, relaid(template, draw(st.sampled_from(LAYOUTS)))


def rolled(x, shift, axis):
    if axis is None:
        return rolled(x.reshape(-1), shift, 0).reshape(x.shape)
    n = x.shape[axis]
    return np.take(x, (np.arange(n) - shift) % max(n, 1), axis)


@st.composite
def permutations(draw, ndim):
    order = draw(st.permutations(range(ndim)))
    return tuple(a - ndim * draw(st.integers(0, 1)) for a in order)


@st.composite
def placed(draw):
    shape = draw(strategies.shapes(min_dims=1))
    key = draw(strategies.indices(shape))
    selected = np.empty(shape)[key].shape
    return Call((draw(arrays(selected)),), {"key": key, "shape": shape})


@st.composite
def joined(draw):
    shape = draw(strategies.shapes(min_dims=1, max_side=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))

    def with_length(n):
        return tuple(n if i == axis % len(shape) else m for i, m in enumerate(shape))

    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    return Call(tuple(draw(arrays(with_length(n))) for n in lengths), {"axis": axis})


def join(*xs, axis):
    shape = list(xs[0].shape)
    shape[axis] = 0
    out = np.empty(shape)
    for x in xs:
        for i in range(x.shape[axis]):
            out = np.insert(out, out.shape[axis], np.take(x, i, axis), axis)
    return out


def padded(x, *, widths, constant_values):
    out = np.full(
        [n + before + after for n, (before, after) in zip(x.shape, widths, strict=True)], constant_values
    )
    for index in np.ndindex(x.shape):
        out[tuple(i + before for i, (before, _) in zip(index, widths, strict=True))] = x[index]
    return out


def put(x, key, *, shape):
    """By the definition of an index: the places that it selects from an array of places."""
    out = np.zeros(math.prod(shape))
    places = np.arange(out.size).reshape(shape)[key]
    for place, value in zip(np.ravel(places), np.ravel(x), strict=True):
        out[place] += value
    return out.reshape(shape)


# --- matrices, convolutions, pooling ----------------------------------------------------------------------


def matrix_product(a, b):
    left, right = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    out = np.sum(left[..., :, :, None] * right[..., None, :, :], axis=-2)
    if a.ndim == 1:
        out = out[..., 0, :]
    return out[..., 0] if b.ndim == 1 else out


def with_spec(call):
    x, weight = call.operands[:2]
    return Call(call.operands, {"spec": ConvSpec.of(x.shape, weight.shape, **call.params)})


def taps(spec):
    """Every pair of an output position and a kernel position, with the input position it reads."""
    for i, j in np.ndindex(*spec.output_size):
        for k, m in np.ndindex(*spec.kernel_size):
            row = i * spec.stride[0] + k * spec.dilation[0] - spec.padding[0][0]
            column = j * spec.stride[1] + m * spec.dilation[1] - spec.padding[1][0]
            if 0 <= row < spec.input_size[0] and 0 <= column < spec.input_size[1]:
                yield (i, j), (k, m), (row, column)


def channels(spec, n_in, n_out):
    """Every pair of an output and an input channel of the same group, with the latter's number within it."""
    per_in, per_out = n_in // spec.groups, n_out // spec.groups
    for o in range(n_out):
        for c in range(per_in):
            yield o, (o // per_out) * per_in + c, c


def convolve(x, weight, bias=None, *, spec):
    out = np.zeros((len(x), len(weight), *spec.output_size))
    for o, c, within in channels(spec, x.shape[1], len(weight)):
        for (i, j), (k, m), (row, column) in taps(spec):
            out[:, o, i, j] += x[:, c, row, column] * weight[o, within, k, m]
    return out if bias is None else out + bias[:, None, None]


def convolve_back(y, weight, *, spec):
    out = np.zeros((len(y), weight.shape[1] * spec.groups, *spec.input_size))
    for o, c, within in channels(spec, out.shape[1], len(weight)):
        for (i, j), (k, m), (row, column) in taps(spec):
            out[:, c, row, column] += y[:, o, i, j] * weight[o, within, k, m]
    return out


def correlate(x, y, *, spec):
    out = np.zeros((y.shape[1], x.shape[1] // spec.groups, *spec.kernel_size))
    for o, c, within in channels(spec, x.shape[1], y.shape[1]):
        for (i, j), (k, m), (row, column) in taps(spec):
            out[o, within, k, m] += np.sum(x[:, c, row, column] * y[:, o, i, j])
    return out


@st.composite
def output_and_weight(draw):
    (x, weight), params = draw(strategies.conv2d_problems(bias=False).map(with_spec))
    return Call(
        (draw(arrays((len(x), len(weight), *params["spec"].output_size), whole=True)), weight), params
    )


@st.composite
def input_and_output(draw):
    (x, weight), params = draw(strategies.conv2d_problems(bias=False).map(with_spec))
    return Call((x, draw(arrays((len(x), len(weight), *params["spec"].output_size), whole=True))), params)


def pool_spec(call):
    x, kernel_size = call.operands
    return Call((x,), {"spec": PoolSpec.of(x.shape, kernel_size, **call.params)})


def windows(spec):
    """Each window: the output position, and the input positions within it in scan order."""
    for i, j in np.ndindex(*spec.output_size):
        inside = []
        for k, m in np.ndindex(*spec.kernel_size):
            row = i * spec.stride[0] + k * spec.dilation[0] - spec.padding[0][0]
            column = j * spec.stride[1] + m * spec.dilation[1] - spec.padding[1][0]
            if 0 <= row < spec.input_size[0] and 0 <= column < spec.input_size[1]:
                inside.append((row, column))
        yield (i, j), inside


def winners(x, spec):
    """Each window's output index with the index of its first largest element."""
    for n, c in np.ndindex(*x.shape[:2]):
        for (i, j), inside in windows(spec):
            best = inside[int(np.argmax([x[n, c, row, column] for row, column in inside]))]
            yield (n, c, i, j), (n, c, *best)


def gather(v, x, *, spec):
    out = np.zeros((*x.shape[:2], *spec.output_size))
    for to, origin in winners(x, spec):
        out[to] = v[origin]
    return out


def scatter(y, x, *, spec):
    out = np.zeros(x.shape)
    for origin, to in winners(x, spec):
        out[to] += y[origin]
    return out


def divisor(spec, position, inside, count_include_pad):
    """Of an average: the taps within the input, or within the padded input."""
    if not count_include_pad:
        return len(inside)
    sizes = []
    for axis in range(2):
        start = position[axis] * spec.stride[axis]
        end = spec.input_size[axis] + sum(spec.padding[axis])
        sizes.append(min(start + spec.kernel_size[axis], end) - start)
    return sizes[0] * sizes[1]


def average(x, *, spec, count_include_pad):
    out = np.zeros((*x.shape[:2], *spec.output_size))
    for (i, j), inside in windows(spec):
        total = sum((x[:, :, row, column] for row, column in inside), start=np.zeros(x.shape[:2]))
        out[:, :, i, j] = total / divisor(spec, (i, j), inside, count_include_pad)
    return out


def spread_average(y, *, spec, count_include_pad):
    out = np.zeros((*y.shape[:2], *spec.input_size))
    for (i, j), inside in windows(spec):
        for row, column in inside:
            out[:, :, row, column] += y[:, :, i, j] / divisor(spec, (i, j), inside, count_include_pad)
    return out


@st.composite
def pooled_and_input(draw):
    (x,), params = draw(strategies.pool2d_problems(dilated=True).map(pool_spec))
    return Call((draw(arrays((*x.shape[:2], *params["spec"].output_size), whole=True)), x), params)


@st.composite
def two_inputs(draw):
    (x,), params = draw(strategies.pool2d_problems(dilated=True).map(pool_spec))
    return Call((draw(arrays(x.shape, whole=True)), x), params)


@st.composite
def averages(draw, *, of_output):
    call = draw(strategies.pool2d_problems(dilated=False, each=arrays).map(pool_spec))
    params = {**call.params, "count_include_pad": draw(st.booleans())}
    x = call.operands[0]
    return Call(
        (draw(arrays((*x.shape[:2], *params["spec"].output_size), whole=True)) if of_output else x,), params
    )


# --- normalisation ----------------------------------------------------------------------------------------


def standardised(x, eps):
    """``x^`` and ``1 / sqrt(var + eps)``, channel by channel."""
    hat, root = np.zeros(x.shape), np.zeros(x.shape[1])
    for c in range(x.shape[1] if len(x) else 0):
        centred = x[:, c] - np.sum(x[:, c]) / x[:, c].size
        root[c] = 1 / np.sqrt(np.sum(centred**2) / centred.size + eps)
        hat[:, c] = centred * root[c]
    return hat, root


def along(x, v):
    return np.reshape(v, (1, -1) + (1,) * (x.ndim - 2))


def normalised(x, weight, bias, *, eps):
    return standardised(x, eps)[0] * along(x, weight) + along(x, bias)


def normalised_weight(y, x, *, eps):
    return np.sum(y * standardised(x, eps)[0], axis=(0, *range(2, x.ndim)))


def normalised_input(y, x, weight, *, eps):
    hat, root = standardised(x, eps)
    out = np.zeros(x.shape)
    for c in range(x.shape[1] if len(x) else 0):
        n = y[:, c].size
        projected = y[:, c] - np.sum(y[:, c]) / n - hat[:, c] * np.sum(y[:, c] * hat[:, c]) / n
        out[:, c] = weight[c] * root[c] * projected
    return out


@st.composite
def normalisation(draw, *names):
    """Operands by name: ``x`` and ``y`` of one shape, ``weight`` and ``bias`` of its channels."""
    shape = (
        draw(st.integers(0, 3)),
        *draw(strategies.shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)),
    )
    drawn = {name: draw(arrays(shape[1:2] if name in ("weight", "bias") else shape)) for name in names}
    drawn["x"] = draw(distinct_arrays(shape))
    return Call(tuple(drawn[name] for name in names), {"eps": draw(st.sampled_from([0.5, 1.0, 2.0**-4]))})


# --- the records ------------------------------------------------------------------------------------------

EMPTY = "an empty operand has no value"

TAPE = [
    OpCase(
        "add",
        ops.add,
        operands=broadcastable(),
        reference=np.add,
        linear_in=("a", "b"),
        errors=DO_NOT_BROADCAST,
    ),
    OpCase(
        "broadcast_to",
        tape.broadcast_to,
        operands=arrays(strategies.shapes(max_side=3)),
        params=lambda x: {"shape": stretched_shapes(x)},
        reference=lambda x, shape: np.zeros(shape) + x,
        linear_in=("x",),
        errors=[ErrorCase((np.ones(2),), ValueError, {"shape": (3,)}, says=("(2,)", "(3,)"))],
    ),
    OpCase(
        "sum_to",
        tape.sum_to,
        operands=arrays(strategies.shapes(max_side=3)),
        params=lambda x: {"shape": summed_shapes(x)},
        reference=lambda x, shape: sum_until(x, shape),
        linear_in=("x",),
    ),
    OpCase(
        "astype",
        tape.astype,
        operands=arrays(),
        params={"dtype": st.sampled_from([np.float32, np.float64])},
        reference=lambda x, dtype: np.array(x, dtype=dtype),
        skip={"float32": "casting is what it does"},
    ),
    OpCase("identity", autodiff._identity, operands=arrays(), reference=lambda x: x.copy(), linear_in=("x",)),
]


def sum_until(x, shape):
    while x.ndim > len(shape):
        x = np.sum(x, axis=0)
    for axis, n in enumerate(shape):
        if n == 1:
            x = np.sum(x, axis=axis, keepdims=True)
    return x


ELEMENTWISE = [
    OpCase(
        "subtract",
        ops.subtract,
        operands=broadcastable(),
        reference=np.subtract,
        linear_in=("a", "b"),
        errors=DO_NOT_BROADCAST,
    ),
    OpCase(
        "multiply",
        ops.multiply,
        operands=broadcastable(),
        reference=np.multiply,
        linear_in=("a", "b"),
        errors=DO_NOT_BROADCAST,
    ),
    OpCase(
        "divide",
        ops.divide,
        operands=broadcastable(each=functools.partial(arrays, away_from=[0.0], gap=0.25)),
        reference=np.divide,
        errors=DO_NOT_BROADCAST,
    ),
    OpCase("negative", ops.negative, operands=arrays(), reference=np.negative, linear_in=("x",)),
    OpCase(
        "power",
        ops.power,
        operands=broadcastable(each=functools.partial(arrays, low=0.25)),
        reference=np.power,
        errors=DO_NOT_BROADCAST,
    ),
    OpCase(
        "power_integer",
        ops.power,
        operands=arrays(away_from=[0.0], gap=0.25),
        params={"exponent": st.integers(-2, 4)},
        reference=lambda x, exponent: np.power(x, exponent),
    ),
    OpCase("square", ops.square, operands=arrays(), reference=lambda x: x * x),
    OpCase("exp", ops.exp, operands=arrays(), reference=np.exp),
    OpCase("log", ops.log, operands=arrays(low=0.25), reference=np.log),
    OpCase("sqrt", ops.sqrt, operands=arrays(low=0.25), reference=np.sqrt),
    OpCase("sin", ops.sin, operands=arrays(), reference=np.sin),
    OpCase("cos", ops.cos, operands=arrays(), reference=np.cos),
    OpCase("tanh", ops.tanh, operands=arrays(), reference=np.tanh),
    OpCase("abs", ops.abs, operands=arrays(away_from=[0.0]), reference=np.abs),
    OpCase("sign", ops.sign, operands=arrays(away_from=[0.0]), reference=np.sign),
    OpCase("floor", ops.floor, operands=arrays(away_from=range(-3, 4)), reference=np.floor),
    OpCase("maximum", ops.maximum, operands=untied_pairs(), reference=np.maximum, errors=DO_NOT_BROADCAST),
    OpCase("minimum", ops.minimum, operands=untied_pairs(), reference=np.minimum, errors=DO_NOT_BROADCAST),
    OpCase(
        "clip",
        ops.clip,
        operands=between_bounds(),
        reference=lambda x, low, high: np.minimum(
            np.maximum(x, -np.inf if low is None else low), np.inf if high is None else high
        ),
    ),
    OpCase(
        "where",
        ops.where,
        operands=broadcastable(3).map(lambda xs: (xs[0] > 0, *xs[1:])),
        reference=np.where,
        linear_in=("x", "y"),
        errors=[ErrorCase((np.ones(2, dtype=bool), np.ones(3), np.ones((2, 3))), ValueError)],
    ),
]

SHAPING = [
    OpCase(
        "reshape",
        ops.reshape,
        operands=arrays(),
        params=lambda x: {"shape": other_shapes(x)},
        reference=lambda x, shape: np.array(x, order="C").reshape(shape),
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)),), ValueError, {"shape": (4,)}, says=("(2, 3)", "(4,)"))],
    ),
    OpCase(
        "reshape_like",
        shaping.reshape_like,
        operands=with_template(),
        reference=lambda x, template: np.array(x, order="C").reshape(template.shape),
        linear_in=("x",),
        constant=("template",),
    ),
    OpCase(
        "transpose",
        ops.transpose,
        operands=arrays(),
        params=lambda x: {"axes": st.none() | permutations(x.ndim)},
        reference=np.transpose,
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)),), ValueError, {"axes": (0, 1, 2)})],
    ),
    OpCase(
        "getitem",
        ops.getitem,
        operands=arrays(),
        params=lambda x: {"key": strategies.indices(x.shape)},
        reference=lambda x, key: x[key],
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)), (0, 5)), IndexError)],
    ),
    OpCase(
        "roll",
        ops.roll,
        operands=arrays(),
        params=lambda x: {
            "shift": st.integers(-7, 7),
            "axis": st.none() | (st.integers(-x.ndim, x.ndim - 1) if x.ndim else st.none()),
        },
        reference=rolled,
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)), 1, 2), IndexError)],
    ),
    OpCase("scatter_add", indexing.scatter_add, operands=placed(), reference=put, linear_in=("x",)),
    OpCase(
        "pad",
        joining._pad,
        operands=arrays(strategies.shapes(max_side=3)),
        params=lambda x: {
            "widths": st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * x.ndim),
            "constant_values": st.sampled_from([0.0, -2.0]),
        },
        reference=padded,
        linear_in=("x",),
    ),
    OpCase(
        "concatenate",
        joining._concatenate,
        operands=joined(),
        reference=join,
        linear_in=("xs",),
        errors=[ErrorCase((np.ones((2, 3)), np.ones((2, 4))), ValueError, {"axis": 0})],
    ),
]

REDUCTIONS = [
    OpCase(
        "sum",
        ops.sum,
        operands=arrays(),
        params=any_axis,
        reference=np.sum,
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)),), np.exceptions.AxisError, {"axis": 2})],
    ),
    OpCase("mean", ops.mean, operands=arrays(), params=axis_of_something, reference=np.mean),
    OpCase("var", ops.var, operands=with_degrees_of_freedom(arrays()), reference=np.var),
    OpCase("std", ops.std, operands=with_degrees_of_freedom(distinct_arrays()), reference=np.std),
    OpCase("max", ops.max, operands=distinct_arrays(), params=axis_of_something, reference=np.max),
    OpCase("min", ops.min, operands=distinct_arrays(), params=axis_of_something, reference=np.min),
    OpCase(
        "logsumexp",
        ops.logsumexp,
        operands=arrays(),
        params=axis_of_something,
        reference=lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
    ),
]

ACTIVATIONS = [
    OpCase(
        "relu_gradient",
        activations.relu_gradient,
        operands=gated(),
        reference=lambda x, y: np.where(y > 0, x, 0.0),
        linear_in=("x",),
        constant=("y",),
    ),
    OpCase("relu", ops.relu, operands=arrays(away_from=[0.0]), reference=lambda x: np.where(x > 0, x, 0.0)),
    OpCase(
        "mean_nll",
        losses._mean_nll,
        operands=arrays(strategies.shapes(min_dims=2, max_dims=2, min_side=1)),
        params=lambda log_p: {
            "labels": st.tuples(*[st.integers(0, log_p.shape[1] - 1)] * len(log_p)).map(np.array)
        },
        reference=lambda log_p, labels: (
            -np.mean([row[label] for row, label in zip(log_p, labels, strict=True)])
        ),
        skip={"size 0": "the mean of nothing is not a number"},
    ),
    OpCase(
        "to_labels",
        losses._to_labels,
        operands=arrays(()),
        params={"labels": st.just(np.array([2, 0])), "shape": st.just((2, 3))},
        reference=lambda x, labels, shape: -x / 2 * np.array([[0, 0, 1], [1, 0, 0]]),
        linear_in=("x",),
        skip={"size 0": "one number is spread"},
    ),
    OpCase("sigmoid", ops.sigmoid, operands=arrays(), reference=lambda x: 1 / (1 + np.exp(-x))),
    OpCase(
        "softmax",
        ops.softmax,
        operands=arrays(strategies.shapes(min_dims=1)),
        params=some_axes,
        reference=lambda x, axis: np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True),
    ),
    OpCase(
        "log_softmax",
        ops.log_softmax,
        operands=arrays(strategies.shapes(min_dims=1)),
        params=some_axes,
        reference=lambda x, axis: x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True)),
    ),
]

PRODUCTS = [
    OpCase(
        "matmul",
        ops.matmul,
        operands=strategies.matmul_operands(),
        reference=matrix_product,
        linear_in=("a", "b"),
        errors=[ErrorCase((np.ones((2, 3)), np.ones((2, 3))), ValueError)],
    ),
    OpCase(
        "conv2d_output",
        conv.conv2d_output,
        operands=strategies.conv2d_problems().map(with_spec),
        reference=convolve,
        linear_in=("x", "weight", "bias"),
    ),
    OpCase(
        "conv2d_input",
        conv.conv2d_input,
        operands=output_and_weight(),
        reference=convolve_back,
        linear_in=("y", "weight"),
    ),
    OpCase(
        "conv2d_weight",
        conv.conv2d_weight,
        operands=input_and_output(),
        reference=correlate,
        linear_in=("x", "y"),
    ),
    OpCase(
        "conv2d",
        ops.conv2d,
        operands=strategies.conv2d_problems(),
        reference=lambda x, weight, bias, **params: convolve(
            x, weight, bias, spec=ConvSpec.of(x.shape, weight.shape, **params)
        ),
        linear_in=("x", "weight", "bias"),
        errors=[
            ErrorCase((np.ones((1, 3, 4, 4)), np.ones((2, 2, 3, 3))), ValueError),
            ErrorCase(
                (np.ones((1, 1, 4, 4)), np.ones((2, 1, 3, 3)), np.ones(3)),
                ValueError,
                says=("conv2d", "bias", "(2,)", "(3,)"),
            ),
        ],
    ),
]

POOLING = [
    OpCase(
        "max_pool2d",
        pool._max_pool2d,
        operands=strategies.pool2d_problems(dilated=True).map(pool_spec),
        reference=lambda x, *, spec: gather(x, x, spec=spec),
    ),
    OpCase(
        "max_pool2d_scatter",
        pool.max_pool2d_scatter,
        operands=pooled_and_input(),
        reference=scatter,
        linear_in=("y",),
        constant=("x",),
    ),
    OpCase(
        "max_pool2d_gather",
        pool.max_pool2d_gather,
        operands=two_inputs(),
        reference=gather,
        linear_in=("v",),
        constant=("x",),
    ),
    OpCase("avg_pool2d", pool._avg_pool2d, operands=averages(of_output=False), reference=average),
    OpCase(
        "avg_pool2d_input",
        pool._avg_pool2d_input,
        operands=averages(of_output=True),
        reference=spread_average,
    ),
]

NORMALIZATION = [
    OpCase(
        "batch_norm",
        normalization._batch_norm,
        operands=normalisation("x", "weight", "bias"),
        reference=normalised,
    ),
    OpCase(
        "batch_norm_input",
        normalization.batch_norm_input,
        operands=normalisation("y", "x", "weight"),
        reference=normalised_input,
    ),
    OpCase(
        "batch_norm_weight",
        normalization.batch_norm_weight,
        operands=normalisation("y", "x"),
        reference=normalised_weight,
    ),
]


CASES = [
    *op_cases_more.CASES,
    *TAPE, *ELEMENTWISE, *SHAPING, *REDUCTIONS, *ACTIVATIONS, *PRODUCTS, *POOLING, *NORMALIZATION,
]  # fmt: skip
