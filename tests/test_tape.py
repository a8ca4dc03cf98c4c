"""Primitives: what registration refuses, what a call keeps, and what the walk checks in a rule's result."""

import pickle

import numpy as np
import pytest
from leaves import leaf
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, grad, ops, primitive
from tinygrad_cnn.tape import raw, sum_to

# --- registration -----------------------------------------------------------------------------------------


@primitive
def affine(x, scale, offset=1.0, *, times=1):
    """A primitive with a default operand and a static parameter."""
    return times * (x * scale + offset)


affine.defvjp(
    x=lambda g, scale, times: g * times * scale,
    scale=lambda g, x, times: g * times * x,
    offset=lambda g, times: g * times,
)


@pytest.mark.parametrize("name", ["z", "times"])
def test_a_rule_for_what_is_no_operand_is_refused_and_names_what_there_is(name):
    with pytest.raises(TypeError, match=rf"'affine' has no operand '{name}' .* it has: x, scale, offset"):
        affine.defvjp(**{name: lambda g: g})


@pytest.mark.parametrize(
    "rule",
    [lambda g, z: g, lambda g, z_shape: g, lambda g, index: g, lambda g, *rest: g, lambda gradient: gradient],
)
def test_a_rule_that_asks_for_an_unknown_name_is_refused_at_registration(rule):
    scaled = primitive(lambda x, *, factor: x * factor)
    with pytest.raises(TypeError, match=r"rule of 'x': asks for '(z|z_shape|index|rest|gradient)'"):
        scaled.defvjp(x=rule)
    assert scaled.rules == {}


def test_a_rule_may_ask_for_everything_that_exists():
    seen = {}

    @primitive
    def scaled(x, y, *, factor=3.0):
        return x * y * factor

    def rule(g, out, x, y, x_shape, y_shape, factor):
        seen.update(out=out, x=x, y=y, x_shape=x_shape, y_shape=y_shape, factor=factor)
        return g * y * factor

    scaled.defvjp(x=rule)
    scaled(leaf([1.0, 2.0]), np.array([5.0, 7.0])).sum().backward()
    assert_array_equal(seen["out"], [15.0, 42.0])
    assert_array_equal(seen["x"], [1.0, 2.0])
    assert_array_equal(seen["y"], [5.0, 7.0])
    assert (seen["x_shape"], seen["y_shape"], seen["factor"]) == ((2,), (2,), 3.0)


@pytest.mark.parametrize("name", ["g", "out", "index", "x_shape", "shape_shape"])
def test_reserved_names_are_refused(name):
    namespace: dict = {}
    exec(f"def f({name}): return {name}\ndef h(x, *, {name}=1): return x", namespace)
    for function in (namespace["f"], namespace["h"]):
        with pytest.raises(TypeError, match=f"'{name}' is reserved"):
            primitive(function)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x, **options: x, r"\*\*keywords are not supported"),
        (lambda x, *rest: x, r"operands are either named or variadic.*x, \*rest"),
    ],
)
def test_signatures_that_leave_open_what_an_operand_is_are_refused(function, said):
    with pytest.raises(TypeError, match=f"'<lambda>': {said}"):
        primitive(function)


def test_a_method_is_refused_where_it_is_decorated_and_a_static_one_works():
    with pytest.raises(TypeError, match=r"'scaled': a method cannot be a primitive.* 'self' is no array"):

        class Method:
            @primitive
            def scaled(self, x):
                return x

    class Static:
        @staticmethod
        @primitive
        def doubled(x):
            return 2 * x

    Static.doubled.defvjp(x=lambda g: 2 * g)
    assert grad(Static().doubled)(3.0) == 2


def test_a_rule_registered_again_replaces_the_first_also_after_use():
    @primitive
    def same(x):
        return x + 0

    same.defvjp(x=lambda g: g)
    assert grad(same)(1.0) == 1
    same.defvjp(x=lambda g, x: g * 5 * x)  # asks for more: the plan of the first must not survive
    assert grad(same)(2.0) == 10


# --- a call -----------------------------------------------------------------------------------------------


def test_on_ndarrays_a_primitive_is_the_numpy_function():
    result = ops.exp(np.array([0.0, 1.0]))
    assert type(result) is np.ndarray
    assert_array_equal(result, np.exp([0.0, 1.0]))
    assert isinstance(ops.sum(np.array([1.0, 2.0])), np.float64)
    constant = ops.exp(Tensor([0.0]))
    assert isinstance(constant, Tensor)
    assert constant.node is None


@pytest.mark.parametrize(
    ("call", "value", "slope"),
    [
        (lambda x, s, o: affine(x, s, o, times=3), 51, 15),
        (lambda x, s, o: affine(x, s, offset=o, times=3), 51, 15),
        (lambda x, s, o: affine(offset=o, scale=s, x=x, times=3), 51, 15),
        (lambda x, s, o: affine(x, offset=o, times=3, scale=s), 51, 15),
        (lambda x, s, o: affine(x, s), 11, 5),
    ],
)
def test_operands_may_be_passed_by_keyword_or_left_to_their_default(call, value, slope):
    x, scale, offset = leaf([2.0]), leaf([5.0]), leaf([7.0])
    out = call(x, scale, offset)
    out.backward(np.ones(1))
    assert (out.data, x.grad, scale.grad) == (value, slope, slope * 2 / 5)
    assert offset.grad == (3 if slope == 15 else None)


@pytest.mark.parametrize("kind", [np.asarray, leaf])
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: affine(x), "missing.*'scale'"),
        (lambda x: affine(scale=x), "affine: missing.*'x'"),
        (lambda x: ops.exp(x, base=10), "exp: got an unexpected keyword argument 'base'"),
    ],
)
def test_an_operand_that_is_missing_or_unknown_is_named(kind, call, said):
    with pytest.raises(TypeError, match=said):
        call(kind(2.0))


def test_too_many_operands_are_described():
    with pytest.raises(TypeError) as caught:
        ops.exp(leaf([1.0]), leaf([2.0]))
    assert caught.value.__notes__ == ["in exp(x: float64[1], operand 1: float64[1])"]


def test_an_operand_may_be_none():
    shifted = primitive(lambda x, by=None: x + 0 if by is None else x + by)
    shifted.defvjp(x=lambda g: g, by=lambda g: g)
    for call in (shifted, lambda x: shifted(x, None), lambda x: shifted(x, by=None)):
        x = leaf([1.0])
        call(x).backward(np.ones(1))
        assert_array_equal(x.grad, [1.0])


@pytest.mark.parametrize(
    "op",
    [primitive(lambda x: np.rint(x).astype(int)), lambda x: ops.astype(x, np.int64), ops.sign, ops.floor],
    ids=["integer", "cast", "sign", "floor"],
)
def test_an_integer_or_piecewise_constant_output_leaves_the_tape(op):
    out = op(leaf([1.6]))
    assert isinstance(out, Tensor)
    assert out.node is None
    assert_array_equal(grad(lambda x: (op(x) * x).sum())(np.array([1.6])), raw(out))


# --- what is kept -----------------------------------------------------------------------------------------


def test_only_what_the_rules_ask_for_is_kept():
    x, y = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    for out, kept in (
        (x + y, set()), (ops.exp(x), {"out"}), (ops.sin(x), {"x"}), (x * y, {"b"}), (y * x, {"a"}),
        (x * x, {"a", "b"}), (x.sum(), {"x_shape", "axis"}),
    ):  # fmt: skip
        assert out.node.saved.keys() == kept
    assert x.sum().node.saved == {"x_shape": (2,), "axis": None}
    assert ops.sin(x).node.saved["x"] is x.data  # the array, not the tensor
    out = ops.exp(x)
    assert out.node.saved["out"] is out.data


def test_the_first_convolution_does_not_keep_its_weight_and_computes_no_input_gradient(monkeypatch):
    x, weight = np.ones((1, 1, 3, 3)), Tensor(np.ones((1, 1, 2, 2)), requires_grad=True)
    out = tg.conv2d(x, weight)
    assert out.node.saved.keys() == {"x", "spec"}
    monkeypatch.setattr("tinygrad_cnn.kernels.conv.input_gradient", None)  # calling it would fail
    out.sum().backward()
    assert_array_equal(weight.grad[0, 0], [[4.0, 4.0], [4.0, 4.0]])


# --- what comes back from a rule --------------------------------------------------------------------------


def with_rule(result, **options):
    @primitive(**options)
    def planted(x):
        return x * 1

    planted.defvjp(x=lambda g: result)
    return planted


@pytest.mark.parametrize(
    ("result", "came"),
    [
        (np.ones(3), r"float64\[3\]"),
        (np.ones((1, 2)), r"float64\[1, 2\]"),
        (np.ones(()), r"float64\[\]"),
        (np.ones(2, np.float32), r"float32\[2\]"),
        (np.ones(2, np.int64), r"int64\[2\]"),
        ([1.0, 1.0], "list"),
        (1.0, "float"),
        (None, "NoneType"),
    ],
)
def test_a_wrong_result_of_a_rule_names_operation_and_operand(result, came):
    match = rf"'planted', rule of operand 'x': expected a cotangent float64\[2\].*returned {came}"
    with pytest.raises(TypeError, match=match):
        with_rule(result)(leaf([1.0, 2.0])).sum().backward()


@pytest.mark.parametrize(
    "result", [np.ones((3, 3)), np.ones((2, 3)), np.ones(1), np.ones(()), None, [1.0, 1.0]]
)
def test_broadcasting_does_not_excuse_a_result_that_never_fitted(result):
    """One of (2, 3) stretches along its first axis from (1, 2), but not along the second."""
    match = r"'planted', rule of operand 'x': expected a cotangent float64\[1, 2\]"
    with pytest.raises(TypeError, match=match):
        with_rule(result, broadcasts=True)(leaf([[1.0, 2.0]])).sum().backward()


@pytest.mark.parametrize(
    ("x", "slope"),
    [([2.0], [18.0]), ([[2.0], [2.0]], [[7.0], [11.0]]), ([[2.0, 2.0]], [[8.0, 10.0]]), (2.0, 18.0)],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_broadcasting_and_promotion_are_undone(x, slope, recorded):
    w = Tensor([[3.0, 4.0], [5.0, 6.0]], requires_grad=recorded)
    found = grad(lambda x: (x * w).sum())(np.array(x, np.float32))
    assert isinstance(found, Tensor) == recorded
    assert_array_equal(raw(found), np.array(slope, np.float32), strict=True)
    if recorded:
        (found * found).sum().backward()  # each weight counts twice the slope that it is part of
        assert_array_equal(w.grad, np.broadcast_to(2 * np.array(slope), (2, 2)), strict=True)


def test_float16_cotangents_are_summed_wide():
    x = Tensor(np.zeros((), np.float16), requires_grad=True)
    scale = np.float16(0.5)
    (x + np.zeros(70_000, np.float16)).backward(np.full(70_000, scale))
    assert x.grad == np.float16(35_000)
    assert sum_to(np.full((4096, 1), np.float16(0.1)), (1, 1)).dtype == np.float16


def test_an_operand_without_a_rule_is_an_error_that_names_both():
    @primitive
    def lookup(x, table):
        return x * table

    lookup.defvjp(x=lambda g, table: g * table)
    assert_array_equal(grad(lambda x: lookup(x, np.array([2.0])).sum())(np.array([1.0])), [2.0])
    out = lookup(leaf([1.0]), leaf([2.0]))  # recording is no error: it may never be differentiated
    with pytest.raises(TypeError, match=r"'lookup' is not differentiable in operand 'table'.*stop_gradient"):
        out.backward(np.ones(1))


def test_an_exception_in_a_rule_says_which_rule():
    @primitive
    def broken(x):
        return x * 1

    broken.defvjp(x=lambda g: g[7])
    with pytest.raises(IndexError) as caught:
        broken(leaf([1.0])).backward(np.ones(1))
    assert caught.value.__notes__ == ["in the gradient rule of 'broken' for operand 'x'"]


def read_only(g):
    result = 5 * g
    result.flags.writeable = False
    return result


KEPT = np.array([5.0])


@pytest.mark.parametrize("rule", [read_only, lambda g: KEPT])
def test_a_rule_may_return_an_array_that_is_read_only_or_kept_elsewhere(rule):
    op, x = with_rule(None), leaf([1.0])
    op.defvjp(x=rule)
    for total in (5.0, 10.0):
        op(x).backward(np.ones(1))
        assert_array_equal(x.grad, [total])
        assert x.grad.flags.writeable
    x.grad *= 0
    assert_array_equal(KEPT, [5.0])


# --- variadic operands ------------------------------------------------------------------------------------


@primitive
def weighted(*xs, weights=(1.0, 2.0, 3.0)):
    """Sum with weights, of any number of arrays."""
    return sum(w * x for w, x in zip(weights, xs, strict=False))


weighted.defvjp(xs=lambda g, index, weights: g * weights[index])


def test_one_rule_serves_all_variadic_operands_by_index():
    x, y = leaf([1.0]), leaf([1.0])
    out = weighted(x, np.array([5.0]), y, weights=(2.0, 0.0, 7.0))
    assert out.node.saved == {"weights": (2.0, 0.0, 7.0)}
    out.backward(np.ones(1))
    assert (x.grad, y.grad) == (2, 7)


def test_a_variadic_rule_sees_all_operands_and_all_shapes_recorded_where_they_are():
    seen = []

    @primitive
    def product(*xs):
        return np.prod(np.stack([np.broadcast_to(x, (2,)) for x in xs]), axis=0)

    def rule(g, xs, xs_shape, index):
        seen.append((xs_shape, [type(x) for x in xs]))
        others = [x for i, x in enumerate(xs) if i != index]
        return g * others[0] * others[1]

    product.defvjp(xs=rule)
    constant = np.array([3.0, 4.0])
    x, y = np.array([1.0, 2.0]), np.array([5.0, 6.0])
    found = tg.hessian(lambda p: product(p["x"], constant, p["y"]).sum())({"x": x, "y": y})
    assert_array_equal(found["x"]["y"], np.diag(constant))
    assert_array_equal(found["x"]["x"], np.zeros((2, 2)))
    assert seen[0] == (((2,), (2,), (2,)), [Tensor, np.ndarray, Tensor])


def test_a_wrong_variadic_result_names_the_position():
    @primitive
    def bad(*xs):
        return xs[0] + xs[1]

    bad.defvjp(xs=lambda g, index: g if index == 0 else np.ones(9))
    with pytest.raises(TypeError, match=r"'bad', rule of operand 'xs\[1\]'"):
        bad(leaf([1.0]), leaf([2.0])).backward(np.ones(1))


def test_a_missing_variadic_rule_names_the_position():
    bare = primitive(lambda *xs: xs[0] + xs[1])
    with pytest.raises(TypeError, match=r"'<lambda>' is not differentiable in operand 'xs\[1\]'"):
        bare(np.ones(1), leaf([2.0])).backward(np.ones(1))


def test_more_than_sixty_four_operands():
    xs = [leaf([float(i)]) for i in range(100)]
    tg.concatenate(xs).backward(np.arange(100.0))
    assert [float(x.grad[0]) for x in xs] == list(range(100))


# --- as an object -----------------------------------------------------------------------------------------


def test_primitives_pickle_by_reference():
    for op in (ops.exp, ops.conv.conv2d_output, ops.pool.max_pool2d_output, affine):
        assert pickle.loads(pickle.dumps(op)) is op


def test_a_primitive_shows_name_and_signature():
    assert repr(affine) == "<primitive affine(x, scale, offset=1.0, *, times=1)>"
    assert affine.__doc__ == "A primitive with a default operand and a static parameter."


def test_a_node_shows_what_made_it_and_the_cotangent_it_takes():
    x = leaf([1.0, 2.0])
    total = (x * 3).sum()
    assert [repr(node) for node in (x.node, *total.node.parents, total.node)] == [
        "<leaf: float64[2]>",
        "<multiply: float64[2]>",
        "None",
        "<sum: float64[]>",
    ]
    inner = total.node.parents[0]
    total.backward()
    assert (repr(total.node), repr(inner)) == ("<released>", "<multiply: float64[2]>")
    assert (total.node.parents, total.node.saved) == ((), {})  # whoever looks into a tape ends here


def test_raw_takes_the_array_out_and_leaves_everything_else():
    x = leaf([1.0])
    assert raw(x) is x.data
    assert raw(None) is None
    assert raw(3.0) == 3.0


def test_a_complex_result_is_refused_also_where_it_would_be_a_constant():
    rounded = primitive(lambda x: np.floor(x) + 0j, piecewise_constant=True)
    with pytest.raises(TypeError, match="complex128"):
        rounded(Tensor(np.ones(2), requires_grad=True))


def test_rules_see_operands_and_output_as_tensors_when_recorded():
    """So a second derivative sees how what a rule uses depends on the operands."""
    seen = []

    @primitive
    def cube(x):
        return x**3

    @primitive
    def by_output(x):
        return np.exp(x)

    cube.defvjp(x=lambda g, x: seen.append(type(x)) or g * 3 * x**2)
    by_output.defvjp(x=lambda g, out: seen.append(type(out)) or g * out)
    assert grad(grad(cube))(2.0) == 12
    assert grad(grad(grad(cube)))(2.0) == 6
    assert_allclose(grad(grad(by_output))(1.0), np.e)
    assert set(seen) == {Tensor, np.ndarray}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_seed_has_the_dtype_of_the_loss(dtype):
    seen = []

    @primitive
    def loss(x):
        return np.sum(x)

    loss.defvjp(x=lambda g, x: seen.append(g.dtype) or g * np.ones_like(x))
    t = Tensor(np.ones(3, dtype), requires_grad=True)
    loss(t).backward()
    grad(loss)(np.ones(3, dtype))
    assert seen == [dtype, dtype]
    assert t.grad.dtype == dtype
