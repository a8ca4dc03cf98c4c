"""Products of vectors, and of arrays made of vectors."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.ops import vector_products
from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays
from .million import X, Y, numbers
from .record import ByHand, part, record

VECTORS, OTHERS, SIDE = numbers(333, 1000, 3), numbers(333, 1000, 3), numbers(8, 8)


@st.composite
def contracted(draw, place):
    """Draw two arrays whose last axes, or the last of one and one of the other, have the same length."""
    lengths = strategies.shapes(max_dims=2, max_side=3)
    length = draw(st.integers(0, 3))
    a, b = draw(lengths), draw(lengths)
    at = len(b) if place == "last" else max(len(b) - 1, 0)
    pair = draw(arrays((*a, length))), draw(arrays((*b[:at], length, *b[at:])))
    scalar = draw(arrays(()))
    return draw(st.sampled_from([pair, pair, pair, (scalar, pair[1]), (pair[0], scalar)]))


@st.composite
def of_one_size(draw):
    shape = draw(strategies.shapes(max_side=3))
    return draw(arrays(shape)), draw(arrays(draw(st.sampled_from([shape, shape[::-1]]))))


@st.composite
def of_three_components(draw):
    """Draw vectors along an axis of each operand, the other axes being broadcastable."""
    shape = draw(strategies.shapes(max_dims=2, max_side=2))
    other = tuple(draw(st.sampled_from([n, 1])) for n in shape)[draw(st.integers(0, len(shape))) :]
    a, b = np.append(shape, 3).astype(int), np.append(other, 3).astype(int)
    if draw(st.booleans()) and len(a) == len(b):
        axis = draw(st.integers(-len(a), len(a) - 1))
        a, b = (np.insert(s[:-1], axis % len(a), 3) for s in (a, b))
        return Call((draw(arrays(tuple(a.tolist()))), draw(arrays(tuple(b.tolist())))), {"axis": axis})
    axisb = draw(st.integers(-len(b), len(b) - 1))
    b = np.insert(b[:-1], axisb % len(b), 3)
    params = {"axisb": axisb, "axisc": draw(st.integers(-len(a), len(a) - 1))}
    return Call((draw(arrays(tuple(a.tolist()))), draw(arrays(tuple(b.tolist())))), params)


def cross_in_torch(torch, a, b, axisb=-1, axisc=-1, axis=None):
    axisa, axisb, axisc = (-1, axisb, axisc) if axis is None else (axis,) * 3
    a, b = torch.broadcast_tensors(torch.movedim(a, axisa, -1), torch.movedim(b, axisb, -1))
    return torch.movedim(torch.linalg.cross(a, b), -1, axisc)


def dot_in_torch(torch, a, b):
    return a * b if 0 in (a.ndim, b.ndim) else torch.tensordot(a, b, ([-1], [-2 if b.ndim > 1 else 0]))


def with_vectors_last(call):
    """Leave out where the vectors are, and move them to where they are sought."""
    axes = [call.params.get("axis", call.params.get(name, -1)) for name in ("axisa", "axisb")]
    return Call(tuple(np.moveaxis(x, n, -1) for x, n in zip(call.operands, axes, strict=True)), {})


def kron_by_hand(a, b, g):
    blocks = g.reshape(125, 8, 125, 8)
    return np.kron(a, b), np.einsum("isjt,st->ij", blocks, b), np.einsum("isjt,ij->st", blocks, a)


PRODUCT = ByHand((X, Y), lambda x, y, g: (x @ y, g @ y.T, x.T @ g))
RECORDS = [
    record(
        "dot",
        operands=contracted("last but one"),
        reference=np.dot,
        linear_in=("a", "b"),
        errors=[ErrorCase((np.ones((2, 3)), np.ones((2, 3))), ValueError)],
        torch=dot_in_torch,
        by_hand=[PRODUCT],
    ),
    record(
        "inner",
        operands=contracted("last"),
        reference=np.inner,
        linear_in=("a", "b"),
        by_hand=[ByHand((X, Y), lambda x, y, g: (x @ y.T, g @ y, g.T @ x))],
    ),
    record(
        "vdot",
        operands=of_one_size(),
        reference=np.vdot,
        linear_in=("a", "b"),
        torch=lambda torch, a, b: torch.vdot(a.reshape(-1), b.reshape(-1)),
        by_hand=[ByHand((X, Y), lambda x, y, g: (np.vdot(x, y), g * y, g * x))],
    ),
    record(
        "kron",
        operands=st.tuples(*[arrays(strategies.shapes(max_dims=2, max_side=3))] * 2),
        reference=np.kron,
        linear_in=("a", "b"),
        by_hand=[ByHand((X[:125, :125], SIDE), kron_by_hand)],
    ),
    part(
        "cross_of_last_axes",
        vector_products.cross_of_last_axes,
        operands=of_three_components().map(with_vectors_last),
        reference=np.cross,
        linear_in=("a", "b"),
        skip={"size 0": "a vector has three components"},
    ),
    record(
        "cross",
        operands=of_three_components(),
        reference=np.cross,
        linear_in=("a", "b"),
        errors=[ErrorCase((np.ones((2, 4)), np.ones(3)), ValueError, says=("4 and 3",))],
        skip={"size 0": "a vector has three components"},
        torch=cross_in_torch,
        by_hand=[ByHand((VECTORS, OTHERS), lambda a, b, g: (np.cross(a, b), np.cross(b, g), np.cross(g, a)))],
    ),
]
