"""Every operation can be recorded, and plays bit for bit what it computes, to the second order."""

import warnings

import numpy as np
import pytest
import records
from played import Orders, assert_plays

import tinygrad_cnn as tg
from tinygrad_cnn import tree
from tinygrad_cnn.program import RecordingError, compile
from tinygrad_cnn.testing.flat import is_floating
from tinygrad_cnn.testing.names import argument_names, base_name

RNG = np.random.default_rng
MATRIX = RNG(0).standard_normal((4, 3))

# What cannot be recorded, since the shape of its result, or what is no array, depends on numbers.
REFUSED = {
    "a mask picks as many elements as hold": (lambda x, m: tg.getitem(x, m), MATRIX, MATRIX > 0),
    "a mask adds as many elements as hold": (lambda x, m: tg.scatter_add(x, m, 1.0), MATRIX, MATRIX > 0),
    "counts say how long the result is": (lambda x, n: tg.repeat(x, n, 0), MATRIX, np.arange(4)),
    "positions say how long the parts are": (lambda x, n: tg.split(x, n), MATRIX, np.array([1, 2])),
    "widths say how long the result is": (lambda x, n: tg.pad(x, n), MATRIX, np.array(1)),
    "the rank is an int, and decides the shape of the residuals": (tg.linalg.lstsq, MATRIX, MATRIX[:, :1]),
}
REFUSED_IN_PART = {"getitem", "scatter_add", "repeat", "lstsq"}  # some calls of theirs are such


def orders_of(case, call, seed):
    """Return an operation as a function of leaves, and its derivatives."""
    operands, params, function = call.operands, dict(call.params), case.function
    if "seed" in params:  # the case makes a generator of it, which a program takes as an argument
        function, params["rng"] = getattr(tg, case.name), RNG(params.pop("seed"))
    elif case.name.endswith("split"):  # the case joins the parts with arrays of its own
        function = getattr(tg, case.name)
    leaves, structure = tree.flatten((operands, params))

    def of_leaves(leaves):
        operands, params = tree.unflatten(structure, leaves)
        return function(*operands, **params)

    names = argument_names(case.function, len(operands))
    sizes = [len(tree.leaves(operand)) for operand in operands]  # their leaves are the first ones
    owners = [base_name(name) for name, size in zip(names, sizes, strict=True) for _ in range(size)]
    places = [i for i, name in enumerate(owners) if is_floating(leaves[i]) and name not in case.constant]
    return Orders(of_leaves, leaves, places, RNG(seed))


@pytest.mark.parametrize("case", records.CASES, ids=lambda case: case.name)
def test_an_operation_plays_what_it_computes(case):
    for call, seed in records.drawn(case, 2):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            orders = orders_of(case, call, seed)
            for order in range(1 + case.order):
                try:
                    assert_plays(*(orders.of(order, 1.0)), orders.of(order, 0.9)[1])
                except RecordingError:
                    assert case.name in REFUSED_IN_PART


@pytest.mark.parametrize("reason", REFUSED)
def test_a_shape_that_depends_on_numbers_is_refused(reason):
    function, *arrays = REFUSED[reason]
    function(*arrays)
    with pytest.raises(
        RecordingError, match=r"needs the numbers of an array.*\(at test_recorded_operations\.py"
    ):
        compile(function)(*arrays)


LISTS = {
    "take": lambda x: tg.take(x, [0, -1], 1),
    "take_along_axis": lambda x: tg.take_along_axis(x, [[0], [1], [2], [0]], 1),
    "quantile": lambda x: tg.quantile(x, [0.25, 0.5], 0),
    "percentile": lambda x: tg.percentile(x, [10, 90]),
    "repeat": lambda x: tg.repeat(x, [0, 1, 3], 1),
    "scatter_add": lambda x: tg.scatter_add(x, [0, 0, 3], 1.0),
    "cross_entropy": lambda x: tg.cross_entropy(x, [0, 1, 2, 1], weight=[1.0, 2.0, 3.0]),
    "binary_cross_entropy": lambda x: tg.binary_cross_entropy(tg.sigmoid(x), tg.sigmoid(x), weight=2.0),
    "trapezoid": lambda x: tg.trapezoid(x, [0.0, 1.0, 3.0]),
    "gradient": lambda x: tg.gradient(x, [0.0, 1.0, 3.0], axis=1),
    "linspace": lambda x: tg.linspace(0.0, x, 3),
    "select": lambda x: tg.select([x > 0, x > -1], [x, 2.0], -1.0),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_numbers_beside_an_argument_are_constants(name):
    function = LISTS[name]
    assert_plays(lambda x: function(x), [MATRIX], [2 * MATRIX])
    assert_plays(tg.grad(lambda x: tg.sum(function(x) ** 2)), [MATRIX], [2 * MATRIX])


CHECKED = {
    "labels": (lambda x, t: tg.cross_entropy(x, t), np.array([0, 1, 2, 0]), np.array([0, 1, 3, 0])),
    "rows": (lambda x, t: tg.embedding(x, t), np.array([0, 3]), np.array([0, -1])),
    "classes": (lambda x, t: tg.one_hot(t, 3), np.array([0, 2]), np.array([0, 3])),
    "probabilities": (lambda x, t: tg.binary_cross_entropy(t, t), np.ones(3), np.full(3, 1.5)),
    "targets": (lambda x, t: tg.binary_cross_entropy_with_logits(t, t), np.ones(3), np.full(3, 1.5)),
    "a distribution": (lambda x, t: tg.kl_div(t, t), np.ones(3), -np.ones(3)),
    "shares": (lambda x, t: tg.quantile(x, t), np.ones(3), np.full(3, 1.5)),
}


@pytest.mark.parametrize("what", CHECKED)
def test_what_an_operation_checks_is_checked_at_each_play(what):
    function, good, bad = CHECKED[what]
    compiled = compile(function)
    compiled(MATRIX, good)
    for call in (function, compiled):
        with pytest.raises(ValueError, match="expected"):
            call(MATRIX, bad)
