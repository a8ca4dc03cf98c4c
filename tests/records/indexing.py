"""Operations that choose elements, and the adding that undoes it."""

import math

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn import tree
from tinygrad_cnn.ops import indexing
from tinygrad_cnn.testing import Call, ErrorCase, OpCase, strategies
from tinygrad_cnn.testing.properties import properties_of

from .draws import arrays, axes_of, integer_axis, shaped
from .million import INDEX, MASK, X, Y, moved
from .record import ByHand, Without, part, record
from .written import ops


@st.composite
def placed(draw):
    """Draw an index, the shape that it selects from, and an array of the selected shape."""
    shape = draw(strategies.shapes(min_dims=1))
    key = draw(strategies.indices(shape))
    selected = np.empty(shape)[key].shape
    return Call((draw(arrays(selected)),), {"key": key, "shape": shape})


@st.composite
def positions(draw, count, shape):
    """Draw indices of one axis, counted from either end."""
    size = math.prod(shape)
    one = st.integers(-count, count - 1) if size else st.nothing()
    elements = draw(st.lists(one, min_size=size, max_size=size))
    return np.array(elements, dtype=draw(st.sampled_from([np.intp, np.int32]))).reshape(shape)


@st.composite
def along_some_axis(draw, chosen):
    """Draw an array, an axis or None, and what is chosen of as many positions."""
    x = draw(shaped())
    axis = draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    count = x.size if axis is None else x.shape[axis]
    return Call((x,), {**draw(chosen(count)), "axis": axis})


@st.composite
def looked_up(draw, count):
    """Draw indices; none from nothing, since NumPy lets others pass where the result is empty too."""
    shape = draw(strategies.shapes(max_dims=2, max_side=3))
    if not count:
        shape = (*shape, 0)
    return {"indices": draw(positions(count, shape))}


@st.composite
def repeated(draw, count):
    """Draw how often each position is repeated, or all of them."""
    each = st.lists(st.integers(0, 2), min_size=count, max_size=count).map(np.array)
    return {"repeats": draw(st.integers(0, 3) | each.map(lambda n: n.astype(int)))}


def by_places(torch, x, key):
    """Number the elements, and look up the numbers: PyTorch's own indices know less than NumPy's."""
    key = key.numpy() if isinstance(key, torch.Tensor) else key
    places = np.asarray(np.arange(x.numel()).reshape(tuple(x.shape))[key])
    return x.reshape(-1)[torch.from_numpy(places.copy())]


def take_in_torch(torch, x, indices, axis=None):
    if axis is None:
        return by_places(torch, x.reshape(-1), indices.numpy())
    return by_places(torch, x, (slice(None),) * (axis % x.ndim) + (indices.numpy(),))


def flip_in_torch(torch, x, axis=None):
    return torch.flip(x, axes_of(axis, x.ndim))


def roll_in_torch(torch, x, shift, axis=None):
    """Pair shifts with axes, as NumPy does; without an axis the shifts of the flattened array add up."""
    shifts, axes = np.broadcast_arrays(shift, -1 if axis is None else axis)
    if axis is None:
        return torch.roll(x, int(np.sum(shifts)))
    return torch.roll(x, tuple(shifts.reshape(-1).tolist()), tuple(axes.reshape(-1).tolist()))


def repeat_in_torch(torch, x, repeats, axis=None):
    return torch.repeat_interleave(x.reshape(-1) if axis is None else x, repeats, 0 if axis is None else axis)


def rolls(x):
    """Draw a shift or two, and an axis for each, one for both, or none."""
    shift = st.integers(-7, 7)
    if not x.ndim:
        return {"shift": shift}
    axis = st.integers(-x.ndim, x.ndim - 1)
    return {"shift": shift | st.tuples(shift, shift), "axis": st.none() | axis | st.tuples(axis, axis)}


@st.composite
def added(draw):
    """Draw an array, an index, and values that broadcast to what it selects."""
    x = draw(shaped())
    key = draw(strategies.indices(x.shape))
    shape = x[key].shape
    stretched = tuple(draw(st.sampled_from([n, 1])) for n in shape)
    return x, key, draw(arrays(draw(st.sampled_from([shape, stretched, ()]))))


def added_at(x, key, values):
    out = np.array(x)
    np.add.at(out, key, values)
    return out


def spread(torch, x, key, values):
    key = tree.map(lambda part: part.numpy() if isinstance(part, torch.Tensor) else part, key)
    places = np.asarray(np.arange(x.numel()).reshape(tuple(x.shape))[key])
    values = values.expand(places.shape).reshape(-1)
    flat = x.new_zeros(x.numel()).index_add(0, torch.from_numpy(places.reshape(-1).copy()), values)
    return flat.reshape(x.shape)


@st.composite
def along_each_slice(draw):
    """Draw an array, and positions along an axis for each slice, or for all of them."""
    x = draw(shaped(max_side=3))
    axis = draw(st.none() | integer_axis(x))
    count = x.size if axis is None else x.shape[axis]
    many = draw(st.integers(0, 3)) if count else 0
    if axis is None:
        return x, draw(positions(count, (many,))), axis
    shape = [many if i == axis % x.ndim else draw(st.sampled_from([n, 1])) for i, n in enumerate(x.shape)]
    return x, draw(positions(count, tuple(shape))), axis


@st.composite
def values_for_slices(draw):
    """Draw what `along_each_slice` does, and values for the positions, or one for all of them."""
    x, indices, axis = draw(along_each_slice())
    shape = np.shape(np.take_along_axis(x, indices, axis))
    return x, indices, draw(arrays(draw(st.sampled_from([shape, ()])))), axis


def put_along_axis(x, indices, values, axis):
    x = x.copy()
    np.put_along_axis(x, indices, values, axis)
    return x


def put_rows(x, y, g):
    out = x.copy()
    np.put_along_axis(out, ORDER, y, 1)
    return out, np.zeros_like(g), np.take_along_axis(g, ORDER, 1)


ORDER = np.argsort(X, 1)


def rows_in_order(x, g):
    dx = np.zeros_like(x)
    np.put_along_axis(dx, ORDER, g, 1)
    return np.take_along_axis(x, ORDER, 1), dx


def look_up(x, g):
    out = x[INDEX]
    dx = np.zeros_like(x)
    np.add.at(dx, INDEX, g)
    return out, dx


def select(x, g):
    dx = np.zeros_like(x)
    dx[MASK] = g
    return x[MASK], dx


def every_second(x, g):
    dx = np.zeros_like(x)
    dx[::2] = g
    return x[::2], dx


def one_hot(g):
    out = np.zeros((1000, 1000), np.float32)
    out[np.arange(1000), INDEX] = 1
    return (out,)


NO_CASE = OpCase("any", ops.one_hot, operands=None)

RECORDS = [
    record(
        "getitem",
        operands=arrays(),
        params=lambda x: {"key": strategies.indices(x.shape)},
        reference=lambda x, key: x[key],
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)), (0, 5)), IndexError)],
        torch=by_places,
        numpy=lambda x, key: x[key],
        by_hand=[
            ByHand((X,), every_second, lambda x: x[::2], "slice"),
            ByHand((X,), select, lambda x: ops.getitem(x, MASK), "mask"),
            ByHand((X,), look_up, lambda x: ops.getitem(x, INDEX), "array"),
        ],
    ),
    part(
        "scatter",
        indexing.scatter,
        operands=placed(),
        reference=references.scatter_add,
        linear_in=("x",),
    ),
    record(
        "take",
        operands=along_some_axis(looked_up),
        reference=np.take,
        linear_in=("x",),
        torch=take_in_torch,
        by_hand=[ByHand((X,), look_up, lambda x: ops.take(x, INDEX, 0))],
    ),
    record(
        "embedding",
        operands=arrays(strategies.shapes(min_dims=2, max_dims=2, min_side=1)),
        params=lambda weight: {
            "indices": strategies.shapes(max_dims=2, max_side=3)
            .flatmap(lambda shape: positions(len(weight), shape))
            .map(lambda places: places % len(weight))
        },
        reference=lambda weight, indices: weight[indices],
        linear_in=("weight",),
        skip={"size 0": "nothing drawn here is empty"},
        torch=lambda torch, weight, indices: torch.nn.functional.embedding(indices, weight),
        by_hand=[ByHand((X,), look_up, lambda x: ops.embedding(x, INDEX))],
    ),
    record(
        "one_hot",
        operands=st.lists(st.integers(0, 3), min_size=1, max_size=4).map(np.array),
        params={"classes": st.integers(4, 6)},
        reference=lambda indices, classes: np.array(
            [[float(i == c) for c in range(classes)] for i in indices], dtype=np.float32
        ),
        skip=dict.fromkeys(set(properties_of(NO_CASE)) - {"value"}, "integers have no derivative"),
        torch=lambda torch, indices, classes: torch.nn.functional.one_hot(indices, classes).to(torch.float32),
        by_hand=[ByHand((), one_hot, lambda: ops.one_hot(INDEX, 1000))],
    ),
    record(
        "flip",
        operands=arrays(),
        params=lambda x: {"axis": strategies.axes(x.ndim)},
        reference=np.flip,
        linear_in=("x",),
        torch=flip_in_torch,
        by_hand=[
            ByHand((X,), lambda x, g: (np.flip(x, 1), np.flip(g, 1).copy()), lambda x: ops.flip(x, 1)),
        ],
    ),
    record(
        "roll",
        operands=arrays(),
        params=rolls,
        reference=np.roll,
        linear_in=("x",),
        errors=[ErrorCase((np.ones((2, 3)), 1, 2), IndexError)],
        torch=roll_in_torch,
        by_hand=[
            ByHand((X,), lambda x, g: (np.roll(x, 7, 1), np.roll(g, -7, 1)), lambda x: ops.roll(x, 7, 1)),
            ByHand((X,), lambda x, g: (np.roll(x, 7), np.roll(g, -7)), lambda x: ops.roll(x, 7), "flat"),
        ],
    ),
    record(
        "repeat",
        operands=along_some_axis(repeated),
        reference=np.repeat,
        linear_in=("x",),
        torch=repeat_in_torch,
        by_hand=[
            ByHand(
                (X,),
                lambda x, g: (np.repeat(x, 2, 0), g.reshape(1000, 2, 1000).sum(1)),
                lambda x: ops.repeat(x, 2, 0),
            )
        ],
    ),
    record(
        "tile",
        operands=arrays(),
        params={
            "reps": st.integers(0, 3) | st.lists(st.integers(0, 2), max_size=4).map(tuple) | st.just([1, 2])
        },
        reference=lambda x, reps: np.tile(x, reps),
        linear_in=("x",),
        torch=lambda torch, x, reps: torch.tile(x, (reps,) if isinstance(reps, int) else tuple(reps)),
        numpy=lambda x, reps: np.tile(x, reps),
        by_hand=[
            ByHand(
                (X,), lambda x, g: (np.tile(x, (2, 1)), g[:1000] + g[1000:]), lambda x: ops.tile(x, (2, 1))
            )
        ],
    ),
    record(
        "scatter_add",
        operands=added(),
        reference=added_at,
        linear_in=("x", "values"),
        numpy=Without("numpy.add.at writes, and lets any dtype pass where nothing is added"),
        errors=[
            ErrorCase((np.ones((2, 3)), 0, np.ones(4)), ValueError, says=("(4,)", "(3,)")),
            ErrorCase((np.ones(3, int), 0, 0.5), TypeError, says=("int64", "float64")),
        ],
        torch=lambda torch, x, key, values: x + spread(torch, x, key, values),
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (added_at(x, INDEX, y), g.copy(), g[INDEX]),
                lambda x, y: ops.scatter_add(x, INDEX, y),
            )
        ],
    ),
    record(
        "take_along_axis",
        operands=along_each_slice(),
        reference=np.take_along_axis,
        linear_in=("x",),
        errors=[
            ErrorCase((np.ones((2, 3)), np.zeros(3, int)), ValueError, says=("2 axes", "(3,)")),
            ErrorCase((np.ones(3), np.zeros(3)), IndexError, says=("integers", "float64")),
        ],
        torch=lambda torch, x, indices, axis: torch.take_along_dim(
            x, indices % max(x.numel() if axis is None else x.shape[axis], 1), axis
        ),
        by_hand=[ByHand((X,), rows_in_order, lambda x: ops.take_along_axis(x, ORDER, 1))],
    ),
    record(
        "put_along_axis",
        operands=values_for_slices(),
        reference=put_along_axis,
        numpy=put_along_axis,
        linear_in=("values",),
        errors=[
            ErrorCase((np.ones((2, 3)), np.zeros(3, int), 0.0), ValueError, says=("2 axes", "(3,)")),
            ErrorCase((np.ones(3), np.zeros(1, int), 1j), TypeError, says=("put_along_axis", "complex")),
        ],
        torch=Without("its scatter leaves open which of several values for one position counts"),
        by_hand=[ByHand((X, Y), put_rows, lambda x, y: ops.put_along_axis(x, ORDER, y, 1))],
    ),
    *(
        record(
            name,
            operands=shaped(min_dims=least),
            reference=getattr(np, name),
            linear_in=("x",),
            errors=[ErrorCase((np.ones(()),), np.exceptions.AxisError, says=("out of bounds",))],
            by_hand=[moved(getattr(np, name), getattr(np, name), getattr(ops, name))],
        )
        for name, least in (("flipud", 1), ("fliplr", 2))
    ),
    record(
        "rot90",
        operands=shaped(min_dims=2),
        params=lambda x: {
            "k": st.integers(-3, 5),
            "axes": st.permutations(range(-x.ndim, 0)).map(lambda axes: tuple(axes[:2])),
        },
        reference=np.rot90,
        linear_in=("x",),
        errors=[
            ErrorCase((np.ones((2, 3)), 1, (0, 1, 1)), ValueError, says=("(0, 1, 1)",)),
            ErrorCase((np.ones((2, 3)), 1, (1, -1)), ValueError, says=("repeated",)),
        ],
        torch=lambda torch, x, k, axes: torch.rot90(x, k, axes),
        by_hand=[moved(np.rot90, lambda g: np.rot90(g, -1), ops.rot90)],
    ),
]
