"""Convolutions in one and two dimensions, and the three primitives that are one another's gradients."""

import numpy as np
import references
from hypothesis import strategies as st
from references import geometry

from tinygrad_cnn.kernels.geometry import ConvSpec
from tinygrad_cnn.ops import conv
from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays
from .million import IMAGE, numbers
from .record import ByHand, part, record


def with_spec(call):
    x, weight = call.operands[:2]
    return Call(call.operands, {"spec": ConvSpec.of(x.shape, weight.shape, **call.params)})


specified = strategies.conv2d_problems(bias=False).map(with_spec)


def output_shape(call):
    x, weight = call.operands
    return (len(x), len(weight), *call.params["spec"].output_size)


@st.composite
def output_and_weight(draw):
    call = draw(specified)
    return Call((draw(arrays(output_shape(call), from_one_seed=True)), call.operands[1]), call.params)


@st.composite
def input_and_output(draw):
    call = draw(specified)
    return Call((call.operands[0], draw(arrays(output_shape(call), from_one_seed=True))), call.params)


def row_of(params):
    """Give the options of two dimensions as those of the last alone."""
    return {name: value[1] if isinstance(value, tuple) else value for name, value in params.items()}


@st.composite
def signals(draw):
    """Draw convolutions of (N, C, L): the rows of two-dimensional ones of height 1."""
    (x, weight, bias), params = draw(strategies.conv2d_problems())
    return Call((x[:, :, 0], weight[:, :, 0], bias), row_of(params))


@st.composite
def transposed(draw):
    """Draw transposed convolutions with every option, whose output has at least one element."""
    groups = draw(st.integers(1, 2))
    pairs = [draw(st.tuples(st.integers(1, n), st.integers(1, n))) for n in (3, 3, 2)]
    kernel, stride, dilation = pairs
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = tuple(draw(st.integers(0, (span - 1) // 2)) for span in spans)
    extra = tuple(draw(st.integers(0, max(a, b) - 1)) for a, b in zip(stride, dilation, strict=True))
    inputs, outputs = groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    x = draw(arrays((draw(st.sampled_from([1, 2, 0])), inputs, *size), from_one_seed=True))
    weight = draw(arrays((inputs, outputs, *kernel), from_one_seed=True))
    bias = draw(arrays((outputs * groups,), from_one_seed=True) | st.none())
    options = {"stride": stride, "padding": padding, "output_padding": extra, "dilation": dilation}
    return Call((x, weight, bias), {**options, "groups": groups})


def transposed_signals(call):
    """Take the rows of a transposed convolution of images."""
    x, weight, bias = call.operands
    return Call((x[:, :, 0], weight[:, :, 0], bias), row_of(call.params))


def plain_conv_transpose1d(x, weight, bias, *, groups, **options):
    options = {name: (int(name in ("stride", "dilation")), value) for name, value in options.items()}
    image = references.conv_transpose(x[:, :, None], weight[:, :, None], bias, groups=groups, **options)
    return image[:, :, 0]


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def sides(padding, size, kernel, stride, dilation):
    """Write any padding as a pair for each axis."""
    if padding == "same":
        return references.same_padding(size, kernel, stride, dilation)
    if padding == "valid":
        return tuple((0, 0) for _ in size)
    padding = padding if isinstance(padding, tuple) else (padding,) * len(size)
    return tuple(pair(p) for p in padding)


def plain_conv2d(x, weight, bias, *, stride, padding, dilation, groups):
    stride, dilation = pair(stride), pair(dilation)
    padding = sides(padding, x.shape[2:], weight.shape[2:], stride, dilation)
    return references.conv2d(
        x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


def plain_conv1d(x, weight, bias, *, stride, padding, dilation, groups):
    padding = padding if isinstance(padding, str) else (0, padding)
    image = plain_conv2d(
        x[:, :, None],
        weight[:, :, None],
        bias,
        stride=(1, stride),
        padding=padding,
        dilation=(1, dilation),
        groups=groups,
    )
    return image[:, :, 0]


def in_torch(dims):
    """Pad apart: PyTorch knows no padding that differs from side to side, and "same" for stride 1 alone."""

    def theirs(torch, x, weight, bias, *, stride, padding, dilation, groups):
        steps, spread = ([value] if dims == 1 else pair(value) for value in (stride, dilation))
        if dims == 1 and isinstance(padding, tuple):
            padding = (padding,)
        pads = sides(padding, x.shape[2:], weight.shape[2:], steps, spread)
        x = torch.nn.functional.pad(x, [n for both in reversed(pads) for n in both])
        function = (torch.nn.functional.conv1d, torch.nn.functional.conv2d)[dims - 1]
        return function(x, weight, bias, stride=stride, dilation=dilation, groups=groups)

    return theirs


WEIGHT = numbers(8, 8, 3, 3, low=-1, high=1)
SIGNAL, TAPS = IMAGE.reshape(20, 8, 6241), numbers(8, 8, 3, low=-1, high=1)


def columns_of(x):
    """Copy windows of 3x3 into a matrix (N * OH * OW, C * 9), from NumPy's view."""
    view = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    return np.ascontiguousarray(view.transpose(0, 2, 3, 1, 4, 5)).reshape(-1, 72)


def rows_of(x):
    """Copy pixels into a matrix (N * H * W, C)."""
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def image_of(rows, n, h, w):
    return rows.reshape(n, h, w, -1).transpose(0, 3, 1, 2)


def scattered(columns, n, h, w):
    """Sum overlapping windows, from columns: the adjoint of `columns_of`."""
    columns = columns.reshape(n, h, w, 8, 3, 3)
    out = np.zeros((n, 8, h + 2, w + 2), np.float32)
    for i in range(3):
        for j in range(3):
            out[:, :, i : i + h, j : j + w] += columns[..., i, j].transpose(0, 3, 1, 2)
    return out


def conv2d(x, weight, g):
    columns, rows, flat = columns_of(x), rows_of(g), weight.reshape(8, 72)
    out = image_of(columns @ flat.T, 20, 77, 77)
    return out, scattered(rows @ flat, 20, 77, 77), (rows.T @ columns).reshape(weight.shape)


def conv_transpose2d(x, weight, g):
    columns, rows, flat = columns_of(g), rows_of(x), weight.reshape(8, 72)
    dx = image_of(columns @ flat.T, 20, 79, 79)
    return scattered(rows @ flat, 20, 79, 79), dx, (rows.T @ columns).reshape(weight.shape)


def conv1d(x, weight, g):
    length = x.shape[2] - 2
    view = np.lib.stride_tricks.sliding_window_view(x, 3, 2)
    columns = np.ascontiguousarray(view.transpose(0, 2, 1, 3)).reshape(-1, 24)
    rows, flat = g.transpose(0, 2, 1).reshape(-1, 8), weight.reshape(8, 24)
    out = (columns @ flat.T).reshape(20, length, 8).transpose(0, 2, 1)
    back = (rows @ flat).reshape(20, length, 8, 3)
    dx = np.zeros_like(x)
    for i in range(3):
        dx[:, :, i : i + length] += back[..., i].transpose(0, 2, 1)
    return out, dx, (rows.T @ columns).reshape(weight.shape)


def conv_transpose1d(x, weight, g):
    view = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(g, 3, 2).transpose(0, 2, 1, 3))
    columns, rows, flat = view.reshape(-1, 24), x.transpose(0, 2, 1).reshape(-1, 8), weight.reshape(8, 24)
    there = (rows @ flat).reshape(20, x.shape[2], 8, 3)
    out = np.zeros((20, 8, x.shape[2] + 2), np.float32)
    for i in range(3):
        out[:, :, i : i + x.shape[2]] += there[..., i].transpose(0, 2, 1)
    dx = (columns @ flat.T).reshape(20, x.shape[2], 8).transpose(0, 2, 1)
    return out, dx, (rows.T @ columns).reshape(weight.shape)


RECORDS = [
    part(
        "conv2d_output",
        conv.conv2d_output,
        operands=strategies.conv2d_problems().map(with_spec),
        reference=lambda x, weight, bias, *, spec: references.conv2d(x, weight, bias, **geometry(spec)),
        linear_in=("x", "weight", "bias"),
    ),
    part(
        "conv2d_input",
        conv.conv2d_input,
        operands=output_and_weight(),
        reference=lambda y, weight, *, spec: references.conv2d_input(
            y, weight, spec.input_size, **geometry(spec)
        ),
        linear_in=("y", "weight"),
    ),
    part(
        "conv2d_weight",
        conv.conv2d_weight,
        operands=input_and_output(),
        reference=lambda x, y, *, spec: references.conv2d_weight(x, y, spec.kernel_size, **geometry(spec)),
        linear_in=("x", "y"),
    ),
    record(
        "conv2d",
        operands=strategies.conv2d_problems(),
        reference=plain_conv2d,
        linear_in=("x", "weight", "bias"),
        errors=[
            ErrorCase((np.ones((1, 3, 4, 4)), np.ones((2, 2, 3, 3))), ValueError),
            ErrorCase(
                (np.ones((1, 1, 4, 4)), np.ones((2, 1, 3, 3)), np.ones(3)),
                ValueError,
                says=("conv2d", "bias", "(2,)", "(3,)"),
            ),
        ],
        torch=in_torch(2),
        by_hand=[ByHand((IMAGE, WEIGHT), conv2d)],
    ),
    record(
        "conv1d",
        operands=signals(),
        reference=plain_conv1d,
        linear_in=("x", "weight", "bias"),
        torch=in_torch(1),
        by_hand=[ByHand((SIGNAL, TAPS), conv1d)],
    ),
    record(
        "conv_transpose2d",
        operands=transposed(),
        reference=references.conv_transpose,
        linear_in=("x", "weight", "bias"),
        torch="nn.functional.conv_transpose2d",
        by_hand=[ByHand((IMAGE, WEIGHT), conv_transpose2d)],
    ),
    record(
        "conv_transpose1d",
        operands=transposed().map(transposed_signals),
        reference=plain_conv_transpose1d,
        linear_in=("x", "weight", "bias"),
        torch="nn.functional.conv_transpose1d",
        by_hand=[ByHand((SIGNAL, TAPS), conv_transpose1d)],
    ),
]
