"""relu and its gradient against `numpy.where`, above and below every size at which the way changes."""

import numpy as np
import pytest

from tinygrad_cnn.kernels import rectifier, thresholds

SHAPES = [(3, 4), (2, 3, 40, 40), ()]


@pytest.fixture(params=[1, 2])
def shared(request, set_thresholds, set_threads):
    set_thresholds(SHARED_ELEMENTS=5000)
    set_threads(request.param)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_values_and_dtype(shared, integers, shape, dtype):
    x, y = integers(*shape).astype(dtype), integers(*shape).astype(dtype)
    for found, expected in (
        (rectifier.relu(x), np.where(x > 0, x, 0)),
        (rectifier.relu_gradient(x, y), np.where(y > 0, x, 0)),
    ):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)


def test_operands_of_two_shapes_are_an_error(shared):
    with pytest.raises(ValueError, match=r"one shape, got \(100, 100\) and \(100, 1\)"):
        rectifier.relu_gradient(np.ones((100, 100)), np.ones((100, 1)))


@pytest.mark.parametrize("shape", [(2, 3), (100, 100)])
def test_infinities_and_nan(shared, shape):
    x = np.zeros(shape, np.float32)
    x[0], x[1] = np.inf, -np.inf
    x[0, 0] = np.nan
    y = rectifier.relu(x)
    assert np.isnan(y[0, 0])
    assert (y[0, 1:] == np.inf).all()
    assert not y[1:].any()
    assert not rectifier.relu_gradient(np.ones(shape), y)[0, 0]  # of a NaN: 0


def test_any_memory_layout_gives_the_same(shared, layout, integers):
    x, y = integers(2, 3, 40, 30), integers(2, 3, 40, 30)
    np.testing.assert_array_equal(rectifier.relu(layout(x)), np.where(x > 0, x, 0))
    for other in (layout(y), y):
        np.testing.assert_array_equal(rectifier.relu_gradient(layout(x), other), np.where(y > 0, x, 0))


def test_the_memory_order_stays(shared):
    x = np.ones((3, 40, 30, 2), np.float32).transpose(3, 0, 1, 2)
    assert rectifier.relu(x).strides == rectifier.relu_gradient(x, x).strides == x.strides


@pytest.mark.parametrize("size", [10, thresholds.LARGE_RECTIFIER])
def test_results_are_of_native_byte_order_whatever_the_size(size):
    x = np.linspace(-1, 1, size).astype(np.dtype(np.float32).newbyteorder())
    for found in (rectifier.relu(x), rectifier.relu_gradient(x, x)):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.where(x > 0, x, 0))
