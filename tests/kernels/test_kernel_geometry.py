"""Sizes of outputs, spellings of padding, and what is said about options that make no sense.

What users meet most often is in `test_bad_input.py`, through the operations.
"""

import pickle

import pytest
import references
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec

sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))
small = st.tuples(st.integers(1, 4), st.integers(1, 4))
sides = st.tuples(st.integers(0, 5), st.integers(0, 5))
X, W = (2, 6, 9, 9), (4, 6, 3, 3)


@given(sizes, small, small, st.tuples(sides, sides), small)
def test_output_size_counts_the_windows_that_fit(size, kernel, stride, padding, dilation):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    expected = references.output_size(size, kernel, **options)
    if min(expected) > 0:
        assert ConvSpec.of((2, 3, *size), (4, 3, *kernel), **options).output_size == expected
    else:
        with pytest.raises(ValueError, match="larger than the padded input"):
            ConvSpec.of((2, 3, *size), (4, 3, *kernel), **options)


@given(sizes, small, small, small)
def test_same_padding_gives_ceil_of_size_over_stride(size, kernel, stride, dilation):
    spec = ConvSpec.of((1, 1, *size), (1, 1, *kernel), stride=stride, padding="same", dilation=dilation)
    assert spec.output_size == tuple(-(-n // s) for n, s in zip(size, stride, strict=True))
    assert spec.padding == references.same_padding(size, kernel, stride, dilation)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (2, ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        (((0, 1), (2, 3)), ((0, 1), (2, 3))),
        ("valid", ((0, 0), (0, 0))),
    ],
)
def test_padding_has_four_spellings(written, meant):
    assert ConvSpec.of((1, 1, 9, 9), (1, 1, 3, 3), padding=written).padding == meant


def test_specs_come_from_a_cache():
    assert ConvSpec.of((1, 2, 9, 9), (3, 2, 3, 3)) is ConvSpec.of((1, 2, 9, 9), (3, 2, 3, 3))
    assert PoolSpec.of((1, 2, 9, 9), 3) is PoolSpec.of((1, 2, 9, 9), 3)


def test_a_geometry_never_changes_and_is_compared_by_its_fields():
    spec, other = PoolSpec.of((1, 2, 9, 9), 3), PoolSpec.of((1, 2, 9, 9), 3, stride=1)
    with pytest.raises(AttributeError, match="PoolSpec: stride cannot be changed"):
        spec.stride = (1, 1)
    assert spec.replace(stride=(1, 1)) == other != spec
    assert len({spec, other, spec.replace(), pickle.loads(pickle.dumps(spec))}) == 2
    sizes = ((9, 9), (3, 3), (3, 3), ((0, 0), (0, 0)), (1, 1))
    assert PoolSpec(*sizes, True) != ConvSpec(*sizes, 1)


def test_what_is_left_out_changes_nothing():
    nothing = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
    assert ConvSpec.of((2, 6, 9, 8), W) == ConvSpec((9, 8), (3, 3), **nothing, groups=1)
    pooling = nothing | {"stride": (2, 3), "ceil_mode": False}
    assert PoolSpec.of((2, 6, 9, 8), (2, 3)) == PoolSpec((9, 8), (2, 3), **pooling)


def test_options_that_make_sense_pass_the_check_without_an_image():
    for kernel, options in (
        (1, {}),
        (1000, {"stride": (2, 1), "padding": "same", "dilation": 7, "groups": 9}),
    ):
        ConvSpec.check(kernel, **options)
    for kernel, options in ((1, {}), (1000, {"padding": 500, "ceil_mode": True})):
        PoolSpec.check(kernel, **options)


conv, pool = ConvSpec.of, PoolSpec.of


@pytest.mark.parametrize(
    ("build", "arguments", "options", "match"),
    [
        (conv, (X, W), {"stride": (1, -1)}, "stride: expected at least 1, got -1"),
        (conv, (X, W), {"dilation": 0}, "dilation: expected at least 1, got 0"),
        (conv, (X, W), {"padding": ((0, -2), (0, 0))}, "padding: expected at least 0, got -2"),
        (conv, (X, W), {"padding": (1, 2, 3)}, r"padding: expected .*\(1, 2, 3\)"),
        (conv, ((2, 6, 0, 9), W), {}, r"larger than the padded input \(0, 9\)"),
        (ConvSpec.check, (0,), {}, "kernel_size: expected at least 1, got 0"),
        (ConvSpec.check, ((3, 3, 3),), {}, r"kernel_size: expected an integer or a pair .*\(3, 3, 3\)"),
        (ConvSpec.check, (3,), {"padding": "full"}, 'padding: expected "same" or "valid" as a string'),
        (ConvSpec.check, (3,), {"padding": -1}, "padding: expected at least 0, got -1"),
        (ConvSpec.check, (3,), {"groups": 0}, "groups: expected at least 1, got 0"),
        (pool, (X, 3), {"padding": 2}, r"padding: expected at most half the kernel, .*\(3, 3\)"),
        (pool, (X, (1, 3)), {"padding": (1, 1)}, "padding: expected at most half the kernel"),
        (pool, (X, 3), {"padding": ((0, 0), (0, 2))}, "padding: expected at most half the kernel"),
        (PoolSpec.check, (2,), {"stride": 0}, "stride: expected at least 1, got 0"),
        (PoolSpec.check, (3,), {"padding": 2}, "padding: expected at most half the kernel"),
        (PoolSpec.check, (2,), {"dilation": 0}, "dilation: expected at least 1, got 0"),
    ],
)
def test_wrong_sizes_name_what_is_wrong(build, arguments, options, match):
    with pytest.raises(ValueError, match=match):
        build(*arguments, **options)


@pytest.mark.parametrize(
    ("build", "arguments", "options", "match"),
    [
        (conv, (X, W), {"stride": 1.0}, "stride: expected integers, got 1.0"),
        (conv, (X, W), {"stride": True}, "stride: expected integers, got True"),
        (conv, (X, W), {"padding": None}, "padding: expected integers, got None"),
        (conv, (X, W), {"padding": [1, 1]}, r"unhashable"),
        (conv, (X, W), {"dilation": "2"}, "dilation: expected integers, got '2'"),
        (conv, (X, W), {"groups": 1.5}, "groups: expected integers, got 1.5"),
        (conv, (7, W), {}, "shape of x must be a tuple, got 7"),
        (ConvSpec.check, (3,), {"stride": None}, "stride: expected integers, got None"),
        (pool, (X, 2), {"ceil_mode": "yes"}, "ceil_mode: expected True or False, got 'yes'"),
        (pool, (7, 2), {}, "shape of x must be a tuple, got 7"),
    ],
)
def test_wrong_types_are_type_errors_whatever_was_cached(build, arguments, options, match):
    ConvSpec.of(X, W, stride=1)  # 1 equals 1.0 and True
    with pytest.raises(TypeError, match=match):
        build(*arguments, **options)
