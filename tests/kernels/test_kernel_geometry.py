import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec

sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))
small = st.tuples(st.integers(1, 4), st.integers(1, 4))


def windows_that_fit(size, kernel, stride, before, after, dilation):
    """Count window positions one by one."""
    last = size + before + after - dilation * (kernel - 1) - 1
    return len([start for start in range(0, size + before + after, stride) if start <= last])


@given(
    sizes,
    small,
    small,
    st.tuples(st.tuples(*[st.integers(0, 5)] * 2), st.tuples(*[st.integers(0, 5)] * 2)),
    small,
)
def test_output_size_counts_the_windows_that_fit(size, kernel, stride, padding, dilation):
    expected = tuple(
        windows_that_fit(n, k, s, *p, d)
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    arguments = {"stride": stride, "padding": padding, "dilation": dilation}
    if min(expected) == 0:
        with pytest.raises(ValueError, match="larger than the padded input"):
            ConvSpec.of((2, 3, *size), (4, 3, *kernel), **arguments)
    else:
        assert ConvSpec.of((2, 3, *size), (4, 3, *kernel), **arguments).output_size == expected


@given(sizes, small, small, small)
def test_same_padding_gives_ceil_of_size_over_stride(size, kernel, stride, dilation):
    spec = ConvSpec.of((1, 1, *size), (1, 1, *kernel), stride=stride, padding="same", dilation=dilation)
    assert spec.output_size == tuple(math.ceil(n / s) for n, s in zip(size, stride, strict=True))
    for before, after in spec.padding:
        assert 0 <= after - before <= 1


def test_padding_has_four_spellings():
    def padding(value):
        return ConvSpec.of((1, 1, 9, 9), (1, 1, 3, 3), padding=value).padding

    assert padding(2) == ((2, 2), (2, 2))
    assert padding((1, 2)) == ((1, 1), (2, 2))
    assert padding(((0, 1), (2, 3))) == ((0, 1), (2, 3))
    assert padding("valid") == ((0, 0), (0, 0))


def test_specs_come_from_a_cache():
    assert ConvSpec.of((1, 2, 9, 9), (3, 2, 3, 3)) is ConvSpec.of((1, 2, 9, 9), (3, 2, 3, 3))
    assert PoolSpec.of((1, 2, 9, 9), 3) is PoolSpec.of((1, 2, 9, 9), 3)


X, W = (2, 6, 9, 9), (4, 6, 3, 3)


@pytest.mark.parametrize(
    ("x", "weight", "arguments", "words"),
    [
        ((2, 6, 9), W, {}, ["x", "4 axes", "(2, 6, 9)"]),
        (X, (4, 6, 3), {}, ["weight", "4 axes", "(4, 6, 3)"]),
        (X, (4, 5, 3, 3), {}, ["weight", "6", "(4, 5, 3, 3)", "(2, 6, 9, 9)"]),
        (X, (4, 6, 3, 3), {"groups": 2}, ["weight", "3", "groups=2"]),
        (X, (4, 2, 3, 3), {"groups": 4}, ["groups=4", "C=6"]),
        (X, (4, 2, 3, 3), {"groups": 3}, ["groups=3", "O=4"]),
        (X, W, {"groups": 0}, ["groups", "at least 1", "0"]),
        (X, W, {"stride": 0}, ["stride", "at least 1", "0"]),
        (X, W, {"stride": (1, -1)}, ["stride", "-1"]),
        (X, W, {"stride": (1, 2, 3)}, ["stride", "(1, 2, 3)"]),
        (X, W, {"dilation": 0}, ["dilation", "at least 1"]),
        (X, W, {"padding": -1}, ["padding", "at least 0", "-1"]),
        (X, W, {"padding": ((0, -2), (0, 0))}, ["padding", "-2"]),
        (X, W, {"padding": ((0, 1), 2)}, ["padding", "((0, 1), 2)"]),
        (X, W, {"padding": (1, 2, 3)}, ["padding", "(1, 2, 3)"]),
        (X, W, {"padding": "full"}, ["padding", "'full'", '"same"']),
        (X, (4, 6, 3, 11), {}, ["(3, 11)", "(9, 9)"]),
        (X, W, {"dilation": 5}, ["(11, 11)", "(9, 9)"]),
        (X, (4, 6, 0, 3), {}, ["kernel", "at least 1"]),
        ((2, 6, 0, 9), W, {}, ["larger than the padded input", "(0, 9)"]),
    ],
)
def test_wrong_convolutions_name_what_is_wrong(x, weight, arguments, words):
    with pytest.raises(ValueError, match=r".") as caught:
        ConvSpec.of(x, weight, **arguments)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"stride": 1.0},
        {"stride": True},
        {"padding": None},
        {"padding": [1, 1]},
        {"dilation": "2"},
        {"groups": 1.5},
    ],
)
def test_wrong_types_are_type_errors_whatever_was_cached(arguments):
    for name in arguments:
        ConvSpec.of(X, W, **{name: 1})
    with pytest.raises(TypeError):
        ConvSpec.of(X, W, **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kernel_size": 3, "padding": 2}, ["padding", "half", "(3, 3)"]),
        ({"kernel_size": (1, 3), "padding": (1, 1)}, ["padding", "half"]),
        ({"kernel_size": (2, 11)}, ["(2, 11)", "(9, 9)"]),
        ({"kernel_size": 0}, ["kernel_size", "at least 1"]),
        ({"kernel_size": 2, "stride": 0}, ["stride", "at least 1"]),
    ],
)
def test_wrong_poolings_name_what_is_wrong(arguments, words):
    with pytest.raises(ValueError, match=r".") as caught:
        PoolSpec.of(X, **arguments)
    for word in words:
        assert word in str(caught.value)


def test_pooling_takes_only_a_bool_for_ceil_mode():
    with pytest.raises(TypeError, match="ceil_mode"):
        PoolSpec.of(X, 2, ceil_mode="yes")


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        ((5, 7), 2, 2, 0, (3, 4)),
        ((5, 6), 3, 2, 1, (3, 4)),
        ((4, 4), 1, 3, 0, (2, 2)),
        ((5, 5), 1, 3, 0, (2, 2)),  # a third window would start past the input
        ((6, 6), 4, 5, 2, (2, 2)),
    ],
)
def test_ceil_mode_drops_windows_that_start_past_the_input(size, kernel, stride, padding, expected):
    spec = PoolSpec.of((1, 1, *size), kernel, stride=stride, padding=padding, ceil_mode=True)
    assert spec.output_size == expected


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size: expected at least 1, got 0"),
        ({"kernel_size": (3, 3, 3)}, ValueError, r"kernel_size: expected an integer or a pair .*\(3, 3, 3\)"),
        ({"kernel_size": 3, "stride": 0}, ValueError, "stride: expected at least 1, got 0"),
        ({"kernel_size": 3, "stride": None}, TypeError, "stride: expected integers, got None"),
        ({"kernel_size": 3, "dilation": 1.5}, TypeError, "dilation: expected integers, got 1.5"),
        ({"kernel_size": 3, "padding": "full"}, ValueError, 'padding: expected "same" or "valid"'),
        ({"kernel_size": 3, "padding": -1}, ValueError, "padding: expected at least 0, got -1"),
        ({"kernel_size": 3, "groups": 0}, ValueError, "groups: expected at least 1, got 0"),
    ],
)
def test_options_of_a_convolution_are_checked_without_an_image(arguments, error, words):
    with pytest.raises(error, match=words):
        ConvSpec.check(**arguments)
    ConvSpec.check(1000, stride=(2, 1), padding="same", dilation=7, groups=9)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size: expected at least 1, got 0"),
        ({"kernel_size": 2, "stride": 0}, ValueError, "stride: expected at least 1, got 0"),
        ({"kernel_size": 3, "padding": 2}, ValueError, "padding: expected at most half the kernel"),
        ({"kernel_size": 2, "dilation": 0}, ValueError, "dilation: expected at least 1, got 0"),
        ({"kernel_size": 2, "ceil_mode": 1}, TypeError, "ceil_mode: expected True or False, got 1"),
    ],
)
def test_options_of_a_pooling_are_checked_without_an_image(arguments, error, words):
    with pytest.raises(error, match=words):
        PoolSpec.check(**arguments)
    PoolSpec.check(1000, padding=500, ceil_mode=True)


@pytest.mark.parametrize("build", [lambda x: ConvSpec.of(x, W), lambda x: PoolSpec.of(x, 2)])
def test_a_shape_is_a_tuple(build):
    with pytest.raises(TypeError, match="shape of x must be a tuple, got 7"):
        build(7)


def test_what_is_left_out_changes_nothing():
    nothing = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
    assert ConvSpec.of((2, 6, 9, 8), W) == ConvSpec((9, 8), (3, 3), **nothing, groups=1)
    pooling = nothing | {"stride": (2, 3), "ceil_mode": False}
    assert PoolSpec.of((2, 6, 9, 8), (2, 3)) == PoolSpec((9, 8), (2, 3), **pooling)
    ConvSpec.check(1)
    PoolSpec.check(1)
