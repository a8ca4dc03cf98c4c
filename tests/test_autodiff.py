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
    assert value == smooth(POINT)
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


@pytest.mark.parametrize("argnums", [0, 1, 2, -1, -2, -3])
def test_argnums_picks_one_argument(argnums):
    assert_array_equal(grad(product, argnums)(*ARGS), [PARTIALS[argnums]])


@pytest.mark.parametrize("argnums", [(0,), (1, 2), (2, 0), (0, -1), [0, 1]])
def test_several_argnums_give_a_tuple_in_their_order(argnums):
    gradients = grad(product, argnums)(*ARGS)
    assert isinstance(gradients, tuple)
    assert_array_equal(gradients, [[PARTIALS[n]] for n in argnums])


@pytest.mark.parametrize("argnums", [3, -4, (0, 3)])
@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
def test_argnums_out_of_range_is_an_error(transform, argnums):
    wrong = argnums[1] if isinstance(argnums, tuple) else argnums
    with pytest.raises(ValueError, match=rf"argnums: expected positions below 3, .*got {wrong}"):
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
    with pytest.raises(TypeError, match=r"as in x\.astype\(np\.float32\)") as caught:
        grad(lambda p: p["w"])({"w": 1.0, "count": [np.array(3)]})
    assert caught.value.__notes__ == ["at '0.count.0' of the arguments to differentiate"]


@pytest.mark.parametrize("argnums", [(0, 0), (0, -3), [2, -1]])
def test_the_same_argument_twice_is_an_error(argnums):
    with pytest.raises(ValueError, match="argnums: expected each argument once"):
        grad(product, argnums)(*ARGS)


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


def test_values_come_back_as_numpy_scalars():
    value, _ = value_and_grad(lambda x: x.sum())(np.array([1.0, 2.0], np.float32))
    assert type(value) is np.float32


def test_the_arguments_are_not_changed_and_gradients_share_no_memory():
    x = np.array([1.0, 2.0])
    first, second = grad(lambda x, y: (x + y).sum(), (0, 1))(x, x)
    assert not np.shares_memory(first, second)
    first *= 100
    assert_array_equal(x, [1.0, 2.0])
    assert_array_equal(second, [1.0, 1.0])


def test_has_aux_gives_plain_arrays():
    def f(x):
        return (x * x).sum(), {
            "logits": x * 2,
            "top": x.max(),
            "note": "text",
            "none": None,
            "array": np.ones(1),
        }

    (value, aux), gradient = value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert value == 5
    assert_array_equal(gradient, [2.0, 4.0])
    assert type(aux["logits"]) is np.ndarray
    assert_array_equal(aux["logits"], [2.0, 4.0])
    assert type(aux["top"]) is np.float64
    assert (aux["note"], aux["none"], aux["array"]) == ("text", None, 1)


def test_grad_with_aux_gives_gradient_and_aux():
    gradient, aux = grad(lambda x: (x * x, x + 1), has_aux=True)(3.0)
    assert (gradient, aux) == (6, 4)


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
    with pytest.raises(
        TypeError, match=r"returns \(scalar, aux\), for has_aux=True, got (float64|list|tuple)"
    ):
        grad(f, has_aux=True)(np.array([1.0, 2.0]))


@pytest.mark.parametrize("x", [2, True, np.array([1, 2]), {"a": np.array([True])}, np.array([1j])], ids=repr)
@pytest.mark.parametrize(
    "call",
    [
        lambda x: grad(lambda x: 1.0)(x),
        lambda x: vjp(lambda x: x, x),
        lambda x: jacobian(lambda x: x)(x),
        lambda x: jvp(lambda x: x, [x], [x]),
    ],
)
def test_arguments_to_differentiate_must_be_floating(call, x):
    kind = np.asarray(tree.leaves(x)[0]).dtype
    with pytest.raises(TypeError, match=f"{kind} tensors cannot require gradients: cast"):
        call(x)


def test_integer_arguments_that_are_not_differentiated_are_fine():
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


def test_a_pullback_can_be_called_again():
    _, pullback = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    for _ in range(2):
        (pulled,) = pullback(np.array([1.0, 10.0]))
        assert_array_equal(pulled, [2.0, 40.0])


def test_the_same_output_twice_adds_up():
    def twice(x):
        y = x * 3
        return y, y, x

    (pulled,) = vjp(twice, np.array([1.0]))[1]((np.array([1.0]), np.array([10.0]), np.array([100.0])))
    assert_array_equal(pulled, [133.0])


def test_outputs_that_are_not_floating_have_zero_derivatives():
    def f(x):
        return {"y": x * 2, "count": np.array([3, 4]), "mask": x > 0}

    x = np.array([1.0, 2.0])
    _, tangent = jvp(f, [x], [np.ones(2)])
    assert_array_equal(tangent["y"], [2.0, 2.0])
    assert_array_equal(tangent["count"], [0.0, 0.0])
    assert_array_equal(tangent["mask"], [0.0, 0.0])
    blocks = jacobian(f)(x)
    assert_array_equal(blocks["y"], 2 * np.eye(2))
    assert not blocks["count"].any()
    assert not blocks["mask"].any()


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


@pytest.mark.parametrize("call", [jvp, lambda f, *a: hvp(lambda x: f(x).sum(), *a)])
def test_a_tangent_that_does_not_fit_is_an_error(call):
    def f(x):
        return x * x

    with pytest.raises(
        ValueError, match=r"jvp: expected a tangent of shape \(2,\) like its primal, got \(3,\)"
    ):
        call(f, [np.ones(2)], [np.ones(3)])
    with pytest.raises(ValueError, match="different structure"):
        call(f, [np.ones(2)], [])
    with pytest.raises(ValueError, match="different structure"):
        call(f, [np.ones(2)], [{"a": np.ones(2)}])


def test_hvp_is_the_hessian_times_the_tangent():
    found = hvp(smooth, [POINT], [OTHER])
    blocks = hessian(smooth)(POINT)
    expected = {row: sum(blocks[row][col] @ OTHER[col] for col in OTHER) for row in POINT}
    assert_trees_close(found, expected, rtol=1e-12)
    assert_trees_close(found, along(grad(smooth), POINT, OTHER), rtol=1e-7)


def test_the_jacobian_of_a_tree_is_a_tree_of_trees():
    blocks = jacobian(several)(POINT)
    assert blocks["matrix"]["w"].shape == (3, 3, 3)
    assert blocks["pair"][1]["b"].shape == (3,)
    assert blocks["constant"]["w"].shape == (2, 3)
    assert not blocks["constant"]["w"].any()
    expected = np.exp(POINT["w"])[:, None] * POINT["b"]
    assert_allclose(blocks["matrix"]["w"], expected[:, :, None] * np.eye(3)[:, None, :])
    assert_allclose(blocks["pair"][0]["b"], np.diag(np.cos(POINT["b"])))
    assert_allclose(blocks["pair"][1]["w"], POINT["b"])


def test_jacobian_with_argnums():
    a, b = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])
    by_a, by_b = jacobian(lambda a, b: a @ b, (0, 1))(a, b)
    assert_array_equal(by_b, a)
    assert_array_equal(by_a, np.eye(2)[:, :, None] * b)
    assert_array_equal(jacobian(lambda a, b: a @ b, -1)(a, b), a)


def test_the_jacobian_of_an_empty_output():
    assert jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)
    assert jacobian(lambda x, y: x[:0] * y, (1, 0))(np.ones(3), np.float32(1))[0].shape == (0,)


def test_the_hessian_is_symmetric_block_by_block():
    blocks = hessian(smooth)(POINT)
    for row in POINT:
        for col in POINT:
            assert_allclose(blocks[row][col], blocks[col][row].T, rtol=1e-13, atol=1e-15)
    differences = [
        along(lambda p: grad(smooth)(p)["w"], POINT, {"w": np.zeros(3), "b": e}) for e in np.eye(3)
    ]
    assert_allclose(blocks["w"]["b"], np.stack(differences, axis=1), rtol=1e-7, atol=1e-8)


def test_hessian_with_argnums_gives_every_pair():
    blocks = hessian(product, (0, 2))(*ARGS)
    assert_allclose(blocks[0][1], [[9 * 3 * 25.0]])
    assert_allclose(blocks[1][0], [[9 * 3 * 25.0]])
    assert_allclose(blocks[0][0], [[0.0]])
    assert_allclose(blocks[1][1], [[2 * 9 * 6 * 5.0]])


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


def test_float32_stays_float32():
    x = np.array([1.0, 2.0], np.float32)

    def f(x):
        return tg.sin(x) * x / 2

    results = [
        grad(lambda x: f(x).sum())(x),
        vjp(f, x)[1](np.ones(2))[0],
        jvp(f, [x], [np.ones(2)])[1],
        hvp(lambda x: f(x).sum(), [x], [np.ones(2)]),
        jacobian(f)(x),
        hessian(lambda x: f(x).sum())(x),
    ]
    assert [result.dtype for result in results] == [np.float32] * len(results)


# --- higher orders ----------------------------------------------------------------------------------------

SIN = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]
TANH = [
    np.tanh,
    lambda x: 1 - np.tanh(x) ** 2,
    lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
    lambda x: (1 - np.tanh(x) ** 2) * (6 * np.tanh(x) ** 2 - 2),
    lambda x: (1 - np.tanh(x) ** 2) * (16 * np.tanh(x) - 24 * np.tanh(x) ** 3),
]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(("f", "derivatives"), [(tg.sin, SIN), (tg.tanh, TANH)], ids=["sin", "tanh"])
def test_derivatives_of_order_one_to_four(f, derivatives, order):
    def nth(x):
        return f(x)

    for _ in range(order):
        nth = grad(nth)
    for x in (-1.3, -0.2, 0.0, 0.7, 2.1):
        assert_allclose(nth(x), derivatives[order](x), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_forward_derivatives_of_order_one_to_four(order):
    def nth(x):
        return tg.tanh(x)

    def differentiated(f):
        return lambda x: jvp(f, [x], [1.0])[1]

    for _ in range(order):
        nth = differentiated(nth)
    assert_allclose(nth(np.array(0.7)), TANH[order](0.7), rtol=1e-12)


def test_perturbation_confusion():
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6


def test_an_argument_of_the_outer_function_passed_to_the_inner_one_is_another_variable():
    # d/dx of (d/dy x y**2 at y = x) = d/dx 2 x**2
    assert grad(lambda x: grad(lambda y: x * y**2)(x))(3.0) == 12
    assert grad(lambda x: x * grad(lambda y: x * y**2)(x))(3.0) == 6 * 3**2


@pytest.mark.parametrize("inner_is", ["reverse", "forward"])
@pytest.mark.parametrize("outer_is", ["reverse", "forward"])
def test_perturbation_confusion_in_every_mixture(outer_is, inner_is):
    def derivative(f, how):
        return grad(f) if how == "reverse" else lambda x: jvp(f, [x], [1.0])[1]

    f = derivative(lambda x: x * derivative(lambda y: x + y, inner_is)(1.0), outer_is)
    assert f(1.0) == 1
    f = derivative(lambda x: x * derivative(lambda y: x * x * y, inner_is)(1.0), outer_is)
    assert f(2.0) == 12


def test_mixed_partials_are_symmetric():
    def f(x, y):
        return tg.sin(x * y) * tg.exp(x)

    one = grad(lambda x: grad(lambda y: f(x, y))(0.7))(0.3)
    other = grad(lambda y: grad(lambda x: f(x, y))(0.3))(0.7)
    assert_allclose(one, other, rtol=1e-14)
    x, y = 0.3, 0.7
    analytic = np.exp(x) * (np.cos(x * y) * (1 + x) - x * y * np.sin(x * y))
    assert_allclose(one, analytic, rtol=1e-14)


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


def test_the_power_with_both_operands_on_the_tape_has_a_hessian():
    blocks = hessian(lambda p: p["x"] ** p["y"])({"x": 2.0, "y": 3.0})
    assert_allclose(blocks["x"]["x"], 6 * 2.0)
    assert_allclose(blocks["x"]["y"], 4 * (1 + 3 * np.log(2)))
    assert_allclose(blocks["y"]["y"], 8 * np.log(2) ** 2)


# --- the world outside ------------------------------------------------------------------------------------


def test_a_derivative_without_an_outer_tensor_is_not_recorded():
    constant = Tensor([1.0, 2.0])
    _, gradient = value_and_grad(lambda x: (x * constant).sum())(np.array([3.0, 4.0]))
    assert type(gradient) is np.ndarray
    assert type(vjp(lambda x: x * constant, np.ones(2))[0]) is np.ndarray


def test_an_older_tensor_that_the_output_does_not_depend_on_does_not_cause_recording():
    other = Tensor(1.0, requires_grad=True)
    unrelated = other * 2

    def f(x):
        assert unrelated.data == 2
        return x * x

    assert type(grad(f)(np.array(3.0))) is np.ndarray


def test_a_closure_over_a_tensor_is_recorded():
    w = Tensor([2.0, 3.0], requires_grad=True)
    value, gradient = value_and_grad(lambda x: (w * x**2).sum())(np.array([1.0, 5.0]))
    assert isinstance(value, Tensor)
    assert isinstance(gradient, Tensor)
    (gradient**2).sum().backward()  # sum (2 w x)**2
    assert_array_equal(w.grad, [8 * 2.0 * 1, 8 * 3.0 * 25])


def test_a_closure_over_something_computed_from_a_tensor_is_recorded():
    w = Tensor(2.0, requires_grad=True)
    scale = tg.exp(w)
    gradient = grad(lambda x: scale * x * x)(3.0)
    gradient.backward()
    assert_allclose(w.grad, 6 * np.exp(2.0))


def test_tensors_as_arguments_are_recorded_a_gradient_penalty():
    x = Tensor([1.0, 2.0], requires_grad=True)
    w = Tensor([3.0, 5.0], requires_grad=True)
    gradient = grad(lambda x: (w * x**3).sum())(x)
    ((gradient**2).sum()).backward()  # sum (3 w x**2)**2
    assert_array_equal(w.grad, 18 * w.data * x.data**4)
    assert_array_equal(x.grad, 36 * w.data**2 * x.data**3)


def test_a_gradient_penalty_through_a_convolution_agrees_with_differences():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 2, 5, 4)), rng.standard_normal((3, 2, 3, 2))

    def penalty(w):
        gradient = grad(lambda x: (tg.tanh(tg.conv2d(x, w, stride=2, padding=1)) ** 2).sum())(x)
        return (gradient**2).sum()

    direction = rng.standard_normal(w.shape)
    found = float((grad(penalty)(w) * direction).sum())
    assert_allclose(found, along(penalty, w, direction), rtol=1e-7)


def test_jacobian_and_jvp_are_recorded_too():
    w = Tensor(2.0, requires_grad=True)
    rows = jacobian(lambda x: w * x**2)(np.array([1.0, 3.0]))
    assert isinstance(rows, Tensor)
    rows.sum().backward()
    assert w.grad == 8
    w.grad = None
    _, tangent = jvp(lambda x: w * x**2, [np.array([1.0, 3.0])], [np.ones(2)])
    tangent.sum().backward()
    assert w.grad == 8


def test_the_tensors_inside_do_not_leak_gradients_into_outer_leaves():
    w = Tensor(2.0, requires_grad=True)
    grad(lambda x: w * x)(3.0)
    assert w.grad is None
    grad(lambda x: x * x)(w)
    assert w.grad is None


@pytest.mark.parametrize("after", [lambda y: y, lambda y: y * 2])
def test_a_tensor_whose_graph_was_released_is_a_variable_like_any_array(after):
    y = Tensor(2.0, requires_grad=True) * 3
    y.backward()
    y = after(y)
    found = grad(lambda y: y * grad(lambda z: z * y)(1.0))(y)  # d(y**2) / dy
    assert type(found) is np.ndarray
    assert found == 2 * y.item()


def test_stop_gradient():
    assert grad(lambda x: x * tg.stop_gradient(x * x))(3.0) == 9
    kept = tg.stop_gradient({"a": Tensor(1.0, requires_grad=True), "b": [np.ones(2), None]})
    assert not kept["a"].requires_grad
    assert_array_equal(kept["b"][0], [1.0, 1.0])
    assert grad(grad(lambda x: tg.stop_gradient(x) * x**2))(3.0) == 6


def test_a_function_that_ignores_its_lifted_argument_sees_the_outer_one_as_another():
    x = Tensor(3.0, requires_grad=True)
    gradient = grad(lambda y: y * x)(x)  # by the argument alone, not by the closure
    assert gradient.data == 3
    gradient.backward()
    assert x.grad == 1


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [(tg.sqrt, 0.0, np.inf), (tg.log, 0.0, np.inf), (lambda x: 1 / x, 0.0, -np.inf), (tg.abs, 0.0, 0.0)],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_jvp_at_a_singular_point_is_the_gradient_there(f, x, slope):
    assert tg.jvp(f, [np.array(x)], [np.array(1.0)])[1] == tg.grad(f)(np.array(x)) == slope


@pytest.mark.filterwarnings("ignore:invalid value")
def test_jvp_of_a_branch_that_is_not_taken_is_finite():
    def f(x):
        return tg.where(x > 0, tg.sqrt(x), 0.0)

    tangent = tg.jvp(f, [np.array([0.0, 4.0])], [np.ones(2)])[1]
    assert tangent.tolist() == [0.0, 0.25]


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.pop("a"),
        lambda p: p.update(a=p.pop("a")),  # now the last
        lambda p: p.update(d=p["a"]),
        lambda p: p.clear(),
    ],
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
