"""Poolings in two dimensions, and their gradients."""

import numpy as np
import references
from hypothesis import strategies as st
from references import geometry

from tinygrad_cnn.kernels.geometry import PoolSpec
from tinygrad_cnn.ops import pool
from tinygrad_cnn.testing import Call, strategies

from .convolution import SIGNAL, row_of, sides
from .draws import arrays, distinct_arrays
from .million import IMAGE, distinct
from .record import ByHand, part, record
from .written import ops


def with_spec(call):
    x, kernel_size = call.operands
    return Call((x,), {"spec": PoolSpec.of(x.shape, kernel_size, **call.params)})


specified = strategies.pool2d_problems(dilated=True).map(with_spec)


@st.composite
def pooled_and_input(draw):
    (x,), params = draw(specified)
    return Call((draw(arrays((*x.shape[:2], *params["spec"].output_size), from_one_seed=True)), x), params)


@st.composite
def two_inputs(draw):
    (x,), params = draw(specified)
    return Call((draw(arrays(x.shape, from_one_seed=True)), x), params)


@st.composite
def averages(draw, *, of_output):
    call = draw(strategies.pool2d_problems(dilated=False, each=arrays).map(with_spec))
    params = {**call.params, "count_include_pad": draw(st.booleans())}
    x = call.operands[0]
    y = draw(arrays((*x.shape[:2], *params["spec"].output_size), from_one_seed=True)) if of_output else x
    return Call((y,), params)


def as_called(call, **more):
    """Give the size of the kernel by its keyword."""
    x, kernel_size = call.operands
    return Call((x,), {"kernel_size": kernel_size, **call.params, **more})


@st.composite
def averages_as_called(draw):
    call = draw(strategies.pool2d_problems(dilated=False, each=arrays))
    return as_called(call, count_include_pad=draw(st.booleans()))


def plain(function):
    """Give a plain pooling the options of a call, as pairs."""

    def pooled(x, *, kernel_size, stride, padding, dilation=(1, 1), **options):
        stride = kernel_size if stride is None else stride
        padding = sides(padding, x.shape[2:], kernel_size, stride, dilation)
        return function(x, kernel_size, stride=stride, padding=padding, dilation=dilation, **options)

    return pooled


def is_symmetric(call):
    """Whether the padding is the same before and after, as PyTorch takes it."""
    padding = call.params["padding"]
    return isinstance(padding, int) or not any(isinstance(p, tuple) and p[0] != p[1] for p in padding)


def one_sided(call):
    """Write the padding as PyTorch takes it."""
    padding = call.params["padding"]
    if isinstance(padding, tuple):
        padding = tuple(p if isinstance(p, int) else p[0] for p in padding)
    return Call(call.operands, {**call.params, "padding": padding})


def blocks(x):
    return x[:, :, :78, :78].reshape(20, 8, 39, 2, 39, 2)


def spread(x, g):
    """Put a value for each element of the blocks where it belongs, and zeros beside them."""
    dx = np.zeros_like(x)
    dx[:, :, :78, :78] = g.reshape(20, 8, 78, 78)
    return dx


def max_pool2d(x, g):
    w = blocks(x)
    out = w.max((3, 5))
    return out, spread(x, (w == out[:, :, :, None, :, None]) * g[:, :, :, None, :, None])


def avg_pool2d(x, g):
    share = np.broadcast_to((g / 4)[:, :, :, None, :, None], (20, 8, 39, 2, 39, 2))
    return blocks(x).mean((3, 5)), spread(x, share)


ADAPTIVE = (7, 5)  # windows, which do not divide 79 x 79


def adaptive_avg_pool2d(x, g):
    """Go window by window: they overlap, and are of different sizes."""
    out, dx = np.empty_like(g), np.zeros_like(x)
    for i, j in np.ndindex(ADAPTIVE):
        (top, bottom), (left, right) = (
            (k * 79 // n, -(-(k + 1) * 79 // n)) for k, n in zip((i, j), ADAPTIVE, strict=True)
        )
        out[:, :, i, j] = x[:, :, top:bottom, left:right].mean((2, 3))
        size = np.float32((bottom - top) * (right - left))
        dx[:, :, top:bottom, left:right] += (g[:, :, i, j] / size)[:, :, None, None]
    return out, dx


def global_avg_pool2d(x, g):
    return x.mean((2, 3)), np.zeros_like(x) + (g / np.float32(79 * 79))[:, :, None, None]


def adaptive_max_pool2d(x, g):
    """Go window by window."""
    out, dx = np.empty_like(g), np.zeros_like(x)
    for i, j in np.ndindex(ADAPTIVE):
        (top, bottom), (left, right) = (
            (k * 79 // n, -(-(k + 1) * 79 // n)) for k, n in zip((i, j), ADAPTIVE, strict=True)
        )
        window, part = x[:, :, top:bottom, left:right], dx[:, :, top:bottom, left:right]
        out[:, :, i, j] = window.max((2, 3))
        part += (window == out[:, :, i, j, None, None]) * g[:, :, i, j, None, None]
    return out, dx


def sequences(call):
    """Take the rows of a pooling of images."""
    x, kernel_size = call.operands
    return as_called(Call((x[:, :, 0], kernel_size[1]), row_of(call.params)))


def of_sequences(function):
    """Pool sequences as images of height 1 by a plain pooling."""

    def pooled(x, *, kernel_size, stride, padding, dilation=1, **options):
        sizes = {"stride": (1, kernel_size if stride is None else stride), "dilation": (1, dilation)}
        sides = ((0, 0), padding if isinstance(padding, tuple) else (padding, padding))
        return function(x[:, :, None], (1, kernel_size), padding=sides, **sizes, **options)[:, :, 0]

    return pooled


def has_one_pad(call):
    """Whether the padding of sequences is the same before and after, as PyTorch takes it."""
    return isinstance(call.params["padding"], int) and len(call.operands[0])


def max_pool1d(x, g):
    w = x[:, :, :6240].reshape(20, 8, 3120, 2)
    out, dx = w.max(3), np.zeros_like(x)
    dx[:, :, :6240] = ((w == out[..., None]) * g[..., None]).reshape(20, 8, 6240)
    return out, dx


def avg_pool1d(x, g):
    dx = np.zeros_like(x)
    dx[:, :, :6240] = np.repeat(g / 2, 2, axis=2)
    return x[:, :, :6240].reshape(20, 8, 3120, 2).mean(3), dx


of_rows = strategies.pool2d_problems(dilated=True).map(sequences)


@st.composite
def averages_of_sequences(draw):
    call = sequences(draw(strategies.pool2d_problems(dilated=False, each=arrays)))
    return Call(call.operands, {**call.params, "count_include_pad": draw(st.booleans())})


side = st.integers(1, 6)
image_shapes = st.tuples(st.sampled_from([1, 2, 0]), st.integers(1, 2), side, side)
images = image_shapes.flatmap(lambda shape: arrays(shape, from_one_seed=True))
output_sizes = {"output_size": st.tuples(st.integers(1, 4), st.integers(1, 4))}

RECORDS = [
    part(
        "max_pool2d_output",
        pool.max_pool2d_output,
        operands=specified,
        reference=lambda x, *, spec: references.max_pool2d(x, spec.kernel_size, **geometry(spec)),
    ),
    part(
        "max_pool2d_scatter",
        pool.max_pool2d_scatter,
        operands=pooled_and_input(),
        reference=lambda y, x, *, spec: references.max_pool2d_scatter(
            y, x, spec.kernel_size, **geometry(spec)
        ),
        linear_in=("y",),
        constant=("x",),
    ),
    part(
        "max_pool2d_gather",
        pool.max_pool2d_gather,
        operands=two_inputs(),
        reference=lambda v, x, *, spec: references.max_pool2d_gather(
            v, x, spec.kernel_size, **geometry(spec)
        ),
        linear_in=("v",),
        constant=("x",),
    ),
    record(
        "max_pool2d",
        operands=strategies.pool2d_problems(dilated=True).map(as_called),
        reference=plain(references.max_pool2d),
        torch="nn.functional.max_pool2d",
        shared=strategies.pool2d_problems(dilated=True)
        .map(as_called)
        .filter(lambda call: is_symmetric(call) and len(call.operands[0]))
        .map(one_sided),
        ties=True,
        by_hand=[ByHand((IMAGE,), max_pool2d, lambda x: ops.max_pool2d(x, 2))],
    ),
    part(
        "avg_pool2d_output",
        pool.avg_pool2d_output,
        operands=averages(of_output=False),
        reference=lambda x, *, spec, count_include_pad: references.avg_pool2d(
            x, spec.kernel_size, count_include_pad=count_include_pad, **geometry(spec)
        ),
    ),
    part(
        "avg_pool2d_input",
        pool._avg_pool2d_input,
        operands=averages(of_output=True),
        reference=lambda y, *, spec, count_include_pad: references.avg_pool2d_input(
            y, spec.input_size, spec.kernel_size, count_include_pad=count_include_pad, **geometry(spec)
        ),
    ),
    record(
        "avg_pool2d",
        operands=averages_as_called(),
        reference=plain(references.avg_pool2d),
        torch="nn.functional.avg_pool2d",
        shared=averages_as_called().filter(is_symmetric).map(one_sided),
        by_hand=[ByHand((IMAGE,), avg_pool2d, lambda x: ops.avg_pool2d(x, 2))],
    ),
    record(
        "adaptive_avg_pool2d",
        operands=images,
        params=output_sizes,
        reference=lambda x, *, output_size: references.adaptive_avg_pool2d(x, output_size),
        by_hand=[ByHand((IMAGE,), adaptive_avg_pool2d, lambda x: ops.adaptive_avg_pool2d(x, ADAPTIVE))],
    ),
    record(
        "adaptive_max_pool2d",
        operands=image_shapes.flatmap(lambda shape: distinct_arrays(shape, from_one_seed=True)),
        params=output_sizes,
        reference=lambda x, *, output_size: references.adaptive_pool2d(
            x, output_size, lambda window: np.max(window, (2, 3))
        ),
        shared=strategies.calls(
            image_shapes.flatmap(lambda shape: arrays((shape[0] + 1, *shape[1:]), from_one_seed=True)),
            output_sizes,
        ),
        ties=True,
        by_hand=[
            ByHand(
                (distinct(*IMAGE.shape),), adaptive_max_pool2d, lambda x: ops.adaptive_max_pool2d(x, ADAPTIVE)
            )
        ],
    ),
    record(
        "max_pool1d",
        operands=of_rows,
        reference=of_sequences(references.max_pool2d),
        torch="nn.functional.max_pool1d",
        shared=of_rows.filter(has_one_pad),
        ties=True,
        by_hand=[ByHand((SIGNAL,), max_pool1d, lambda x: ops.max_pool1d(x, 2))],
    ),
    record(
        "avg_pool1d",
        operands=averages_of_sequences(),
        reference=of_sequences(references.avg_pool2d),
        torch="nn.functional.avg_pool1d",
        shared=averages_of_sequences().filter(has_one_pad),
        by_hand=[ByHand((SIGNAL,), avg_pool1d, lambda x: ops.avg_pool1d(x, 2))],
    ),
    record(
        "global_avg_pool2d",
        operands=images,
        reference=lambda x: np.mean(x, (2, 3)),
        torch=lambda torch, x: torch.mean(x, (2, 3)),
        by_hand=[ByHand((IMAGE,), global_avg_pool2d)],
    ),
]
