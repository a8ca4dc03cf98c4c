"""Products of arrays."""

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn.ops import products
from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays
from .million import ROW, X, Y
from .record import ByHand, part, record
from .written import ops


@st.composite
def summed_products(draw):
    """Draw operands without repeated letters; an index of length 1 stretches."""
    lengths = {c: draw(st.integers(0, 3)) for c in "abc"}
    inputs, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.lists(st.sampled_from("abc"), max_size=3, unique=True))
        inputs.append("".join(letters))
        operands.append(draw(arrays(tuple(draw(st.sampled_from([lengths[c], 1])) for c in letters))))
    known = sorted(set("".join(inputs)))
    output = "".join(draw(st.permutations([c for c in known if draw(st.booleans())])))
    return Call(tuple(operands), {"inputs": tuple(inputs), "output": output})


@st.composite
def subscripted(draw):
    """Draw subscripts with sums, diagonals and implicit outputs, and operands that fit them."""
    lengths = {c: draw(st.integers(1, 3)) for c in "abcd"}
    terms = draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        letters = sorted(set("".join(terms)))
        subscripts += "->" + "".join(draw(st.permutations([c for c in letters if draw(st.booleans())])))
    return subscripts, *(draw(arrays(tuple(lengths[c] for c in term))) for term in terms)


@st.composite
def contracted(draw):
    """Draw two arrays with axes in common: the last and the first ones, or lists of them."""
    lengths = strategies.shapes(max_dims=2, max_side=3)
    shared = draw(lengths)
    a, b = (*draw(lengths), *shared), (*shared, *draw(lengths))
    if draw(st.booleans()):
        return Call((draw(arrays(a)), draw(arrays(b))), {"axes": len(shared)})
    order = draw(st.permutations(range(len(b))))
    axes = list(range(len(a) - len(shared), len(a))), [order.index(i) for i in range(len(shared))]
    return Call((draw(arrays(a)), draw(arrays(tuple(b[i] for i in order)))), {"axes": axes})


RECORDS = [
    record(
        "matmul",
        operands=strategies.matmul_operands(),
        reference=references.matmul,
        linear_in=("a", "b"),
        errors=[ErrorCase((np.ones((2, 3)), np.ones((2, 3))), ValueError)],
        by_hand=[ByHand((X, Y), lambda x, y, g: (x @ y, g @ y.T, x.T @ g))],
    ),
    part(
        "sum_of_products",
        products._einsum,
        operands=summed_products(),
        reference=references.einsum,
        linear_in=("xs",),
    ),
    record(
        "einsum",
        operands=subscripted(),
        reference=np.einsum,
        linear_in=("operands",),
        numpy=np.einsum,
        skip={"size 0": "nothing drawn here is empty"},
        by_hand=[
            ByHand(
                (X, Y), lambda x, y, g: (x @ y.T, g @ y, g.T @ x), lambda x, y: ops.einsum("ij,kj->ik", x, y)
            )
        ],
    ),
    record(
        "tensordot",
        operands=contracted(),
        reference=np.tensordot,
        linear_in=("a", "b"),
        torch=lambda torch, a, b, axes: torch.tensordot(a, b, dims=axes),
        by_hand=[
            ByHand(
                (X, Y),
                lambda x, y, g: (x.T @ y.T, y.T @ g.T, g.T @ x.T),
                lambda x, y: ops.tensordot(x, y, ([0], [1])),
            )
        ],
    ),
    record(
        "outer",
        operands=st.tuples(arrays(), arrays()),
        reference=np.outer,
        linear_in=("a", "b"),
        torch=lambda torch, a, b: torch.outer(a.reshape(-1), b.reshape(-1)),
        by_hand=[ByHand((ROW, ROW), lambda x, y, g: (np.outer(x, y), g @ y, x @ g))],
    ),
]
