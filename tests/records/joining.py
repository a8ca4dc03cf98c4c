"""Operations that put arrays together, or something around them."""

import functools

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn.ops import joining
from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays
from .million import X, Y
from .record import ByHand, calls_of, part, record
from .written import ops


@st.composite
def joined(draw):
    """Draw arrays that differ along one axis at most."""
    shape = draw(strategies.shapes(min_dims=1, max_side=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))

    def with_length(n):
        return tuple(n if i == axis % len(shape) else m for i, m in enumerate(shape))

    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    ends = tuple(np.cumsum(lengths).tolist())
    return Call(tuple(draw(arrays(with_length(n))) for n in lengths), {"axis": axis, "ends": ends})


@st.composite
def flattened(draw):
    """Draw arrays of any shapes, which are joined after flattening."""
    return Call((draw(st.lists(arrays(), min_size=1, max_size=3)),), {"axis": None})


@st.composite
def stacked(draw):
    """Draw arrays of one shape, and a position for the new axis."""
    shape = draw(strategies.shapes(max_side=3))
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    return Call((draw(st.lists(arrays(shape), min_size=1, max_size=3)),), {"axis": axis})


def as_list(call):
    return Call((list(call.operands),), {"axis": call.params["axis"]})


def concatenate_in_torch(torch, xs, axis):
    return torch.cat([x.reshape(-1) for x in xs]) if axis is None else torch.cat(xs, axis)


def pad_widths(ndim, most):
    """Draw widths in every form: a number, a pair for all axes, a pair for each."""
    width = st.integers(0, most)
    pair = st.tuples(width, width)
    return width | pair | st.tuples(*[pair] * ndim)


@st.composite
def paddings(draw):
    """Draw paddings in every mode, wider than the array too; a border cannot be copied from nothing."""
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "wrap"]))
    least = 0 if mode == "constant" else 1
    x = draw(arrays(strategies.shapes(min_dims=1, min_side=least, max_side=3)))
    params = {"pad_width": draw(pad_widths(x.ndim, 5)), "mode": mode}
    if mode == "constant":
        params["constant_values"] = draw(st.sampled_from([0.0, -2.0]))
    return Call((x,), params)


@st.composite
def paddings_of_images(draw):
    """Draw what PyTorch can pad in every mode: the last two of four axes, within limits."""
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "wrap"]))
    size = draw(st.tuples(st.integers(2, 4), st.integers(2, 4)))
    most = {"constant": (3, 3), "edge": (3, 3), "reflect": [n - 1 for n in size], "wrap": size}[mode]
    widths = ((0, 0), (0, 0), *(draw(st.tuples(st.integers(0, n), st.integers(0, n))) for n in most))
    x = draw(arrays((draw(st.integers(1, 2)), draw(st.integers(1, 2)), *size)))
    return Call((x,), {"pad_width": widths, "mode": mode})


def pad_in_torch(torch, x, pad_width, mode):
    (top, bottom), (left, right) = pad_width[2:]
    names = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}
    return torch.nn.functional.pad(x, (left, right, top, bottom), mode=names[mode])


def fold(mode):
    """Pad with elements of the array itself: each border's cotangent goes back to where it came from."""

    def by_hand(x, g):
        out = np.pad(x, 3, mode=mode)
        for _ in range(2):  # rows, then, transposed, columns
            inner = g[3:-3].copy()
            if mode == "edge":
                inner[0] += g[:3].sum(0)
                inner[-1] += g[-3:].sum(0)
            elif mode == "reflect":
                inner[1:4] += g[2::-1]
                inner[-4:-1] += g[:-4:-1]
            else:
                inner[-3:] += g[:3]
                inner[:3] += g[-3:]
            g = inner.T
        return out, g

    return ByHand((X,), by_hand, functools.partial(ops.pad, pad_width=3, mode=mode), mode)


CONCATENATE = part(
    "concatenate_along_an_axis",
    joining._concatenate,
    operands=joined(),
    reference=lambda *xs, axis, ends: references.concatenate(xs, axis),
    linear_in=("xs",),
    errors=[ErrorCase((np.ones((2, 3)), np.ones((2, 4))), ValueError, {"axis": 0, "ends": (2, 4)})],
)

RECORDS = [
    CONCATENATE,
    record(
        "concatenate",
        operands=calls_of(CONCATENATE.case).map(as_list) | flattened(),
        reference=references.concatenate,
        linear_in=("arrays",),
        torch=concatenate_in_torch,
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (np.concatenate([x, y]), g[:1000].copy(), g[1000:].copy()),
                lambda x, y: ops.concatenate([x, y]),
            )
        ],
    ),
    record(
        "stack",
        operands=stacked(),
        reference=np.stack,
        linear_in=("arrays",),
        torch=lambda torch, arrays, axis: torch.stack(arrays, axis),
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (np.stack([x, y]), g[0].copy(), g[1].copy()),
                lambda x, y: ops.stack([x, y]),
            )
        ],
    ),
    part(
        "pad_with_constants",
        joining._pad,
        operands=arrays(strategies.shapes(max_side=3)),
        params=lambda x: {
            "widths": st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * x.ndim),
            "constant_values": st.sampled_from([0.0, -2.0]),
        },
        reference=references.pad,
        linear_in=("x",),
    ),
    record(
        "pad",
        operands=paddings(),
        reference=np.pad,
        torch=pad_in_torch,
        shared=paddings_of_images(),
        by_hand=[
            ByHand((X,), lambda x, g: (np.pad(x, 3), g[3:-3, 3:-3].copy()), lambda x: ops.pad(x, 3)),
            *(fold(mode) for mode in ("edge", "reflect", "wrap")),
        ],
    ),
]
