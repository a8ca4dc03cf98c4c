"""Operations with NumPy's names have NumPy's semantics: values, shapes, dtypes, and what is an error."""

import numpy as np
import pytest
import records
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, tree
from tinygrad_cnn.testing import Call

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # means of nothing, logarithms of zero

DTYPES = [np.float64, np.float32, np.float16, np.int64, np.int8, np.bool_]
TOLERANCE = {np.float32: 1e-6, np.float16: 1e-3}
SHARED = {record.name: record for record in records.RECORDS if record.numpy_function()}


def is_floating(x):
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"


def misplaced(value, ndim):
    """Name an axis that does not exist, or the same one twice."""
    return value * 2 if isinstance(value, tuple) and len(value) == 1 else ndim + 1


def varied(call, rng):
    """Give a call small integers of any dtype, signs and zeros among them; sometimes make it a wrong one.

    Sums and products of small integers are exact.
    """

    def any_numbers(x):
        if not is_floating(x):
            return x
        signed = np.round(x) * rng.choice([-1, 0, 1, 1], x.shape)
        return np.asarray(signed.astype(DTYPES[rng.integers(len(DTYPES))]))

    operands, params = tree.map(any_numbers, call.operands), dict(call.params)
    fault = rng.integers(10)
    if fault == 0:
        arrays = [x for x in tree.leaves(operands) if isinstance(x, np.ndarray)]
        wrong = np.ones((*arrays[0].shape, 4), arrays[0].dtype)
        operands = tree.map(lambda x: wrong if x is arrays[0] else x, operands)
    for name in {"axis", "axis1", "axes"} & set(params) if fault == 1 else ():
        params[name] = misplaced(params[name], 5)
    if fault == 2 and "shape" in params:
        params["shape"] = (*np.atleast_1d(params["shape"]), 2)
    if fault == 3 and "pad_width" in params:
        params["pad_width"] = 1.5
    return Call(operands, params)


def boxed(x):
    return Tensor(x, requires_grad=is_floating(x)) if isinstance(x, np.ndarray) else x


def assert_gradients_fit(recorded, tensors, is_constant):
    """Each operand that has a gradient gets one of its own shape and dtype."""
    leaves = [t for t in tree.leaves(tensors) if isinstance(t, Tensor) and t.requires_grad]
    if is_constant or not leaves:
        assert not recorded.requires_grad
        return
    recorded.backward(np.ones_like(recorded.data))
    for leaf in leaves:
        assert leaf.grad is not None
        assert (leaf.grad.shape, leaf.grad.dtype) == (leaf.shape, leaf.dtype)


@pytest.mark.parametrize("name", SHARED)
def test_values_shapes_dtypes_and_errors_are_numpys(name):
    record = SHARED[name]
    for call, seed in records.drawn(record.case, 10, thorough=340):
        rng = np.random.default_rng(seed)
        for _ in range(3):
            assert_as_numpy(record, *varied(call, rng))


def assert_as_numpy(record, operands, params):
    theirs, ours = record.numpy_function(), record.case.function
    try:
        expected = theirs(*operands, **params)
    except Exception as error:
        # NumPy has private kinds of TypeError
        kind = TypeError if isinstance(error, TypeError) else type(error)
        with pytest.raises((kind, ValueError, IndexError)):
            ours(*operands, **params)
        return
    value = ours(*operands, **params)
    assert np.shape(value) == np.shape(expected)
    assert np.asarray(value).dtype == np.asarray(expected).dtype
    rtol = TOLERANCE.get(np.asarray(expected).dtype.type, 1e-12)
    assert_allclose(value, expected, rtol=rtol, atol=max(rtol, 1e-6))
    tensors = tree.map(boxed, operands)
    recorded = ours(*tensors, **params)
    assert isinstance(recorded, Tensor)
    assert recorded.shape == np.shape(expected)
    assert_array_equal(recorded.data, value)
    is_constant = getattr(ours, "piecewise_constant", False) or recorded.dtype.kind != "f"
    assert_gradients_fit(recorded, tensors, is_constant)


@pytest.mark.parametrize("places", [[9, 3, 2, 0], [3, 2, 1, 0], 2], ids=["uneven", "even", "a step"])
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("samples", DTYPES)
def test_slopes_have_numpys_values_and_dtype_whatever_the_samples_and_coordinates_are(samples, kind, places):
    rtol = 1e-2 if np.float16 in (samples, kind) else 1e-5
    # differences of these wrap around in int8, and in any unsigned dtype
    f = np.array([-100, 100, 0, 90]).astype(samples)
    for spacing in (np.array(places).astype(kind), np.array(places).astype(np.uint8)):
        if f.dtype == bool or (spacing.dtype == bool and spacing.ndim):
            with pytest.raises(TypeError, match="expected numbers, got bool"):
                tg.gradient(f, spacing)
            continue
        expected = np.gradient(f, spacing)
        assert_allclose(tg.gradient(f, spacing), expected, rtol=rtol, strict=True)
        tensor = boxed(f)
        assert_gradients_fit(tg.gradient(tensor, spacing), tensor, is_constant=False)


@pytest.mark.parametrize("name", ["max", "min"])
def test_the_maximum_of_nothing_is_an_error(name):
    with pytest.raises(ValueError, match="zero-size array"):
        getattr(tg, name)(np.ones((2, 0)), 1)


@pytest.mark.parametrize("name", ["sum", "prod", "norm", "logsumexp", "mean"])
def test_reductions_of_nothing(name):
    value, pullback = tg.vjp(lambda x: getattr(tg, name)(x, axis=1), np.ones((2, 0)))
    expected = {"sum": 0, "prod": 1, "norm": 0, "logsumexp": -np.inf, "mean": np.nan}[name]
    assert_array_equal(value, [expected, expected])
    assert pullback(np.ones(2))[0].shape == (2, 0)


@pytest.mark.parametrize("scale", [2.0**-600, 2.0**600], ids=["small", "large"])
def test_a_norm_neither_overflows_nor_underflows(scale):
    x = np.array([[3.0, 4.0], [0.0, 0.0], [5.0, -12.0]]) * scale
    value, pullback = tg.vjp(lambda x: tg.norm(x, axis=1), x)
    assert_array_equal(value, np.array([5.0, 0.0, 13.0]) * scale)
    assert_allclose(pullback(np.ones(3))[0], [[0.6, 0.8], [0, 0], [5 / 13, -12 / 13]], rtol=1e-15)
    assert tg.norm(np.array([np.inf, 1.0])) == np.inf
    assert np.isnan(tg.norm(np.array([np.nan, 1.0])))


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_product_that_overflows_has_the_gradient_of_its_parts():
    assert_array_equal(tg.grad(tg.prod)(np.array([1e200, 1e200])), [1e200, 1e200])


@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
@pytest.mark.parametrize("shape", [(2, 3, 4), (20, 30, 40)])
def test_a_cotangent_goes_to_every_element_of_few_and_of_many(shape, axis):
    x = np.random.default_rng(0).standard_normal(shape)
    c = np.random.default_rng(1).standard_normal(np.sum(x, axis=axis).shape)
    kept = c if axis is None else np.expand_dims(c, axis)
    count = x.size / c.size
    for f, expected in ((tg.sum, kept), (tg.mean, kept / count)):
        found = tg.grad(lambda x, f=f: (f(x, axis) * c).sum())(x)
        assert_allclose(found, np.broadcast_to(expected, shape), rtol=1e-15)
        found += 1  # one's own
