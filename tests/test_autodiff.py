"""Derivatives of functions of trees: gradients, products with Jacobians, Jacobians, and their nesting."""

from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, grad, hessian, hvp, jacobian, jvp, tree, value_and_grad, vjp

Layer = namedtuple("Layer", "weight bias")


def smooth(p):
    """A scalar of a tree with no structure to hide behind: every second derivative differs."""
    w, b = p["w"], p["b"]
    return (tg.sin(w * b) * tg.exp(b) + w**3 / (2 + b * b)).sum() + (w * w).sum() * b[0]


POINT = {"w": np.array([0.3, -0.7, 1.1]), "b": np.array([0.5, 0.2, -0.4])}
OTHER = {"w": np.array([0.2, -1.0, 0.4]), "b": np.array([-0.6, 0.1, 0.9])}


def along(f, point, direction, eps=1e-6):
    """The central difference of a function of a tree along a direction."""

    def shifted(sign):
        return tree.map(lambda x, d: x + sign * eps * d, point, direction)

    return tree.map(lambda up, down: (up - down) / (2 * eps), f(shifted(1)), f(shifted(-1)))


def inner(a, b):
    return sum(float(np.sum(x * y)) for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True))


def assert_trees_close(found, expected, **tolerance):
    tree.map(lambda a, b: assert_allclose(a, b, **tolerance), found, expected)


# --- grad and value_and_grad ------------------------------------------------------------------------------


def test_the_gradient_is_the_directional_derivative():
    value, gradient = value_and_grad(smooth)(POINT)
    assert (value, type(value)) == (smooth(POINT), np.float64)
    assert_allclose(inner(gradient, OTHER), along(smooth, POINT, OTHER), rtol=1e-8)


def test_a_gradient_has_structure_shapes_and_dtypes_of_its_argument():
    point = {
        "list": [np.float32(2.0), np.ones((2, 3), np.float32)],
        "none": None,
        "tuple": (np.ones(2),),
        "layer": Layer(np.ones((1, 2)), {"empty": []}),
        "scalar": 3.0,
    }
    gradient = grad(lambda p: sum(tg.square(x).sum() for x in tree.leaves(p)))(point)
    assert tree.structure(gradient) == tree.structure(point)
    assert isinstance(gradient["layer"], Layer)
    for g, x in zip(tree.leaves(gradient), tree.leaves(point), strict=True):
        assert type(g) is np.ndarray
        assert_array_equal(g, 2 * np.asarray(x), strict=True)


def product(x, y, z):
    return (x * y**2 * z**3).sum()


ARGS = (np.array([2.0]), np.array([3.0]), np.array([5.0]))
PARTIALS = (9 * 125.0, 2 * 2 * 3 * 125.0, 2 * 9 * 3 * 25.0)


@pytest.mark.parametrize("argnums", [0, 1, 2, -1, -2, -3, (0,), (1, 2), (2, 0), (0, -1), [0, 1]])
def test_argnums_picks_one_argument_or_gives_a_tuple_of_several_in_their_order(argnums):
    gradients = grad(product, argnums)(*ARGS)
    assert isinstance(gradients, np.ndarray if isinstance(argnums, int) else tuple)
    assert_array_equal(np.ravel(gradients), np.take(PARTIALS, np.ravel(argnums)))


@pytest.mark.parametrize(
    ("argnums", "said"),
    [
        (3, "argnums: expected positions below 3, .*got 3"),
        (-4, "argnums: expected positions below 3, .*got -4"),
        ((0, 3), "argnums: expected positions below 3, .*got 3"),
        ((0, 0), "argnums: expected each argument once"),
        ((0, -3), "argnums: expected each argument once"),
        ([2, -1], "argnums: expected each argument once"),
    ],
)
@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
def test_argnums_out_of_range_or_twice_the_same_are_an_error(transform, argnums, said):
    with pytest.raises(ValueError, match=said):
        transform(product, argnums)(*ARGS)


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
def test_a_keyword_is_not_differentiated_and_the_error_says_so(transform):
    with pytest.raises(ValueError, match=r"keyword arguments \(x\) are not differentiated: pass by position"):
        transform(lambda x: x * x)(x=1.0)


@pytest.mark.parametrize("f", [lambda x: (x**2).sum(), lambda x: x.sum(), lambda x: tg.sum(x @ x)])
def test_a_list_of_numbers_given_for_an_array_is_named(f):
    with pytest.raises(Exception, match=r"list of numbers: did you mean np\.array") as caught:
        grad(f)([1.0, 2.0])
    assert isinstance(caught.value, TypeError | AttributeError)
    with pytest.raises(TypeError, match="list of numbers"):
        grad(lambda m: tg.sum(2.0 * m))([[1.0, 2.0], [3.0, 4.0]])


def test_an_integer_among_the_arguments_is_named_with_its_path():
    with pytest.raises(TypeError, match=r"^at '0\.count\.0' of the arguments .*x\.astype\(np\.float32\)"):
        grad(lambda p: p["w"])({"w": 1.0, "count": [np.array(3)]})


def test_other_arguments_and_keywords_pass_through_untouched():
    def f(x, labels, *, scale, flag):
        assert type(labels) is np.ndarray
        assert flag == "text"
        return (x[labels] * scale).sum()

    found = grad(f)(np.zeros(3), np.array([0, 2, 2]), scale=2.0, flag="text")
    assert_array_equal(found, [2.0, 0.0, 4.0])


def test_an_argument_that_is_not_used_has_a_zero_gradient_of_its_own():
    point = {"used": np.array([2.0]), "not": np.ones((2, 2), np.float32), "also": 1.0}
    gradient = grad(lambda p: (p["used"] ** 2).sum())(point)
    assert_array_equal(gradient["used"], [4.0])
    assert_array_equal(gradient["not"], np.zeros((2, 2), np.float32), strict=True)
    assert_array_equal(gradient["also"], np.zeros(()), strict=True)
    gradient["not"] += 1
    assert not np.shares_memory(gradient["not"], point["not"])


@pytest.mark.parametrize("constant", [3.0, np.float64(3.0), np.array(3.0), Tensor(3.0)], ids=repr)
def test_an_output_that_does_not_depend_on_the_input_has_a_zero_gradient(constant):
    value, gradient = value_and_grad(lambda x: constant)(np.array([1.0, 2.0]))
    assert value == 3
    assert_array_equal(gradient, [0.0, 0.0])


def test_has_aux_gives_plain_arrays():
    def f(x):
        aux = {"logits": x * 2, "top": x.max(), "note": "text", "none": None, "array": np.ones(1)}
        return (x * x).sum(), aux

    (value, aux), gradient = value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert value == 5
    assert_array_equal(gradient, [2.0, 4.0])
    assert type(aux["logits"]) is np.ndarray
    assert_array_equal(aux["logits"], [2.0, 4.0])
    assert type(aux["top"]) is np.float64
    assert (aux["note"], aux["none"], aux["array"]) == ("text", None, 1)
    assert grad(lambda x: (x * x, x + 1), has_aux=True)(3.0) == (6, 4)


def test_aux_stays_on_the_tape_where_an_outer_derivative_needs_it():
    def outer(w):
        gradient, aux = grad(lambda x: (w * x * x, {"a": w * x, "b": x * 5}), has_aux=True)(3.0)
        assert isinstance(gradient, Tensor)
        assert isinstance(aux["a"], Tensor)
        assert not isinstance(aux["b"], Tensor)  # depends on the inner variable alone
        return gradient + 10 * aux["a"]

    assert grad(outer)(2.0) == 6 + 30


def test_aux_that_depends_on_the_outside_is_recorded_even_if_the_value_does_not():
    def outer(w):
        (value, aux), gradient = value_and_grad(lambda x: (x * x, w * 2), has_aux=True)(3.0)
        assert not isinstance(value, Tensor)
        assert type(gradient) is np.ndarray
        return aux * 1

    assert grad(outer)(5.0) == 2


@pytest.mark.parametrize("transform", [grad, value_and_grad])
@pytest.mark.parametrize(
    ("f", "came"),
    [
        (lambda x: x, r"float64\[2\]"),
        (lambda x: x.sum(keepdims=True), r"float64\[1\]"),
        (lambda x: None, "NoneType"),
        (lambda x: 3, "int"),
        (lambda x: tg.astype(x, int).sum(), r"int64\[\]"),
        (lambda x: [x.sum()], "list"),
        (lambda x: {"loss": x.sum()}, "dict"),
        (lambda x: (x.sum(), x), r"tuple \(has_aux=True"),
    ],
)
def test_a_function_that_returns_no_floating_scalar_is_an_error(transform, f, came):
    with pytest.raises(TypeError, match=f"expected a function of floating scalar output, got {came}"):
        transform(f)(np.array([1.0, 2.0]))


@pytest.mark.parametrize("f", [lambda x: x.sum(), lambda x: [x.sum(), x], lambda x: (x.sum(), x, x)])
def test_has_aux_wants_a_pair(f):
    with pytest.raises(TypeError, match=r"returns \(scalar, aux\), for .*, got (float64|list|tuple)"):
        grad(f, has_aux=True)(np.array([1.0, 2.0]))


TRANSFORMS = {
    "grad": lambda f, x: grad(lambda x: tg.sum(f(x)))(x),
    "vjp": lambda f, x: vjp(f, x)[1](np.ones_like(x))[0],
    "jvp": lambda f, x: jvp(f, [x], [np.ones_like(x)])[1],
    "hvp": lambda f, x: hvp(lambda x: tg.sum(f(x)), [x], [np.ones_like(x)]),
    "jacobian": lambda f, x: jacobian(f)(x),
    "hessian": lambda f, x: hessian(lambda x: tg.sum(f(x)))(x),
}


@pytest.mark.parametrize("x", [2, True, np.array([1, 2]), {"a": np.array([True])}, np.array([1j])], ids=repr)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_arguments_to_differentiate_must_be_floating(transform, x):
    kind = np.asarray(tree.leaves(x)[0]).dtype
    with pytest.raises(TypeError, match=f"{kind} tensors cannot require gradients: cast"):
        TRANSFORMS[transform](lambda x: 1.0, x)


def test_arguments_that_are_not_differentiated_may_be_integers():
    assert grad(lambda x, n: x**n)(3.0, 2) == 6


def test_the_transformed_function_keeps_its_name():
    assert grad(smooth).__name__ == "smooth"
    assert jacobian(smooth).__doc__ == smooth.__doc__


# --- vjp, jvp, hvp, jacobian, hessian ---------------------------------------------------------------------


def several(p):
    """A tree of outputs of different shapes, one of them constant."""
    return {
        "matrix": tg.exp(p["w"])[:, None] * p["b"],
        "pair": (tg.sin(p["b"]), (p["w"] * p["b"]).sum()),
        "constant": np.ones(2),
    }


COTANGENT = {
    "pair": (np.array([1.0, -2.0, 0.5]), np.array(3.0)),
    "constant": np.ones(2),
    "matrix": np.arange(9.0).reshape(3, 3),
}


def test_vjp_of_a_tree_of_outputs_is_the_transpose_of_jvp():
    out, pullback = vjp(several, POINT)
    (pulled,) = pullback(COTANGENT)
    same, tangent_out = jvp(several, [POINT], [OTHER])
    assert_trees_close(out, several(POINT))
    assert_trees_close(same, several(POINT))
    ordered = tree.map(lambda _, g: g, out, COTANGENT)
    assert_allclose(inner(pulled, OTHER), inner(ordered, tangent_out), rtol=1e-13)
    assert tree.structure(tangent_out) == tree.structure(out)


def test_jvp_is_the_directional_derivative():
    _, tangent_out = jvp(several, [POINT], [OTHER])
    assert_trees_close(tangent_out, along(several, POINT, OTHER), rtol=1e-8, atol=1e-9)


def test_a_pullback_can_be_called_again_and_adds_up_an_output_that_comes_twice():
    def twice(x):
        y = x * 3
        return y, y, x

    _, pullback = vjp(twice, np.array([1.0]))
    for _ in range(2):
        (pulled,) = pullback((np.array([1.0]), np.array([10.0]), np.array([100.0])))
        assert_array_equal(pulled, [133.0])


def test_outputs_that_are_not_floating_have_zero_derivatives():
    def f(x):
        return {"y": x * 2, "count": np.array([3, 4]), "mask": x > 0}

    x = np.array([1.0, 2.0])
    slopes, blocks = jvp(f, [x], [np.ones(2)])[1], jacobian(f)(x)
    for name, slope in (("y", 2), ("count", 0), ("mask", 0)):
        assert_array_equal(slopes[name], [slope, slope])
        assert_array_equal(blocks[name], slope * np.eye(2))


def test_the_identity_and_constants_can_be_differentiated():
    x = np.array([1.0, 2.0])
    assert_array_equal(vjp(lambda x: x, x)[1](np.array([3.0, 4.0]))[0], [3.0, 4.0])
    assert_array_equal(vjp(lambda x: np.ones(3), x)[1](np.ones(3))[0], [0.0, 0.0])
    assert_array_equal(jvp(lambda x: np.ones(3), [x], [x])[1], np.zeros(3))
    assert_array_equal(jvp(lambda x: x, [x], [x])[1], x)
    assert_array_equal(jacobian(lambda x: x)(x), np.eye(2))


@pytest.mark.parametrize(
    ("cotangent", "match"),
    [
        (np.ones(3), r"vjp: expected a cotangent of shape \(2,\) like the output, got \(3,\)"),
        (np.ones((1, 2)), r"got \(1, 2\)"),
        ({"a": np.ones(2)}, "different structure"),
    ],
)
def test_a_cotangent_that_does_not_fit_is_an_error(cotangent, match):
    _, pullback = vjp(lambda x: x * 2, np.ones(2))
    with pytest.raises(ValueError, match=match):
        pullback(cotangent)


@pytest.mark.parametrize(
    ("tangents", "match"),
    [
        ([np.ones(3)], r"jvp: expected a tangent of shape \(2,\) like its primal, got \(3,\)"),
        ([], "different structure"),
        ([{"a": np.ones(2)}], "different structure"),
    ],
)
@pytest.mark.parametrize("product", [jvp, hvp])
def test_a_tangent_that_does_not_fit_is_an_error(product, tangents, match):
    with pytest.raises(ValueError, match=match):
        product(lambda x: (x * x).sum(), [np.ones(2)], tangents)


def test_hvp_is_the_hessian_times_the_tangent():
    found = hvp(smooth, [POINT], [OTHER])
    blocks = hessian(smooth)(POINT)
    expected = {row: sum(blocks[row][col] @ OTHER[col] for col in OTHER) for row in POINT}
    assert_trees_close(found, expected, rtol=1e-12)
    assert_trees_close(found, along(grad(smooth), POINT, OTHER), rtol=1e-7)


def test_the_jacobian_of_a_tree_is_a_tree_of_trees():
    blocks = jacobian(several)(POINT)
    expected = np.exp(POINT["w"])[:, None] * POINT["b"]
    assert_allclose(blocks["matrix"]["w"], expected[:, :, None] * np.eye(3)[:, None, :])
    assert_allclose(blocks["pair"][0]["b"], np.diag(np.cos(POINT["b"])))
    assert_allclose(blocks["pair"][1]["w"], POINT["b"])
    assert_array_equal(blocks["constant"]["w"], np.zeros((2, 3)))


def test_jacobian_with_argnums():
    a, b = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])
    by_a, by_b = jacobian(lambda a, b: a @ b, (0, 1))(a, b)
    assert_array_equal(by_b, a)
    assert_array_equal(by_a, np.eye(2)[:, :, None] * b)
    assert_array_equal(jacobian(lambda a, b: a @ b, -1)(a, b), a)
    empty = jacobian(lambda x, y: x[:0] * y, (1, 0))(np.ones(3), np.float32(1))
    assert [block.shape for block in empty] == [(0,), (0, 3)]


def test_the_hessian_is_symmetric_block_by_block():
    blocks = hessian(smooth)(POINT)
    for row in POINT:
        for col in POINT:
            assert_allclose(blocks[row][col], blocks[col][row].T, rtol=1e-13, atol=1e-15)


def test_hessian_with_argnums_gives_every_pair():
    blocks = hessian(product, (0, 2))(*ARGS)
    assert_allclose(blocks, [[[[0.0]], [[9 * 3 * 25.0]]], [[[9 * 3 * 25.0]], [[2 * 9 * 6 * 5.0]]]])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_reverse_and_forward_products_agree_with_the_jacobian(n, m, seed):
    rng = np.random.default_rng(seed)
    matrix, x, v, u = rng.standard_normal((m, n)), *rng.standard_normal((2, n)), rng.standard_normal(m)

    def f(x):
        return tg.tanh(matrix @ x) * (x * x).sum()

    full = jacobian(f)(x)
    assert_allclose(jvp(f, [x], [v])[1], full @ v, rtol=1e-10, atol=1e-12)
    assert_allclose(vjp(f, x)[1](u)[0], u @ full, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_float32_stays_float32(transform):
    x = np.array([1.0, 2.0], np.float32)
    assert TRANSFORMS[transform](lambda x: tg.sin(x) * x / 2, x).dtype == np.float32


# --- higher orders ----------------------------------------------------------------------------------------

SIN = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]
TANH = [
    np.tanh,
    lambda x: 1 - np.tanh(x) ** 2,
    lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
    lambda x: (1 - np.tanh(x) ** 2) * (6 * np.tanh(x) ** 2 - 2),
    lambda x: (1 - np.tanh(x) ** 2) * (16 * np.tanh(x) - 24 * np.tanh(x) ** 3),
]


def derivative(f, how):
    """Make the function of the derivative of a function of a number, in reverse or in forward mode."""
    return grad(f) if how == "reverse" else lambda x: jvp(f, [x], [1.0])[1]


@pytest.mark.parametrize("how", ["reverse", "forward"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(("f", "derivatives"), [(tg.sin, SIN), (tg.tanh, TANH)], ids=["sin", "tanh"])
def test_derivatives_of_order_one_to_four(f, derivatives, order, how):
    nth = f
    for _ in range(order):
        nth = derivative(nth, how)
    for x in (-1.3, 0.0, 0.7):
        assert_allclose(nth(np.array(x)), derivatives[order](x), rtol=1e-12, atol=1e-14)


def test_an_argument_of_the_outer_function_passed_to_the_inner_one_is_another_variable():
    # d/dx of (d/dy x y**2 at y = x) = d/dx 2 x**2
    assert grad(lambda x: grad(lambda y: x * y**2)(x))(3.0) == 12
    assert grad(lambda x: x * grad(lambda y: x * y**2)(x))(3.0) == 6 * 3**2


@pytest.mark.parametrize("inner_is", ["reverse", "forward"])
@pytest.mark.parametrize("outer_is", ["reverse", "forward"])
def test_perturbation_confusion_in_every_mixture(outer_is, inner_is):
    f = derivative(lambda x: x * derivative(lambda y: x + y, inner_is)(1.0), outer_is)
    assert f(1.0) == 1
    f = derivative(lambda x: x * derivative(lambda y: x * x * y, inner_is)(1.0), outer_is)
    assert f(2.0) == 12


def test_forward_over_reverse_is_reverse_over_forward():
    forward_over_reverse = jvp(grad(smooth), [POINT], [OTHER])[1]
    reverse_over_forward = grad(lambda p: jvp(smooth, [p], [OTHER])[1])(POINT)
    assert_trees_close(forward_over_reverse, reverse_over_forward, rtol=1e-12)


def test_the_tangent_can_be_differentiated():
    # d/dv of f'(x) v is f'(x)
    gradient = grad(lambda v: jvp(smooth, [POINT], [v])[1])(OTHER)
    assert_trees_close(gradient, grad(smooth)(POINT), rtol=1e-13)


def test_the_cotangent_can_be_differentiated():
    x, v = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    found = grad(lambda g: (vjp(lambda x: x**3, x)[1](g)[0] * v).sum())(np.ones(2))
    assert_array_equal(found, 3 * x**2 * v)


# --- the world outside ------------------------------------------------------------------------------------


def test_a_derivative_that_depends_on_no_tensor_outside_is_not_recorded():
    constant, unrelated = Tensor([1.0, 2.0]), Tensor(1.0, requires_grad=True) * 2

    def f(x):
        assert unrelated.data == 2
        return (x * constant).sum()

    assert type(grad(f)(np.array([3.0, 4.0]))) is np.ndarray
    assert type(vjp(lambda x: x * constant, np.ones(2))[0]) is np.ndarray


def test_a_closure_over_a_tensor_or_over_something_computed_from_one_is_recorded():
    w = Tensor([2.0, 3.0], requires_grad=True)
    scale = tg.exp(w)
    value, gradient = value_and_grad(lambda x: (scale * w * x**2).sum())(np.array([1.0, 5.0]))
    assert isinstance(value, Tensor)
    assert isinstance(gradient, Tensor)
    gradient.sum().backward()  # sum 2 exp(w) w x
    assert_allclose(w.grad, 2 * np.exp(w.data) * (1 + w.data) * [1, 5], rtol=1e-14)


def test_tensors_as_arguments_are_recorded_a_gradient_penalty():
    x = Tensor([1.0, 2.0], requires_grad=True)
    w = Tensor([3.0, 5.0], requires_grad=True)
    gradient = grad(lambda x: (w * x**3).sum())(x)
    ((gradient**2).sum()).backward()  # sum (3 w x**2)**2
    assert_array_equal(w.grad, 18 * w.data * x.data**4)
    assert_array_equal(x.grad, 36 * w.data**2 * x.data**3)


@pytest.mark.parametrize("transform", ["jacobian", "jvp"])
def test_jacobian_and_jvp_are_recorded_too(transform):
    w = Tensor(2.0, requires_grad=True)
    slopes = TRANSFORMS[transform](lambda x: w * x**2, np.array([1.0, 3.0]))
    assert isinstance(slopes, Tensor)
    slopes.sum().backward()
    assert w.grad == 8


def test_the_tensors_inside_do_not_leak_gradients_into_outer_leaves():
    w = Tensor(2.0, requires_grad=True)
    grad(lambda x: w * x * x)(w)
    assert w.grad is None


@pytest.mark.parametrize("after", [lambda y: y, lambda y: y * 2])
def test_a_tensor_whose_graph_was_released_is_a_variable_like_any_array(after):
    y = Tensor(2.0, requires_grad=True) * 3
    y.backward()
    y = after(y)
    found = grad(lambda y: y * grad(lambda z: z * y)(1.0))(y)  # d(y**2) / dy
    assert type(found) is np.ndarray
    assert found == 2 * y.item()


def test_a_function_that_ignores_its_lifted_argument_sees_the_outer_one_as_another():
    x = Tensor(3.0, requires_grad=True)
    gradient = grad(lambda y: y * x)(x)  # by the argument alone, not by the closure
    assert gradient.data == 3
    gradient.backward()
    assert x.grad == 1


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (tg.sqrt, np.inf),
        (tg.log, np.inf),
        (lambda x: 1 / x, -np.inf),
        (tg.abs, 0.0),
        (lambda x: tg.where(x > 0, tg.sqrt(x), 0.0), 0.0),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_jvp_at_a_singular_point_is_the_gradient_there(f, slope):
    assert jvp(f, [np.array(0.0)], [np.array(1.0)])[1] == grad(f)(0.0) == slope


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.pop("a"),
        lambda p: p.update(a=p.pop("a")),
        lambda p: p.update(d=p["a"]),
        lambda p: p.clear(),
    ],
    ids=["removed", "moved to the end", "added", "cleared"],
)
def test_a_function_may_change_the_tree_that_it_is_given(change):
    def f(p):
        out = p["a"] + 10 * p["b"] + 100 * p["c"]
        change(p)
        return out

    assert grad(f)({"a": 1.0, "b": 2.0, "c": 3.0}) == {"a": 1, "b": 10, "c": 100}


def test_a_pullback_is_recorded_when_one_of_several_outputs_depends_on_the_outside():
    def pulled(a):
        pullback = tg.vjp(lambda x: (a * x, 2 * x), 1.0)[1]
        return pullback((1.0, 1.0))[0]  # a + 2

    assert grad(pulled)(3.0) == 1
