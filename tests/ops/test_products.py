"""Matrix products in all the shapes that NumPy allows, and einsum with subscripts drawn at random."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

SHAPES = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((3,), (5, 3, 2)),
    ((5, 2, 3), (3,)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((6, 2, 3), (6, 3, 4)),
    ((1, 2, 3), (6, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((2, 1), (1, 4)),
    ((5, 2, 1), (1, 4)),
    ((2, 1), (5, 1, 4)),
    ((1, 3), (3, 1)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_both_gradients(left, right, dtype):
    rng = np.random.default_rng(0)
    a = rng.integers(-3, 4, left).astype(dtype)  # small integers: everything below is exact
    b = rng.integers(-3, 4, right).astype(dtype)
    value = tg.matmul(a, b)
    assert_array_equal(value, np.matmul(a, b), strict=True)
    g = rng.integers(-3, 4, np.shape(value)).astype(dtype)
    da, db = grad(lambda a, b: (tg.matmul(a, b) * g).sum(), (0, 1))(a, b)
    assert (da.shape, da.dtype, db.shape, db.dtype) == (a.shape, dtype, b.shape, dtype)
    for x, d, product in ((a, da, lambda s: np.matmul(s, b)), (b, db, lambda s: np.matmul(a, s))):
        for index in np.ndindex(x.shape):  # the product is linear in each: a difference by one is exact
            step = np.zeros_like(x)
            step[index] = 1
            assert d[index] == (product(step) * g).sum()


@pytest.mark.parametrize(
    ("left", "right"), [((), (3,)), ((3,), ()), ((2, 3), (2, 3)), ((2, 3), (4,)), ((2, 1), (2, 1))]
)
def test_shapes_that_do_not_fit(left, right):
    for a, b in ((np.ones(left), np.ones(right)), (tg.Tensor(np.ones(left)), np.ones(right))):
        with pytest.raises(ValueError, match="matmul"):
            tg.matmul(a, b)


# --- einsum ------------------------------------------------------------------------------------------------

EXAMPLES = settings(deadline=None, max_examples=100 if settings.default.max_examples < 1000 else 2000)


@st.composite
def problems(draw):
    """Repeated, implicit, summed and stretched indices, ellipses; integer data, so that sums are exact."""
    lengths = {c: draw(st.integers(1, 3)) for c in "abcd"}
    hidden = draw(st.lists(st.integers(1, 2), max_size=2))  # behind the ellipsis
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.lists(st.sampled_from("abcd"), max_size=3))
        shape = [lengths[c] for c in letters]
        if draw(st.booleans()):
            place = draw(st.integers(0, len(letters)))
            own = hidden[draw(st.integers(0, len(hidden))) :]
            own = [draw(st.sampled_from([n, 1])) for n in own]
            letters.insert(place, "...")
            shape[place:place] = own
        terms.append("".join(letters))
        shapes.append(tuple(shape))
    subscripts = ",".join(terms)
    used = sorted(set(subscripts) - set(".,"))
    if draw(st.booleans()):
        output = draw(st.permutations([c for c in used if draw(st.booleans())]))
        if "..." in subscripts:
            output.insert(draw(st.integers(0, len(output))), "...")
        subscripts += "->" + "".join(output)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return subscripts, [np.array(rng.integers(-4, 5, shape), dtype=float) for shape in shapes]


@EXAMPLES
@given(problems(), st.integers(0, 2**16))
def test_value_and_adjoint_are_exact(problem, seed):
    subscripts, operands = problem
    expected = np.einsum(subscripts, *operands)
    value, pullback = tg.vjp(lambda *xs: tg.einsum(subscripts, *xs), *operands)
    assert_array_equal(value, expected)
    rng = np.random.default_rng(seed)
    g = np.array(rng.integers(-4, 5, expected.shape), dtype=float)
    for i, gradient in enumerate(pullback(g)):
        moved = list(operands)
        moved[i] = rng.integers(-4, 5, operands[i].shape)
        assert gradient.shape == operands[i].shape
        assert np.sum(gradient * moved[i]) == np.sum(g * np.einsum(subscripts, *moved))


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij,jk", [(2, 3)], "names 2 operands, got 1"),
        ("ij", [(2, 3, 4)], r"'ij' of 'ij' does not fit an operand of 3 axes"),
        ("ijk", [(2, 3)], "does not fit an operand of 2 axes"),
        ("ii", [(2, 3)], "index 'i' has lengths 2 and 3"),
        ("i1", [(2, 3)], "does not fit"),
    ],
)
def test_errors_say_what_does_not_fit(subscripts, shapes, message):
    with pytest.raises(ValueError, match=f"einsum: .*{message}"):
        tg.einsum(subscripts, *map(np.ones, shapes))


@pytest.mark.parametrize(
    ("lists", "subscripts"),
    [
        (lambda x: (x, [0, 1], x, [1, 2], [0, 2]), "ij,jk->ik"),
        (lambda x: (x, [0, 0]), "ii"),
        (lambda x: (x, [..., 1], [1, ...]), "...j->j..."),
        (lambda x: (x, [0, 1], []), "ij->"),
    ],
)
def test_lists_of_indices_mean_the_same_as_letters(lists, subscripts):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    ours = tg.einsum(subscripts, *[x] * len(subscripts.partition("->")[0].split(",")))
    assert_array_equal(tg.einsum(*lists(x)), ours, strict=True)
    recorded = np.einsum(*lists(tg.Tensor(x, requires_grad=True)))
    assert_array_equal(recorded.data, ours)
    assert recorded.requires_grad


def test_what_is_neither_text_nor_lists_is_refused():
    for call in (lambda x: tg.einsum(x, x), lambda x: tg.einsum(x, [0, 99]), lambda x: tg.einsum(x, "ij")):
        with pytest.raises(TypeError, match="einsum: subscripts: expected a string, or lists of integers"):
            call(np.eye(2))
