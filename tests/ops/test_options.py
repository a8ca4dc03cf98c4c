"""Options mean what they mean in NumPy: what stands for an axis, a count, a shape or a flag."""

import functools

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.testing import check_grads

X = np.arange(1.0, 7.0).reshape(2, 3)
Y = np.arange(9.0).reshape(3, 3)


class Index:
    """A number by Python's protocol alone."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value

    def __repr__(self):
        return f"Index({self.value})"


NUMBERS = [
    0, 1, -1, 2, 3, -3, True, False, None, np.int64(1), np.int8(-1), np.uint8(1), np.bool_(True), np.array(1),
    np.array(True), Index(1), Index(5), 1.0, np.float64(1.0), "1", np.array([1]), slice(1),
]  # fmt: skip
SEVERAL = [
    (), [], (0,), [0], (0, 1), [0, 1], (1, 0), (-1, 0), (0, 0), (0, -2), (0, 5), (True, False), (None,),
    np.array([0, 1]), np.array([], int), (np.int64(0), np.int8(1)), (Index(0), np.array(1)), [[0], [1]],
    ((1,), (0,)), ([1, 1], [0, 0]), (0, [0, 1]), range(2),
]  # fmt: skip
FLAGS = [True, False, 1, 0, 2, -1, np.bool_(True), np.int64(0), np.array(True), None, "yes", 1.0, [], [0]]
VALUES = [*NUMBERS, *SEVERAL]

REDUCTIONS = ["sum", "mean", "var", "std", "max", "min", "prod"]
CALLS = {
    **{f"{name}, axis": lambda lib, x, v, name=name: getattr(lib, name)(x, axis=v) for name in REDUCTIONS},
    "cumsum, axis": lambda lib, x, v: lib.cumsum(x, axis=v),
    "var, ddof": lambda lib, x, v: lib.var(x, ddof=v),
    "std, ddof": lambda lib, x, v: lib.std(x, ddof=v),
    "argmax, axis": lambda lib, x, v: lib.argmax(x, axis=v),
    "sort, axis": lambda lib, x, v: lib.sort(x, axis=v),
    "partition, axis": lambda lib, x, v: lib.partition(x, 0, axis=v),
    "flip, axis": lambda lib, x, v: lib.flip(x, axis=v),
    "roll, shift": lambda lib, x, v: lib.roll(x, v),
    "roll, axis": lambda lib, x, v: lib.roll(x, 1, axis=v),
    "roll, two axes": lambda lib, x, v: lib.roll(x, (1, 2), axis=v),
    "take, indices": lambda lib, x, v: lib.take(x, v),
    "take, indices along an axis": lambda lib, x, v: lib.take(x, v, 1),
    "take, axis": lambda lib, x, v: lib.take(x, [0, 1, 1], axis=v),
    "repeat, repeats": lambda lib, x, v: lib.repeat(x, v),
    "repeat, repeats along an axis": lambda lib, x, v: lib.repeat(x, v, 0),
    "repeat, axis": lambda lib, x, v: lib.repeat(x, 2, axis=v),
    "tile, reps": lambda lib, x, v: lib.tile(x, v),
    "pad, pad_width": lambda lib, x, v: lib.pad(x, v),
    "pad, edge": lambda lib, x, v: lib.pad(x, v, mode="edge"),
    "concatenate, axis": lambda lib, x, v: lib.concatenate([x, x], axis=v),
    "stack, axis": lambda lib, x, v: lib.stack([x, x], axis=v),
    "reshape, shape": lambda lib, x, v: lib.reshape(x, v),
    "transpose, axes": lambda lib, x, v: lib.transpose(x, v),
    "swapaxes": lambda lib, x, v: lib.swapaxes(x, v, 0),
    "moveaxis, source": lambda lib, x, v: lib.moveaxis(x, v, 0),
    "moveaxis, destination": lambda lib, x, v: lib.moveaxis(x, 0, v),
    "moveaxis, two": lambda lib, x, v: lib.moveaxis(x, v, (1, 0)),
    "expand_dims, axis": lambda lib, x, v: lib.expand_dims(x, v),
    "squeeze, axis": lambda lib, x, v: lib.squeeze(lib.reshape(x, (1, 6)), v),
    "broadcast_to, shape": lambda lib, x, v: lib.broadcast_to(lib.sum(x), v),
    "tensordot, axes": lambda lib, x, v: lib.tensordot(x, Y, v),
    "clip": lambda lib, x, v: lib.clip(x, v, 4),
}  # fmt: skip
GRIDS = {name: NUMBERS[:-2] if "ddof" in name else VALUES for name in CALLS}
GRIDS["tensordot, axes"] = [v for v in VALUES if not isinstance(v, Index)]  # which NumPy would negate
for _name in REDUCTIONS:
    CALLS[f"{_name}, keepdims"] = lambda lib, x, v, name=_name: getattr(lib, name)(x, 1, keepdims=v)
    GRIDS[f"{_name}, keepdims"] = FLAGS


def outcome(call, *arguments):
    """Return what a call gives, or the error that it raises."""
    try:
        return call(*arguments)
    except Exception as error:
        return error


def is_like(found, expected, option):
    """Whether both are the same array, or both are errors that say that an option is wrong."""
    if isinstance(found, Exception):
        # to NumPy 1.0 and "1" are sometimes positions and counts, by accident
        refused = isinstance(expected, Exception) or isinstance(option, float | str)
        return refused and isinstance(found, type(expected) | ValueError | TypeError | IndexError)
    if isinstance(expected, Exception):
        return False
    return np.array_equal(tg.extend.raw(found), expected, equal_nan=True)


@pytest.mark.parametrize("name", CALLS)
def test_an_option_is_taken_or_refused_as_in_numpy(name):
    call = CALLS[name]
    for option in GRIDS[name]:
        expected = outcome(call, np, X, option)
        if isinstance(expected, Warning):
            continue  # to compute with an unsigned option overflows in NumPy
        for x in (X, tg.Tensor(X, requires_grad=True)):
            found = outcome(call, tg, x, option)
            assert is_like(found, expected, option), f"{option!r}: expected {expected!r}, got {found!r}"
            if isinstance(found, tg.Tensor) and found.requires_grad:
                found.backward(np.ones(found.shape))  # a rule understands what the operation has taken
                assert x.grad.shape == X.shape


@pytest.mark.parametrize("subscripts", ["...->", "i...->", "...i->i", "j...i->ij", "ijk->l", "ijk->ii"])
def test_einsum_refuses_an_output_that_numpy_refuses(subscripts):
    x = np.ones((2, 3, 4))
    assert isinstance(outcome(np.einsum, subscripts, x), ValueError)
    with pytest.raises(ValueError, match=f"einsum: output '.*' of '{subscripts}'"):
        tg.einsum(subscripts, x)


M = np.array([[1.0, -2.5, 0.5], [3.0, 4.0, -0.25]])
ORDERS = [None, 0, 1, 2, 3, 0.5, -1, -2, np.inf, -np.inf, np.int64(1), "fro", "nuc", "f", "zzz", 7]


@pytest.mark.parametrize("order", ORDERS)
def test_the_orders_of_norms_are_numpys(order):
    for x in (M, M[0]):
        for axis in (None, 0, -1, (0, 1), (1, 0), (0, 0)):
            for keepdims in (False, True):
                arguments = order, axis, keepdims
                expected = outcome(np.linalg.norm, x, *arguments)
                found = outcome(tg.norm, x, *arguments)
                if isinstance(found, Exception):
                    needs_singular_values = isinstance(found, NotImplementedError) and order in (2, -2, "nuc")
                    assert needs_singular_values or isinstance(expected, Exception)
                    continue
                np.testing.assert_allclose(found, expected, rtol=1e-14, strict=True)
                check_grads(lambda x, arguments=arguments: tg.norm(x, *arguments), x, order=1)


def test_the_power_norm_neither_overflows_nor_has_a_slope_at_zero():
    assert tg.norm(np.full(2, 1e200), 3) == pytest.approx(1e200 * 2 ** (1 / 3))
    assert not tg.grad(lambda x: tg.norm(x, 3))(np.zeros(2)).any()


def test_a_masked_sum_or_mean_has_no_gradient_elsewhere():
    mask = M > 0
    for name in ("sum", "mean"):
        ours, theirs = getattr(tg, name), getattr(np, name)
        for options in ({"where": mask}, {"where": mask, "axis": 1, "keepdims": True}, {"dtype": np.float32}):
            np.testing.assert_allclose(ours(M, **options), theirs(M, **options), rtol=1e-6, strict=True)
            check_grads(functools.partial(ours, **options), M.copy(), order=1)
    assert tg.sum(M, initial=2.0) == np.sum(M, initial=2.0)
    assert tg.sum(M, where=False) == 0


def test_a_slope_takes_one_spacing_or_one_for_each_axis():
    x = np.arange(9.0).reshape(3, 3) ** 2
    for options in ({}, {"edge_order": 2}):
        for spacing in ((), (2.0,), (2.0, 3.0)):
            found = tg.gradient(x, *spacing, **options)
            np.testing.assert_allclose(found, np.gradient(x, *spacing, **options), rtol=1e-14, atol=1e-13)
    with pytest.raises(ValueError, match="expected one, or one for each of 2 axes, got 3"):
        tg.gradient(x, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("name", ["var", "std"])
def test_correction_is_ddof(name):
    assert getattr(tg, name)(M, correction=1) == getattr(np, name)(M, ddof=1)
    with pytest.raises(ValueError, match=f"{name}: expected ddof or correction, got both"):
        getattr(tg, name)(M, ddof=1, correction=1)


IMAGES, C = np.ones((2, 4, 3)), np.ones(4)
REFUSED = {
    "group_norm: x: expected a floating": lambda: tg.group_norm(IMAGES.astype(int), 2, C, C),
    "multiple of groups=0": lambda: tg.group_norm(IMAGES, 0, C, C),
    "multiple of groups=-2": lambda: tg.group_norm(IMAGES, -2, C, C),
    "adaptive_avg_pool2d: output_size": lambda: tg.adaptive_avg_pool2d(IMAGES[None], 0),
    "tensordot: axes: expected at most 2": lambda: tg.tensordot(X, Y, 3),
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_size_or_dtype_that_means_nothing_is_refused_by_name(message):
    with pytest.raises((TypeError, ValueError), match=message):
        REFUSED[message]()
