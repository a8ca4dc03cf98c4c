"""Convolution against loops, exactly: on small integers a sum is the same in any order."""

import itertools
import math

import numpy as np
import pytest
import references
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tinygrad_cnn.kernels import conv, memory, thresholds
from tinygrad_cnn.kernels.conv_plan import plan
from tinygrad_cnn.kernels.geometry import ConvSpec


def triad(x, weight, bias, y, spec):
    """The convolution and its two gradients."""
    return [
        conv.forward(x, weight, bias, spec),
        conv.input_gradient(y, weight, spec),
        conv.weight_gradient(x, y, spec),
    ]


def triad_by_loops(x, weight, bias, y, spec):
    """The same by the definition, one product at a time."""
    options = references.geometry(spec)
    return [
        references.conv2d(x, weight, bias, **options),
        references.conv2d_input(y, weight, spec.input_size, **options),
        references.conv2d_weight(x, y, spec.kernel_size, **options),
    ]


def assert_triad_equals_the_loops(*problem):
    for found, expected in zip(triad(*problem), triad_by_loops(*problem), strict=True):
        np.testing.assert_array_equal(found, expected)


pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
sides = st.tuples(st.integers(0, 4), st.integers(0, 4))


@st.composite
def problems(draw):
    """Draw x, weight, bias, cotangent and geometry: nothing square, nothing that need divide."""
    groups, channels, filters = (draw(st.integers(1, n)) for n in (3, 3, 3))
    size = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    x_shape = (draw(st.integers(0, 3)), groups * channels, *size)
    weight_shape = (groups * filters, channels, draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    padding = draw(st.one_of(st.just("same"), st.just(0), st.tuples(sides, sides)))
    try:
        spec = ConvSpec.of(
            x_shape, weight_shape, stride=draw(pair), padding=padding, dilation=draw(pair), groups=groups
        )
    except ValueError:
        assume(False)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = x_shape, weight_shape, (weight_shape[0],), (x_shape[0], weight_shape[0], *spec.output_size)
    x, weight, bias, y = (rng.integers(-4, 5, shape).astype(np.float64) for shape in shapes)
    return x, weight, draw(st.sampled_from([None, bias])), y, spec


SHARED = {"NARROW_ROW": 1, "NARROW_SMALL_ROW": 1}
WAYS = {
    "as measured": {},
    "shared rows": SHARED,
    "one window a block": {"COLUMNS_IN_A_BLOCK": 1},
    "some windows a block": {"COLUMNS_IN_A_BLOCK": 60},
    "some shared rows a block": {"COLUMNS_IN_A_BLOCK": 150} | SHARED,
    "chunks": {"SMALL_PRODUCT": 50, "SMALL_OUTPUT": 12, "SHORTEST_CHUNK": 1, "FEWEST_TAPS": 1} | SHARED,
}


@pytest.mark.usefixtures("exact_memory")
@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problem=problems())
def test_triad_equals_the_loops(set_thresholds, way, problem):
    set_thresholds(**WAYS[way])
    assert_triad_equals_the_loops(*problem)


@pytest.mark.usefixtures("exact_memory")
def test_blocks_that_lie_in_the_padding_altogether(set_thresholds, integers):
    set_thresholds(COLUMNS_IN_A_BLOCK=200)
    x, weight = integers(16, 1, 11, 6), integers(2, 1, 1, 2)
    spec = ConvSpec.of(x.shape, weight.shape, stride=3, padding=((8, 7), (0, 7)))
    assert_triad_equals_the_loops(x, weight, None, integers(16, 2, *spec.output_size), spec)


# (x, weight, geometry): the cases public frameworks have failed, and sizes that reach every way of computing.
CASES = [
    ((2, 3, 5, 7), (4, 3, 2, 2), {"stride": 2}),  # last row and column unread
    ((1, 2, 16, 16), (3, 2, 7, 7), {"stride": 3, "padding": 2}),
    ((2, 1, 6, 5), (2, 1, 3, 3), {"padding": 4}),  # padding above k - 1
    ((2, 2, 28, 31), (3, 2, 3, 5), {"padding": "same", "dilation": (2, 3)}),
    ((2, 2, 9, 8), (3, 2, 4, 2), {"padding": "same", "stride": 2}),
    ((3, 6, 7, 8), (6, 1, 3, 3), {"padding": 1, "groups": 6}),  # depthwise
    ((3, 6, 7, 8), (12, 2, 3, 2), {"padding": ((1, 0), (0, 2)), "groups": 3, "stride": (1, 2)}),
    ((4, 5, 6, 7), (8, 5, 1, 1), {}),
    ((4, 5, 6, 7), (30, 5, 1, 1), {}),
    ((4, 5, 6, 7), (8, 5, 1, 1), {"stride": (2, 3)}),
    ((4, 5, 6, 7), (8, 5, 1, 1), {"padding": 1}),
    ((64, 1, 28, 28), (8, 1, 3, 3), {"padding": 1}),
    ((64, 8, 14, 14), (16, 8, 3, 3), {"padding": 1}),
    ((16, 3, 12, 11), (32, 3, 3, 3), {"padding": 1}),
    ((40, 64, 5, 6), (64, 64, 3, 3), {"padding": 1}),
    ((128, 120, 3, 4), (5, 120, 3, 3), {"padding": 1}),  # one output row does not fit into a block
    ((16, 3, 30, 31), (16, 3, 7, 7), {"padding": 3, "stride": 2}),  # rows shared two apart
    ((1, 2, 5, 1), (2, 2, 5, 1), {}),
]


def draw(integers, x_shape, weight_shape, options):
    """Draw the operands of the triad, and its geometry."""
    spec = ConvSpec.of(x_shape, weight_shape, **options)
    shapes = x_shape, weight_shape, weight_shape[:1], (x_shape[0], weight_shape[0], *spec.output_size)
    return [*(integers(*shape) for shape in shapes), spec]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES)
def test_triad_equals_torch(integers, case, dtype):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not a dependency")
    *operands, spec = draw(integers, *case)
    x, weight, bias, y = (array.astype(dtype) for array in operands)
    tx, tweight = (torch.tensor(a, requires_grad=True) for a in (x, weight))
    (top, bottom), (left, right) = spec.padding
    padded = torch.nn.functional.pad(tx, (left, right, top, bottom))
    options = {"stride": spec.stride, "dilation": spec.dilation, "groups": spec.groups}
    expected = torch.nn.functional.conv2d(padded, tweight, torch.tensor(bias), **options)
    expected.backward(torch.tensor(y))
    tensors = expected.detach(), tx.grad, tweight.grad
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    for array, tensor in zip(triad(x, weight, bias, y, spec), tensors, strict=True):
        assert array.dtype == dtype
        np.testing.assert_allclose(array, tensor.numpy(), rtol=rtol, atol=1e-3)


@pytest.mark.parametrize("case", CASES[:9])
def test_any_memory_layout_gives_the_same(layout, integers, case):
    *operands, spec = draw(integers, *case)
    laid_out = [layout(array) for array in operands]
    for found, expected in zip(triad(*laid_out, spec), triad(*operands, spec), strict=True):
        np.testing.assert_array_equal(found, expected)
    for before, after in zip(operands, laid_out, strict=True):
        np.testing.assert_array_equal(before, after)  # nothing was written to


def test_broadcast_operands_of_stride_zero(integers):
    spec = ConvSpec.of((3, 2, 5, 6), (4, 2, 3, 3), padding=1)
    x, weight = np.broadcast_to(integers(1, 2, 1, 1), (3, 2, 5, 6)), np.broadcast_to(2.0, (4, 2, 3, 3))
    assert_triad_equals_the_loops(x, weight, None, np.broadcast_to(1.0, (3, 4, 5, 6)), spec)


@pytest.mark.parametrize("case", CASES)
def test_results_are_fresh_and_batch_last(integers, case):
    *operands, spec = draw(integers, *case)
    first = triad(*operands, spec)
    copies = [array.copy() for array in first]
    second = triad(*operands, spec)
    for a, b in itertools.combinations([*operands, *first, *second], 2):
        assert not np.shares_memory(a, b)
    for array, copy in zip(first, copies, strict=True):
        np.testing.assert_array_equal(array, copy)  # the second run did not write to the first's results
        assert array.flags.writeable
    for array in first[:2]:
        assert array.transpose(1, 2, 3, 0).flags.c_contiguous
    assert first[2].flags.c_contiguous


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("images", "channels", "outputs"), [n for n in itertools.product((0, 2), (0, 3), (0, 4)) if 0 in n]
)
def test_sizes_of_zero(integers, images, channels, outputs, stride):
    case = (images, channels, 5, 6), (outputs, channels, 3, 2), {"stride": stride}
    assert_triad_equals_the_loops(*draw(integers, *case))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float16, np.complex128])
@pytest.mark.parametrize("outputs", [3, 64])
@pytest.mark.parametrize("stride", [1, 2])
def test_other_dtypes_stay_what_they_are(integers, dtype, outputs, stride):
    *operands, spec = draw(integers, (32, 2, 8, 9), (outputs, 2, 3, 3), {"padding": 1, "stride": stride})
    found = triad(*(array.astype(dtype) for array in operands), spec)
    for array, expected in zip(found, triad(*operands, spec), strict=True):
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("stride", [1, 2])
def test_mixed_dtypes_are_promoted(integers, stride):
    x, weight, _, y, spec = draw(integers, (2, 2, 5, 6), (3, 2, 3, 3), {"stride": stride})
    wide_weight, wide_y = weight + 2.0**-30, y + 2.0**-30  # what is added is lost in float32
    narrow_x, narrow_y = x.astype(np.float32), y.astype(np.float32)
    for found, expected in (
        (conv.forward(narrow_x, wide_weight, None, spec), conv.forward(x, wide_weight, None, spec)),
        (conv.input_gradient(narrow_y, wide_weight, spec), conv.input_gradient(y, wide_weight, spec)),
        (conv.weight_gradient(narrow_x, wide_y, spec), conv.weight_gradient(x, wide_y, spec)),
    ):
        np.testing.assert_array_equal(found, expected, strict=True)


def test_a_cotangent_of_the_wrong_shape_is_an_error(integers):
    x, weight, _, y, spec = draw(integers, (2, 2, 4, 5), (3, 2, 3, 3), {})
    wrong = y.swapaxes(2, 3)
    for work in (
        lambda: conv.input_gradient(wrong, weight, spec),
        lambda: conv.weight_gradient(x, wrong, spec),
    ):
        with pytest.raises(ValueError, match=r"y must have .*3, 2, 3\), got \(2, 3, 3, 2\)"):
            work()


def test_the_sums_of_a_weight_gradient_do_not_pile_up(spent):
    """Each block makes a sum of the size of the weight, which may be many times that of the images."""
    x, y = (np.ones((128, 28, 28, 16), np.float32).transpose(3, 0, 1, 2) for _ in range(2))
    spec = ConvSpec.of(x.shape, (128, 128, 3, 3), padding=1)
    cut = plan(spec, 128, 128, 16, x.dtype, 1, thresholds.NARROW_ROW)
    assert len(cut.blocks) > 20
    nbytes = conv.weight_gradient(x, y, spec).nbytes  # with scratch at hand
    assert spent(lambda: conv.weight_gradient(x, y, spec)) < 5 * nbytes


@pytest.mark.parametrize(
    ("weight_shape", "options"), [((4, 3, 7, 7), {"stride": 2, "padding": 3}), ((4, 3, 3, 3), {})]
)
def test_columns_take_no_more_memory_than_a_block(spent, weight_shape, options):
    x = np.ones((3, 112, 112, 8), np.float32).transpose(3, 0, 1, 2)  # batch-last
    weight = np.ones(weight_shape, np.float32)
    spec = ConvSpec.of(x.shape, weight_shape, **options)
    y = conv.forward(x, weight, None, spec)
    whole = y.nbytes // weight_shape[0] * math.prod(weight_shape[1:])  # the matrix of columns
    for work in (
        lambda: conv.forward(x, weight, None, spec),
        lambda: conv.input_gradient(y, weight, spec),
        lambda: conv.weight_gradient(x, y, spec),
    ):
        memory._free.buffers.clear()  # scratch that is kept would not be counted
        assert spent(work) < min(2 * thresholds.COLUMNS_IN_A_BLOCK * x.itemsize, whole / 2)


def test_a_product_in_many_parts_takes_operands_of_another_byte_order(integers):
    x, y = integers(64, 8, 16, 16).astype(np.float32), integers(64, 8, 16, 16).astype(np.float32)
    spec = ConvSpec.of(x.shape, (8, 8, 3, 3), padding=1)
    swapped = np.dtype(np.float32).newbyteorder()
    found = conv.weight_gradient(x.astype(swapped), y.astype(swapped), spec)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, conv.weight_gradient(x, y, spec))
