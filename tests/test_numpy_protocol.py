"""NumPy's functions on Tensors record on the tape, or raise a TypeError that names the op to use."""

import operator

import numpy as np
import pytest
import records
from leaves import leaf
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, numpy_protocol, ops, tree
from tinygrad_cnn.testing import strategies

A = np.array([[1.0, 2.0], [3.0, 4.0]])


def quarters():
    return leaf(A / 4)


NUMPYS = [record for record in records.RECORDS if record.numpy_function() is getattr(np, record.name, 0)]
NUMPYS = [record for record in NUMPYS if record.name != "astype"]  # NumPy asks nobody about this one


@pytest.mark.parametrize("record", NUMPYS, ids=lambda record: record.name)
def test_numpys_function_is_the_operation_of_the_name(record):
    def check(call):
        tensors = tree.map(
            lambda x: Tensor(x) if isinstance(x, np.ndarray | np.generic) else x, call.operands
        )
        found = getattr(np, record.name)(*tensors, **call.params)
        assert isinstance(found, Tensor)
        assert_array_equal(found.data, record.case.function(*call.operands, **call.params), strict=True)

    strategies.for_all(
        f"{record.name}_from_numpy", record.calls, lambda call, _: check(call), seed=0, max_examples=2
    )


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
    ("np.add.at", lambda t: np.add.at(t, 0, 1), None),
    ("np.add.reduce", lambda t: np.add.reduce(t), "sum"),
    ("np.multiply.outer", lambda t: np.multiply.outer(t, t), "outer"),
    ("np.multiply.reduce", lambda t: np.multiply.reduce(t), "prod"),
    ("np.frexp", lambda t: np.frexp(t), None),
    ("np.dot", lambda t: np.dot(t, t), "matmul"),
    ("np.fft.fft", lambda t: np.fft.fft(t), None),
    ("np.linalg.det", lambda t: np.linalg.det(t), None),
    ("np.linalg.norm", lambda t: np.linalg.norm(t), "norm"),
    ("np.amax", lambda t: np.amax(t), "max"),
    ("np.median", lambda t: np.median(t), None),
    ("np.ravel", lambda t: np.ravel(t), "reshape"),
    ("np.trace", lambda t: np.trace(t), "einsum"),
    ("np.vstack", lambda t: np.vstack([t, A]), "concatenate"),
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


def test_options_that_an_op_lacks_are_refused():
    for call in (
        lambda t: np.prod(t, dtype=np.float32),
        lambda t: np.max(t, where=A > 1),
        lambda t: np.sort(t, kind="s"),
    ):
        with pytest.raises(TypeError):
            call(quarters())


@pytest.mark.parametrize(
    "ask",
    [
        np.shape,
        np.ndim,
        lambda t: np.size(t, 1),
        np.all,
        np.argwhere,
        np.count_nonzero,
        np.argsort,
        np.array2string,
        np.zeros_like,
        np.ones_like,
        lambda t: np.isclose(t, A / 4),
        lambda t: np.allclose(A / 4, t),
        lambda t: np.array_equal(t, t),
        lambda t: str(np.result_type(t, np.float32)),
        np.iscomplexobj,
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
