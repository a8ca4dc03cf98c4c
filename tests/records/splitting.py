"""Taking arrays apart. The parts are flattened and joined, since a case has one value."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import Call, ErrorCase

from .draws import shaped
from .million import X
from .record import WRAPPED, ByHand, record
from .written import ops


def parts_of(split):
    """Return a function that joins the parts, each after a number that says how long its axes are."""

    def joined(x, *where, **params):
        parts = split(x, *where, **params)
        flat = [[np.asarray(1000 * len(part.shape) + sum(part.shape), part.dtype), part] for part in parts]
        return ops.concatenate([ops.reshape(piece, (-1,)) for pair in flat for piece in pair])

    return joined


def parts_in_torch(name):
    def theirs(torch, x, sections, axis):
        sections = tuple(sections) if isinstance(sections, list) else sections
        parts = torch.tensor_split(x, sections, axis)
        flat = [[x.new_tensor(1000.0 * part.ndim + sum(part.shape)), part] for part in parts]
        return torch.cat([piece.reshape(-1) for pair in flat for piece in pair])

    return theirs


@st.composite
def cut(draw, least, equal, axis_of=None):
    """Draw an array, and a number of parts or positions to split at."""
    x = draw(shaped(min_dims=least))
    axis = draw(st.integers(-x.ndim, x.ndim - 1)) if axis_of is None else axis_of(x.ndim)
    length = x.shape[axis]
    count = st.sampled_from([n for n in range(1, 6) if not (equal and length % n)])
    places = st.lists(st.integers(-1, 6), max_size=3)
    where = draw(count | places)
    return Call((x, where), {"axis": axis}) if axis_of is None else Call((x, where), {})


def splitting(name, least, axis_of=None, errors=()):
    def in_torch(torch, x, where, **params):
        return parts_in_torch(name)(torch, x, where, params.get("axis", axis_of and axis_of(x.ndim)))

    ours, theirs = getattr(ops, name), getattr(np, name)
    row = X.reshape(10, 100, 1000)
    return record(
        name,
        parts_of(ours),
        skip=WRAPPED,
        operands=cut(least, name != "array_split", axis_of),
        reference=parts_of(theirs),
        numpy=parts_of(theirs),
        torch=in_torch,
        errors=[ErrorCase((np.ones((4, 3, 5)), 0), ValueError, says=("at least 1",)), *errors],
        by_hand=[
            ByHand(
                (row,),
                lambda x, g: (np.concatenate([part.ravel() for part in theirs(x, 2)]), rejoined(theirs, g)),
                lambda x: ops.concatenate([ops.ravel(part) for part in ours(x, 2)]),
            )
        ],
    )


def rejoined(split, g):
    out = np.empty((10, 100, 1000), np.float32)
    for part, piece in zip(split(out, 2), np.split(g, 2), strict=True):
        part[...] = piece.reshape(part.shape)
    return out


RECORDS = [
    splitting("array_split", 1),
    splitting("split", 1, errors=[ErrorCase((np.ones((3, 2)), 2), ValueError, says=("array_split",))]),
    splitting("hsplit", 1, lambda ndim: min(ndim - 1, 1), [ErrorCase((1.0, 1), ValueError)]),
    splitting("vsplit", 2, lambda ndim: 0, [ErrorCase((np.ones(2), 1), ValueError, says=("2 axes",))]),
    splitting("dsplit", 3, lambda ndim: 2, [ErrorCase((np.ones((2, 2)), 1), ValueError, says=("3 axes",))]),
]
