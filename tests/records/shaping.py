"""Operations that give elements other axes."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.ops import shaping
from tinygrad_cnn.testing import ErrorCase
from tinygrad_cnn.testing.layouts import LAYOUTS, relaid

from .draws import arrays, integer_axis, shaped
from .million import X, moved
from .record import ByHand, part, record
from .written import ops


def other_shapes(x):
    """Draw shapes of as many elements; -1 where that says how many."""
    shapes = [x.shape[::-1], (x.size,), x.size, (1, *x.shape), (x.size, 1)]
    return st.sampled_from([*shapes, -1, (-1,), (*x.shape[:1], -1)] if x.size else shapes)


@st.composite
def with_template(draw):
    """Draw an array, and one of as many elements in a layout of its own."""
    x = draw(arrays())
    template = relaid(np.zeros(draw(st.sampled_from([x.shape[::-1], (x.size,), x.shape]))), "C order")
    return x, relaid(template, draw(st.sampled_from(LAYOUTS)))


@st.composite
def permutations(draw, ndim):
    """Draw orders of the axes, counted from either end."""
    order = draw(st.permutations(range(ndim)))
    return tuple(a - ndim * draw(st.integers(0, 1)) for a in order)


@st.composite
def moves(draw, x):
    """Draw a source and a destination: an axis each, or as many axes."""
    if draw(st.booleans()):
        return draw(integer_axis(x)), draw(integer_axis(x))
    count = draw(st.integers(1, x.ndim))
    return tuple(draw(permutations(x.ndim))[:count] for _ in range(2))


@st.composite
def with_moves(draw):
    x = draw(shaped())
    return x, *draw(moves(x))


@st.composite
def with_ones(draw):
    """Draw arrays with axes of length 1, and some of these or None."""
    lengths = draw(st.lists(st.sampled_from([1, 1, 2, 0]), max_size=4))
    ones = [i for i, n in enumerate(lengths) if n == 1]
    one = st.sampled_from(ones) | st.sampled_from([i - len(lengths) for i in ones]) if ones else st.none()
    several = st.sets(st.sampled_from(ones)).map(tuple) if ones else st.just(())
    return draw(arrays(tuple(lengths))), draw(st.none() | one | several)


@st.composite
def rolled_axes(draw):
    x = draw(shaped(min_dims=2))
    return x, *draw(st.sampled_from([(-1, 0), (0, x.ndim), (1, 0), (-x.ndim, x.ndim), (1, -x.ndim)]))


def order_of(move, ndim, *axes):
    """Return in which order a function of NumPy's puts the axes: these have their numbers for lengths."""
    return tuple(n - 1 for n in move(np.empty(range(1, ndim + 1)), *axes).shape)


def squeeze_in_torch(torch, x, axis=None):
    return torch.squeeze(x) if axis is None else torch.squeeze(x, axis)


def expand_dims_in_torch(torch, x, axis):
    """Add the axes from the first to the last: PyTorch adds one at a time."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = x.ndim + len(axes)
    for a in sorted(a % ndim for a in axes):
        x = torch.unsqueeze(x, a)
    return x


RECORDS = [
    record(
        "reshape",
        operands=arrays(),
        params=lambda x: {"shape": other_shapes(x)},
        reference=lambda x, shape: np.array(x, order="C").reshape(shape),
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)),), ValueError, {"shape": (4,)}, says=("(2, 3)", "(4,)"))],
        torch=lambda torch, x, shape: x.reshape(shape),
        numpy=lambda x, shape: np.reshape(x, shape),
        by_hand=[
            ByHand(
                (X,), lambda x, g: (x.reshape(-1), g.reshape(x.shape).copy()), lambda x: ops.reshape(x, (-1,))
            )
        ],
    ),
    part(
        "reshape_like",
        shaping.reshape_like,
        operands=with_template(),
        reference=lambda x, template: np.array(x, order="C").reshape(template.shape),
        linear_in=("x",),
        constant=("template",),
    ),
    record(
        "transpose",
        operands=arrays(),
        params=lambda x: {"axes": st.none() | permutations(x.ndim)},
        reference=np.transpose,
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)),), ValueError, {"axes": (0, 1, 2)})],
        torch=lambda torch, x, axes: torch.permute(x, tuple(range(x.ndim))[::-1] if axes is None else axes),
        by_hand=[ByHand((X,), lambda x, g: (x.T, g.T.copy()))],
    ),
    record(
        "swapaxes",
        operands=shaped(),
        params=lambda x: {"axis1": integer_axis(x), "axis2": integer_axis(x)},
        reference=np.swapaxes,
        linear_in=("x",),
        torch=lambda torch, x, axis1, axis2: torch.swapaxes(x, axis1, axis2),
        by_hand=[
            moved(
                lambda x: np.swapaxes(x, 0, 1),
                lambda g: np.swapaxes(g, 0, 1),
                lambda x: ops.swapaxes(x, 0, 1),
            )
        ],
    ),
    record(
        "moveaxis",
        operands=with_moves(),
        reference=np.moveaxis,
        linear_in=("x",),
        by_hand=[
            moved(
                lambda x: np.moveaxis(x, 0, 1),
                lambda g: np.moveaxis(g, 1, 0),
                lambda x: ops.moveaxis(x, 0, 1),
            )
        ],
    ),
    record(
        "expand_dims",
        operands=arrays(),
        params=lambda x: {"axis": st.integers(-x.ndim - 1, x.ndim) | st.sampled_from([(0, -1), (1, 0)])},
        reference=np.expand_dims,
        linear_in=("x",),
        torch=expand_dims_in_torch,
        by_hand=[
            moved(lambda x: np.expand_dims(x, 1), lambda g: np.squeeze(g, 1), lambda x: ops.expand_dims(x, 1))
        ],
    ),
    record(
        "squeeze",
        operands=with_ones(),
        reference=np.squeeze,
        linear_in=("x",),
        torch=squeeze_in_torch,
        by_hand=[
            moved(
                lambda x: np.squeeze(np.expand_dims(x, 1), 1),
                lambda g: g,
                lambda x: ops.squeeze(ops.expand_dims(x, 1), 1),
            )
        ],
    ),
    record(
        "rollaxis",
        operands=rolled_axes(),
        reference=np.rollaxis,
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)), 0, 3), np.exceptions.AxisError, says=("start", "got 3"))],
        torch=lambda torch, x, axis, start: x.permute(order_of(np.rollaxis, x.ndim, axis, start)),
        by_hand=[
            moved(lambda x: np.rollaxis(x, 1), lambda g: np.rollaxis(g, 1), lambda x: ops.rollaxis(x, 1))
        ],
    ),
    record(
        "ravel",
        operands=arrays(),
        params={"order": st.sampled_from(["C", "F"])},
        reference=np.ravel,
        linear_in=("x",),
        errors=[ErrorCase((np.ones(2), "K"), ValueError, says=("'C' or 'F'",))],
        torch=lambda torch, x, order: torch.reshape(
            torch.permute(x, tuple(range(x.ndim))[::-1]) if order == "F" else x, (-1,)
        ),
        by_hand=[moved(np.ravel, lambda g: g.reshape(X.shape), ops.ravel)],
    ),
]
