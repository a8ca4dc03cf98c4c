"""NumPy's functions on Tensors record on the tape, or raise a TypeError that names the op to use."""

import operator

import numpy as np
import pytest
import records
from leaves import leaf
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, numpy_protocol, ops, tape, tree

A = np.array([[1.0, 2.0], [3.0, 4.0]])


def quarters():
    return leaf(A / 4)


def named(name):
    return getattr(np, name, getattr(np.linalg, name, None))


NUMPYS = [record for record in records.RECORDS if record.numpy_function() is named(record.name) is not None]
NUMPYS = [record for record in NUMPYS if record.name != "astype"]  # NumPy asks nobody about this one


@pytest.mark.parametrize("record", NUMPYS, ids=lambda record: record.name)
def test_numpys_function_is_the_operation_of_the_name(record):
    for call, _ in records.drawn(record.case, 2):
        tensors = tree.map(
            lambda x: Tensor(x) if isinstance(x, np.ndarray | np.generic) else x, call.operands
        )
        found = named(record.name)(*tensors, **call.params)
        assert isinstance(found, Tensor)
        assert_array_equal(found.data, record.case.function(*call.operands, **call.params), strict=True)


SPD = np.array([[3.0, 1.0], [1.0, 2.0]])
OF_SEVERAL_ARRAYS = {
    "array_split": (2,), "broadcast_arrays": (1.0,), "cholesky": (), "dsplit": ([1],), "eigh": (),
    "eigvalsh": (), "hsplit": (2,), "lstsq": (A, None), "meshgrid": (A[0],), "partition": (1,), "qr": (),
    "slogdet": (), "split": (2,), "svd": (), "vsplit": ([1],),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_SEVERAL_ARRAYS)
def test_numpys_function_of_several_results_is_the_operation_of_the_name(name):
    x = {"dsplit": SPD[None], "meshgrid": SPD[0]}.get(name, SPD)
    operation = getattr(ops, name, getattr(tg.linalg, name, None))
    found, expected = (f(leaf(x), *OF_SEVERAL_ARRAYS[name]) for f in (named(name), operation))
    assert type(found) is type(expected)
    numpys = named(name)(x, *OF_SEVERAL_ARRAYS[name])
    for ours, theirs in zip(tree.leaves(found), tree.leaves(numpys), strict=True):
        assert_allclose(tape.raw(ours), theirs, rtol=1e-14, atol=1e-14)


RECORDED = {
    "@": (lambda t: A @ t, lambda t: tg.matmul(A, t)),
    "@ on the left": (lambda t: t @ A, lambda t: tg.matmul(t, A)),
    "+": (lambda t: A + t, lambda t: tg.add(A, t)),
    "-": (lambda t: A - t, lambda t: tg.subtract(A, t)),
    "*": (lambda t: A * t, lambda t: tg.multiply(A, t)),
    "/": (lambda t: A / t, lambda t: tg.divide(A, t)),
    "**": (lambda t: A**t, lambda t: tg.power(A, t)),
    "%": (lambda t: (A + 0.1) % t, lambda t: tg.remainder(A + 0.1, t)),
    "% on the left": (lambda t: t % 0.3, lambda t: tg.remainder(t, 0.3)),
    "//": (lambda t: 3.3 // t + t, lambda t: tg.floor_divide(3.3, t) + t),
    "// on the left": (lambda t: t // 0.3 + t, lambda t: tg.floor_divide(t, 0.3) + t),
    "divmod": (lambda t: operator.mul(*divmod(3.3, t)), lambda t: (3.3 // t) * (3.3 % t)),
    "divmod on the left": (lambda t: operator.mul(*divmod(t, 0.3)), lambda t: (t // 0.3) * (t % 0.3)),
    "* of a scalar": (lambda t: A[0, 0] * t, lambda t: tg.multiply(A[0, 0], t)),
    "abs": (lambda t: np.abs(t), lambda t: tg.abs(t)),
    "power by a number": (lambda t: np.power(t, 2), lambda t: tg.power(t, 2)),
    "concatenate, array first": (lambda t: np.concatenate([A, t], 1), lambda t: tg.concatenate([A, t], 1)),
    "reshape": (lambda t: np.reshape(t, (4,)), lambda t: tg.reshape(t, (4,))),
    "tile": (lambda t: np.tile(t, (2, 1)), lambda t: tg.tile(t, (2, 1))),
    "pad, reflect": (lambda t: np.pad(t, 1, mode="reflect"), lambda t: tg.pad(t, 1, mode="reflect")),
}


@pytest.mark.parametrize("name", RECORDED)
def test_operators_and_functions_record(name):
    recorded, operation = RECORDED[name]
    found, expected = tg.vjp(recorded, A / 4), tg.vjp(operation, A / 4)
    assert_array_equal(found[0], expected[0])
    assert_array_equal(found[1](np.ones_like(found[0])), expected[1](np.ones_like(found[0])))


@pytest.mark.parametrize(
    "name", ["degrees", "radians", "fabs", "positive", "conjugate", "rint", "around", "fix", "divmod"]
)
def test_another_name_of_numpys_finds_its_operation(name):
    function, operands = getattr(np, name), [A / 3] if name == "divmod" else []
    found = function(leaf(-A / 4), *operands)
    expected = function(-A / 4, *operands)
    for ours, theirs in zip(found, expected, strict=True) if name == "divmod" else [(found, expected)]:
        assert isinstance(ours, Tensor)
        assert_array_equal(ours.data, theirs)


def test_fabs_makes_floats_of_integers():
    found = np.fabs(Tensor(np.array([-2, 3])))
    assert_array_equal(found.data, np.array([2.0, 3.0]), strict=True)


def test_round_takes_a_number_of_decimals():
    t = leaf(np.array([12.345, 0.5, 1.5]))
    assert_array_equal(round(t).data, [12, 0, 2])
    assert_array_equal(round(t, 1).data, [12.3, 0.5, 1.5])
    assert_array_equal(round(t, -1).data, [10, 0, 0])


def test_in_place_operators():
    t, a = quarters(), A.copy()
    alias = t
    t += a
    assert t is not alias  # a new tensor: nothing that the tape has saved changes
    assert_array_equal(alias.data, A / 4)
    t.sum().backward()
    assert_array_equal(alias.grad, np.ones((2, 2)))
    in_place = [getattr(a, f"__i{name}__") for name in ("add", "sub", "mul", "truediv", "matmul", "pow")]
    for write in (*in_place, lambda t: np.add(A, t, out=a), lambda t: np.exp(t, out=a)):
        with pytest.raises(TypeError, match=r"into an ndarray would leave the tape: write a = a \+ t"):
            write(quarters())
    assert_array_equal(a, A)


REFUSED = [
    ("np.absolute with where", lambda t: np.abs(t, where=A > 1), "abs"),
    ("np.add with dtype", lambda t: np.add(t, 1, dtype=np.float32), "add"),
    ("np.exp with where", lambda t: np.exp(t, where=A > 1), "exp"),
    ("np.add.accumulate", lambda t: np.add.accumulate(t), "cumsum"),
    ("np.add.at", lambda t: np.add.at(t, 0, 1), "scatter_add"),
    ("np.add.reduce", lambda t: np.add.reduce(t), "sum"),
    ("np.multiply.outer", lambda t: np.multiply.outer(t, t), "outer"),
    ("np.multiply.reduce", lambda t: np.multiply.reduce(t), "prod"),
    ("np.frexp", lambda t: np.frexp(t), None),
    ("np.fft.fft", lambda t: np.fft.fft(t), None),
    ("np.linalg.eigvals", lambda t: np.linalg.eigvals(t), None),
]


@pytest.mark.parametrize(("name", "call", "op"), REFUSED)
def test_what_no_operation_does_is_refused_by_name_with_what_to_use(name, call, op):
    with pytest.raises(TypeError, match=name.replace(".", r"\.")) as caught:
        call(quarters())
    assert (f"use tinygrad_cnn.{op}," if op else "tinygrad_cnn has no such op") in str(caught.value)


def test_what_is_named_exists():
    for name, op in numpy_protocol._INSTEAD.items():
        function = np
        for part in name.split("."):
            function = getattr(function, part)
        assert op in ops.__all__
        assert name not in ops.__all__, "an operation of this name needs no other one instead"


IN_NUMPYS_WORDS = [
    lambda x: np.sum(x, 0, None, None, True),
    lambda x: np.mean(a=x, axis=1, out=None),
    lambda x: np.std(x, 0, None, None, 1, keepdims=True),
    lambda x: np.amax(x, 1, None, True),
    lambda x: np.argmax(x, 1, None, keepdims=True),
    lambda x: np.clip(x, min=0.3, max=0.8),
    lambda x: np.clip(x, 0.3, None, None),
    lambda x: np.round(x, 1, None),
    lambda x: np.reshape(x, (4,), "C"),
    lambda x: np.sort(x, 0, None),
    lambda x: np.take(x, [1, 0], 1, None, "raise"),
    lambda x: np.concatenate((x, A), axis=1, casting="same_kind"),
    lambda x: np.pad(x, 1, "constant", constant_values=2.0),
    lambda x: np.ptp(x, 1),
    lambda x: np.copy(x),
    lambda x: np.real(x),
    lambda x: np.real_if_close(x),
    lambda x: np.linalg.norm(x, 1, keepdims=True),
    lambda x: np.matrix_transpose(x),
]


@pytest.mark.parametrize("call", IN_NUMPYS_WORDS)
def test_options_are_read_by_numpys_signature(call):
    found = call(quarters())
    assert isinstance(found, Tensor)
    assert_array_equal(found.data, call(A / 4), strict=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: np.prod(t, dtype=np.float32), "np.prod with dtype .*: use tinygrad_cnn.prod, or leave"),
        (lambda t: np.max(t, where=A > 1), "np.max with where"),
        (lambda t: np.amax(t, 0, np.zeros(2)), "np.amax with out .*: use tinygrad_cnn.max"),
        (lambda t: np.sort(t, order="x"), "np.sort with order"),
        (lambda t: np.take(t, [0, 5], mode="clip"), "np.take with mode"),
        (lambda t: np.copy(t, order="F"), "np.copy with order .*: tinygrad_cnn has no such option"),
        (lambda t: np.sum(A, 0, None, Tensor(np.zeros(2))), "np.sum into a Tensor: a Tensor is not changed"),
        (
            lambda t: np.copyto(Tensor(np.zeros((2, 2))), A),
            "np.copyto into a Tensor: a Tensor is not changed",
        ),
        (lambda t: np.full_like(t, t[0, 0]), "np.copyto would take the numbers of a tensor"),
    ],
)
def test_what_an_operation_does_not_take_is_refused_by_its_name(call, message):
    with pytest.raises(TypeError, match=message):
        call(quarters())


def test_on_constants_numpy_computes_what_no_operation_does():
    assert_array_equal(np.max(Tensor(A), where=A < 3, initial=0.0), 2.0)


@pytest.mark.parametrize(
    "ask",
    [
        np.shape,
        np.ndim,
        lambda t: np.size(t, 1),
        np.all,
        np.argwhere,
        np.count_nonzero,
        np.array2string,
        np.zeros_like,
        np.ones_like,
        lambda t: np.isclose(t, A / 4),
        lambda t: np.allclose(A / 4, t),
        lambda t: np.array_equal(t, t),
        lambda t: str(np.result_type(t, np.float32)),
        np.iscomplexobj,
        np.angle,
        np.imag,
        np.isreal,
        np.signbit,
        np.tril_indices_from,
        lambda t: np.can_cast(t, np.float32),
        lambda t: np.full_like(t, 7.0, shape=(3,)),
        lambda t: np.isin(t, [0.5]),
        lambda t: np.logical_or(t, t),
        lambda t: np.searchsorted([0.1, 0.6], t, "right"),
    ],
)
def test_a_question_whose_answer_has_no_derivative_is_answered(ask):
    answer, expected = ask(quarters()), ask(A / 4)
    assert type(answer) is type(expected)
    assert_array_equal(answer, expected)


@pytest.mark.parametrize("f", [np.isnan, np.isinf, np.isfinite, lambda t: np.less(t, 1), lambda t: t < A])
def test_comparisons_and_predicates_are_plain_arrays(f):
    found = f(quarters())
    assert type(found) is np.ndarray
    assert_array_equal(found, f(A / 4))
