"""Joining arrays that first get the axes they lack."""

import functools

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays
from .million import X, Y, moved
from .record import ByHand, Without, record
from .written import ops


@st.composite
def fitting(draw, axis_of):
    """Draw a list of arrays that differ along one axis at most, which depends on their number of axes."""
    shape = draw(strategies.shapes(max_side=3))
    axis = axis_of(len(shape))
    lengths = draw(st.lists(st.integers(0, 3), min_size=2, max_size=3))
    shapes = [tuple(n if i == axis else m for i, m in enumerate(shape)) for n in lengths]
    return Call(([draw(arrays(one)) for one in shapes],), {})


@st.composite
def appended(draw):
    """Draw an array, what fits behind it, and the axis; or any other array and None."""
    shape = draw(strategies.shapes(min_dims=1, max_side=3))
    if draw(st.booleans()):
        return Call((draw(arrays(shape)), draw(arrays())), {"axis": None})
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    other = [draw(st.integers(0, 2)) if i == axis % len(shape) else n for i, n in enumerate(shape)]
    return Call((draw(arrays(shape)), draw(arrays(tuple(other)))), {"axis": axis})


@st.composite
def blocks(draw):
    """Draw rows of blocks of one height, and as wide together as the others; sometimes of other depth."""
    width, heights = draw(st.integers(1, 3)), draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    cuts = [draw(st.integers(0, width)) for _ in heights]
    rows = [
        [draw(arrays((h, cut))), draw(arrays((h, width - cut)))] for h, cut in zip(heights, cuts, strict=True)
    ]
    flat = [draw(arrays((2, n))) for n in heights]
    return (draw(st.sampled_from([rows, flat, [draw(arrays((width,))), draw(arrays(()))], rows[0][0]])),)


def pair(join, axis):
    """A row of the benchmark: two arrays beside each other."""
    return ByHand(
        (X, Y),
        lambda x, y, g: (join([x, y]), *(half.reshape(x.shape).copy() for half in np.split(g, 2, axis))),
        lambda x, y: getattr(ops, join.__name__)([x, y]),
    )


def deeper(name):
    return record(
        name,
        operands=arrays(),
        reference=getattr(np, name),
        linear_in=("arrays",),
        elementwise=name == "atleast_1d",
        by_hand=[moved(getattr(np, name), functools.partial(np.reshape, shape=X.shape), getattr(ops, name))],
    )


def joining(name, axis_of, axis):
    function = getattr(np, name)
    return record(
        name,
        operands=fitting(axis_of),
        reference=function,
        linear_in=("arrays",),
        errors=[ErrorCase(([np.ones((2, 3)), np.ones((4, 5))],), ValueError)],
        by_hand=[pair(function, axis)],
    )


RECORDS = [
    *map(deeper, ("atleast_1d", "atleast_2d", "atleast_3d")),
    joining("vstack", lambda ndim: 0 if ndim > 1 else None, 0),
    joining("hstack", lambda ndim: 1 if ndim > 1 else 0, 1),
    joining("dstack", lambda ndim: 2 if ndim > 2 else None, 2),
    joining("column_stack", lambda ndim: 1 if ndim > 1 else None, 1),
    record(
        "append",
        operands=appended(),
        reference=np.append,
        linear_in=("x", "values"),
        torch=lambda torch, x, values, axis: (
            torch.cat([x.reshape(-1), values.reshape(-1)]) if axis is None else torch.cat([x, values], axis)
        ),
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (np.append(x, y, 0), g[:1000].copy(), g[1000:].copy()),
                lambda x, y: ops.append(x, y, 0),
            )
        ],
    ),
    record(
        "block",
        operands=blocks(),
        reference=np.block,
        linear_in=("arrays",),
        errors=[
            ErrorCase(([[np.ones(2)], np.ones(2)],), ValueError, says=("[1, 2]",)),
            ErrorCase(([[np.ones(2)], []],), ValueError, says=("empty",)),
        ],
        torch=Without("it has no function of nested lists"),
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (np.block([[x], [y]]), g[:1000].copy(), g[1000:].copy()),
                lambda x, y: ops.block([[x], [y]]),
            )
        ],
    ),
]
