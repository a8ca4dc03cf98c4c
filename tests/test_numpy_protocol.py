"""NumPy's functions on Tensors record on the tape, or raise a TypeError that names the op to use."""

import numpy as np
import pytest
from leaves import leaf
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn import Tensor, numpy_protocol, ops

A = np.array([[1.0, 2.0], [3.0, 4.0]])


def quarters():
    return leaf(A / 4)


RECORDED = {
    "exp": lambda np, t: np.exp(t),
    "sum": lambda np, t: np.sum(t, axis=0),
    "sum of all": lambda np, t: np.sum(t),
    "mean": lambda np, t: np.mean(t, axis=1, keepdims=True),
    "var": lambda np, t: np.var(t, axis=0, ddof=1),
    "std": lambda np, t: np.std(t),
    "max": lambda np, t: np.max(t, axis=-1),
    "min": lambda np, t: np.min(t),
    "prod": lambda np, t: np.prod(t, axis=0),
    "cumsum": lambda np, t: np.cumsum(t, axis=0),
    "concatenate": lambda np, t: np.concatenate([t, A]),
    "concatenate, array first": lambda np, t: np.concatenate([A, t], axis=1),
    "stack": lambda np, t: np.stack([t, A], axis=-1),
    "array @ tensor": lambda np, t: A @ t,
    "tensor @ array": lambda np, t: t @ A,
    "matmul": lambda np, t: np.matmul(A, t),
    "array + tensor": lambda np, t: A + t,
    "array - tensor": lambda np, t: A - t,
    "array * tensor": lambda np, t: A * t,
    "array / tensor": lambda np, t: A / t,
    "array ** tensor": lambda np, t: A**t,
    "scalar * tensor": lambda np, t: A[0, 0] * t,
    "negative": lambda np, t: np.negative(t),
    "abs": lambda np, t: np.abs(t),
    "power by a number": lambda np, t: np.power(t, 2),
    "multiply, array first": lambda np, t: np.multiply(A, t),
    "maximum": lambda np, t: np.maximum(t, 0.5),
    "where": lambda np, t: np.where(A > 2, t, A),
    "clip": lambda np, t: np.clip(t, 0.3, 0.8),
    "reshape": lambda np, t: np.reshape(t, (4,)),
    "transpose": lambda np, t: np.transpose(t),
    "moveaxis": lambda np, t: np.moveaxis(t, 0, 1),
    "swapaxes": lambda np, t: np.swapaxes(t, 0, 1),
    "expand_dims": lambda np, t: np.expand_dims(t, 0),
    "squeeze": lambda np, t: np.squeeze(np.expand_dims(t, 0)),
    "broadcast_to": lambda np, t: np.broadcast_to(t, (3, 2, 2)),
    "pad": lambda np, t: np.pad(t, 1),
    "pad, reflect": lambda np, t: np.pad(t, 1, mode="reflect"),
    "flip": lambda np, t: np.flip(t, 0),
    "roll": lambda np, t: np.roll(t, 1, axis=0),
    "take": lambda np, t: np.take(t, [0, 0], axis=1),
    "repeat": lambda np, t: np.repeat(t, 2, axis=0),
    "tile": lambda np, t: np.tile(t, (2, 1)),
    "sort": lambda np, t: np.sort(t, axis=0),
    "outer": lambda np, t: np.outer(t, A),
    "tensordot": lambda np, t: np.tensordot(t, A, axes=1),
    "einsum": lambda np, t: np.einsum("ij,jk->ik", t, A),
    "sinc": lambda np, t: np.sinc(t),
    "hypot": lambda np, t: np.hypot(t, A),
}


@pytest.mark.parametrize("name", RECORDED)
def test_it_records(name):
    f, t = RECORDED[name], quarters()
    y = f(np, t)
    assert isinstance(y, Tensor)
    assert y.requires_grad
    assert_array_equal(y.data, f(ops_or_numpy(name), t.data))
    y.sum().backward()
    step = 1e-6
    for index in np.ndindex(2, 2):
        moved = np.zeros((2, 2))
        moved[index] = step
        slope = np.sum(f(np, t.data + moved) - f(np, t.data - moved)) / (2 * step)
        assert_allclose(t.grad[index], slope, rtol=1e-6, atol=1e-8)


def ops_or_numpy(name):
    """The package's own operations: NumPy's may differ in the last bit."""
    return np if any(sign in name for sign in "@+-*/") else ops


def test_in_place_operators():
    t, a = quarters(), A.copy()
    alias = t
    t += a
    assert t is not alias  # a new tensor: nothing that the tape has saved changes
    assert_array_equal(alias.data, A / 4)
    t.sum().backward()
    assert_array_equal(alias.grad, np.ones((2, 2)))
    for operate in ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__imatmul__", "__ipow__"):
        with pytest.raises(TypeError, match=r"into an ndarray would leave the tape: write a = a \+ t"):
            getattr(a, operate)(quarters())
    assert_array_equal(a, A)


REFUSED = {
    "np.cbrt": lambda t: np.cbrt(t),
    "np.linalg.inv": lambda t: np.linalg.inv(t),
    "np.linalg.norm": lambda t: np.linalg.norm(t),
    "np.fft.fft": lambda t: np.fft.fft(t),
    "np.median": lambda t: np.median(t),
    "np.dot": lambda t: np.dot(t, t),
    "np.multiply.outer": lambda t: np.multiply.outer(t, t),
    "np.linalg.qr": lambda t: np.linalg.qr(t),
    "np.linalg.det": lambda t: np.linalg.det(t),
    "np.add.reduce": lambda t: np.add.reduce(t),
    "np.add with dtype": lambda t: np.add(t, 1, dtype=np.float32),
    "np.add into an ndarray": lambda t: np.add(A, t, out=np.zeros((2, 2))),
    "np.add.accumulate": lambda t: np.add.accumulate(t),
    "np.add.at": lambda t: np.add.at(t, 0, 1),
    "np.exp with where": lambda t: np.exp(t, where=A > 1),
    "np.exp into an ndarray": lambda t: np.exp(t, out=A.copy()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_name(name):
    with pytest.raises(TypeError, match=name.replace(".", r"\.")):
        REFUSED[name](quarters())


def test_the_error_names_the_op_to_use():
    with pytest.raises(TypeError, match=r"use tinygrad_cnn\.exp"):
        np.exp(quarters(), where=A > 1)
    with pytest.raises(TypeError, match="tinygrad_cnn has no such op"):
        np.cbrt(quarters())


INSTEAD = {
    "abs": lambda t: np.abs(t, where=A > 1),
    "concatenate": lambda t: np.vstack([t, A]),
    "cumsum": lambda t: np.add.accumulate(t),
    "einsum": lambda t: np.trace(t),
    "matmul": lambda t: np.dot(t, t),
    "max": lambda t: np.amax(t),
    "norm": lambda t: np.linalg.norm(t),
    "outer": lambda t: np.multiply.outer(t, t),
    "prod": lambda t: np.multiply.reduce(t),
    "reshape": lambda t: np.ravel(t),
    "sum": lambda t: np.add.reduce(t),
}


@pytest.mark.parametrize("op", INSTEAD)
def test_the_error_names_the_op_that_does_the_same(op):
    with pytest.raises(TypeError, match=rf"use tinygrad_cnn\.{op},"):
        INSTEAD[op](quarters())


def test_what_is_named_exists():
    for name, op in numpy_protocol._INSTEAD.items():
        function = np
        for part in name.split("."):
            function = getattr(function, part)
        assert op in ops.__all__


def test_options_that_an_op_lacks_are_refused():
    for call in (
        lambda t: np.sum(t, dtype=np.float32),
        lambda t: np.sum(t, where=A > 1),
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


def test_comparisons_and_predicates_are_plain_arrays():
    t = quarters()
    for found, expected in (
        (t < A, t.data < A),
        (np.isnan(t), np.isnan(t.data)),
        (np.isinf(t), np.isinf(t.data)),
        (np.isfinite(t), np.isfinite(t.data)),
        (np.less(t, 1), t.data < 1),
    ):
        assert type(found) is np.ndarray
        assert_array_equal(found, expected)


def test_every_function_with_numpys_name_is_reached_from_numpy():
    t = quarters()
    for name in ops.__all__:
        function = getattr(np, name, None)
        if function in (None, np.astype):
            continue
        handled = t.__array_ufunc__ if isinstance(function, np.ufunc) else t.__array_function__
        assert handled is not None
        assert name in {
            getattr(f, "__name__", None) for f in (*numpy_protocol._UFUNCS, *numpy_protocol._FUNCTIONS)
        } or (function is np.abs)
