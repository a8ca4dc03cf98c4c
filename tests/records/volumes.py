"""Convolution and pooling of volumes, and the three primitives of the convolution."""

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn.kernels.volume import VolumeSpec
from tinygrad_cnn.ops import volumes
from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .convolution import pair, sides, transposed
from .draws import arrays, distinct_arrays
from .million import numbers
from .record import ByHand, part, record
from .written import ops


def triple(value):
    return value if isinstance(value, tuple) else (value,) * 3


@st.composite
def deep(draw, flat):
    """Give the images and kernels of a call a depth, and its options a value for it."""
    call = draw(flat)
    kernel, step, gap = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    padding = call.params["padding"]
    ends = draw(st.integers(0, kernel // 2)) if not isinstance(padding, str) else padding
    depth = gap * (kernel - 1) + 1 + draw(st.integers(0, 2))
    if not isinstance(padding, str):
        padding = (ends, *pair(padding))
        if any(isinstance(p, tuple) for p in padding):
            padding = tuple(map(pair, padding))
    options = {"stride": step, "dilation": gap}
    params = {name: (n, *pair(call.params[name])) for name, n in options.items() if call.params.get(name)}
    return call, kernel, depth, {**call.params, "padding": padding, **params}


@st.composite
def convolutions(draw, bias=True):
    call, kernel, depth, params = draw(deep(strategies.conv2d_problems(max_batch=2, bias=bias)))
    (x, weight), rest = call.operands[:2], call.operands[2:]
    x = draw(arrays((*x.shape[:2], depth, *x.shape[2:]), from_one_seed=True))
    weight = draw(arrays((*weight.shape[:2], kernel, *weight.shape[2:]), from_one_seed=True))
    return Call((x, weight, *rest), params)


@st.composite
def poolings(draw, *, dilated, each=distinct_arrays):
    call, kernel, depth, params = draw(deep(strategies.pool2d_problems(dilated=dilated, each=each)))
    (x, kernel_size) = call.operands
    x = draw(each((*x.shape[:2], depth, *x.shape[2:]), from_one_seed=True))
    params["kernel_size"] = (kernel, *kernel_size)
    if not dilated:
        params["count_include_pad"] = draw(st.booleans())
    return Call((x,), params)


def with_spec(call):
    x, weight = call.operands[:2]
    return Call(call.operands, {"spec": VolumeSpec.of(x.shape, weight.shape, **call.params)})


def geometry(spec):
    """Read the options off a specification, as `references.geometry` does."""
    depth, plane = references.geometry(spec.depth), references.geometry(spec.plane)
    return {name: (depth[name][1], *plane[name]) for name in ("stride", "padding", "dilation")} | {
        "groups": plane["groups"]
    }


specified = convolutions(bias=False).map(with_spec)


@st.composite
def of_output(draw, replaced):
    """Draw the operands of an adjoint: a cotangent in place of one of the operands."""
    (x, weight), params = draw(specified)
    y = draw(arrays((len(x), len(weight), *params["spec"].output_size), from_one_seed=True))
    return Call((y, weight) if replaced == "x" else (x, y), params)


def plain_conv3d(x, weight, bias, *, stride, padding, dilation, groups):
    steps, gaps = triple(stride), triple(dilation)
    padding = sides(padding, x.shape[2:], weight.shape[2:], steps, gaps)
    return references.conv2d(x, weight, bias, stride=steps, padding=padding, dilation=gaps, groups=groups)


def torch_conv3d(torch, x, weight, bias, *, stride, padding, dilation, groups):
    pads = sides(padding, x.shape[2:], weight.shape[2:], triple(stride), triple(dilation))
    x = torch.nn.functional.pad(x, [n for both in reversed(pads) for n in both])
    return torch.nn.functional.conv3d(x, weight, bias, stride=stride, dilation=dilation, groups=groups)


def plain(function):
    """Give a plain pooling the options of a call, as triples."""

    def pooled(x, *, kernel_size, stride, padding, dilation=1, **options):
        steps, gaps = kernel_size if stride is None else stride, triple(dilation)
        padding = sides(padding, x.shape[2:], kernel_size, steps, gaps)
        return function(x, kernel_size, stride=steps, padding=padding, dilation=gaps, **options)

    return pooled


def is_symmetric(call):
    """Whether PyTorch takes the call: the padding is the same before and after, and does not have to be."""
    size, kernel = call.operands[0].shape[2:], call.params["kernel_size"]
    fits = all(n >= k for n, k in zip(size, kernel, strict=True))
    return (
        fits
        and len(call.operands[0])
        and not any(isinstance(p, tuple) for p in triple(call.params["padding"]))
    )


VOLUME, KERNEL = numbers(4, 8, 31, 31, 31, low=-1, high=1), numbers(8, 8, 2, 2, 2, low=-1, high=1)
OFFSETS = list(np.ndindex(2, 2, 2))


def shifted(x, offset):
    return x[(..., *(slice(o, o + 30) for o in offset))]


def conv3d(x, weight, g):
    """Add up a product for each element of the kernel."""
    out, dx, dw = 0, np.zeros_like(x), np.zeros_like(weight)
    for offset in OFFSETS:
        part, w = shifted(x, offset), weight[(..., *offset)]
        out = out + np.tensordot(w, part, (1, 1))
        shifted(dx, offset)[:] += np.moveaxis(np.tensordot(w, g, (0, 1)), 0, 1)
        dw[(..., *offset)] = np.tensordot(g, part, ((0, 2, 3, 4), (0, 2, 3, 4)))
    return np.moveaxis(out, 0, 1), dx, dw


def blocks(x):
    return x[..., :30, :30, :30].reshape(4, 8, 15, 2, 15, 2, 15, 2)


def spread(x, g):
    """Put a value for each element of the blocks where it belongs, and zeros beside them."""
    dx = np.zeros_like(x)
    dx[..., :30, :30, :30] = g.reshape(4, 8, 30, 30, 30)
    return dx


def wide(y):
    return y[:, :, :, None, :, None, :, None]


def max_pool3d(x, g):
    w = blocks(x)
    out = w.max((3, 5, 7))
    return out, spread(x, (w == wide(out)) * wide(g))


def avg_pool3d(x, g):
    return blocks(x).mean((3, 5, 7)), spread(x, np.broadcast_to(wide(g / 8), (4, 8, *(15, 2) * 3)))


@st.composite
def transposed_volumes(draw):
    """Give a transposed convolution of images a depth."""
    (x, weight, bias), options = draw(transposed())
    kernel, step, gap = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    along = {"stride": step, "padding": draw(st.integers(0, gap * (kernel - 1) // 2)), "dilation": gap}
    along["output_padding"] = draw(st.integers(0, max(step, gap) - 1))
    x = draw(arrays((*x.shape[:2], draw(st.integers(1, 3)), *x.shape[2:]), from_one_seed=True))
    weight = draw(arrays((*weight.shape[:2], kernel, *weight.shape[2:]), from_one_seed=True))
    options = {name: (n, *options[name]) for name, n in along.items()} | {"groups": options["groups"]}
    return Call((x, weight, bias), options)


def conv_transpose3d(x, weight, g):
    """Add up a product for each element of the kernel."""
    out = np.zeros((4, 8, 32, 32, 32), np.float32)
    dx, dw = 0, np.zeros_like(weight)
    for offset in OFFSETS:
        w, place = weight[(..., *offset)], (..., *(slice(o, o + 31) for o in offset))
        out[place] += np.moveaxis(np.tensordot(w, x, (0, 1)), 0, 1)
        dx = dx + np.tensordot(w, g[place], (1, 1))
        dw[(..., *offset)] = np.tensordot(x, g[place], ((0, 2, 3, 4), (0, 2, 3, 4)))
    return out, np.moveaxis(dx, 0, 1), dw


RECORDS = [
    record(
        "conv_transpose3d",
        operands=transposed_volumes(),
        reference=references.conv_transpose,
        linear_in=("x", "weight", "bias"),
        errors=[ErrorCase((np.ones((1, 3, 2, 4, 4)), np.ones((2, 2, 2, 3, 3))), ValueError)],
        torch="nn.functional.conv_transpose3d",
        by_hand=[ByHand((VOLUME, KERNEL), conv_transpose3d)],
    ),
    part(
        "conv3d_output",
        volumes.conv3d_output,
        operands=convolutions().map(with_spec),
        reference=lambda x, weight, bias, *, spec: references.conv2d(x, weight, bias, **geometry(spec)),
        linear_in=("x", "weight", "bias"),
    ),
    part(
        "conv3d_input",
        volumes.conv3d_input,
        operands=of_output("x"),
        reference=lambda y, weight, *, spec: references.conv2d_input(
            y, weight, (spec.depth.input_size[1], *spec.plane.input_size), **geometry(spec)
        ),
        linear_in=("y", "weight"),
    ),
    part(
        "conv3d_weight",
        volumes.conv3d_weight,
        operands=of_output("weight"),
        reference=lambda x, y, *, spec: references.conv2d_weight(
            x, y, (spec.depth.kernel_size[1], *spec.plane.kernel_size), **geometry(spec)
        ),
        linear_in=("x", "y"),
    ),
    record(
        "conv3d",
        operands=convolutions(),
        reference=plain_conv3d,
        linear_in=("x", "weight", "bias"),
        errors=[ErrorCase((np.ones((1, 3, 2, 4, 4)), np.ones((2, 2, 2, 3, 3))), ValueError)],
        torch=torch_conv3d,
        by_hand=[ByHand((VOLUME, KERNEL), conv3d)],
    ),
    record(
        "max_pool3d",
        operands=poolings(dilated=True),
        reference=plain(references.max_pool2d),
        torch="nn.functional.max_pool3d",
        shared=poolings(dilated=True).filter(is_symmetric),
        ties=True,
        by_hand=[ByHand((VOLUME,), max_pool3d, lambda x: ops.max_pool3d(x, 2))],
    ),
    record(
        "avg_pool3d",
        operands=poolings(dilated=False, each=arrays),
        reference=plain(references.avg_pool2d),
        torch="nn.functional.avg_pool3d",
        shared=poolings(dilated=False, each=arrays).filter(is_symmetric),
        by_hand=[ByHand((VOLUME,), avg_pool3d, lambda x: ops.avg_pool3d(x, 2))],
    ),
]
