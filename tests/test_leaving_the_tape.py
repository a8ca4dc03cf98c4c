"""No number leaves a connected tensor unseen, whoever asks for it; a constant converts like its array."""

import array
import cmath
import copy
import ctypes
import decimal
import fractions
import json
import math
import operator
import pickle
import statistics
import struct

import numpy as np
import pytest
from leaves import leaf
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor

A = np.array([1.0, 3.0])


def written(write):
    """Make a function of a tensor that lets it be written into an ndarray, and returns the array."""

    def convert(t):
        target = A.copy()
        write(target, t)
        return target

    return convert


def set_field(target, t):
    target.view([("x", float)])["x"] = t


CONVERSIONS = {
    "float": float,
    "int": int,
    "complex": complex,
    "math.sin": math.sin,
    "math.pow": lambda t: math.pow(t, 3),
    "math.floor": math.floor,
    "math.trunc": math.trunc,
    "math.fsum": lambda t: math.fsum([t, 1.0]),
    "math.isfinite": math.isfinite,
    "cmath.exp": cmath.exp,
    "statistics.fmean": lambda t: statistics.fmean([t, 1.0]),
    "array.array": lambda t: array.array("d", [t])[0],
    "ctypes": lambda t: ctypes.c_double(t).value,
    "%f": lambda t: float("%.3f" % t),  # noqa: UP031 - the old way is what is tested
    "np.float64": np.float64,
    "np.float32": np.float32,
    "np.complex128": np.complex128,
    "np.int64": np.int64,
    "np.asarray": np.asarray,
    "np.from_dlpack": lambda t: np.from_dlpack(np.asarray(t) if isinstance(t, np.generic) else t),
    "np.array of a list": lambda t: np.array([[t, 0.0], [0.0, t]]),
    "np.mean of a list": lambda t: np.mean([t, t]),
    "np.median of a list": lambda t: np.median([t, 1.0]),
    "np.r_": lambda t: np.r_[t, 1.0],
    "np.full": lambda t: np.full(3, t),
    "np.full with a dtype": lambda t: np.full(3, t, np.float32),
    "np.full_like": lambda t: np.full_like(A, t),
    "np.arange": lambda t: np.arange(t),
    "np.fromiter": lambda t: np.fromiter([t], float),
    "np.vectorize": lambda t: np.vectorize(lambda x: 2 * x)(t),
    "np.pad's values": lambda t: np.pad(A, 1, constant_values=t),
    "np.random": lambda t: np.random.default_rng(0).normal(t),
    "a structured array": lambda t: np.array([(t, 1)], dtype=[("x", float), ("n", int)])["x"],
    "sum's initial": lambda t: A.sum(initial=t),
    "max's initial": lambda t: np.max(A, initial=t),
    "ndarray.dot": lambda t: A.dot(t),
    "ndarray.searchsorted": lambda t: A.searchsorted(t),
    "ndarray.fill": written(lambda a, t: a.fill(t)),
    "ndarray.put": written(lambda a, t: a.put([0], t)),
    "a[0] = t": written(lambda a, t: operator.setitem(a, 0, t)),
    "a[...] = t": written(lambda a, t: operator.setitem(a, ..., t)),
    "a[mask] = t": written(lambda a, t: operator.setitem(a, a > 2, t)),
    "a[field] = t": written(set_field),
    "a.flat = t": written(lambda a, t: setattr(a, "flat", t)),
    "np.copyto": written(np.copyto),
    "np.put": written(lambda a, t: np.put(a, [0], t)),
    "np.putmask": written(lambda a, t: np.putmask(a, a > 2, t)),
    "np.place": written(lambda a, t: np.place(a, a > 2, [t])),
}

CONNECTED = {
    "a leaf": lambda convert: convert(leaf(2.0)),
    "a computed tensor": lambda convert: convert(leaf(1.0) * 2),
    "grad": lambda convert: tg.grad(convert)(2.0),
    "grad, computed": lambda convert: tg.grad(lambda x: convert(x * 1))(2.0),
    "vjp": lambda convert: tg.vjp(convert, 2.0),
    "jvp": lambda convert: tg.jvp(convert, [2.0], [1.0]),
    "hessian": lambda convert: tg.hessian(convert)(2.0),
    "checkpoint": lambda convert: tg.grad(lambda x: tg.checkpoint(lambda y: y * 1)(x) * convert(x))(2.0),
}

LOST = r"gradient would be lost.* tg\.stack.* tensor\.item\(\), tensor\.numpy\(\).* tg\.stop_gradient"


@pytest.mark.parametrize("name", CONVERSIONS)
def test_a_connected_tensor_is_not_converted(name):
    for connect in CONNECTED.values():
        with pytest.raises((TypeError, ValueError)) as caught:
            connect(CONVERSIONS[name])
        # NumPy hides an error of `float` behind one of its own, and shows ours above it, as the cause
        error = caught.value if isinstance(caught.value, TypeError) else caught.value.__cause__
        with pytest.raises(TypeError, match=LOST):
            raise error


def test_under_a_transformation_the_error_is_the_one_that_helps():
    def f(b):
        c = np.zeros(2)
        c[0] = b[0] * b[0]
        c[1] = b[1]
        return c.sum()

    for call in (tg.grad(f), lambda b: tg.vjp(f, b), tg.jacobian(f)):
        with pytest.raises(TypeError, match=LOST):
            call(A)


CONSTANTS = {
    "a constant": lambda: Tensor(2.0),
    "detached": lambda: leaf(2.0).detach(),
    "stop_gradient": lambda: tg.stop_gradient(leaf(1.0) * 2),
    "rounded": lambda: tg.floor(leaf(2.5)),
    "released": lambda: released(),
    "computed from a released one": lambda: released() * 1,
}


def released():
    loss = leaf(1.0) * 2
    loss.backward()
    return loss


@pytest.mark.parametrize("make", CONSTANTS.values(), ids=CONSTANTS)
def test_a_constant_converts_as_its_array_does(make):
    for name, convert in CONVERSIONS.items():
        assert_array_equal(convert(make()), convert(np.float64(2.0)), err_msg=name)


@pytest.mark.parametrize(
    "convert",
    [
        fractions.Fraction,
        decimal.Decimal,
        lambda t: struct.pack("d", t),
        json.dumps,
        lambda t: "%d" % t,  # noqa: UP031
        bytes,
        memoryview,
        hex,
        lambda t: np.frombuffer(t),
        lambda t: np.datetime64(t, "s"),
        lambda t: operator.setitem(A.copy().flat, 0, t),
        lambda t: A.round(t),
        lambda t: A.take(t),
        lambda t: tg.leaky_relu(A, negative_slope=t),
        lambda t: tg.optim.SGD({"w": A.copy()}, lr=t),
        lambda t: Tensor([t, t]),
        copy.deepcopy,
        pickle.dumps,
    ],
)
def test_what_python_and_numpy_refuse_with_words_of_their_own_is_refused(convert):
    with pytest.raises((TypeError, ValueError, struct.error)):
        convert(leaf(1.0) * 1)


@pytest.mark.parametrize(
    "convert",
    [
        lambda t: statistics.mean([t, t]),  # whose answer for a constant is not that for its array
        operator.index,
        range,
        lambda t: [0, 1][t],
        lambda t: np.add.reduce(A, initial=t, where=Tensor([True, False])),  # the mask alone brings it to us
    ],
)
def test_what_no_constant_can_be_taken_for_either_says_the_same(convert):
    with pytest.raises(TypeError, match=r"gradient would be lost|leave the tape"):
        convert(leaf(1.0))


def test_a_mask_may_be_a_tensor_where_numpy_takes_one():
    where, target = Tensor([True, False]), A.copy()
    np.add(A, 1, out=target, where=where)
    assert_array_equal(target, [2.0, 3.0])
    with pytest.raises(
        TypeError, match=r"np\.exp with where does not work on a Tensor: use tinygrad_cnn\.exp"
    ):
        np.exp(leaf(A), where=where)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: sum([x, x * x], start=1.0),
        lambda x: sum([1.0, 2.0], start=x),
        lambda x: math.prod([x, x, 2.0]),
        lambda x: abs(-x),
        lambda x: (A * x).sum(),
        lambda x: A.clip(x).sum(),
        lambda x: np.stack([x, x * x]).sum(),
        lambda x: np.concatenate([x.reshape(1), A]).sum(),
        lambda x: np.where(A > 2, x, 0.0).sum(),
        lambda x: max(x, x * x),
        lambda x: sorted([x * x, x])[0],
        lambda x: x * x if x > 1 and x in [x] else x,
    ],
)
def test_what_does_not_take_a_number_has_its_gradient(f):
    x, step = np.float64(2.0), 1e-6
    assert_allclose(tg.grad(f)(x), (f(x + step) - f(x - step)) / (2 * step), rtol=1e-6)


def test_an_integer_tensor_is_an_index_wherever_python_and_numpy_take_one():
    best = tg.argmax(leaf([1.0, 5.0, 3.0]))
    assert [10, 20, 30][best] == range(10, 40, 10)[best] == np.array([10, 20, 30])[best] == 20
    assert (operator.index(best), "abc"[best:], np.zeros(3).take(best)) == (1, "bc", 0.0)
    for no_index in (Tensor(1.0), Tensor([1, 2]), Tensor(True)):
        with pytest.raises(TypeError):
            operator.index(no_index)


@pytest.mark.parametrize("spec", ["", ".3f", "8.2e", "g"])
def test_a_text_of_a_scalar_tensor_is_that_of_its_array(spec):
    for x in (leaf(2.5), leaf(1.0) * 2.5, Tensor(np.float32(2.5)), Tensor(7)):
        assert format(x, spec) == format(x.data, spec)


def test_a_text_of_more_than_a_number_takes_no_format():
    x = leaf([1.0, 2.0])
    assert f"{x}" == repr(x)
    with pytest.raises(TypeError, match=r"'\.3f' formats a number, but the tensor has shape \(2,\)"):
        f"{x:.3f}"


@pytest.mark.parametrize("make", [leaf, Tensor, lambda data: leaf(data) * 1])
@pytest.mark.parametrize(
    "change",
    [
        lambda x: operator.setitem(x, x < 2, 0.0),
        lambda x: operator.setitem(x, 0, 1.0),
        lambda x: operator.setitem(x, (..., 0), x[0]),
        lambda x: operator.delitem(x, 0),
        lambda x: x.fill(0.0),
        lambda x: x.put([0], 1.0),
        lambda x: np.add(A, A, out=x),
    ],
)
def test_changing_a_tensor_names_the_functional_way(make, change):
    x = make(A)
    with pytest.raises(
        (TypeError, AttributeError), match=r"not changed in place.*tg\.where\(mask, value, x\)"
    ):
        change(x)
    assert_array_equal(x.data, A)


def test_an_array_is_not_changed_by_a_connected_tensor_but_by_a_constant():
    target = A.copy()
    with pytest.raises(TypeError, match=r"write a = a \+ t"):
        target += leaf(A)
    assert_array_equal(target, A)
    target += Tensor(A)
    assert_array_equal(target, 2 * A)


# --- functions whose result has lost its way to the arguments ---------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.item() ** 2,
        lambda x: x.tolist() ** 2,
        lambda x: np.sum(x.numpy()),
        lambda x: tg.exp(x * x).sum().item(),
        lambda x: float(tg.exp(x).data.sum()),
        lambda x: float(np.mean(x * 2 > 1)),
    ],
)
@pytest.mark.parametrize(
    "transform", [lambda f: tg.grad(f), lambda f: lambda x: tg.vjp(f, x)[1](1.0)[0], tg.jacobian]
)
def test_a_result_that_was_taken_off_the_tape_is_warned_of(f, transform):
    with pytest.warns(
        UserWarning, match="does not depend on what is differentiated, although .*stop_gradient"
    ):
        assert transform(f)(np.array(2.0)) == 0


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 3.0,
        lambda x: np.float64(1.0) if x > 1 else np.float64(0.0),
        lambda x: tg.stop_gradient(x * x),
        lambda x: tg.floor(x * 2),
        lambda x: tg.grad(lambda y: 3 * y)(x),
        lambda x: tg.grad(lambda y: x + y)(1.0),
        lambda x: tg.jvp(lambda y: 3 * y, [x], [1.0])[1],
        tg.grad(tg.grad(lambda x: x * x)),
    ],
)
def test_a_constant_that_is_meant_is_not_warned_of(f):
    for order in (tg.grad, tg.hessian):
        assert order(f)(2.0) == 0


def test_outputs_that_have_no_derivative_are_not_warned_of():
    assert_array_equal(tg.jacobian(lambda x: x * 2 > 1)(A), np.zeros((2, 2)))


def test_an_error_of_the_function_is_its_own():
    with pytest.raises(ValueError, match="could not convert string"):
        tg.grad(lambda x: x * float("text"))(1.0)


def test_what_a_kept_tensor_holds_is_its_own_graph_until_it_is_detached():
    w = leaf(np.ones(100))
    logits = w * np.full(100, 2.0)
    loss, other = (logits * logits).sum(), logits.sum()
    loss.backward()
    assert logits.node.saved  # so another loss can still go through it
    other.backward()
    assert_array_equal(w.grad, np.full(100, 8.0 + 2.0))
    assert logits.detach().node is None
