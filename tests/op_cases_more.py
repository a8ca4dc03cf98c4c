"""Records for the full set of operations, in the form of ``op_cases``, to whose list this one is joined."""

import functools
import math

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn import ops
from tinygrad_cnn.ops import activations, elementary, linalg
from tinygrad_cnn.testing import Call, ErrorCase, OpCase, strategies

arrays, distinct_arrays, broadcastable = (
    strategies.arrays,
    strategies.distinct_arrays,
    strategies.broadcastable,
)

DO_NOT_BROADCAST = (ErrorCase((np.ones((2, 3)), np.ones(2)), ValueError),)


def each_of(function):
    """A function of one number, applied to every element."""
    return lambda x: np.array([function(v) for v in np.ravel(x)]).reshape(x.shape)


# --- elementary functions -----------------------------------------------------------------------------------


def sinc_derivative(x, *, order):
    """By its power series: ``sum (-1)**k pi**2k x**2k / (2k + 1)!``, differentiated term by term."""
    total = np.zeros(x.shape)
    for k in range(math.ceil(order / 2), 40):
        falling = math.prod(range(2 * k - order + 1, 2 * k + 1))
        factor = (-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k + 1)
        total = total + factor * falling * x ** (2 * k - order)
    return total


ELEMENTARY = [
    OpCase("log1p", ops.log1p, operands=arrays(low=-0.75), reference=each_of(math.log1p)),
    OpCase("expm1", ops.expm1, operands=arrays(), reference=each_of(math.expm1)),
    OpCase("sinh", ops.sinh, operands=arrays(), reference=each_of(math.sinh)),
    OpCase("cosh", ops.cosh, operands=arrays(), reference=each_of(math.cosh)),
    OpCase("arctan", ops.arctan, operands=arrays(), reference=each_of(math.atan)),
    OpCase("erf", ops.erf, operands=arrays(), reference=each_of(math.erf)),
    OpCase(
        "sinc",
        elementary._sinc,
        operands=arrays(),
        params={"order": st.integers(0, 3)},
        reference=sinc_derivative,
    ),
    OpCase(
        "hypot",
        ops.hypot,
        operands=broadcastable(each=functools.partial(arrays, away_from=[0.0], gap=0.25)),
        reference=lambda a, b: np.sqrt(a * a + b * b),
        errors=DO_NOT_BROADCAST,
    ),
]

# --- activations --------------------------------------------------------------------------------------------


def gelu(x, *, approximate):
    if approximate == "none":
        return x * (1 + each_of(math.erf)(x / math.sqrt(2))) / 2
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


MORE_ACTIVATIONS = [
    OpCase(
        "leaky_relu",
        ops.leaky_relu,
        operands=arrays(away_from=[0.0]),
        params={"negative_slope": st.sampled_from([0.25, 0.5])},
        reference=lambda x, *, negative_slope: np.where(x > 0, x, negative_slope * x),
    ),
    OpCase(
        "elu",
        ops.elu,
        operands=arrays(away_from=[0.0]),
        params={"alpha": st.sampled_from([0.5, 1.0, 2.0])},
        reference=lambda x, *, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
    ),
    OpCase("softplus", ops.softplus, operands=arrays(), reference=lambda x: np.log(1 + np.exp(x))),
    OpCase("silu", ops.silu, operands=arrays(), reference=lambda x: x / (1 + np.exp(-x))),
    OpCase(
        "normal_cdf",
        activations._normal_cdf,
        operands=arrays(),
        reference=lambda x: (1 + each_of(math.erf)(x / math.sqrt(2))) / 2,
    ),
    OpCase(
        "gelu_tanh",
        activations._gelu_tanh,
        operands=arrays(),
        reference=functools.partial(gelu, approximate="tanh"),
    ),
    OpCase(
        "gelu",
        ops.gelu,
        operands=arrays(),
        params={"approximate": st.sampled_from(["none", "tanh"])},
        reference=gelu,
        errors=[ErrorCase((np.ones(2),), ValueError, {"approximate": "sigmoid"}, says=("'sigmoid'",))],
    ),
    OpCase("log_sigmoid", ops.log_sigmoid, operands=arrays(), reference=lambda x: -np.log(1 + np.exp(-x))),
]

# --- reductions and order -----------------------------------------------------------------------------------


def one_axis(x):
    """Of an array or of the flattened one."""
    return {"axis": st.none() | st.integers(-x.ndim, x.ndim - 1) if x.ndim else st.none()}


def running(x, axis):
    if axis is None:
        x, axis = x.reshape(-1), 0
    out, total = np.zeros(x.shape), 0.0
    for i in range(x.shape[axis]):
        index = (slice(None),) * (axis % x.ndim) + (i,)
        total = total + x[index]
        out[index] = total
    return out


MORE_REDUCTIONS = [
    OpCase("cumsum", ops.cumsum, operands=arrays(), params=one_axis, reference=running, linear_in=("x",)),
    OpCase(
        "norm",
        ops.norm,
        operands=arrays(away_from=[0.0], gap=0.25),
        params=lambda x: {"axis": strategies.axes(x.ndim), "keepdims": st.booleans()},
        reference=lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
    ),
    OpCase(
        "prod",
        ops.prod,
        operands=arrays(),
        params=lambda x: {"axis": strategies.axes(x.ndim), "keepdims": st.booleans()},
        reference=np.prod,
    ),
    OpCase(
        "argmax",
        ops.argmax,
        operands=distinct_arrays(strategies.shapes(min_side=1)),
        params=one_axis,
        reference=np.argmax,
        skip={
            "size 0": "the largest of nothing has no place",
            **dict.fromkeys(["float32", "order 1", "order 2", "jvp", "errors"], "places have no derivative"),
        },
    ),
    OpCase(
        "sort",
        ops.sort,
        operands=distinct_arrays(strategies.shapes(min_dims=1)),
        params=one_axis,
        reference=np.sort,
    ),
]

# --- products -----------------------------------------------------------------------------------------------


@st.composite
def summed_products(draw):
    """Operands without repeated letters; an index of length 1 stretches."""
    lengths = {c: draw(st.integers(0, 3)) for c in "abc"}
    inputs, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.lists(st.sampled_from("abc"), max_size=3, unique=True))
        inputs.append("".join(letters))
        operands.append(draw(arrays(tuple(draw(st.sampled_from([lengths[c], 1])) for c in letters))))
    known = sorted(set("".join(inputs)))
    output = "".join(draw(st.permutations([c for c in known if draw(st.booleans())])))
    return Call(tuple(operands), {"inputs": tuple(inputs), "output": output})


def sum_of_products(*xs, inputs, output):
    """Every operand with an axis for each letter, multiplied, and summed over what the output lacks."""
    letters = sorted(set("".join(inputs)))
    product = np.ones((1,) * len(letters))
    for x, own in zip(xs, inputs, strict=True):
        ordered = np.transpose(x, [own.index(c) for c in sorted(own)])
        lengths = iter(ordered.shape)
        product = product * ordered.reshape([next(lengths) if c in own else 1 for c in letters])
    total = np.sum(product, axis=tuple(i for i, c in enumerate(letters) if c not in output))
    kept = [c for c in letters if c in output]
    return np.transpose(total, [kept.index(c) for c in output])


MORE_PRODUCTS = [
    OpCase(
        "einsum", linalg._einsum, operands=summed_products(), reference=sum_of_products, linear_in=("xs",)
    ),
]

# --- normalisation ------------------------------------------------------------------------------------------


@st.composite
def samples_to_normalise(draw):
    x = draw(distinct_arrays(strategies.shapes(min_dims=1, min_side=1, max_side=3)))
    shape = x.shape[draw(st.integers(0, x.ndim - 1)) :]
    return Call((x, draw(arrays(shape)), draw(arrays(shape))), {"eps": draw(st.sampled_from([0.5, 1.0]))})


def layer_norm(x, weight, bias, *, eps):
    out = np.zeros(x.shape)
    for index in np.ndindex(x.shape[: x.ndim - weight.ndim]):
        centred = x[index] - np.sum(x[index]) / x[index].size
        out[index] = centred / np.sqrt(np.sum(centred**2) / centred.size + eps) * weight + bias
    return out


@st.composite
def groups_to_normalise(draw):
    groups, each = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    shape = (
        draw(st.integers(0, 2)),
        groups * each,
        *draw(strategies.shapes(max_dims=2, min_side=1, max_side=3)),
    )
    x, (weight, bias) = draw(distinct_arrays(shape)), (draw(arrays(shape[1:2])) for _ in range(2))
    return Call((x, groups, weight, bias), {"eps": draw(st.sampled_from([0.5, 1.0]))})


def group_norm(x, groups, weight, bias, *, eps):
    out = np.zeros(x.shape)
    each = x.shape[1] // groups
    for n in range(len(x)):
        for first in range(0, x.shape[1], each):
            part = x[n, first : first + each]
            centred = part - np.sum(part) / part.size
            normal = centred / np.sqrt(np.sum(centred**2) / centred.size + eps)
            for c in range(each):
                out[n, first + c] = normal[c] * weight[first + c] + bias[first + c]
    return out


MORE_NORMALIZATION = [
    OpCase(
        "layer_norm",
        ops.layer_norm,
        operands=samples_to_normalise(),
        reference=layer_norm,
        skip={"size 0": "nothing drawn here is empty"},
    ),
    OpCase("group_norm", ops.group_norm, operands=groups_to_normalise(), reference=group_norm),
]

CASES = [*ELEMENTARY, *MORE_ACTIVATIONS, *MORE_REDUCTIONS, *MORE_PRODUCTS, *MORE_NORMALIZATION]
