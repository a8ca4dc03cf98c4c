"""Operations with NumPy's names have NumPy's semantics: values, shapes, dtypes, and what is an error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, ops

EXAMPLES = settings(deadline=None, max_examples=60 if settings.default.max_examples < 1000 else 1000)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # means of nothing, logarithms of zero

DTYPES = [np.float64, np.float32, np.int64, np.int8, np.bool_]


class Source:
    """Draws: hypothesis chooses sizes and options, a seed that it chooses the numbers."""

    def __init__(self, draw):
        self.draw, self.rng = draw, np.random.default_rng(draw(st.integers(0, 2**16)))
        self.dtype = draw(st.sampled_from(DTYPES))

    def int(self, low, high):
        return self.draw(st.integers(low, high))

    def one_of(self, *values):
        return self.draw(st.sampled_from(values))

    def shape(self, low=0, high=4, largest=3):
        return tuple(self.int(0, largest) for _ in range(self.int(low, high)))

    def array(self, shape=None):
        """Small integers, so that sums and products are exact."""
        shape = self.shape() if shape is None else shape
        return np.array(self.rng.integers(-3, 4, shape)).astype(self.dtype)

    def axis(self, x):
        """An axis; sometimes one that does not exist."""
        return self.int(-x.ndim - (self.int(0, 9) == 0), max(x.ndim - 1, 0))

    def axes(self, x):
        """None, one axis, none or several; sometimes twice the same."""
        kind = self.int(0, 3)
        if kind == 0:
            return None
        if kind == 1:
            return self.axis(x)
        chosen = self.draw(
            st.lists(st.integers(0, max(x.ndim - 1, 0)), max_size=x.ndim, unique=self.int(0, 9) > 0)
        )
        return tuple(a - x.ndim * self.int(0, 1) for a in chosen)


def reduction(s):
    x = s.array()
    return (x, s.axes(x)), {"keepdims": s.one_of(True, False)}


def spread_reduction(s):
    args, params = reduction(s)
    return args, {**params, "ddof": s.int(0, 2)}


def along(s):
    x = s.array()
    return (x, s.one_of(None, s.axis(x))), {}


def unary(s):
    return (s.array(),), {}


def broadcastable(s, count=2):
    full = s.shape()
    shapes = [tuple(1 if s.int(0, 3) == 0 else n for n in full[s.int(0, len(full)) :]) for _ in range(count)]
    if s.int(0, 9) == 0:
        shapes[0] = (*shapes[0], 4)  # and then they do not
    return [s.array(shape) for shape in shapes]


def binary(s):
    a, b = broadcastable(s)
    s.dtype = s.one_of(*DTYPES)
    return (a, b.astype(s.dtype)), {}


def reshaping(s):
    x = s.array()
    n = x.size
    return (x, s.one_of(x.shape[::-1], (-1,), -1, n, (1, n), (n, 1), (-1, 2), (*x.shape, 1), (n + 1,))), {}


def transposing(s):
    x = s.array()
    order = s.draw(st.permutations(range(x.ndim)))
    return (x, s.one_of(None, tuple(order), tuple(a - x.ndim for a in order), (0, 0))), {}


def moving(s):
    x = s.array(s.shape(1))
    count = s.int(1, x.ndim)
    pick = st.permutations(range(x.ndim))
    source, target = (tuple(s.draw(pick)[:count]) for _ in range(2))
    return (x, *s.one_of((source, target), (s.axis(x), s.axis(x)))), {}


def swapping(s):
    x = s.array(s.shape(1))
    return (x, s.axis(x), s.axis(x)), {}


def expanding(s):
    x = s.array()
    return (x, s.one_of(0, -1, x.ndim, (0, -1), (1, 2), x.ndim + 5)), {}


def squeezing(s):
    x = s.array(tuple(s.one_of(0, 1, 1, 2) for _ in range(s.int(0, 4))))
    return (x, s.axes(x)), {}


def broadcasting(s):
    x = s.array()
    lead = s.shape(0, 2)
    return (x, (*lead, *(s.int(0, 3) if n == 1 else n for n in x.shape))), {}


def joining(is_new):
    def draw(s):
        shape = list(s.shape(0 if is_new else 1, 3))
        axis = s.int(-len(shape) - is_new, len(shape) - 1 + is_new)
        arrays = []
        for _ in range(s.int(1, 3)):
            if not is_new:
                shape[axis] = s.int(0, 3)
            elif s.int(0, 9) == 0:
                shape = [*shape, 1]
            s.dtype = s.one_of(*DTYPES)
            arrays.append(s.array(tuple(shape)))
        return (arrays, axis if is_new else s.one_of(axis, axis, None)), {}

    return draw


def padding(s):
    x = s.array(s.shape(1, 3))
    mode = s.one_of("constant", "edge", "reflect", "wrap")
    widths = s.one_of(
        s.int(0, 5), 1.5, (s.int(0, 5), s.int(0, 5)), [(s.int(0, 5), s.int(0, 5)) for _ in x.shape]
    )
    return (x, widths, mode), {"constant_values": s.int(0, 2)} if mode == "constant" else {}


def rolling(s):
    x = s.array()
    axis = s.one_of(None, s.axis(x), (s.axis(x), s.axis(x)))
    return (x, s.one_of(s.int(-7, 7), (s.int(-7, 7), s.int(-7, 7))), axis), {}


def taking(s):
    x = s.array(s.shape(1))
    axis = s.one_of(None, s.axis(x))
    length = x.size if axis is None else (x.shape[axis] if -x.ndim <= axis < x.ndim else 1)
    if (
        not length
    ):  # from nothing take nothing: more is an error, but in a result of size 0 NumPy lets it pass
        return (x, np.zeros((s.int(0, 2), 0), int), axis), {}
    return (x, np.array(s.rng.integers(-length, length, s.shape(0, 2))), axis), {}


def repeating(s):
    x = s.array()
    axis = s.one_of(None, s.axis(x))
    length = x.size if axis is None else (x.shape[axis] if -x.ndim <= axis < x.ndim else 1)
    return (x, s.one_of(s.int(0, 3), s.rng.integers(0, 3, length), [s.int(0, 3)]), axis), {}


def tiling(s):
    return (s.array(), s.one_of(s.int(0, 3), s.shape(0, 4, largest=2), [1, 2])), {}


def multiplying(s):
    m, k, n = s.int(0, 3), s.int(0, 3), s.int(0, 3)
    a, b = broadcastable(s)
    a_shape, b_shape = s.one_of((*a.shape, m, k), (k,), (m, k)), s.one_of((*b.shape, k, n), (k,), (k, n), ())
    return (s.array(a_shape), s.array(b_shape)), {}


def dotting(s):
    shared = s.shape(0, 2)
    a, b = s.array((*s.shape(0, 2), *shared)), s.array((*shared, *s.shape(0, 2)))
    axes = (tuple(range(-len(shared), 0)), tuple(range(len(shared))))
    return (a, b, s.one_of(len(shared), axes, axes[::-1])), {}


def choosing(s):
    condition, a, b = broadcastable(s, 3)
    return (condition > 0, a, b), {}


def clipping(s):
    low, high = s.one_of((None, 1), (-1, None), (-1, 1), (1, -1), (np.int8(0), np.int8(2)))
    return (s.array(), low, high), {}


def power(s):
    (a, b), params = binary(s)
    return (a, np.abs(b.astype(int)).astype(b.dtype)), params  # NumPy refuses negative powers of integers


OPERATIONS = {
    **dict.fromkeys(["sum", "mean", "max", "min", "prod"], reduction),
    **dict.fromkeys(["var", "std"], spread_reduction),
    **dict.fromkeys(["cumsum", "argmax", "sort"], along),
    **dict.fromkeys(
        [
            "abs",
            "arctan",
            "cos",
            "cosh",
            "exp",
            "expm1",
            "floor",
            "log",
            "log1p",
            "negative",
            "sign",
            "sin",
            "sinc",
            "sinh",
            "sqrt",
            "square",
            "tanh",
        ],
        unary,
    ),
    **dict.fromkeys(["add", "divide", "hypot", "maximum", "minimum", "multiply", "subtract"], binary),
    "power": power,
    "reshape": reshaping,
    "transpose": transposing,
    "moveaxis": moving,
    "swapaxes": swapping,
    "expand_dims": expanding,
    "squeeze": squeezing,
    "broadcast_to": broadcasting,
    "concatenate": joining(False),
    "stack": joining(True),
    "pad": padding,
    "flip": lambda s: ((x := s.array(), s.axes(x)), {}),
    "roll": rolling,
    "take": taking,
    "repeat": repeating,
    "tile": tiling,
    "matmul": multiplying,
    "tensordot": dotting,
    "outer": binary,
    "where": choosing,
    "clip": clipping,
}
ELSEWHERE = {"einsum": "tests/ops/test_einsum.py"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_values_shapes_dtypes_and_errors_are_numpys(name):
    theirs, ours = getattr(np, name), getattr(ops, name)

    @st.composite
    def calls(draw):
        return OPERATIONS[name](Source(draw))

    @EXAMPLES
    @given(calls())
    def same(call):
        args, params = call
        try:
            expected = theirs(*args, **params)
        except Exception as error:
            with pytest.raises((type(error), ValueError, IndexError)):
                ours(*args, **params)
            return
        value = ours(*args, **params)
        assert np.shape(value) == np.shape(expected)
        assert np.asarray(value).dtype == expected.dtype
        assert_allclose(value, expected, rtol=1e-6 if expected.dtype == np.float32 else 1e-12, atol=1e-6)

        def boxed(x):
            if isinstance(x, list) and x and isinstance(x[0], np.ndarray):
                return [boxed(item) for item in x]
            return Tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x

        tensors = [boxed(arg) for arg in args]
        recorded = ours(*tensors, **params)
        assert isinstance(recorded, Tensor)
        assert recorded.shape == np.shape(expected)
        assert_array_equal(recorded.data, value)
        leaves = [t for t in _tensors(tensors) if t.requires_grad]
        if name in ("sign", "floor", "argmax") or not leaves:
            assert not recorded.requires_grad
            return
        recorded.backward(np.ones_like(recorded.data))
        for leaf in leaves:
            assert leaf.grad is not None
            assert (leaf.grad.shape, leaf.grad.dtype) == (leaf.shape, leaf.dtype)

    same()


def _tensors(args):
    for arg in args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, list):
            yield from (item for item in arg if isinstance(item, Tensor))


def test_every_operation_of_numpy_is_compared():
    shared = {name for name in ops.__all__ if hasattr(np, name)}
    assert shared - {"astype"} == set(OPERATIONS) | set(ELSEWHERE)


@pytest.mark.parametrize("name", ["max", "min"])
def test_the_maximum_of_nothing_is_an_error(name):
    with pytest.raises(ValueError, match="zero-size array"):
        getattr(tg, name)(np.ones((2, 0)), 1)


@pytest.mark.parametrize("name", ["sum", "prod", "norm", "logsumexp", "mean"])
def test_reductions_of_nothing(name):
    value, pullback = tg.vjp(lambda x: getattr(tg, name)(x, 1), np.ones((2, 0)))
    expected = {"sum": 0, "prod": 1, "norm": 0, "logsumexp": -np.inf, "mean": np.nan}[name]
    assert_array_equal(value, [expected, expected])
    assert pullback(np.ones(2))[0].shape == (2, 0)


@pytest.mark.parametrize("scale", [2.0**-600, 2.0**600], ids=["small", "large"])
def test_a_norm_neither_overflows_nor_underflows(scale):
    x = np.array([[3.0, 4.0], [0.0, 0.0], [5.0, -12.0]]) * scale
    value, pullback = tg.vjp(lambda x: tg.norm(x, 1), x)
    assert_array_equal(value, np.array([5.0, 0.0, 13.0]) * scale)
    assert_allclose(pullback(np.ones(3))[0], [[0.6, 0.8], [0, 0], [5 / 13, -12 / 13]], rtol=1e-15)
    assert tg.norm(np.array([np.inf, 1.0])) == np.inf
    assert np.isnan(tg.norm(np.array([np.nan, 1.0])))


def test_a_product_that_underflows_has_the_gradient_of_its_parts():
    """The product over an element is no quotient of the product, which has lost its digits."""
    x = np.array([2.0**-600, 2.0**-600, 2.0**500])
    assert_array_equal(tg.grad(tg.prod)(x), [2.0**-100, 2.0**-100, 0.0])


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_product_that_overflows_has_the_gradient_of_its_parts():
    assert_array_equal(tg.grad(tg.prod)(np.array([1e200, 1e200])), [1e200, 1e200])
